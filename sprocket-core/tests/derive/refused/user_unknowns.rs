//! A user lets a value that is known only later decide what is declared.

use sprocket_core::program::Output;

fn program(is_large: Output<bool>, count: Output<usize>) {
    if is_large {}
    for _ in 0..count {}
}

fn main() {}
