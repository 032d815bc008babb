//! The JSON stream.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::Value;
use sprocket::core::program::{Secret, Stack};

use super::kit::{LOCAL, Place, ShelfDraft, Thing};

fn pantry(stack: &mut Stack) {
    let jar = stack.add(Thing::new("jar").text("plums").lock(Secret::new("hunter2".to_owned())));
    let spoon = stack.add(Thing::new("spoon").beside(&jar.name));
    stack.add(Thing::new("cup").beside(&spoon.name));
}

fn stream(place: &Place, args: &str) -> Vec<Value> {
    let (_, text, out) = place.start(args, |stack: &mut Stack, (): &()| {
        stack.connect(ShelfDraft::new(place.name));
        pantry(stack);
    });
    assert!(!out.contains("hunter2") && !out.contains("$sealed"), "{out}");
    assert_eq!(text.lines().count(), out.lines().count(), "nothing else is printed: {text}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["version"] == 1 && line["type"].is_string()));
    assert_eq!(lines.last().unwrap()["type"], "end");
    lines
}

/// `type`, and for events which one and of what.
fn told(line: &Value) -> String {
    ["type", "event", "address", "outcome", "exit"]
        .iter()
        .filter_map(|key| match &line[key] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_run_is_told_in_a_legal_order() {
    let place = Place::new("stream", LOCAL);
    let lines = stream(&place, "apply --yes --json");
    assert_snapshot!(lines.iter().map(told).collect::<Vec<_>>().join("\n"), @"
    plan
    event refreshing
    event refreshed
    event apply_started
    event step_started shelf:thing/jar
    event step_ended shelf:thing/jar done
    event step_started shelf:thing/spoon
    event step_ended shelf:thing/spoon done
    event step_started shelf:thing/cup
    event step_ended shelf:thing/cup done
    event apply_ended
    report
    verdict
    end 0
    ");
    let plan = &lines[0]["steps"];
    let mut started = BTreeMap::new();
    let mut ended = Vec::new();
    for line in &lines {
        let step = line["step"].as_u64();
        match line["event"].as_str() {
            Some("step_started") => {
                let after = plan[step.unwrap() as usize]["after"].as_array().cloned().unwrap_or_default();
                assert!(
                    after.iter().all(|before| ended.contains(&before.as_u64())),
                    "a step starts after what it waits for"
                );
                assert!(started.insert(step, ()).is_none(), "a step starts once");
            }
            Some("step_ended") => {
                assert!(started.contains_key(&step) && !ended.contains(&step), "a step ends once, after its start");
                ended.push(step);
            }
            _ => {}
        }
    }
    assert_eq!(ended.len(), 3);
}

#[test]
fn a_plan_a_report_and_an_error_have_their_form() {
    let place = Place::new("forms", LOCAL);
    assert_snapshot!(serde_json::to_string_pretty(&without_ids(stream(&place, "plan --json").remove(0))).unwrap(), @r#"
    {
      "beside": null,
      "deferred": [],
      "digest": "…",
      "kept": [],
      "left_out": [],
      "lineage": "…",
      "moved": [],
      "outputs": {},
      "pending": true,
      "problems": [],
      "request": {
        "goal": "declared"
      },
      "serial": 0,
      "settled": [],
      "steps": [
        {
          "action": {
            "create": {
              "generation": 1,
              "replaces": false
            }
          },
          "address": "shelf:thing/jar",
          "at": {
            "file": "sprocket/tests/program/json.rs",
            "line": "…"
          },
          "name": "jar",
          "reason": "new",
          "spec": {
            "beside": null,
            "lock": {
              "$secret": true
            },
            "text": "plums"
          }
        },
        {
          "action": {
            "create": {
              "generation": 1,
              "replaces": false
            }
          },
          "address": "shelf:thing/spoon",
          "after": [
            0
          ],
          "at": {
            "file": "sprocket/tests/program/json.rs",
            "line": "…"
          },
          "name": "spoon",
          "reason": "new",
          "spec": {
            "beside": "jar",
            "lock": null,
            "text": ""
          }
        },
        {
          "action": {
            "create": {
              "generation": 1,
              "replaces": false
            }
          },
          "address": "shelf:thing/cup",
          "after": [
            1
          ],
          "at": {
            "file": "sprocket/tests/program/json.rs",
            "line": "…"
          },
          "name": "cup",
          "reason": "new",
          "spec": {
            "beside": "spoon",
            "lock": null,
            "text": ""
          }
        }
      ],
      "type": "plan",
      "unchanged": 0,
      "version": 1,
      "warnings": []
    }
    "#);
    place.world().failing.insert("spoon".into());
    let lines = stream(&place, "apply --yes --json");
    let mut report = lines.iter().find(|line| line["type"] == "report").unwrap().clone();
    assert!(report["serial"].as_u64().unwrap() > 0, "the run says which state it has left");
    report["serial"] = "…".into();
    assert_snapshot!(serde_json::to_string_pretty(&without_ids(report)).unwrap(), @r#"
    {
      "deferred": [],
      "interrupted": false,
      "kept": [],
      "output_problems": [],
      "serial": "…",
      "state_failure": null,
      "steps": [
        {
          "action": "create",
          "address": "shelf:thing/jar",
          "at": {
            "file": "sprocket/tests/program/json.rs",
            "line": "…"
          },
          "name": "jar",
          "outcome": "done",
          "took": "…"
        },
        {
          "action": "create",
          "address": "shelf:thing/spoon",
          "at": {
            "file": "sprocket/tests/program/json.rs",
            "line": "…"
          },
          "effect": "none",
          "hint": "make it smaller",
          "message": "`spoon` does not fit onto the shelf",
          "name": "spoon",
          "outcome": "failed",
          "took": "…"
        },
        {
          "action": "create",
          "address": "shelf:thing/cup",
          "at": {
            "file": "sprocket/tests/program/json.rs",
            "line": "…"
          },
          "name": "cup",
          "outcome": "not_started",
          "took": "…"
        }
      ],
      "succeeded": false,
      "summary": "1 created, 1 failed, 1 not started. State is saved; run again to continue.",
      "type": "report",
      "version": 1
    }
    "#);
    assert_snapshot!(told(lines.last().unwrap()), @"end 1");
    let lines = stream(&place, "apply --json");
    assert_snapshot!(lines[1], @r#"{"hint":"add `--yes` to do what is shown","message":"nothing was changed: there is no terminal to ask on","type":"error","version":1}"#);
    assert_snapshot!(stream(&place, "verify --json")[0], @r#"{"checks":[{"address":"shelf:thing/jar","failure":null,"what":"is whole"}],"passed":true,"type":"verdict","unchecked":[],"version":1}"#);
    assert_snapshot!(stream(&place, "drift --json")[0], @r#"{"deferred":[],"pending":false,"problems":[],"steps":[],"type":"drift","version":1}"#);
}

#[test]
fn a_refusal_has_the_engines_word_for_it() {
    let place = Place::new("refused", LOCAL);
    let (_, _, out) = place.start("plan --json", |stack: &mut Stack, (): &()| pantry(stack));
    let error: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!([&error["type"], &error["reason"]], ["error", "mistakes"], "{error}");
}

/// Takes out what differs from run to run.
fn without_ids(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    match key.as_str() {
                        "digest" | "lineage" | "revision" | "took" | "line" => *value = "…".into(),
                        _ => walk(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}
