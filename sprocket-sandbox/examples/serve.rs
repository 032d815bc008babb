//! Runs a sandbox until it is stopped, for tools of other makers:
//! `cargo run -p sprocket-sandbox --example serve -- FOLDER`, then `DOCKER_HOST=… docker service ls`.

#![allow(clippy::print_stdout, reason = "a program")]

use std::process::ExitCode;

use sprocket_sandbox::{Sandbox, SandboxError};

fn main() -> Result<ExitCode, SandboxError> {
    let Some(folder) = std::env::args_os().nth(1) else {
        println!("usage: serve FOLDER");
        return Ok(ExitCode::FAILURE);
    };
    let sandbox = Sandbox::start(folder)?;
    println!("DOCKER_HOST=tcp://{}", sandbox.addresses().swarm);
    loop {
        std::thread::park();
    }
}
