//! The oracle: a naive planner for the kinds of the shed, written from `docs/lifecycle.md` and from nothing else.
//!
//! From what is declared, recorded and there it says what happens to each resource, which are refused, and what must come
//! before what. It knows nothing of how the planner works, and looks at everything again for each question.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sprocket_core::engine::Goal;
use sprocket_core::state::{Object, Record, Snapshot};

use super::case::{KindName, Opt, Slot, Use};
use super::shed::{Settings, Thing};

/// What happens: `create`, `update`, `delete 1`, by address.
pub(crate) type Step = (String, String);

/// What a plan must say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Foretold {
    pub(crate) steps: BTreeSet<Step>,
    /// Who keeps the plan from being applied. Nothing else of it counts then.
    pub(crate) problems: BTreeSet<String>,
    /// The names of what is left in place.
    pub(crate) left: BTreeSet<String>,
    /// What must come before what.
    pub(crate) order: BTreeSet<(Step, Step)>,
}

/// A value of a setting: none, while it is not known.
type Known<T> = Option<T>;

/// The settings of a resource, as far as they are known.
struct Desired {
    text: String,
    base: u64,
    uses: Known<Vec<String>>,
    on: Known<Option<String>>,
    inside: Known<Option<String>>,
    deps: BTreeSet<String>,
}

/// What others can know of a resource after the plan.
struct Outlook {
    name: Known<String>,
    id: Known<String>,
    version: Known<u64>,
    /// What is done to it, if something is.
    main: Option<String>,
    /// Another object takes the place of its own, which goes before that or after.
    goes: Option<Goes>,
    /// The other is one that it had before.
    is_restored: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    First,
    Later,
    /// It is left in place.
    Stays,
}

pub(crate) struct Oracle<'a> {
    program: &'a [Slot],
    records: BTreeMap<String, Record>,
    things: &'a [Thing],
    lineage: &'a str,
    foretold: Foretold,
    outlooks: BTreeMap<u8, Outlook>,
    /// Who goes with its host, and the step that drops it.
    carried: BTreeMap<String, Step>,
    /// The step that ends the object of who is replaced.
    ends: BTreeMap<String, Step>,
    /// Who of those goes with its host,
    with_host: BTreeSet<String>,
    /// and the replaced objects that stay.
    retained: Vec<(String, Object)>,
}

/// What is declared is to be.
pub(crate) fn foretell(program: &[Slot], recorded: Option<&Snapshot>, things: &[Thing]) -> Foretold {
    let mut oracle = Oracle::new(program, recorded, things);
    for slot in program {
        oracle.declared(slot);
    }
    oracle.undeclared();
    oracle.order();
    oracle.foretold
}

impl<'a> Oracle<'a> {
    fn new(program: &'a [Slot], recorded: Option<&'a Snapshot>, things: &'a [Thing]) -> Self {
        let mut records = BTreeMap::new();
        let moved = |address: &str| {
            let slot = program.iter().find(|slot| format!("{}/{}", slot.kind.name(), slot.names().1) == address);
            slot.map(Slot::address)
                .filter(|to| recorded.is_some_and(|state| !state.records.contains_key(&to.as_str().into())))
        };
        let moved = |address: String| moved(&address).unwrap_or(address);
        for (address, record) in recorded.iter().flat_map(|state| &state.records) {
            let mut record = record.clone();
            for object in record.object.iter_mut().chain(&mut record.old) {
                object.deps.iter_mut().for_each(|dep| *dep = moved(dep.to_string()).as_str().into());
            }
            record.dies_with = record.dies_with.map(|host| moved(host.to_string()).as_str().into());
            records.insert(moved(address.to_string()), record);
        }
        let lineage = recorded.map_or("", |state| state.lineage.as_str());
        Self {
            program,
            records,
            things,
            lineage,
            foretold: Foretold::default(),
            outlooks: BTreeMap::new(),
            carried: BTreeMap::new(),
            ends: BTreeMap::new(),
            with_host: BTreeSet::new(),
            retained: Vec::new(),
        }
    }

    fn step(&mut self, address: &str, what: impl Into<String>) {
        self.foretold.steps.insert((address.to_owned(), what.into()));
    }

    fn problem(&mut self, address: &str) {
        self.foretold.problems.insert(address.to_owned());
    }

