//! Taking one object in: what its record says, and what is known of it from then on. Pure, but for what was read before.

use serde_json::Value;

use super::{Found, Hidden, Import, refused};
use crate::base::{Json, ObjectId, PhysicalName, hash, is_engines};
use crate::builtin::Password;
use crate::erased::{ErasedLive, Evaluated, TypedSpec};
use crate::kind::Handle as _;
use crate::planner::{has_holes, next_generation, reported, triggers};
use crate::session::Refused;
use crate::stack::{Node, Stack};
use crate::state::{Entry, JournalEvent, Object, Record, SeenSpec};
use crate::value::{
    FINGERPRINT, Facts, Known, NodeId, Path, PathPart, Secret, StackKey, conceal_seen, is_sealed, places_hidden, single,
};

impl Found {
    /// Records one, and notes what is known of it from now on.
    pub(super) fn take(
        &mut self,
        stack: &Stack,
        index: usize,
        import: &Import,
        mut lives: Vec<ErasedLive>,
        record: Record,
        known: &mut Known,
    ) -> Result<PhysicalName, Refused> {
        let node = &stack.nodes[index];
        let (address, key) = (&import.address, self.prepared.key.clone());
        let refused = |message: String| refused(address, message);
        if self.prepared.snapshot.records.get(address).is_some_and(|record| record.object.is_some()) {
            return Err(refused("it is recorded already".into()));
        }
        // What the program says is secret is sealed from the first.
        let (desired, secrets) = match node.draft.evaluate(known, &key, &|deps| stack.addresses(deps), None, &[]) {
            Evaluated::Whole { spec, secrets } => (spec.value(), secrets),
            Evaluated::Partly { spec, secrets, .. } => (spec, secrets),
            Evaluated::Never(_) => (Value::Null, Vec::new()),
        };
        let is_brought = node.kind.facts().kind == Password::KIND && lives.is_empty();
        if let (true, Hidden::Is(value)) = (is_brought, &import.hidden) {
            let spec = node.draft.typed(known, &key, None, &secrets).map_err(|mistake| refused(mistake.to_string()))?;
            // The same for the same value, so that it is what was shown; nobody without the key can guess the value from it.
            let sealed = key.seal(value.expose().to_string().as_bytes());
            let id = hash::short(&[address.as_str(), &sealed.fingerprint().0]);
            lives.extend(password(id.as_str().into(), &node.name, &spec, value, &key));
        }
        if lives.len() > 1 {
            return Err(refused(format!("{} objects answer to `{}`; give the id of one", lives.len(), import.id)));
        }
        let live = lives.pop().ok_or_else(|| match (&import.hidden, is_brought) {
            (Hidden::Is(_), true) => refused("it can't be made of what is given".into()),
            (_, true) if import.id.is_empty() => refused("nobody says what it is, and no service knows".into()),
            _ => refused(format!("there is no `{}`", import.id)),
        })?;
        let taken = self.prepared.snapshot.records.iter().find(|(other, record)| {
            other.kind() == address.kind() && record.objects().any(|object| object.id == live.id)
        });
        if let Some((other, _)) = taken {
            return Err(refused(format!("`{}` is recorded as `{other}`", import.id)));
        }
        let mut secrets = secrets;
        secrets.extend(concealed(&import.secrets, &live.spec.value(), &desired));
        // What others have in a list with a secret may be anywhere in it.
        let seen = conceal_seen(node.kind.mask(&live, &secrets, &key), &Json::from(&desired), &secrets, &key);
        secrets.extend(places_hidden(&seen, &live.spec));
        secrets.sort();
        secrets.dedup();
        let applied = if is_brought { seen.clone() } else { self.applied(node, import, &seen, &desired)? };
        let object = Object {
            generation: next_generation(&record),
            name: live.name.clone(),
            id: live.id.clone(),
            version: node.kind.facts().version,
            seen: Some(SeenSpec::of(seen, &applied)),
            applied,
            revision: Some(live.revision.clone()),
            // It bears what its last owner put on it. Ours comes with the next change.
            marked: false,
            foreign: live.is_theirs(&self.prepared.snapshot.lineage),
            state: live.state.clone(),
            secrets,
            deps: node.deps.iter().map(|&dep| stack.nodes[dep as usize].address.clone()).collect(),
            ready: true,
            wait_failed: false,
            updates: 0,
            triggers: self.triggers(stack, node, known),
        };
        known.nodes[index] = Facts {
            name: Some(live.name.clone()),
            reported: Some(reported(&node.kind, &live.state, &key)),
            changing: false,
        };
        let provider = stack.providers[node.provider].name.clone();
        let mut record = Record { object: Some(object), provider, ..record };
        record.end_as(node.ending(stack));
        let entry =
            Entry { address: address.clone(), event: JournalEvent::Recorded { record: Some(Box::new(record)) } };
        self.prepared.snapshot.take(entry.clone());
        self.entries.push(entry);
        let name = live.name.clone();
        let seen = self.prepared.observed.objects.entry(address.clone()).or_default();
        seen.current = Some(live);
        Ok(name)
    }

