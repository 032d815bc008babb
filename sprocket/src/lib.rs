//! Infrastructure as a Rust program.