    fn live(&self, object: &Object) -> Option<&'a Thing> {
        self.things.iter().find(|thing| thing.id == object.id.as_str())
    }

    fn named(&self, kind: KindName, name: &str) -> Option<&'a Thing> {
        self.things.iter().find(|thing| thing.kind == kind.name() && thing.name == name)
    }

    fn is_ours(&self, thing: &Thing) -> bool {
        thing.owner.as_ref().is_some_and(|owner| owner.lineage.as_str() == self.lineage)
    }

    fn is_stolen(&self, thing: &Thing) -> bool {
        thing.owner.as_ref().is_some_and(|owner| owner.lineage.as_str() != self.lineage)
    }

    /// The settings, as far as those of others are known.
    fn desired(&self, slot: &Slot) -> Desired {
        let (mut uses, mut on, mut inside) = (Some(Vec::new()), Some(None), Some(None));
        let mut deps = BTreeSet::new();
        for (using, other) in slot.mentions(self.program) {
            deps.insert(other.address());
            let outlook = &self.outlooks[&other.slot];
            match using {
                Use::On(_) => on = outlook.id.clone().map(Some),
                Use::Inside(_) => inside = outlook.id.clone().map(Some),
                // The last two are of worlds that it is not asked about.
                Use::Behind(_) | Use::Within(_) | Use::Looked(_) => {}
                Use::Name(_) | Use::Id(_) | Use::Version(_) => {
                    let value = match using {
                        Use::Name(_) => outlook.name.clone(),
                        Use::Id(_) => outlook.id.clone(),
                        _ => outlook.version.map(|version| version.to_string()),
                    };
                    uses = uses.zip(value).map(|(mut uses, value)| {
                        uses.push(value);
                        uses
                    });
                }
            }
        }
        Desired { text: slot.text(), base: slot.base, uses, on, inside, deps }
    }

    /// The first row of the table that applies.
    fn declared(&mut self, slot: &Slot) {
        let address = slot.address();
        let desired = self.desired(slot);
        let record = self.records.get(&address).cloned();
        let object = record.as_ref().and_then(|record| record.object.clone());
        let generation = object.as_ref().map_or(1, |object| object.generation);
        let old: &[Object] = record.as_ref().map_or(&[], |record| &record.old);
        let stray = self.stray(slot, self.next_name(slot, &desired, 1).as_deref(), old);
        // An object from before is used again, if nothing is in its place.
        let is_there = object.as_ref().is_some_and(|object| self.live(object).is_some());
        let left = (!is_there)
            .then(|| self.restored(slot, &desired, old, self.next_name(slot, &desired, 1).as_deref()))
            .flatten();
        let main = match object.as_ref().map(|object| (object, self.live(object))) {
            _ if left.is_some() => Some("restore"),
            None => self.without_object(slot, &desired, stray),
            // It has gone, and something else has its name.
            Some((_, None))
                if self.stray(slot, self.next_name(slot, &desired, generation).as_deref(), old).is_some() =>
            {
                self.problem(&address);
                None
            }
            Some((_, None)) => Some("create"),
            Some((_, Some(thing))) if self.is_stolen(thing) => {
                self.problem(&address);
                None
            }
            Some((object, Some(thing))) => {
                self.with_object(slot, &desired, record.as_ref().expect("it has an object"), object, thing)
            }
        };
        let next_name =
            self.next_name(slot, &desired, if main == Some("replace") { generation + 1 } else { generation });
        let restored = (main == Some("replace"))
            .then(|| self.restored(slot, &desired, old, next_name.as_deref()))
            .flatten()
            .filter(|(old, _)| self.may_be_restored(record.as_ref(), old))
            .or(left);
        // The next one's name is taken.
        let taker =
            self.stray(slot, next_name.as_deref(), old).filter(|_| main == Some("replace") && restored.is_none());
        // What makes room for a fixed name does not take it.
        let taker = taker.filter(|thing| object.as_ref().is_none_or(|object| object.id.as_str() != thing.id));
        // What it had left in place is its own again, if it says so still; anything else is taken over if the program asks for it.
        let may_have = |thing: &&Thing| {
            let was_left = |record: &Record| record.left.iter().any(|left| left.id.as_str() == thing.id);
            let can_become = thing.set.base == desired.base
                && desired.on.as_ref() == Some(&thing.set.on)
                && desired.inside.as_ref() == Some(&thing.set.inside);
            let may = slot.has(Opt::Adopt) && !slot.kind.is_fixed()
                || self.is_ours(thing) && record.as_ref().is_some_and(was_left);
            may && can_become
        };
        let again = taker.filter(may_have).filter(|thing| !self.is_stolen(thing));
        let is_kept = slot.has(Opt::Keep) || record.as_ref().is_some_and(|record| record.keep_on_delete);
        let is_new = main == Some("replace") && restored.is_none() && taker.is_none();
        let goes = matches!(main, Some("replace" | "restore")).then(|| match is_new && self.goes_first(slot) {
            true => Goes::First,
            false if is_kept => Goes::Stays,
            false => Goes::Later,
        });
        let is_taken = taker.is_some() && again.is_none();
        let can_not_stay = is_kept && goes == Some(Goes::First);
        let main = main.filter(|_| !is_taken && !can_not_stay);
        if is_taken || can_not_stay {
            self.problem(&address);
        }
        let goes = goes.filter(|_| main.is_some());
        let is_replaced = main == Some("replace");
        let main = if again.is_some() { main.map(|_| "adopt") } else { main };
        let stray = again.or(stray);
        let mut later = None;
        if let Some((restored, thing)) = restored {
            if self.replaces(slot, &desired, restored, thing) {
                self.problem(&address);
            }
            later = self.updates(slot, &desired, record.as_ref().expect("it has an object"), restored, thing);
            later = later.filter(|later| *later != "record");
            self.step(&address, format!("restore {}", restored.generation));
            if object.is_some() && !is_there {
                self.step(&address, format!("drop {generation}"));
            }
            if let Some(later) = later {
                self.step(&address, later);
            }
        } else if let Some(main) = main {
            self.step(&address, main);
        }
        if let Some(object) = object.as_ref().filter(|_| is_replaced) {
            let host = record.as_ref().and_then(|record| self.host_goes(record));
            // What was changed by half may not be in its host.
            let goes_along =
                object.ready && (host == Some(Goes::First) || host == Some(Goes::Later) && goes == Some(Goes::Later));
            let end = if is_kept || goes_along { "drop" } else { "delete" };
            let end = (address.clone(), format!("{end} {generation}"));
            self.foretold.steps.insert(end.clone());
            self.ends.insert(address.clone(), end);
            if is_kept {
                self.retained.push((address.clone(), object.clone()));
            } else if goes_along {
                self.with_host.insert(address.clone());
            }
        }
        let superseded: Vec<Object> =
            old.iter().filter(|old| restored.is_none_or(|(restored, _)| restored.id != old.id)).cloned().collect();
        match is_kept {
            true => {
                for old in superseded {
                    self.step(&address, format!("drop {}", old.generation));
                    if self.live(&old).is_some() {
                        self.retained.push((address.clone(), old));
                    }
                }
            }
            false => self.superseded(&address, &superseded),
        }
        let live = object.as_ref().and_then(|object| self.live(object));
        let version_of = |object: &Object| object.state.value()["version"].as_u64();
        let outlook = match (main, &object) {
            (Some("replace" | "restore"), _) if restored.is_some() => Outlook {
                name: restored.map(|(restored, _)| restored.name.to_string()),
                id: restored.map(|(restored, _)| restored.id.to_string()),
                version: restored.map(|(_, thing)| thing.version).filter(|_| later.is_none()),
                main: restored.map(|(restored, _)| match later {
                    Some(later) => later.to_owned(),
                    None => format!("restore {}", restored.generation),
                }),
                goes,
                is_restored: true,
            },
            (Some("create" | "replace"), _) => Outlook {
                name: next_name,
                id: None,
                version: None,
                main: main.map(str::to_owned),
                goes,
                is_restored: false,
            },
            (Some("adopt"), _) => {
                let id = stray.map(|thing| thing.id.clone());
                Outlook { name: next_name, id, version: None, main: main.map(str::to_owned), goes, is_restored: false }
            }
            (_, Some(object)) => Outlook {
                name: Some(object.name.to_string()),
                // Also of what has a problem: who uses it has none for that.
                id: Some(object.id.to_string()),
                version: live
                    .map(|thing| thing.version)
                    .or_else(|| version_of(object))
                    .filter(|_| matches!(main, None | Some("record"))),
                main: main.filter(|main| *main != "record").map(str::to_owned),
                goes: None,
                is_restored: false,
            },
            (_, None) => Outlook { name: None, id: None, version: None, main: None, goes: None, is_restored: false },
        };
        self.outlooks.insert(slot.slot, outlook);
    }

    /// The name of the next object. A sign is called by what can't be changed of it.
    fn next_name(&self, slot: &Slot, desired: &Desired, generation: u32) -> Known<String> {
        let name = slot.names().0;
        match slot.kind {
            KindName::Sign => {
                let (on, inside) = (desired.on.as_ref()?, desired.inside.as_ref()?);
                let text = json!({ "base": desired.base, "on": on, "inside": inside }).to_string();
                let hash = Sha256::new().chain_update((text.len() as u64).to_le_bytes()).chain_update(text).finalize();
                Some(format!("{name}-{}", &hex::encode(hash)[..16]))
            }
            kind if kind.is_fixed() || generation == 1 => Some(name),
            _ => Some(format!("{name}-{generation}")),
        }
    }

    /// What has the name that is wanted for a new object.
    fn stray(&self, slot: &Slot, name: Option<&str>, old: &[Object]) -> Option<&'a Thing> {
        let thing = self.named(slot.kind, name?)?;
        // A name by content is asked for as it is made of what is recorded. What bears our mark is listed anyway.
        let recorded =
            |host: &Slot| self.records.get(&host.address())?.object.as_ref().map(|object| object.id.to_string());
        let mut desired = self.desired(slot);
        for (using, host) in slot.mentions(self.program) {
            match using {
                Use::On(_) => desired.on = recorded(host).map(Some),
                Use::Inside(_) => desired.inside = recorded(host).map(Some),
                _ => {}
            }
        }
        let is_asked_for = || self.next_name(slot, &desired, 1).as_deref() == name;
        let is_listed = slot.kind != KindName::Sign || self.is_ours(thing) || is_asked_for();
        (is_listed && !old.iter().any(|object| object.id.as_str() == thing.id)).then_some(thing)
    }

    /// It is not recorded, or what was recorded has been deleted to make room.
    fn without_object(&mut self, slot: &Slot, desired: &Desired, stray: Option<&Thing>) -> Option<&'static str> {
        let Some(thing) = stray else { return Some("create") };
        let is_ours = self.is_ours(thing);
        let can_become = thing.set.base == desired.base
            && desired.on.as_ref() == Some(&thing.set.on)
            && desired.inside.as_ref() == Some(&thing.set.inside);
        if (is_ours || slot.has(Opt::Adopt) && thing.owner.is_none()) && can_become {
            return Some("adopt");
        }
        self.problem(&slot.address());
        None
    }

    fn with_object(
        &mut self,
        slot: &Slot,
        desired: &Desired,
        record: &Record,
        object: &Object,
        thing: &Thing,
    ) -> Option<&'static str> {
        let host = self.host_goes(record);
        if self.replaces(slot, desired, object, thing) || host.is_some() {
            if record.protect || slot.has(Opt::Protect) || slot.kind == KindName::Vat {
                self.problem(&slot.address());
                return None;
            }
            // Neither can the old one stay where the new one is to be, nor without its host.
            let is_kept = record.keep_on_delete || slot.has(Opt::Keep);
            let has_no_host = host.is_some_and(|host| host != Goes::Stays);
            if is_kept && (slot.kind.is_fixed() || has_no_host || self.was_left_behind(record)) {
                self.problem(&slot.address());
                return None;
            }
            // It would be called the same.
            if host != Some(Goes::First)
                && slot.kind == KindName::Sign
                && self.next_name(slot, desired, 1).as_deref() == Some(object.name.as_str())
            {
                self.problem(&slot.address());
                return None;
            }
            return Some("replace");
        }
        self.updates(slot, desired, record, object, thing)
    }

    /// What differs of what can't be changed: whether it does, and whether what is there is what the program says.
    fn differences(&self, desired: &Desired, object: &Object, thing: &Thing) -> [(bool, bool); 3] {
        let (applied, live) = (settings(&object.applied.value()), &thing.set);
        // What was never seen has not drifted,
        let seen = object.seen_spec().map_or_else(|| live.clone(), |seen| settings(&seen.value()));
        [
            (differs(desired.base, applied.base, seen.base, live.base), live.base == desired.base),
            (
                unknown_or(&desired.on, |on| differs(on, &applied.on, &seen.on, &live.on)),
                desired.on.as_ref() == Some(&live.on),
            ),
            (
                unknown_or(&desired.inside, |inside| differs(inside, &applied.inside, &seen.inside, &live.inside)),
                desired.inside.as_ref() == Some(&live.inside),
            ),
        ]
    }

    /// Where somebody else has made it what the program says now, it is only sent again. A sign would keep its name.
    fn replaces(&self, slot: &Slot, desired: &Desired, object: &Object, thing: &Thing) -> bool {
        let differ = self.differences(desired, object, thing);
        differ.iter().any(|(differs, is_there)| *differs && !(*is_there && slot.kind != KindName::Sign))
    }

    /// Whether an object that it had before may take its place again: not what was made from a host that goes.
    fn may_be_restored(&self, record: Option<&Record>, old: &Object) -> bool {
        let host = record.and_then(|record| record.dies_with.as_ref()).map(ToString::to_string);
        let host = host.and_then(|host| self.program.iter().find(|slot| slot.address() == host));
        let host = host.and_then(|slot| Some((slot.address(), self.outlooks.get(&slot.slot)?)));
        let host = host.filter(|(_, host)| host.goes.is_some());
        host.is_none_or(|(address, host)| host.is_restored || !old.deps.iter().any(|dep| dep.as_str() == address))
    }

    /// The object from before that is used again. One that has gone is made again.
    fn restored<'r>(
        &self,
        slot: &Slot,
        desired: &Desired,
        old: &'r [Object],
        name: Option<&str>,
    ) -> Option<(&'r Object, &'a Thing)> {
        let mut there = old.iter().filter_map(|old| Some((old, self.live(old)?)));
        match slot.kind {
            KindName::Sign => there.find(|(old, _)| Some(old.name.as_str()) == name),
            kind if kind.is_fixed() => None,
            _ => there
                .filter(|(old, thing)| self.is_ours(thing) && !self.replaces(slot, desired, old, thing))
                .max_by_key(|(old, _)| old.generation),
        }
    }

    fn updates(
        &self,
        slot: &Slot,
        desired: &Desired,
        record: &Record,
        object: &Object,
        thing: &Thing,
    ) -> Option<&'static str> {
        let applied = settings(&object.applied.value());
        let live = &thing.set;
        let seen = object.seen_spec().map_or_else(|| live.clone(), |seen| settings(&seen.value()));
        let ignores = slot.has(Opt::IgnoreText);
        let differ = self.differences(desired, object, thing);
        // and is held against the program.
        let is_unlike = (object.ready || slot.kind == KindName::Lamp)
            && object.seen.is_none()
            && (!ignores && desired.text != live.text || desired.uses.as_ref().is_some_and(|uses| *uses != live.uses));
        let updates = is_unlike
            || differ.iter().any(|(differs, _)| *differs)
            || !ignores && differs(&desired.text, &applied.text, &seen.text, &live.text)
            || unknown_or(&desired.uses, |uses| differs(uses, &applied.uses, &seen.uses, &live.uses))
            || slot.kind.is_marked() && (object.marked || object.seen.is_none()) && thing.owner.is_none();
        if updates {
            return Some("update");
        }
        if !object.ready {
            return Some("finish");
        }
        let deps: BTreeSet<String> = object.deps.iter().map(ToString::to_string).collect();
        let host = slot.mentions(self.program).into_iter().find(|(using, _)| matches!(using, Use::Inside(_)));
        let is_recorded = deps == desired.deps
            && record.protect == slot.has(Opt::Protect)
            && record.keep_on_delete == slot.has(Opt::Keep)
            && record.dies_with.as_ref().map(ToString::to_string) == host.map(|(_, host)| host.address());
        (!is_recorded).then_some("record")
    }

    /// Objects that are not wanted any more go.
    fn superseded(&mut self, address: &str, old: &[Object]) {
        for object in old {
            match self.live(object) {
                Some(thing) if self.is_stolen(thing) => self.problem(address),
                Some(_) => self.step(address, format!("delete {}", object.generation)),
                None => self.step(address, format!("drop {}", object.generation)),
            }
        }
    }

    /// How the object of its host goes, if another takes the place of that.
    fn host_goes(&self, record: &Record) -> Option<Goes> {
        let host = record.dies_with.as_ref()?;
        let slot = self.program.iter().find(|slot| slot.address() == host.as_str())?;
        let host = self.outlooks.get(&slot.slot)?;
        // In the earlier object of its host, which is used again, it stays.
        let applied = settings(&record.object.as_ref()?.applied.value());
        let mentions = |is_it: &dyn Fn(&str) -> bool| {
            let inside = applied.uses.iter().filter_map(|using| using.rsplit(' ').next());
            inside.chain(applied.on.as_deref()).chain(applied.inside.as_deref()).any(is_it)
        };
        let current = self.records.get(&slot.address()).and_then(|host| host.object.as_ref());
        let is_restored = |text: &str| host.id.as_deref() == Some(text) || host.name.as_deref() == Some(text);
        let is_current =
            |text: &str| current.is_some_and(|object| object.id.as_str() == text || object.name.as_str() == text);
        if host.is_restored && mentions(&is_restored) && !mentions(&is_current) {
            return None;
        }
        host.goes
    }

    /// It is in an object of its host that an earlier run has replaced, and that goes now.
    fn was_left_behind(&self, record: &Record) -> bool {
        let (Some(object), Some(host)) = (&record.object, record.dies_with.as_ref()) else { return false };
        let applied = settings(&object.applied.value());
        let is_in = |old: &Object| {
            let mentions = |text: &String| *text == old.id.as_str() || *text == old.name.as_str();
            applied.uses.iter().chain(&applied.on).chain(&applied.inside).any(mentions)
                && self.foretold.steps.contains(&(host.to_string(), format!("delete {}", old.generation)))
        };
        let is_declared = self.program.iter().any(|slot| slot.address() == host.as_str());
        let host = self.records.get(host.as_str()).filter(|_| is_declared);
        host.is_some_and(|host| host.old.iter().any(is_in))
    }

    fn undeclared(&mut self) {
        let is_gone = |address: &str| !self.program.iter().any(|slot| slot.address() == address);
        let gone: BTreeMap<String, Record> =
            self.records.iter().filter(|(address, _)| is_gone(address)).map(|(a, r)| (a.clone(), r.clone())).collect();
        let left = self.left(&gone);
        for (address, record) in &gone {
            if record.protect {
                self.problem(address);
            } else if left.contains(address) {
                if self.host_goes(record).is_some_and(|host| host != Goes::Stays) {
                    self.problem(address);
                }
                self.foretold.left.extend(record.objects().map(|object| object.name.to_string()));
                self.step(address, "leave");
            } else {
                let host = record.dies_with.as_ref().map(ToString::to_string);
                let goes_with_it = host
                    .is_some_and(|host| gone.get(&host).is_some_and(|record| !record.protect && !left.contains(&host)));
                match &record.object {
                    Some(object) if goes_with_it && object.ready => {
                        self.step(address, format!("drop {}", object.generation));
                        self.carried.insert(address.clone(), (address.clone(), format!("drop {}", object.generation)));
                    }
                    object => self.superseded(address, object.as_slice()),
                }
                self.superseded(address, &record.old);
            }
        }
    }

    /// What of this is to be left in place, and what that was made from. Of what is declared, an object that was made room
    /// for can't be left, and any other is.
    fn left(&mut self, gone: &BTreeMap<String, Record>) -> BTreeSet<String> {
        let is_left = |(address, record): &(&String, &Record)| {
            record.keep_on_delete || KindName::of(kind_of(address)) == KindName::Vat
        };
        let mut left: BTreeSet<String> = gone.iter().filter(is_left).map(|(address, _)| address.clone()).collect();
        let objects = |address: &String, record: &Record| -> Vec<(String, Object)> {
            record.objects().map(|object| (address.clone(), object.clone())).collect()
        };
        let mut stays = self.retained.clone();
        stays.extend(left.iter().flat_map(|address| objects(address, &gone[address])));
        while let Some((user, object)) = stays.pop() {
            self.foretold.left.insert(object.name.to_string());
            for dep in object.deps.iter().map(ToString::to_string) {
                if let Some(record) = gone.get(&dep) {
                    if left.insert(dep.clone()) {
                        stays.extend(objects(&dep, record));
                    }
                    continue;
                }
                let Some(record) = self.records.get(&dep).cloned() else { continue };
                let is_guest = self.records[&user].dies_with.as_ref().is_some_and(|host| host.as_str() == dep);
                for needed in record.objects() {
                    let is_current = record.object.as_ref().is_some_and(|current| current.id == needed.id);
                    let (delete, drop) = (
                        (dep.clone(), format!("delete {}", needed.generation)),
                        (dep.clone(), format!("drop {}", needed.generation)),
                    );
                    let is_first = is_current && self.makes_room(&dep);
                    let goes_with_host = is_current && self.with_host.contains(&dep);
                    if (is_first || goes_with_host) && self.ends.contains_key(&dep) {
                        if !is_guest {
                            self.problem(&dep);
                        }
                    } else if self.foretold.steps.remove(&delete) {
                        self.foretold.steps.insert(drop.clone());
                        if is_current {
                            self.ends.insert(dep.clone(), drop);
                            self.goes_alone(&dep);
                        }
                        stays.push((dep.clone(), needed.clone()));
                    }
                }
            }
        }
        left
    }

    /// What would have gone with a host goes by itself, as that stays.
    fn goes_alone(&mut self, host: &str) {
        let is_guest =
            |address: &&String| self.records[*address].dies_with.as_ref().is_some_and(|other| other.as_str() == host);
        let guests: Vec<String> = self.with_host.iter().filter(is_guest).cloned().collect();
        for guest in guests {
            self.with_host.remove(&guest);
            let drop = self.ends[&guest].clone();
            self.foretold.steps.remove(&drop);
            let delete = (guest.clone(), drop.1.replace("drop", "delete"));
            self.foretold.steps.insert(delete.clone());
            self.ends.insert(guest, delete);
        }
    }

    /// What must come before what.
    fn order(&mut self) {
        let (mut order, mut free) = (BTreeSet::new(), BTreeSet::new());
        let early = self.early();
        let main = |address: &str| {
            let slot = self.program.iter().find(|slot| slot.address() == address)?;
            self.outlooks.get(&slot.slot)?.main.clone().map(|main| (address.to_owned(), main))
        };
        // Who mentions something waits for it.
        for slot in self.program {
            for (_, other) in slot.mentions(self.program) {
                order.extend(main(&other.address()).zip(main(&slot.address())));
            }
        }
        let deletes = |address: &str| -> Vec<Step> {
            let steps = self.foretold.steps.iter();
            steps.filter(|(of, what)| of == address && what.starts_with("delete")).cloned().collect()
        };
        let makes_room = |address: &str| self.makes_room(address);
        let host_of = |address: &str| self.records.get(address)?.dies_with.as_ref().map(ToString::to_string);
        // A delete that makes room for the successor of a resource.
        let is_room = |step: &Step| {
            let object = self.records[&step.0].object.as_ref();
            makes_room(&step.0) && object.is_some_and(|object| step.1 == format!("delete {}", object.generation))
        };
        // A resource that newly depends on one that is replaced in place may be deleted before or after its successor is created.
        let is_free = |address: &str| {
            let slot = self.program.iter().find(|slot| slot.address() == address);
            slot.into_iter()
                .flat_map(|slot| slot.mentions(self.program))
                .any(|(using, host)| matches!(using, Use::On(_) | Use::Inside(_)) && makes_room(&host.address()))
        };
        for (address, record) in &self.records {
            for object in record.objects() {
                for dep in object.deps.iter().map(ToString::to_string) {
                    let mine = (address.clone(), format!("delete {}", object.generation));
                    let mine = Some(mine).filter(|mine| self.foretold.steps.contains(mine));
                    // What was made from something goes before it does,
                    for its in deletes(&dep)
                        .into_iter()
                        .filter(|its| !is_room(its) || makes_room(address) || early.contains(address))
                    {
                        order.extend(mine.clone().map(|mine| (mine, its)));
                    }
                    // and what goes for good goes before it is changed.
                    if early.contains(address) {
                        order.extend(mine.clone().zip(main(&dep).filter(|(_, main)| main == "update")));
                    }
                    // Who moves over does so before the old one goes, alone or with its host, unless that had to make room.
                    let mut goes = dep.clone();
                    while let Some(host) = host_of(&goes).filter(|_| self.carried.contains_key(&goes)) {
                        goes = host;
                    }
                    for its in deletes(&goes).into_iter().filter(|its| !is_room(its) && !is_free(&its.0)) {
                        order.extend(main(address).map(|mine| (mine, its)));
                    }
                }
            }
            if let (Some(new), Some(old)) = (main(address), self.ends.get(address).cloned()) {
                if makes_room(address) {
                    order.insert((old, new));
                } else if is_free(address) {
                    free.insert(old);
                } else {
                    order.insert((new, old));
                }
            }
        }
        // What goes with its host is known of until that has gone.
        for (address, dropped) in &self.carried {
            let mut host = host_of(address);
            while let Some(carried) = host.take_if(|host| self.carried.contains_key(host)) {
                host = host_of(&carried);
            }
            let gone = host.iter().flat_map(|host| deletes(host));
            order.extend(gone.map(|gone| (gone, dropped.clone())));
        }
        for address in &self.with_host {
            let mut host = host_of(address);
            while let Some(carried) = host.take_if(|host| self.with_host.contains(host)) {
                host = host_of(&carried);
            }
            let gone = host.and_then(|host| self.ends.get(&host));
            order.extend(gone.map(|gone| (gone.clone(), self.ends[address].clone())));
        }
        let is_call = |step: &Step| {
            !["record", "leave"].contains(&step.1.as_str())
                && !step.1.starts_with("drop")
                && !step.1.starts_with("restore")
        };
        // Who was made from what makes room comes before that too, unless it waits for something that was made room for.
        let mut late: BTreeSet<Step> =
            self.foretold.steps.iter().filter(|step| step.1.starts_with("delete") && is_room(step)).cloned().collect();
        late.extend(free);
        while let Some((_, then)) = order.iter().find(|(first, then)| late.contains(first) && !late.contains(then)) {
            late.insert(then.clone());
        }
        for (address, record) in &self.records {
            for dep in record.objects().flat_map(|object| &object.deps) {
                for its in deletes(dep.as_str()).into_iter().filter(|its| is_room(its)) {
                    let mine = self
                        .foretold
                        .steps
                        .iter()
                        .filter(|mine| mine.0 == *address && is_call(mine) && !late.contains(mine));
                    order.extend(mine.map(|mine| (mine.clone(), its.clone())));
                }
            }
        }
        self.foretold.order = order;
    }

    /// What goes for good, if only such was made from it; and if it goes with its host, that is such too.
    fn early(&self) -> BTreeSet<String> {
        let is_declared = |address: &String| self.program.iter().any(|slot| slot.address() == *address);
        let mut early: BTreeSet<String> =
            self.records.keys().filter(|address| !is_declared(address)).cloned().collect();
        let waits_for = |address: &String| -> Vec<String> {
            let made_from_it =
                |record: &Record| record.objects().flat_map(|object| &object.deps).any(|dep| dep.as_str() == address);
            let users = self.records.iter().filter(|(_, record)| made_from_it(record)).map(|(user, _)| user.clone());
            let host = self.records[address].dies_with.as_ref().filter(|_| self.carried.contains_key(address));
            users.chain(host.map(ToString::to_string)).collect()
        };
        while let Some(late) =
            early.iter().find(|address| waits_for(address).iter().any(|other| !early.contains(other))).cloned()
        {
            early.remove(&late);
        }
        early
    }

    /// Its old object goes before the new one is made.
    fn makes_room(&self, address: &str) -> bool {
        let slot = self.program.iter().find(|slot| slot.address() == address);
        slot.and_then(|slot| self.outlooks.get(&slot.slot)).is_some_and(|outlook| outlook.goes == Some(Goes::First))
    }

    /// Its name is fixed, or it stood and stands on what makes room, or goes with that.
    fn goes_first(&self, slot: &Slot) -> bool {
        let object_of = |address: &str| self.records.get(address).and_then(|record| record.object.as_ref());
        let stood = object_of(&slot.address()).map(|object| settings(&object.applied.value())).unwrap_or_default();
        let was_made_from = |address: &str| {
            object_of(&slot.address()).is_some_and(|object| object.deps.iter().any(|dep| dep.as_str() == address))
        };
        let host = self.records.get(&slot.address()).and_then(|record| self.host_goes(record));
        slot.kind.is_fixed()
            || host == Some(Goes::First)
            || slot.mentions(self.program).into_iter().any(|(using, host)| {
                // That it was made from this one by another setting is not known apart.
                let stands_on_it = match using {
                    Use::On(_) => stood.on.is_some(),
                    Use::Inside(_) => stood.inside.is_some(),
                    _ => false,
                };
                stands_on_it && was_made_from(&host.address()) && self.makes_room(&host.address())
            })
    }
}

fn kind_of(address: &str) -> &str {
    address.split('/').next().unwrap_or_default()
}

/// The program was edited, or somebody else was there.
fn differs<T: PartialEq>(desired: T, applied: T, seen: T, live: T) -> bool {
    desired != applied || live != seen
}

fn unknown_or<T>(known: &Known<T>, differs: impl FnOnce(&T) -> bool) -> bool {
    known.as_ref().is_none_or(differs)
}

fn settings(json: &Value) -> Settings {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Settings {
        text: text(&json["text"]).unwrap_or_default(),
        uses: json["uses"].as_array().into_iter().flatten().filter_map(text).collect(),
        base: json["base"].as_u64().unwrap_or_default(),
        on: text(&json["on"]),
        inside: text(&json["inside"]),
    }
}

/// Everything is to go.
pub(crate) const ALL: Goal = Goal::Destroyed { include_kept: true };
