//! Prints how long a program takes from its start to its first line.
//!
//! `cargo run --release -p sprocket-benches --bin cold PROGRAM [ARGUMENT]…`, for a program that is built already, such as
//! `target/debug/examples/production --env local graph`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TIMES: usize = 21;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (program, arguments) = arguments.split_first().expect("a program, and its arguments");
    let mut took: Vec<Duration> = (0..TIMES).map(|_| first_line(program, arguments)).collect();
    took.sort();
    println!("shortest {:.1?}, median {:.1?}, longest {:.1?}", took[0], took[TIMES / 2], took[TIMES - 1]);
}

fn first_line(program: &str, arguments: &[String]) -> Duration {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("it has an output");
    let read = BufReader::new(out).read_line(&mut line).expect("its output is text");
    let took = began.elapsed();
    assert!(read > 0, "it ended without a line");
    child.wait().expect("it ends");
    took
}
