//! `#[derive(Spec)]`, on a provider as an author writes one: what its drafts become, and what rustc says to mistakes.

#[macro_use]
#[path = "derive/docker.rs"]
mod docker;
#[path = "derive/drafts.rs"]
mod drafts;
#[path = "derive/maps.rs"]
mod maps;
#[path = "derive/mistakes.rs"]
mod mistakes;
#[path = "derive/providers.rs"]
mod providers;
#[path = "derive/shapes.rs"]
mod shapes;

use serde_json::{Map, Value, json};
use sprocket_core::__derive::Partial;
use sprocket_core::__derive::{Deps, Known, NoValue, Slot};
use sprocket_core::kind::Fields;
use sprocket_core::program::{Input, Mistake, Output};

/// The spec of a draft, all of which is known.
fn spec<F: Fields>(draft: &F) -> F::Spec {
    match draft.spec(&Known::default()) {
        Ok(spec) => spec,
        Err(NoValue::Yet) => panic!("something in it is not known yet"),
        Err(NoValue::Ever(mistake)) => panic!("{mistake}"),
    }
}

/// The mistakes of a draft: what is wrong, and the line of this crate.
fn mistakes_of(slot: &impl Slot) -> Vec<(String, u32)> {
    let mut mistakes = Vec::new();
    slot.mistakes(&mut mistakes);
    mistakes.into_iter().map(|Mistake { message, at }| (message.to_string(), at.line())).collect()
}

fn deps(slot: &impl Slot) -> Deps {
    let mut deps = Deps::default();
    slot.deps(&mut deps);
    deps
}

fn deps_of<T: Clone + serde::Serialize + 'static>(output: &Output<T>) -> Deps {
    deps(&Input::Output(output.clone()))
}

/// A draft as a plan shows it, with `?` for what is not known and `*` for what is secret.
fn shown(partial: Partial) -> Value {
    match partial {
        Partial::Known(value) => value,
        Partial::After(_) => json!("?"),
        Partial::Never(mistake) => json!({ "mistake": mistake.message.to_string() }),
        Partial::Secret(inner) => json!({ "*": shown(*inner) }),
        Partial::List(items) => items.into_iter().map(shown).collect(),
        Partial::Map(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, shown(field))).collect::<Map<_, _>>())
        }
    }
}

/// What a plan shows of a draft that is known is what is sent.
#[track_caller]
fn what_is_shown_is_what_is_sent<F: Fields>(draft: &F) {
    let sent = serde_json::to_value(spec(draft)).expect("a spec serialises");
    assert_eq!(shown(draft.partial(&Known::default())), sent);
}

/// It builds the core once more, and so takes a minute where everything else takes seconds.
#[test]
fn what_rustc_says() {
    if std::env::var_os("SPROCKET_LIVE").is_none() {
        println!("skipped: builds the core once more, for a minute; set SPROCKET_LIVE");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/derive/refused/*.rs");
}
