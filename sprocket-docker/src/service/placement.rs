//! Which nodes may run a service, by its constraints and platforms, as the scheduler decides it.
//!
//! What can't be decided here (an address in `node.ip`) counts as satisfied: this serves counting and explaining, and
//! never refuses what the scheduler would accept.

use serde_json::Value;

use super::spec::{Platform, ServiceSpec};
use super::values::Constraint;

/// How many of the nodes are ready and may run it.
pub(crate) fn eligible(spec: &ServiceSpec, nodes: &Value) -> u64 {
    let may_run = |node: &&Value| {
        is_ready(node)
            && spec.constraints.iter().all(|constraint| holds(constraint, node))
            && runs_on(&spec.platforms, node)
    };
    all(nodes).filter(may_run).count() as u64
}

/// What is asked of a node, with how many of the nodes have it, if not all do.
pub(crate) fn explain(spec: &ServiceSpec, nodes: &Value) -> Vec<String> {
    let count = all(nodes).count();
    let told = |what: String, has: usize| (has < count).then(|| format!("{has} of {count} {what}"));
    let ready = told("nodes are ready".into(), all(nodes).filter(is_ready).count());
    let constraints = spec.constraints.iter().map(|constraint| {
        told(format!("nodes have `{constraint}`"), all(nodes).filter(|node| holds(constraint, node)).count())
    });
    let platforms =
        told("nodes have its platform".into(), all(nodes).filter(|node| runs_on(&spec.platforms, node)).count());
    std::iter::once(ready).chain(constraints).chain([platforms]).flatten().collect()
}

fn all(nodes: &Value) -> impl Iterator<Item = &Value> {
    nodes.as_array().into_iter().flatten()
}

fn is_ready(node: &&Value) -> bool {
    node["Status"]["State"] == "ready" && node["Spec"]["Availability"] == "active"
}

fn holds(constraint: &Constraint, node: &Value) -> bool {
    let Constraint { key, equals, value } = constraint;
    let lower = key.to_ascii_lowercase();
    let found = match lower.as_str() {
        "node.id" => &node["ID"],
        "node.hostname" => &node["Description"]["Hostname"],
        "node.role" => &node["Spec"]["Role"],
        "node.platform.os" => &node["Description"]["Platform"]["OS"],
        "node.platform.arch" => &node["Description"]["Platform"]["Architecture"],
        _ => match (lower.strip_prefix("node.labels."), lower.strip_prefix("engine.labels.")) {
            // The label itself is taken as it is written.
            (Some(_), _) => &node["Spec"]["Labels"][&key["node.labels.".len()..]],
            (_, Some(_)) => &node["Description"]["Engine"]["Labels"][&key["engine.labels.".len()..]],
            _ => return true,
        },
    };
    found.as_str().unwrap_or_default().eq_ignore_ascii_case(value) == *equals
}

fn runs_on(platforms: &[Platform], node: &Value) -> bool {
    let found = &node["Description"]["Platform"];
    let has = |value: &Value, wanted: &str| {
        wanted.is_empty() || architecture(value.as_str().unwrap_or_default()) == architecture(wanted)
    };
    platforms.is_empty()
        || platforms
            .iter()
            .any(|platform| has(&found["OS"], &platform.os) && has(&found["Architecture"], &platform.architecture))
}

fn architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn constraints_are_decided_as_the_scheduler_does() {
        let node = json!({
            "ID": "n1", "Status": { "State": "ready" },
            "Spec": { "Role": "manager", "Availability": "active", "Labels": { "Disk": "fast" } },
            "Description": { "Hostname": "vm", "Platform": { "OS": "linux", "Architecture": "x86_64" } },
        });
        let check = |text: &str, expected| assert_eq!(holds(&text.parse().unwrap(), &node), expected, "{text}");
        check("node.role == manager", true);
        check("node.role != manager", false);
        check("Node.Role == MANAGER", true);
        check("node.labels.Disk == fast", true);
        check("node.labels.disk == fast", false);
        check("node.labels.gone != x", true);
        check("engine.labels.a == b", false);
        check("node.ip == 10.0.0.0/8", true);
        assert!(runs_on(&[Platform::linux("arm64"), Platform::linux("amd64")], &node));
        assert!(!runs_on(&[Platform::linux("arm64")], &node));
    }
}
