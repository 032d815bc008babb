//! What the benches measure: a provider in memory, graphs of resources, and states to plan against.

mod counted;
mod ground;
pub mod measure;
pub mod memory;
pub mod shapes;

pub use counted::{Bytes, Written};
pub use ground::{Ground, Kept, run};
