//! Why the one node can't have a task, in the words of swarmkit's scheduler.

use std::collections::BTreeSet;

use serde_json::Value;

use super::book::{Book, list, text};
use super::tasks::Task;

/// What the settings ask of a node and this one is not.
pub(crate) fn misfit(template: &Value, book: &Book) -> Option<&'static str> {
    let node = super::node(book);
    let placement = &template["Placement"];
    let is_met = |constraint: &Value| holds(constraint.as_str().unwrap_or_default(), &node);
    if !list(&placement["Constraints"]).all(is_met) {
        return Some("scheduling constraints not satisfied");
    }
    let mut platforms = list(&placement["Platforms"]).peekable();
    let own = &node["Description"]["Platform"];
    let fits = |platform: &Value| {
        let same = |key: &str| {
            let word = text(platform, &[key]);
            let word = if word == "amd64" { "x86_64" } else { word };
            word.is_empty() || word == text(own, &[key])
        };
        same("OS") && same("Architecture")
    };
    if platforms.peek().is_some() && !platforms.any(fits) {
        return Some("unsupported platform");
    }
    let reserved = &template["Resources"]["Reservations"];
    let has = &node["Description"]["Resources"];
    let too_much = |key: &str| reserved[key].as_u64().unwrap_or(0) > has[key].as_u64().unwrap_or(0);
    (too_much("MemoryBytes") || too_much("NanoCPUs")).then_some("insufficient resources")
}

/// A port of the node that a task needs and another one has.
pub(crate) fn taken(task: &Task, busy: &BTreeSet<u16>) -> Option<&'static str> {
    let is_taken = task.host_ports().iter().any(|(port, _)| busy.contains(port));
    is_taken.then_some("host-mode port already in use")
}

/// A constraint: `node.role == manager`. What the node does not have is empty.
fn holds(constraint: &str, node: &Value) -> bool {
    let (name, value, wanted) = match (constraint.split_once("=="), constraint.split_once("!=")) {
        (Some((name, value)), _) => (name.trim(), value.trim(), true),
        (None, Some((name, value))) => (name.trim(), value.trim(), false),
        (None, None) => return false,
    };
    let found = match name {
        "node.id" => text(node, &["ID"]),
        "node.hostname" => text(node, &["Description", "Hostname"]),
        "node.role" => text(node, &["Spec", "Role"]),
        "node.platform.os" => text(node, &["Description", "Platform", "OS"]),
        "node.platform.arch" => text(node, &["Description", "Platform", "Architecture"]),
        _ => name.strip_prefix("node.labels.").map_or("", |label| text(node, &["Spec", "Labels", label])),
    };
    (found.eq_ignore_ascii_case(value)) == wanted
}
