//! What the containers of an image do.
//!
//! The sandbox pulls nothing: an image is there if it is one of the stand-ins, or is from a registry that could have it.
//! The stand-in `busy` does what its arguments say, as far as suites ask; all others run until they are stopped.

use std::time::Duration;

use serde_json::Value;

use super::book::{list, text};

/// Who answers on the ports of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Nothing,
    Http,
    Redis,
    Amqp,
    /// It is the sandbox's Vault.
    Vault,
}

/// The stand-in images that there are.
const STAND_INS: [&str; 10] = [
    "app:1",
    "app:2",
    "busy:1",
    "busy:2",
    "influx:1",
    "rabbitmq:1",
    "redis:1",
    "socket-proxy:1",
    "traefik:1",
    "vault:1",
];
const STAND_IN: &str = "sprocket-stand-in/";

/// Whether it can be had: no registry is under the names that are set aside for examples.
pub(crate) fn exists(image: &str) -> bool {
    match image.strip_prefix(STAND_IN) {
        Some(stand_in) => STAND_INS.contains(&stand_in),
        None => {
            let host = image.split('/').next().unwrap_or_default().split(':').next().unwrap_or_default();
            !(image.contains('/') && (host.ends_with(".example") || host.ends_with(".invalid")))
        }
    }
}

/// The last part of its name: `redis`.
fn base(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

/// What it speaks on a port.
pub(crate) fn speaks(image: &str, port: u64) -> Speaks {
    match (base(image), port) {
        ("busy", _) => Speaks::Nothing,
        ("redis" | "rejson" | "valkey", _) => Speaks::Redis,
        ("rabbitmq", 5672) => Speaks::Amqp,
        ("vault" | "openbao", 8200) => Speaks::Vault,
        _ => Speaks::Http,
    }
}

/// When a container ends by itself, and with which code.
pub(crate) fn ends(template: &Value) -> Option<(Duration, i64)> {
    let container = &template["ContainerSpec"];
    if base(text(container, &["Image"])) != "busy" {
        return None;
    }
    let words: Vec<&str> = list(&container["Args"]).filter_map(Value::as_str).collect();
    let script = match words[..] {
        ["sh", "-c", script] => script.to_owned(),
        _ => words.join(" "),
    };
    script_ends(&script)
}

fn script_ends(script: &str) -> Option<(Duration, i64)> {
    if script.is_empty() {
        return None;
    }
    let mut after = Duration::ZERO;
    for statement in script.split(';') {
        match statement.split_whitespace().collect::<Vec<_>>()[..] {
            ["sleep", time] => after += Duration::try_from_secs_f64(time.parse().ok()?).ok()?,
            ["exit", code] => return Some((after, code.parse().unwrap_or(2))),
            ["true"] => {}
            ["false"] => return Some((after, 1)),
            // What else it may do, it does for ever.
            _ => return None,
        }
    }
    Some((after, 0))
}

/// A health check: when a container is known to be well, or not to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Unchecked,
    Well { after: Duration },
    Ill { after: Duration },
}

/// What the health check of a container finds. Only the programs `true` and `false`, and `exit`, find anything else than
/// that it is well.
pub(crate) fn health(template: &Value) -> Health {
    let check = &template["ContainerSpec"]["Healthcheck"];
    let words: Vec<&str> = list(&check["Test"]).filter_map(Value::as_str).collect();
    let is_well = match words[..] {
        [] | ["NONE"] => return Health::Unchecked,
        ["CMD", ref program @ ..] => program != ["false"],
        ["CMD-SHELL", line] => script_ends(line).is_none_or(|(_, code)| code == 0),
        _ => true,
    };
    let nanos = |key: &str, default: u64| Duration::from_nanos(check[key].as_u64().unwrap_or(default));
    let interval = nanos("Interval", 30_000_000_000);
    let retries = u32::try_from(check["Retries"].as_u64().unwrap_or(3)).unwrap_or(3);
    if is_well {
        Health::Well { after: interval }
    } else {
        Health::Ill { after: nanos("StartPeriod", 0) + interval * retries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_there_or_not() {
        let check = |image: &str, there: bool| assert_eq!(exists(image), there, "{image}");
        check("redis:7", true);
        check("ghcr.io/a/b:1", true);
        check("sprocket-stand-in/busy:2", true);
        check("sprocket-stand-in/none:1", false);
        check("registry.example:5000/app:1", false);
    }

    #[test]
    fn busy_containers_do_what_they_are_told() {
        let check = |script: &str, expect: Option<(u64, i64)>| {
            let expect = expect.map(|(seconds, code)| (Duration::from_secs(seconds), code));
            assert_eq!(script_ends(script), expect, "{script}");
        };
        check("", None);
        check("sleep infinity", None);
        check("sleep 1; exit 7", Some((1, 7)));
        check("true", Some((0, 0)));
        check("test -f /etc/app.toml", None);
    }
}
