//! Verdicts on services as the engine describes them, without an engine.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sprocket_core::__derive::Known;
use sprocket_core::kind::Fields as _;

use super::judge::{Seen, Stuck, Task, VerifyReport, is_replacing, judge};
use super::spec::ServiceSpec;
use super::{Restart, Service, ServiceDraft};

fn spec(draft: ServiceDraft) -> ServiceSpec {
    draft.spec(&Known::default()).unwrap()
}

fn app() -> ServiceDraft {
    Service::new("app", "app:1")
}

/// A task in one line: `slot state/wanted error [exit code]`, with `old:` before it if it has earlier settings.
fn tasks(lines: &[&str]) -> Vec<Task> {
    let parse = |(place, line): (usize, &&str)| {
        let (line, is_current) = line.strip_prefix("old: ").map_or((*line, true), |line| (line, false));
        let mut words = line.splitn(3, ' ');
        let (slot, states) = (words.next().unwrap(), words.next().unwrap());
        let (state, wanted) = states.split_once('/').unwrap();
        let (error, code) = match words.next().unwrap_or_default().split_once('[') {
            Some((error, code)) => (error.trim(), code.trim_end_matches(']').parse::<i64>().ok()),
            None => ("", None),
        };
        let time = format!("2026-11-22T03:00:{place:02}.5Z");
        let found = json!({
            "ID": format!("t{place}"), "Slot": slot.parse::<u64>().unwrap(), "DesiredState": wanted, "CreatedAt": time,
            "Status": { "State": state, "Timestamp": time, "Err": error, "ContainerStatus": { "ExitCode": code } },
        });
        Task::of(&found, &BTreeSet::from_iter(is_current.then(|| format!("t{place}"))))
    };
    lines.iter().enumerate().map(parse).collect()
}

fn verdict(draft: ServiceDraft, update: Value, lines: &[&str]) -> VerifyReport {
    let (spec, service) = (spec(draft), json!({ "UpdateStatus": { "State": update } }));
    judge(&Seen { spec: &spec, service: &service, tasks: tasks(lines), eligible: 1 })
}

fn check(draft: ServiceDraft, lines: &[&str], expect: &str) {
    let said = match verdict(draft, Value::Null, lines) {
        VerifyReport::Runs { tasks, .. } => format!("runs: {}", tasks.into_iter().collect::<Vec<_>>().join(" ")),
        VerifyReport::NotYet(now) => {
            format!("{} of {}: {}", now.running, now.wanted, now.pending.unwrap_or_default()).trim_end().to_owned()
        }
        VerifyReport::Fails(cause) => cause.to_string(),
    };
    assert_eq!(said.trim_end(), expect, "{lines:?}");
}

#[test]
fn tasks_are_counted() {
    check(app(), &[], "0 of 1:");
    check(app().replicas(0_u64), &[], "runs:");
    check(app(), &["1 running/running"], "runs: t0");
    check(app(), &["1 starting/running"], "0 of 1: one is starting");
    check(app().replicas(2_u64), &["1 running/running", "2 preparing/running"], "1 of 2: one is preparing");
    check(app().replicas(1_u64), &["1 running/running", "2 running/running"], "2 of 1:");
    check(app().replicas(1_u64), &["1 running/running", "2 running/shutdown"], "runs: t0");
    check(app().global(), &["0 running/running"], "runs: t0");
    check(app(), &["1 running/running", "1 running/running"], "runs: t0 t1");
    check(app().replicas(2_u64), &["1 running/running", "1 running/running"], "1 of 2:");
}

#[test]
fn tasks_of_earlier_settings_do_not_count_but_have_to_go() {
    check(app(), &["old: 1 running/running"], "0 of 1:");
    check(app(), &["old: 1 running/running", "1 running/running"], "1 of 1:");
    check(app(), &["old: 1 running/shutdown", "1 running/running"], "runs: t1");
    check(app(), &["old: 1 failed/shutdown x [1]", "old: 1 failed/shutdown x [1]", "1 running/running"], "runs: t2");
}

#[test]
fn a_slot_that_fails_often_enough_has_failed() {
    let exit = "1 failed/shutdown task: non-zero exit (7) [7]";
    check(app(), &[exit], "0 of 1: non-zero exit (7)");
    check(app(), &[exit, exit], "0 of 1: non-zero exit (7)");
    check(
        app(),
        &[exit, exit, exit, "1 starting/running"],
        "its container ended 3 times, the last time with exit code 7",
    );
    check(app(), &[exit, exit, exit, "1 running/running"], "runs: t3");
    check(app().restart(Restart::never()), &[exit], "its container ended with exit code 7");
    check(app().restart(Restart::never()), &["1 complete/shutdown [0]"], "runs:");
    let other = "2 failed/shutdown task: non-zero exit (7) [7]";
    check(app().replicas(2_u64), &[exit, other, exit, other], "0 of 2: non-zero exit (7)");
}

#[test]
fn failures_have_their_names() {
    let twice = |line: &'static str| [line, line];
    check(
        app(),
        &twice("1 rejected/shutdown No such image: app:1 [0]"),
        "its image `app:1` is not on the node and can't be pulled",
    );
    check(
        app(),
        &twice("1 failed/shutdown task: non-zero exit (137): dockerexec: unhealthy container [137]"),
        "its health check gave up on its container 2 times",
    );
    check(
        app().publish(super::Port::host(80)),
        &twice(
            "1 failed/shutdown starting container failed: driver failed programming external connectivity on endpoint a (b): listen tcp4 0.0.0.0:80: bind: address already in use [128]",
        ),
        "its port 80 can't be had: listen tcp4 0.0.0.0:80: bind: address already in use",
    );
}

#[test]
fn the_engines_own_verdict_counts() {
    let check = |update: &str, expect: &str| {
        let verdict =
            verdict(app(), update.into(), &["old: 1 failed/shutdown task: non-zero exit (9) [9]", "1 running/running"]);
        let said = match verdict {
            VerifyReport::Fails(cause) => cause.to_string(),
            VerifyReport::NotYet(_) => "not yet".into(),
            VerifyReport::Runs { proven, .. } => format!("runs, proven: {proven}"),
        };
        assert_eq!(said, expect, "{update}");
    };
    check("updating", "not yet");
    check("rollback_started", "not yet");
    check("completed", "runs, proven: true");
    check("", "runs, proven: false");
    check("rollback_completed", "its update failed, and the engine went back to what was before: non-zero exit (9)");
    check("paused", "its update failed, and the engine stopped in the middle of it: non-zero exit (9)");
}

#[test]
fn what_no_node_takes_is_stuck_unless_something_is_leaving() {
    let stuck = |lines: &[&str]| {
        let (spec, service) = (spec(app()), json!({}));
        let seen = Seen { spec: &spec, service: &service, tasks: tasks(lines), eligible: 1 };
        let VerifyReport::NotYet(progress) = judge(&seen) else { panic!("{lines:?}") };
        (progress.stuck, is_replacing(&seen))
    };
    let port = "1 pending/running no suitable node (host-mode port already in use on 1 node) [0]";
    let platform = "1 pending/running no suitable node (unsupported platform on 1 node) [0]";
    let room = "1 pending/running no suitable node (insufficient resources on 1 node) [0]";
    assert!(matches!(stuck(&[port]), (Some(Stuck::Port(_)), false)));
    assert!(matches!(stuck(&["old: 1 running/shutdown", port]), (Some(Stuck::Port(_)), true)));
    assert!(matches!(stuck(&[platform]), (Some(Stuck::Placement(_)), false)));
    assert!(matches!(stuck(&[room]), (Some(Stuck::Room(_)), false)));
}
