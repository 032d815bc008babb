//! What people and machines read.

pub(crate) mod failure;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod tree;

use std::time::Duration;

use sprocket_core::engine::{Events, Plan};

use crate::console::Console;

/// How a run is followed: a tree that moves, lines, or JSON.
pub(crate) enum Progress {
    Tree(tree::Tree),
    Other,
}

impl Progress {
    /// The way that suits the console, and the listener for it.
    pub(crate) fn of(console: &Console, plan: &Plan) -> (Self, Events) {
        if console.is_json() {
            return (Self::Other, json::listener(console.clone()));
        }
        if console.is_tree() {
            let tree = tree::Tree::new(plan, console.colours_err());
            let events = tree.listener();
            return (Self::Tree(tree), events);
        }
        (Self::Other, lines::listener(console.clone(), plan))
    }

    /// Leaves the terminal as it was.
    pub(crate) fn end(self) {
        if let Self::Tree(tree) = self {
            tree.end();
        }
    }
}

/// What a step did, as a participle; its action is the infinitive.
pub(crate) fn done(action: &str) -> &str {
    match action {
        "create" => "created",
        "adopt" => "taken over",
        "update" => "updated",
        "await" => "works",
        "restore" => "restored",
        "delete" => "deleted",
        "drop" => "dropped",
        "leave" => "left in place",
        "record" => "recorded",
        other => other,
    }
}

/// What could not be done.
pub(crate) fn infinitive(action: &str) -> &str {
    match action {
        "adopt" => "take over",
        "await" => "wait for",
        "drop" => "drop from state",
        "leave" => "leave",
        other => other,
    }
}

/// `0.4s`, `12s`, `3m05s`
pub(crate) fn took(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds}s"),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

/// `1 secret`, `2 secrets`
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        let check = |millis, expect: &str| assert_eq!(took(Duration::from_millis(millis)), expect);
        check(0, "0.0s");
        check(440, "0.4s");
        check(12_900, "12s");
        check(185_000, "3m05s");
    }
}
