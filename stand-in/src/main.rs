//! Stands in for the applications of an estate (a core, a web front, microservices) in tests on a real engine.
//!
//! Like them it needs a configuration file, Redis and RabbitMQ with the right passwords before it serves, and fails
//! when it gets something else; unlike them it is two megabytes and can be told to crash or to fall ill.
//! `docs/stand-in-images.md` lists its environment.
//!
//! `stand-in` runs the server; `stand-in health` asks a running one for its health and exits 0 or 1, for use as a
//! container's health check.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints to its container's log")]

mod amqp;
mod http;
mod redis;
mod settings;
mod upstream;

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use settings::Settings;
use upstream::Trouble;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(),
        ["health"] => health(),
        _ => Err("usage: stand-in [health]".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("stand-in: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Waits for what the settings ask for, then serves until TERM or INT arrives.
fn run() -> Result<(), String> {
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 0, Arc::new(AtomicBool::new(true)))
            .map_err(|e| format!("cannot handle signal {signal}: {e}"))?;
    }
    let settings = Settings::read(&|name| std::env::var(name).ok())?;
    if let Some(after) = settings.crash_after {
        thread::spawn(move || {
            thread::sleep(after);
            eprintln!("stand-in: crashing after {} s, as CRASH_AFTER_SECONDS asks", after.as_secs());
            std::process::exit(1);
        });
    }

    let deadline = Instant::now() + settings.wait;
    if let Some(target) = &settings.redis {
        wait_for("redis", &target.address, deadline, || redis::check(target))?;
    }
    if let Some(target) = &settings.rabbitmq {
        wait_for("rabbitmq", &target.address, deadline, || amqp::check(target))?;
    }

    let listener = TcpListener::bind(("0.0.0.0", settings.port))
        .map_err(|e| format!("cannot listen on port {}: {e}", settings.port))?;
    println!("stand-in: {} version {} serves on port {}", settings.name, settings.version, settings.port);
    http::serve(&listener, &Arc::new(settings));
    Ok(())
}

/// Repeats a check until it passes, is refused, or the deadline is over.
fn wait_for(
    what: &str,
    address: &str,
    deadline: Instant,
    check: impl Fn() -> Result<(), Trouble>,
) -> Result<(), String> {
    let mut said = String::new();
    loop {
        match check() {
            Ok(()) => {
                println!("stand-in: {what} at {address}: ok");
                return Ok(());
            }
            Err(Trouble::Refused(why)) => return Err(format!("{what} at {address} refuses: {why}")),
            Err(Trouble::NotYet(why)) if Instant::now() >= deadline => {
                return Err(format!("{what} at {address} is not there, gave up waiting: {why}"));
            }
            Err(Trouble::NotYet(why)) => {
                if why != said {
                    println!("stand-in: waiting for {what} at {address}: {why}");
                    said = why;
                }
                thread::sleep(Duration::from_millis(300));
            }
        }
    }
}

/// The health check's client: asks the server in the same container.
fn health() -> Result<(), String> {
    let port = settings::port(&|name| std::env::var(name).ok())?;
    let status = http::ask_health(port).map_err(|e| format!("no answer on port {port}: {e}"))?;
    if status == 200 { Ok(()) } else { Err(format!("unhealthy: the server answers {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_late_server_is_waited_for() {
        let tries = Cell::new(0);
        let check = || {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { Err(Trouble::NotYet("connection refused".into())) } else { Ok(()) }
        };
        wait_for("redis", "cache:6379", Instant::now() + Duration::from_secs(10), check).unwrap();
        assert_eq!(tries.get(), 3);
    }

    #[test]
    fn a_refusal_ends_the_wait_at_once() {
        let tries = Cell::new(0);
        let check = || {
            tries.set(tries.get() + 1);
            Err(Trouble::Refused("wrong password".into()))
        };
        let message = wait_for("redis", "cache:6379", Instant::now() + Duration::from_secs(10), check).unwrap_err();
        assert_eq!(message, "redis at cache:6379 refuses: wrong password");
        assert_eq!(tries.get(), 1);
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let check = || Err(Trouble::NotYet("connection refused".into()));
        let message = wait_for("rabbitmq", "queue:5672", Instant::now(), check).unwrap_err();
        assert_eq!(message, "rabbitmq at queue:5672 is not there, gave up waiting: connection refused");
    }
}
