//! The engine inside of a program of one's own: a service that shows plans, and applies exactly those.
//!
//! ```text
//! cargo run --example custom_tooling                # on 127.0.0.1:8080; on another port: `-- 9000`
//! curl 'localhost:8080/plan?greeting=hello'         # a plan; its `digest` names it
//! curl localhost:8080/apply --json '{"greeting": "hello", "plan": "DIGEST"}'
//! curl 'localhost:8080/verify?greeting=hello'
//! curl localhost:8080/outputs
//! ```
//!
//! `/apply` answers with the run's events while it goes on, one in a line, and with its report at the end. What it says is in
//! the engine's own form: see `sprocket::core::document`. The first Ctrl-C lets what runs finish; the second does not.
//!
//! - [`site`]: what there is to be, as a function of a request.
//! - [`service`]: the requests, and what answers them; [`trouble`]: why they are not answered.

#![allow(unreachable_pub, reason = "a kind would be a crate's, and its items public")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, and prints for itself")]

mod service;
mod site;
#[cfg(test)]
mod tests;
#[path = "../custom_kind/text_file.rs"]
mod text_file;
mod trouble;

use std::error::Error;
use std::process::ExitCode;

use service::Service;
use sprocket::core::engine::Stop;

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let port = match std::env::args().nth(1) {
        Some(port) => port.parse().map_err(|_| format!("`{port}` is not a port"))?,
        None => 8080,
    };
    // State, its key and the files lie here: the next start goes on from them.
    let service = Service::in_folder("target/custom-tooling").await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Serving on http://{}; Ctrl-C ends it.", listener.local_addr()?);
    let stopped = stopped(service.stop.clone());
    axum::serve(listener, service.router()).with_graceful_shutdown(stopped).await?;
    service.finish().await;
    Ok(())
}

/// Ends at the first Ctrl-C. Each one asks the runs to stop: the first to let what runs finish, the second to end at once.
async fn stopped(stop: Stop) {
    let watched = stop.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            watched.request();
        }
    });
    stop.requested().await;
}
