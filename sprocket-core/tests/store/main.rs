//! State stores, through what a program sees of them.

// Helpers of tests are tests too; what a child process of one prints is what it has to say.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod conformance;
mod damage;
mod disk_full;
mod durable;
mod faults;
mod files;
mod kills;
mod laws;
mod seeded;
mod speed;
mod world;
