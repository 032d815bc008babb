//! Snapshots: what is recorded of a whole stack, and how journal entries change it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::journal::{Action, Entry, JournalEvent};
use super::key::ProtectedKey;
use super::record::{Ending, Record};
use crate::base::{Address, Effect, Identity, Json, Lineage, PhysicalName, ProviderName};

/// The version of the format that this engine writes. Older ones are upgraded on load, newer ones refused.
pub const FORMAT: u32 = 1;

/// What is recorded of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of its format.
    pub format: u32,
    /// The id that this state was born with.
    pub lineage: Lineage,
    /// Which stack it is of, if its engine was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackId>,
    /// How many journal entries have gone into it.
    pub serial: u64,
    /// The stack's key, encrypted to its owner.
    pub key: Option<ProtectedKey>,
    /// The providers that made what is recorded.
    pub providers: BTreeMap<ProviderName, RecordedProvider>,
    /// The records.
    pub records: BTreeMap<Address, Record>,
    /// The stack's outputs as they were last computed; secrets are sealed.
    pub outputs: BTreeMap<String, Json>,
    /// What was begun and has not ended.
    pub pending: BTreeMap<Address, Entry>,
    /// The creates that had no answer, and had made nothing when they were looked for. One may have its effect later: every
    /// plan looks for it, so that an object which nothing declares or records by then is told as an orphan.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unanswered: BTreeSet<Unanswered>,
}

/// A create that had no answer, and may still have its effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unanswered {
    /// The provider that was called.
    pub provider: ProviderName,
    /// The kind of the object.
    pub kind: String,
    /// The name of the object.
    pub name: PhysicalName,
}

/// Which stack a state is of: one that was copied to the place of another is not taken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackId {
    /// The stack's name.
    pub name: String,
    /// The environment.
    pub environment: String,
    /// The crate of the program that declares it: two programs may have stacks of one name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

impl StackId {
    /// Whether a state with the other one may be used for this one. Programs count if both are known.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let programs = self.program.as_ref().zip(other.program.as_ref());
        self.name == other.name
            && self.environment == other.environment
            && programs.is_none_or(|(one, other)| one == other)
    }
}

