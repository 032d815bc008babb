//! An attic, whose boxes an older version of a program has packed: what the older one recorded, the newer one reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sprocket_core::engine::Goal;
use sprocket_core::kind::{
    CallResult, CreateRequest, ErrorKind, FailureOf, Handle, Identity, Kind, Kinds, Live, OwnerTag, Part, PhysicalName,
    Provider, ProviderError, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::Stack;
use sprocket_core::testing::World;

use super::story::{assert_snapshot, at_each_kill, said};

/// Each box with the label that is on it, and its mark.
#[derive(Clone, Debug, Default)]
struct Boxes(Arc<Mutex<BTreeMap<String, (String, OwnerTag)>>>);

#[derive(Debug, thiserror::Error)]
#[error("the attic is never in trouble")]
struct NoTrouble;

impl ProviderError for NoTrouble {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A program's version of the attic: its settings, the label that they make, and how it reads what was there before.
macro_rules! version {
    ($module:ident, $version:literal, { $($field:tt)* }, $label:expr, $read:expr, $upgrade:expr) => {
        mod $module {
            use super::*;

            #[derive(Debug)]
            pub(super) struct Attic(Boxes);

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
            #[spec(provider = Attic)]
            pub(super) struct AtticSpec {}

            impl Provider for Attic {
                const NAME: &'static str = "attic";
                type Draft = AtticDraft;
                type Config = AtticSpec;
                type Credentials = Boxes;
                type Error = NoTrouble;

                async fn connect(_: &AtticSpec, boxes: Boxes) -> Result<Self, NoTrouble> {
                    Ok(Self(boxes))
                }
                fn ambient() -> Result<Boxes, NoTrouble> {
                    Err(NoTrouble)
                }
                async fn identity(&self) -> Result<Identity, NoTrouble> {
                    Ok("attic".into())
                }
                fn kinds(kinds: &mut impl Kinds<Self>) {
                    kinds.with::<Chest>();
                }
            }

            #[derive(Clone, Debug, Handle)]
            #[handle(kind = "attic:chest", provider = Attic, naming = fixed, state = String)]
            pub(super) struct Chest {
                this: ResourceRef<Self>,
            }

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
            #[spec(resource = Chest)]
            pub(super) struct ChestSpec {
                $($field)*
            }

            impl Kind for Chest {
                const VERSION: u32 = $version;

                async fn read(attic: &Attic, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
                    let name = PhysicalName::from(find.name());
                    let read: fn(&str) -> ChestSpec = $read;
                    let boxes = attic.0.0.lock().unwrap();
                    let live = boxes.get(name.as_str()).map(|(label, owner)| Live {
                        id: name.as_str().into(),
                        name: name.clone(),
                        spec: read(label),
                        state: "closed".into(),
                        owner: Some(owner.clone()),
                    });
                    Ok(Vec::from_iter(live))
                }
                async fn create(attic: &Attic, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
                    let label: fn(&ChestSpec) -> String = $label;
                    let entry = (label(make.spec), make.owner.clone());
                    attic.0.0.lock().unwrap().insert(make.name.to_string(), entry);
                    Ok("closed".into())
                }
                async fn update(attic: &Attic, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
                    let label: fn(&ChestSpec) -> String = $label;
                    let entry = (label(change.spec), change.owner.clone());
                    attic.0.0.lock().unwrap().insert(change.live.name.to_string(), entry);
                    Ok("closed".into())
                }
                async fn delete(attic: &Attic, recorded: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
                    attic.0.0.lock().unwrap().remove(recorded.name.as_str());
                    Ok(())
                }
                fn upgrade(from: u32, part: Part, value: Value) -> Result<Value, String> {
                    let upgrade: fn(u32, Part, Value) -> Result<Value, String> = $upgrade;
                    upgrade(from, part, value)
                }
            }
        }
    };
}

version!(
    older, 1, { pub(super) label: String, },
    |spec| spec.label.clone(),
    |label| ChestSpec { label: label.into() },
    |from, _, _| Err(format!("there was no version {from}"))
);
version!(
    newer, 3, { pub(super) words: Vec<String>, },
    |spec| spec.words.join(" "),
    |label| ChestSpec { words: label.split(' ').map(str::to_owned).collect() },
    |from, part, value| match (from, part) {
        (1, Part::Spec) => Ok(json!({ "words": value["label"].as_str().unwrap_or("").split(' ').collect::<Vec<_>>() })),
        (1, Part::State) => Ok(value),
        _ => Err("was written by a version that was never published".to_owned()),
    }
);

fn older(boxes: &Boxes, label: &'static str) -> impl Fn(&mut Stack) {
    let boxes = boxes.clone();
    move |stack| {
        stack.connect(older::AtticDraft::new().credentials(boxes.clone()));
        stack.add(older::ChestDraft::new("linen", label));
    }
}

fn newer(boxes: &Boxes, words: &'static [&'static str]) -> impl Fn(&mut Stack) {
    let boxes = boxes.clone();
    move |stack| {
        stack.connect(newer::AtticDraft::new().credentials(boxes.clone()));
        stack.add(newer::ChestDraft::new("linen").words(words.iter().copied()));
    }
}

#[test]
fn what_an_older_version_recorded_is_read_by_a_newer_one() {
    let (mut world, boxes) = (World::of_real_services(), Boxes::default());
    world.apply(older(&boxes, "bed linen"));
    assert_snapshot!(world.plan(newer(&boxes, &["bed", "linen"])), @"Nothing to do: 1 resource is as declared.");
    assert_snapshot!(world.plan(newer(&boxes, &["table", "linen"])), @"
    ~ attic:chest/linen
        words[0]: bed → table
    1 to update.
    ");
    boxes.0.lock().unwrap().get_mut("linen").unwrap().0 = "bed sheets".into();
    assert_snapshot!(world.plan(newer(&boxes, &["bed", "linen"])), @"
    ~ attic:chest/linen  (changed by somebody else)
        words[1]: sheets → linen
    1 to update.
    ");
    world.apply(newer(&boxes, &["table", "linen"]));
    assert!(world.plan(newer(&boxes, &["table", "linen"])).is_empty());
}

#[test]
fn what_a_newer_version_recorded_is_refused_by_an_older_one() {
    let (mut world, boxes) = (World::of_real_services(), Boxes::default());
    world.apply(newer(&boxes, &["bed", "linen"]));
    let before = world.snapshot();
    let refused = world.try_plan(older(&boxes, "bed linen"), Goal::Declared).unwrap_err();
    assert_snapshot!(said(&refused), @"the record of `attic:chest/linen` was written by version 3 of attic:chest, and this program knows 1");
    assert!(world.try_plan(older(&boxes, "bed linen"), Goal::Destroyed { include_kept: true }).is_err());
    assert_eq!(world.snapshot(), before);
    world.destroy(newer(&boxes, &[]));
    assert!(boxes.0.lock().unwrap().is_empty());
}

#[test]
fn what_a_killed_run_of_an_older_version_was_making_is_settled_by_a_newer_one() {
    at_each_kill(|crash, boundary| {
        let (mut world, boxes) = (World::of_real_services(), Boxes::default());
        world.crash_at(boundary, crash);
        let killed = world.run(older(&boxes, "bed linen"), Goal::Declared).unwrap().is_none();
        world.apply(newer(&boxes, &["bed", "linen"]));
        assert!(world.plan(newer(&boxes, &["bed", "linen"])).is_empty(), "a kill {crash:?} boundary {boundary}");
        assert_eq!(boxes.0.lock().unwrap().len(), 1);
        killed
    });
}
