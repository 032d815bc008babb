//! What is wrong with a handle is said where it is, all of it at once.

use sprocket_core::kind::{Handle, ResourceRef};
use sprocket_core::program::Output;

#[derive(Handle)]
#[handle(naming = forever, colour = "red", spec = (), state = 1 + 1, kind = 3)]
struct Lamp {
    id: Output<String>,
    #[output(name, volatile)]
    name: Output<String>,
    #[output(state.version, fixed)]
    version: Output<u64>,
}

#[derive(Handle)]
#[handle(kind = "test:tuple", provider = Random, naming = fixed)]
struct Tuple(Output<String>, ResourceRef<Self>);

#[derive(Handle)]
enum Which {}

fn main() {}
