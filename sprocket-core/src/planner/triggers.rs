//! What `.replace_on` says now, and which of it has changed since the object was made.

use serde_json::Value;

use crate::kind::Trigger;
use crate::plan::Change;
use crate::state::{Object, Record};
use crate::value::{Deps, Known, Mistake, NodeId, Path, PathPart, StackKey, sealing};

/// What the triggers say now: secrets sealed, and `{"$after": […]}` for what is not known yet. `standing` says what a
/// resource is at, or none if a step is going to change it.
pub(crate) fn values(
    triggers: &[Trigger],
    known: &Known,
    key: &StackKey,
    addresses: &dyn Fn(&Deps) -> Vec<String>,
    standing: impl Fn(NodeId) -> Option<Value>,
) -> Result<Vec<Value>, Mistake> {
    let one = |trigger: &Trigger| {
        let partial = sealing(key, || trigger.partial(known, &standing));
        let rendered = partial.render(key, &known.exposed, addresses);
        rendered.mistakes.into_iter().next().map_or(Ok(rendered.value), Err)
    };
    triggers.iter().map(one).collect()
}

/// Another one after each change of the resource, and for each new object.
pub(crate) fn standing(record: Option<&Record>) -> Value {
    let object = record.and_then(|record| record.object.as_ref());
    object.map_or(Value::Null, |object| Value::from(format!("{} #{}", object.id, object.updates)))
}

/// The triggers that have another value than when the object was made. One that was not there then has changed nothing.
pub(crate) fn changes(object: &Object, now: &[Value]) -> Vec<Change> {
    let both = object.triggers.iter().zip(now).enumerate().filter(|(_, (before, after))| before != after);
    let change = |(place, (before, after)): (usize, (&Value, &Value))| {
        let setting = Path(vec![PathPart::Key("replace_on".into())]);
        let path = if now.len() > 1 { setting.join(PathPart::Index(place)) } else { setting };
        Change { path, before: before.clone(), after: after.clone(), replaces: true, drift: false }
    };
    both.map(change).collect()
}