impl fmt::Display for StackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}/{}`", self.name, self.environment)?;
        match &self.program {
            Some(program) => write!(f, " of the program `{program}`"),
            None => Ok(()),
        }
    }
}

/// What is remembered of a state, to notice that an older one came back.
///
/// A MAC tells who wrote a state, and not whether it is the last one: whoever can write where it is stored can put an
/// earlier one back, with the passwords of then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// Its lineage.
    pub lineage: Lineage,
    /// Its serial.
    pub serial: u64,
}

impl Freshness {
    /// Of this state.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self { lineage: snapshot.lineage.clone(), serial: snapshot.serial }
    }

    /// Why a state can't be the one that was remembered, or a later one of it.
    pub(crate) fn contradicts(&self, found: Option<&Snapshot>) -> Option<String> {
        let Some(found) = found else { return Some(format!("it is gone, and had serial {} before", self.serial)) };
        if found.lineage != self.lineage {
            return Some(format!(
                "it is another one, of lineage {}, than before, of lineage {}",
                found.lineage, self.lineage
            ));
        }
        let older = || format!("it has serial {}, and had serial {} before", found.serial, self.serial);
        (found.serial < self.serial).then(older)
    }
}

/// A provider as it was last used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedProvider {
    /// Its address and options; secrets are sealed.
    pub config: Json,
    /// Which server answered.
    pub identity: Identity,
}

impl Snapshot {
    /// The empty state of a new stack.
    pub fn new(lineage: Lineage) -> Self {
        Self {
            format: FORMAT,
            lineage,
            stack: None,
            serial: 0,
            key: None,
            providers: BTreeMap::new(),
            records: BTreeMap::new(),
            outputs: BTreeMap::new(),
            pending: BTreeMap::new(),
            unanswered: BTreeSet::new(),
        }
    }

    /// Takes in journal entries, in their order.
    pub fn take_all(&mut self, entries: impl IntoIterator<Item = Entry>) {
        entries.into_iter().for_each(|entry| self.take(entry));
    }

    /// Takes in a journal entry. This is the one transition table: every entry has one meaning in every state.
    pub fn take(&mut self, entry: Entry) {
        self.serial += 1;
        match entry.event {
            JournalEvent::Begin { .. } => {
                self.pending.insert(entry.address.clone(), entry);
            }
            JournalEvent::Done { record, .. } => {
                self.pending.remove(&entry.address);
                self.put(entry.address, record);
            }
            JournalEvent::Failed { record, settled, effect } => {
                if settled {
                    let begun = self.pending.remove(&entry.address);
                    if let (Effect::Unknown, Some(JournalEvent::Begin { action: Action::Create { intent } })) =
                        (effect, begun.map(|begun| begun.event))
                    {
                        let (provider, kind, name) = (intent.provider, entry.address.kind().to_owned(), intent.name);
                        self.unanswered.insert(Unanswered { provider, kind, name });
                    }
                }
                if let Some(record) = record {
                    self.put(entry.address, Some(record));
                }
            }
            JournalEvent::Recorded { record } => self.put(entry.address, record),
            JournalEvent::Moved { moves } => self.relocate(&moves),
            JournalEvent::Provider { name, recorded } => {
                self.providers.insert(name, recorded);
            }
            JournalEvent::Outputs { outputs } => self.outputs = outputs,
        }
    }

    /// Gives records other addresses, all at once. What refers to something that moved refers to it still: an object that was
    /// made from it is deleted before it.
    fn relocate(&mut self, moves: &BTreeMap<Address, Address>) {
        let records: Vec<_> = moves.iter().map(|(from, to)| (from, to, self.records.remove(from))).collect();
        for (from, to, record) in records {
            if let Some(record) = record {
                self.records.insert(to.clone(), Record { moved_from: Some(from.clone()), ..record });
            }
        }
        let pending: Vec<_> = moves.iter().map(|(from, to)| (from, to, self.pending.remove(from))).collect();
        for (from, to, entry) in pending {
            if let Some(mut entry) = entry {
                if let JournalEvent::Begin { action: Action::Create { intent } } = &mut entry.event {
                    intent.moved_from = Some(from.clone());
                }
                self.pending.insert(to.clone(), Entry { address: to.clone(), ..entry });
            }
        }
        for reference in self.references_mut() {
            if let Some(now) = moves.get(reference) {
                *reference = now.clone();
            }
        }
    }

    /// All addresses by which what is recorded or begun refers to others.
    fn references_mut(&mut self) -> impl Iterator<Item = &mut Address> {
        let recorded = self.records.values_mut().flat_map(|record| {
            let objects = record.object.iter_mut().chain(&mut record.old);
            let deps = objects.flat_map(|object| &mut object.deps);
            deps.chain(&mut record.dies_with).chain(&mut record.retain_with)
        });
        let begun = self.pending.values_mut().filter_map(|entry| match &mut entry.event {
            JournalEvent::Begin { action: Action::Create { intent } | Action::Update { intent } } => {
                let Ending { dies_with, retain_with, .. } = &mut intent.ending;
                Some(intent.deps.iter_mut().chain(dies_with).chain(retain_with))
            }
            _ => None,
        });
        recorded.chain(begun.flatten())
    }

    fn put(&mut self, address: Address, record: Option<Box<Record>>) {
        match record {
            Some(record) if record.object.is_some() || !record.old.is_empty() => {
                debug_assert_eq!(record.recorded_twice(), None, "BUG: an object of `{address}` is recorded twice");
                let is_recorded = |create: &Unanswered| {
                    create.kind == address.kind()
                        && create.provider == record.provider
                        && record.objects().any(|object| object.name == create.name)
                };
                self.unanswered.retain(|create| !is_recorded(create));
                self.records.insert(address, *record);
            }
            _ => {
                self.records.remove(&address);
            }
        }
    }

    /// What was begun at this address and has not ended.
    pub fn pending(&self, address: &Address) -> Option<&Action> {
        match &self.pending.get(address)?.event {
            JournalEvent::Begin { action } => Some(action),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::state::{Intent, Object};

    fn object(generation: u32) -> Object {
        Object {
            generation,
            name: "edge".into(),
            id: "id-1".into(),
            version: 1,
            applied: Json::from(&json!({})),
            seen: None,
            revision: None,
            marked: false,
            foreign: false,
            state: Json::from(&json!({})),
            secrets: Vec::new(),
            deps: vec!["a".into(), "other".into()],
            ready: true,
            wait_failed: false,
            updates: 0,
            triggers: Vec::new(),
        }
    }

    /// A record whose objects have these generations: the current one, and those that were replaced.
    fn record(current: Option<u32>, old: &[u32]) -> Option<Box<Record>> {
        let mut record = Record::new("3f9a".into(), "docker".into());
        record.object = current.map(object);
        record.old = old.iter().map(|&generation| object(generation)).collect();
        Some(Box::new(record))
    }

    fn create() -> Action {
        let (record, provider, name, spec) = ("3f9a".into(), "docker".into(), "edge".into(), Json::from(&json!({})));
        let (secrets, deps, triggers) = (Vec::new(), vec!["a".into(), "other".into()], Vec::new());
        let (generation, version) = (1, 1);
        let ending = Ending { dies_with: Some("a".into()), ..Ending::default() };
        let moved_from = None;
        let intent =
            Intent { record, provider, generation, name, version, spec, secrets, deps, triggers, ending, moved_from };
        Action::Create { intent: Box::new(intent) }
    }

    fn at(address: &str, event: JournalEvent) -> Entry {
        Entry { address: address.into(), event }
    }

    fn moved(moves: &[(&str, &str)]) -> JournalEvent {
        JournalEvent::Moved { moves: moves.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect() }
    }

    fn after(events: impl IntoIterator<Item = JournalEvent>) -> Snapshot {
        let mut snapshot = Snapshot::new("ours".into());
        for event in events {
            snapshot.take(at("a", event));
        }
        snapshot
    }

    /// What is recorded at an address, as generations, and what is begun.
    fn tell(snapshot: &Snapshot, address: &str) -> String {
        let address = Address::from(address);
        let record = snapshot.records.get(&address).map(|record| {
            let current = record.object.as_ref().map_or("none".into(), |object| object.generation.to_string());
            let old: String = record.old.iter().map(|object| format!(" old {}", object.generation)).collect();
            current + &old
        });
        let begun = snapshot.pending(&address).map(|action| match action {
            Action::Create { .. } => "create?",
            Action::Update { .. } => "update?",
            Action::Ready => "ready?",
            Action::Delete { .. } => "delete?",
        });
        match (record, begun) {
            (None, None) => "-".into(),
            (None, Some(begun)) => begun.into(),
            (Some(record), None) => record,
            (Some(record), Some(begun)) => format!("{record} {begun}"),
        }
    }

    #[test]
    fn every_event_has_one_meaning_in_every_state() {
        let recorded = || JournalEvent::Done { record: record(Some(1), &[]) };
        let begin = || JournalEvent::Begin { action: create() };
        let before: [(&str, Vec<JournalEvent>); 4] = [
            ("nothing", vec![]),
            ("begun", vec![begin()]),
            ("recorded", vec![recorded()]),
            ("both", vec![recorded(), begin()]),
        ];
        let failed = |record, settled| JournalEvent::Failed { record, effect: Effect::Unknown, settled };
        let events: [(&str, JournalEvent); 15] = [
            ("begin delete", JournalEvent::Begin { action: Action::Delete { object: object(1).which() } }),
            ("begin ready", JournalEvent::Begin { action: Action::Ready }),
            ("done, is 2", JournalEvent::Done { record: record(Some(2), &[]) }),
            ("done, is 2, old 1", JournalEvent::Done { record: record(Some(2), &[1]) }),
            ("done, only old 1", JournalEvent::Done { record: record(None, &[1]) }),
            ("done, has none left", JournalEvent::Done { record: record(None, &[]) }),
            ("done, gone", JournalEvent::Done { record: None }),
            ("failed", failed(None, false)),
            ("failed, is 2", failed(record(Some(2), &[]), false)),
            ("failed, settled", failed(None, true)),
            ("failed, settled, is 2", failed(record(Some(2), &[]), true)),
            ("recorded, is 2", JournalEvent::Recorded { record: record(Some(2), &[]) }),
            ("recorded, gone", JournalEvent::Recorded { record: None }),
            ("moved away", moved(&[("a", "b")])),
            ("moved to itself", moved(&[("a", "a")])),
        ];
        let mut table = format!("{:24}", "");
        for (state, _) in &before {
            table += &format!("{state:16}");
        }
        for (name, event) in events {
            table += &format!("\n{name:24}");
            for (_, before) in &before {
                let mut snapshot = after(before.clone());
                snapshot.take(at("a", event.clone()));
                assert_eq!(snapshot.serial, before.len() as u64 + 1, "each entry counts");
                table += &format!("{:16}", tell(&snapshot, "a"));
            }
        }
        let table: Vec<_> = table.lines().map(str::trim_end).collect();
        assert_snapshot!(table.join("\n"), @r"
                                nothing         begun           recorded        both
        begin delete            delete?         delete?         1 delete?       1 delete?
        begin ready             ready?          ready?          1 ready?        1 ready?
        done, is 2              2               2               2               2
        done, is 2, old 1       2 old 1         2 old 1         2 old 1         2 old 1
        done, only old 1        none old 1      none old 1      none old 1      none old 1
        done, has none left     -               -               -               -
        done, gone              -               -               -               -
        failed                  -               create?         1               1 create?
        failed, is 2            2               2 create?       2               2 create?
        failed, settled         -               -               1               1
        failed, settled, is 2   2               2               2               2
        recorded, is 2          2               2 create?       2               2 create?
        recorded, gone          -               create?         -               create?
        moved away              -               -               -               -
        moved to itself         -               create?         1               1 create?
        ");
    }

    #[test]
    fn a_move_takes_along_what_is_recorded_begun_and_referred_to() {
        let mut snapshot =
            after([JournalEvent::Done { record: record(Some(1), &[2]) }, JournalEvent::Begin { action: create() }]);
        let mut user = record(Some(1), &[2]).unwrap();
        user.dies_with = Some("a".into());
        user.retain_with = vec!["a".into()];
        snapshot.take(at("user", JournalEvent::Done { record: Some(user) }));
        snapshot.take(at("user", JournalEvent::Begin { action: create() }));
        snapshot.take(at("a", moved(&[("a", "b")])));

        assert_eq!([tell(&snapshot, "a"), tell(&snapshot, "b")], ["-", "1 old 2 create?"]);
        assert_eq!(snapshot.pending[&"b".into()].address, "b".into());
        assert!(snapshot.references_mut().all(|reference| *reference != "a".into()));
        assert_eq!(snapshot.references_mut().filter(|reference| **reference == "b".into()).count(), 10);
        assert_eq!(snapshot.records[&"user".into()].dies_with, Some("b".into()));
    }

    #[test]
    fn moves_of_one_entry_are_made_at_once() {
        let mut snapshot = Snapshot::new("ours".into());
        for address in ["a", "b", "c", "d"] {
            let mut made = record(Some(1), &[]).unwrap();
            made.id = address.into();
            made.object.as_mut().unwrap().deps = ["a", "b", "c", "d", "e"].map(Address::from).to_vec();
            snapshot.take(at(address, JournalEvent::Done { record: Some(made) }));
        }
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
        let cases: [Case<'_>; 4] = [
            (&[("a", "x"), ("b", "y")], "c=c d=d x=a y=b", "x y c d e"),
            (&[("a", "b"), ("b", "a")], "a=b b=a c=c d=d", "b a c d e"),
            (&[("a", "b"), ("b", "c"), ("c", "x")], "b=a c=b d=d x=c", "b c x d e"),
            (&[("a", "b"), ("b", "c"), ("c", "a"), ("e", "z")], "a=c b=a c=b d=d", "b c a d z"),
        ];
        for (moves, recorded, referred) in cases {
            let mut snapshot = snapshot.clone();
            snapshot.take(at("a", moved(moves)));
            let told: Vec<_> = snapshot.records.iter().map(|(at, record)| format!("{at}={}", record.id)).collect();
            assert_eq!(told.join(" "), recorded, "{moves:?}");
            for record in snapshot.records.values() {
                let deps: Vec<_> = record.object.as_ref().unwrap().deps.iter().map(Address::as_str).collect();
                assert_eq!(deps.join(" "), referred, "{moves:?}");
            }
            assert_eq!(snapshot.records[&moves[0].1.into()].moved_from, Some(moves[0].0.into()));
        }
    }

    #[test]
    fn a_move_of_nothing_still_moves_what_refers_to_it() {
        let mut snapshot = after([]);
        snapshot.take(at("user", JournalEvent::Done { record: record(Some(1), &[]) }));
        snapshot.take(at("a", moved(&[("a", "b")])));
        assert_eq!(snapshot.records.len(), 1);
        assert_eq!(snapshot.records[&"user".into()].object.as_ref().unwrap().deps, ["b".into(), "other".into()]);
    }

    #[test]
    fn what_the_stack_has_is_replaced() {
        let provider = |identity: &str| {
            let recorded = RecordedProvider { config: Json::from(&json!({})), identity: identity.into() };
            JournalEvent::Provider { name: "docker".into(), recorded }
        };
        let outputs = |name: &str| JournalEvent::Outputs { outputs: [(name.to_owned(), Json::from(&json!(1)))].into() };
        let snapshot = after([provider("one"), provider("two"), outputs("url"), outputs("address")]);
        assert_eq!(snapshot.providers[&"docker".into()].identity, "two".into());
        assert_eq!(snapshot.outputs.keys().collect::<Vec<_>>(), ["address"]);
        assert_eq!((snapshot.providers.len(), snapshot.records.len(), snapshot.serial), (1, 0, 4));
    }
}
