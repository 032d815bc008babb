//! Plans, with colours: each line by its sign. The text is the engine's own.

use sprocket_core::engine::Plan;

use crate::console::{Console, Look};

pub(crate) fn show(console: &Console, plan: &Plan) {
    if console.is_json() {
        console.document(plan);
    } else {
        console.out_lines(&plan.to_string(), look);
    }
}

/// The look of a line of a plan.
pub(crate) fn look(line: &str) -> Look {
    match line.chars().next() {
        Some('+') => Look::Good,
        Some('-') => Look::Bad,
        Some('~' | '±' | '!' | '>') => Look::Change,
        Some('=' | '·') => Look::Faint,
        _ if line.starts_with("problem:") => Look::Bad,
        _ if line.starts_with("warning:") => Look::Change,
        _ => Look::Plain,
    }
}