    /// What it is replaced on, if all of that is known: what is not there yet has changed nothing.
    fn triggers(&self, stack: &Stack, node: &Node, known: &Known) -> Vec<Value> {
        let standing = |node: NodeId| {
            let record = self.prepared.snapshot.records.get(&stack.nodes[node.index as usize].address)?;
            record.object.is_some().then(|| triggers::standing(Some(record)))
        };
        let key = &self.prepared.key;
        let found = triggers::values(&node.options.replace_on, known, key, &|deps| stack.addresses(deps), standing);
        found.ok().filter(|found| !found.iter().any(has_holes)).unwrap_or_default()
    }

    /// What was sent last, as far as it can be told: what is there, and what is said of what the service does not show.
    fn applied(&self, node: &Node, import: &Import, seen: &Json, desired: &Value) -> Result<Json, Refused> {
        let hidden: Vec<&str> =
            node.kind.facts().fields.iter().filter(|field| field.write_only).map(|field| field.name).collect();
        let refused = |message: &str| refused(&import.address, message);
        let setting = match (&import.hidden, &hidden[..]) {
            (Hidden::Unknown, _) => return Ok(seen.clone()),
            (_, [setting]) => *setting,
            (_, []) => return Err(refused("its service shows all of it: nothing is to be said")),
            (_, _) => return Err(refused("it has several settings that its service does not show")),
        };
        let is_print = |value: &Value| value.as_object().is_some_and(|map| map.contains_key(FINGERPRINT));
        let said = match &import.hidden {
            Hidden::Is(value) => {
                let plain = value.expose().to_string();
                single(FINGERPRINT, Value::from(self.prepared.key.seal(plain.as_bytes()).fingerprint().0))
            }
            _ => desired[setting].clone(),
        };
        if !is_print(&said) {
            return Err(refused(&format!("what the program says of its `{setting}` is not known yet")));
        }
        let mut applied = seen.value();
        applied[setting] = said;
        Ok(Json::from(&applied))
    }
}

/// A password that was made elsewhere, if the value is one: no service has it, so that its record is all of it.
fn password(
    id: ObjectId,
    name: &PhysicalName,
    spec: &TypedSpec,
    value: &Secret<Value>,
    key: &StackKey,
) -> Option<ErasedLive> {
    let spec = spec.downcast_ref().expect("BUG: a password has a password's spec");
    Password::from_elsewhere(id, name, spec, value).map(|live| ErasedLive::of(live, key))
}

/// Of what was secret, what the program does not say in clear: a map is looked at key by key.
fn concealed(secrets: &[Path], live: &Value, desired: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    for path in secrets {
        match path.find(live) {
            Some(Value::Object(map)) if !map.keys().any(|key| is_engines(key)) => {
                found.extend(map.keys().map(|key| path.join(PathPart::Key(key.clone()))));
            }
            Some(_) => found.push(path.clone()),
            None => {}
        }
    }
    found.retain(|path| path.find(live) != path.find(desired) && !path.find(desired).is_some_and(is_kept));
    found.sort();
    found.dedup();
    found
}

/// Sealed, or waited for: then the draft itself says whether it is a secret.
fn is_kept(value: &Value) -> bool {
    is_sealed(value) || has_holes(value)
}
