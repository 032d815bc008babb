//! Bugs of a store, each caught by the suite that every store passes.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sprocket_core::state::StackKey;
use sprocket_core::state::{
    Earlier, Entry, Holder, Loaded, Lock, MemoryStore, Proof, Signer, Snapshot, StateStore, StoreError, conformance,
};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// What is appended is acknowledged, and not kept.
    LosesAppends,
    KeepsTheFirstOfABatch,
    AppendsTwice,
    AppendsBackwards,
    /// A state begins with entries.
    BeginsWithEntries,
    /// What is appended lacks this field, if it can be read without.
    AppendsWithout(&'static str),
    /// What a handle loaded once it loads for ever.
    NeverLoadsAgain,
    /// A handle loads again only after writes of its own.
    LoadsAgainAfterItsOwnWrites,
    LoadsAtMost(usize),
    LoadTakesTheLockAway,
    /// Who does not hold the lock can't load while somebody else does.
    LoadNeedsTheLock,
    /// It says that something was repaired, and nothing was.
    NotesWhatWasNot,
    TheLockLoadsNothing,
    /// What a lock loaded once it loads as long as it is held.
    TheLockLoadsOnce,
    /// A lock is given although it is held.
    GivesAHeldLock,
    /// It looks whether the lock is free, and takes it later.
    LooksAndThenLocks,
    SaysThatNobodyHolds,
    ForgetsWhoHolds,
    KeepsDroppedLocks,
    KeepsReleasedLocks,
    UnlocksByAnyId,
    UnlocksNothing,
    /// A lock that was lost frees the next one when it is dropped.
    FreesTheNextLock,
    /// Whoever held the lock last writes until somebody else has it.
    WritesWhileNobodyHolds,
    WritesWhileAnotherHolds,
    /// The same, of snapshots alone.
    CompactsWhileAnotherHolds,
    ReleasesWhatWasLost,
    /// A snapshot that lacks entries takes their place.
    CompactsBehind,
    /// It is refused, and takes their place all the same.
    RefusesAndCompactsBehind,
    CompactsNothing,
    /// A snapshot that has the journal's entries does not end the journal.
    CompactsAndKeepsTheJournal,
    CompactsWithout(&'static str),
    KeepsToItsLineage,
    KeepsNoHistory,
    /// The state as it is now is among the earlier ones.
    TakesNowForHistory,
    NeverWantsASnapshot,
    SaysThatEveryLockIsHeld,
    SaysThatNoLockIsHeld,
    /// It has a key of its own, and signs with that.
    SignsItself,
    /// What is loaded comes with the MACs of an earlier load.
    KeepsItsFirstProof,
}

/// A handle on a store with a bug. Its data is in memory; its lock is its own, as no bug of that can be had otherwise.
#[derive(Clone, Debug)]
struct Seeded {
    data: MemoryStore,
    held: Arc<Mutex<Held>>,
    bug: Option<Bug>,
    /// What this handle loaded.
    loaded: Arc<Mutex<Option<(Snapshot, Proof)>>>,
    first: Arc<Mutex<Option<Proof>>>,
}

#[derive(Debug, Default)]
struct Held {
    /// How often it was taken.
    times: u64,
    by: Option<(u64, Holder)>,
    /// The handle that it was last taken with.
    with: usize,
}

impl Seeded {
    fn new(bug: Option<Bug>) -> Self {
        Self { data: MemoryStore::new(), held: Arc::default(), bug, loaded: Arc::default(), first: Arc::default() }
    }

    /// Another handle.
    fn handle(&self) -> Self {
        Self { loaded: Arc::default(), ..self.clone() }
    }

    /// Which handle this is.
    fn which(&self) -> usize {
        Arc::as_ptr(&self.loaded).addr()
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn signer(&self, given: &Signer) -> Signer {
        if self.has(Bug::SignsItself) { Signer::of(&StackKey::from_bytes([1; 64])) } else { given.clone() }
    }

    fn locked(&self) -> Option<StoreError> {
        let by = self.held.lock().unwrap().by.clone();
        by.map(|(_, holder)| StoreError::Locked { holder: Box::new(holder) })
    }

    /// The right to change the data, whoever holds the lock.
    async fn data(&self) -> Box<dyn Lock> {
        let since = "2026-04-01T12:00:00Z".parse().unwrap();
        let holder = Holder { id: "data".into(), who: "the store".into(), command: "write".into(), since };
        self.loaded.lock().unwrap().take_if(|_| !self.has(Bug::NeverLoadsAgain));
        self.data.lock(&holder).await.unwrap()
    }

    /// Puts a snapshot in the state's place, whatever it lacks.
    async fn force(&self, snapshot: &Snapshot, signer: &Signer) {
        let data = self.data().await;
        data.compact(&Snapshot::new("in between".into()), signer).await.unwrap();
        data.compact(snapshot, signer).await.unwrap();
    }
}

/// It without a field, wherever that is; or as it was, if it can't be read without.
fn without<T: Serialize + DeserializeOwned + Clone>(whole: &T, field: &str) -> T {
    fn remove(value: &mut Value, field: &str) {
        match value {
            Value::Object(fields) => {
                fields.remove(field);
                fields.values_mut().for_each(|value| remove(value, field));
            }
            Value::Array(items) => items.iter_mut().for_each(|value| remove(value, field)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(whole).unwrap();
    remove(&mut value, field);
    serde_json::from_value(value).unwrap_or_else(|_| whole.clone())
}

#[async_trait]
impl StateStore for Seeded {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        if self.has(Bug::LoadTakesTheLockAway) {
            self.held.lock().unwrap().by = None;
        }
        let is_with_another = self.held.lock().unwrap().with != self.which();
        if self.has(Bug::LoadNeedsTheLock)
            && is_with_another
            && let Some(locked) = self.locked()
        {
            return Err(locked);
        }
        let Some(Loaded { mut snapshot, mut proof, .. }) = self.data.load().await? else { return Ok(None) };
        match self.bug {
            Some(Bug::NeverLoadsAgain | Bug::LoadsAgainAfterItsOwnWrites) => {
                (snapshot, proof) = self.loaded.lock().unwrap().get_or_insert((snapshot, proof)).clone();
            }
            Some(Bug::KeepsItsFirstProof) => proof = self.first.lock().unwrap().get_or_insert(proof).clone(),
            Some(Bug::LoadsAtMost(records)) => {
                snapshot.records = snapshot.records.into_iter().take(records).collect();
            }
            _ => {}
        }
        let notes = self.has(Bug::NotesWhatWasNot).then(|| "the last entry was torn".to_owned());
        Ok(Some(Loaded { snapshot, notes: notes.into_iter().collect(), proof }))
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        if let (false, Some(locked)) = (self.has(Bug::GivesAHeldLock), self.locked()) {
            return Err(locked);
        }
        if self.has(Bug::LooksAndThenLocks) {
            tokio::task::yield_now().await;
        }
        let mut held = self.held.lock().unwrap();
        held.times += 1;
        let mut holder = holder.clone();
        if self.has(Bug::ForgetsWhoHolds) {
            holder.who = "somebody".into();
        }
        held.by = Some((held.times, holder));
        held.with = self.which();
        Ok(Box::new(SeededLock { store: self.clone(), number: held.times, loaded: Mutex::default() }))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        let mut held = self.held.lock().unwrap();
        let is_meant = held.by.as_ref().is_some_and(|(_, holder)| holder.id == id || self.has(Bug::UnlocksByAnyId));
        if !is_meant {
            return Err(StoreError::NoSuchLock { id: id.into() });
        }
        held.by.take_if(|_| !self.has(Bug::UnlocksNothing));
        Ok(())
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        let by = self.held.lock().unwrap().by.clone();
        Ok(by.map(|(_, holder)| holder).filter(|_| !self.has(Bug::SaysThatNobodyHolds)))
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        let mut history = self.data.history().await?;
        match self.bug {
            Some(Bug::KeepsNoHistory) => history.clear(),
            Some(Bug::TakesNowForHistory) => history.extend(self.data.state().map(|snapshot| Earlier {
                place: self.place(),
                written: None,
                snapshot: Ok(snapshot),
            })),
            _ => {}
        }
        Ok(history)
    }

    fn place(&self) -> String {
        "a store with a bug".into()
    }
}

#[derive(Debug)]
struct SeededLock {
    store: Seeded,
    number: u64,
    loaded: Mutex<Option<Loaded>>,
}

impl SeededLock {
    /// Whether its holder may write.
    fn check(&self, compacts: bool) -> Result<(), StoreError> {
        let held = self.store.held.lock().unwrap();
        let is_given = match (&held.by, self.store.bug) {
            (Some((number, _)), _) if *number == self.number => true,
            (Some(_), Some(Bug::CompactsWhileAnotherHolds)) => compacts,
            (by, Some(Bug::WritesWhileAnotherHolds)) => by.is_some(),
            (by, Some(Bug::WritesWhileNobodyHolds)) => by.is_none(),
            _ => false,
        };
        if is_given { Ok(()) } else { Err(StoreError::LockLost) }
    }
}

#[async_trait]
impl Lock for SeededLock {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let loaded = self.store.load().await?;
        Ok(match self.store.bug {
            Some(Bug::TheLockLoadsNothing) => None,
            Some(Bug::TheLockLoadsOnce) => loaded.map(|now| self.loaded.lock().unwrap().get_or_insert(now).clone()),
            _ => loaded,
        })
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        self.check(false)?;
        let own = self.store.signer(signer);
        let signer = &own;
        let mut entries = entries.to_vec();
        match self.store.bug {
            Some(Bug::LosesAppends) => entries.clear(),
            Some(Bug::KeepsTheFirstOfABatch) => entries.truncate(1),
            Some(Bug::AppendsTwice) => entries.extend(entries.clone()),
            Some(Bug::AppendsBackwards) => entries.reverse(),
            Some(Bug::AppendsWithout(field)) => entries.iter_mut().for_each(|entry| *entry = without(entry, field)),
            Some(Bug::BeginsWithEntries) if self.store.data.state().is_none() => {
                self.store.force(&Snapshot::new("begun".into()), signer).await;
            }
            _ => {}
        }
        self.store.data().await.append(&entries, signer).await
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        self.check(true)?;
        let own = self.store.signer(signer);
        let signer = &own;
        let stored = self.store.data.state();
        let journal = self.store.data.journal();
        let is_other = stored.as_ref().is_some_and(|stored| stored.lineage != snapshot.lineage);
        match self.store.bug {
            Some(Bug::CompactsNothing) if stored.is_some() => return Ok(()),
            Some(Bug::KeepsToItsLineage) if is_other => {
                let place = self.store.place();
                return Err(StoreError::Behind { place, stored: u64::MAX, given: snapshot.serial });
            }
            _ => {}
        }
        let written = match self.store.bug {
            Some(Bug::CompactsWithout(field)) => without(snapshot, field),
            _ => snapshot.clone(),
        };
        let compacted = self.store.data().await.compact(&written, signer).await;
        match self.store.bug {
            Some(Bug::CompactsBehind) if compacted.is_err() => {
                self.store.force(snapshot, signer).await;
                return Ok(());
            }
            Some(Bug::RefusesAndCompactsBehind) if compacted.is_err() => self.store.force(snapshot, signer).await,
            Some(Bug::CompactsAndKeepsTheJournal) => self.store.data().await.append(&journal, signer).await?,
            _ => {}
        }
        compacted
    }

    fn is_held(&self) -> bool {
        match self.store.bug {
            Some(Bug::SaysThatEveryLockIsHeld) => true,
            Some(Bug::SaysThatNoLockIsHeld) => false,
            _ => self.store.held.lock().unwrap().by.as_ref().is_some_and(|(number, _)| *number == self.number),
        }
    }

    fn wants_snapshot(&self) -> bool {
        self.store.data.journal().len() >= 16 && !self.store.has(Bug::NeverWantsASnapshot)
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        let mut held = self.store.held.lock().unwrap();
        let is_held = held.by.as_ref().is_some_and(|(number, _)| *number == self.number);
        held.by.take_if(|_| is_held && !self.store.has(Bug::KeepsReleasedLocks));
        drop(held);
        if is_held || self.store.has(Bug::ReleasesWhatWasLost) { Ok(()) } else { Err(StoreError::LockLost) }
    }
}

impl Drop for SeededLock {
    fn drop(&mut self) {
        let keeps = self.store.has(Bug::KeepsDroppedLocks) || self.store.has(Bug::KeepsReleasedLocks);
        let frees_any = self.store.has(Bug::FreesTheNextLock);
        // A panic of the suite may have come while it was looked at.
        if let Ok(mut held) = self.store.held.lock() {
            held.by.take_if(|(number, _)| frees_any || (*number == self.number && !keeps));
        }
    }
}

/// What the suite says of a store with this bug.
fn said(bug: Option<Bug>) -> Result<(), String> {
    let stores: Mutex<BTreeMap<String, Seeded>> = Mutex::default();
    let open = |name: &str| {
        let mut stores = stores.lock().unwrap();
        Arc::new(stores.entry(name.into()).or_insert_with(|| Seeded::new(bug)).handle()) as Arc<_>
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = || runtime.block_on(conformance::suite(&open, Duration::ZERO));
    std::panic::catch_unwind(AssertUnwindSafe(run)).map_err(|said| match said.downcast::<String>() {
        Ok(said) => *said,
        Err(said) => said.downcast_ref::<&str>().copied().unwrap_or("a panic").to_owned(),
    })
}

#[track_caller]
fn check(bug: Bug, says: &str) {
    let Err(said) = said(Some(bug)) else { panic!("{bug:?}: the suite finds nothing") };
    assert!(said.contains(says), "{bug:?}: {said}");
}

#[test]
fn the_suite_finds_nothing_wrong_with_a_store_that_works() {
    assert_eq!(said(None), Ok(()));
    // Nor if what is written is taken apart and put together again, and lacks nothing.
    assert_eq!(said(Some(Bug::AppendsWithout("nothing"))), Ok(()));
    assert_eq!(said(Some(Bug::CompactsWithout("nothing"))), Ok(()));
}

#[test]
fn entries_that_are_lost_or_doubled_or_out_of_order_are_caught() {
    check(Bug::LosesAppends, "after append 0");
    check(Bug::KeepsTheFirstOfABatch, "after append 0");
    check(Bug::AppendsTwice, "after append 0");
    check(Bug::AppendsBackwards, "after append 0");
    check(Bug::BeginsWithEntries, "a state begins with a snapshot");
}

/// All that a record or an entry may lack and still be read.
const FIELDS: [&str; 17] = [
    "deps",
    "dies_with",
    "keep_on_delete",
    "key",
    "left",
    "marked",
    "moved_from",
    "object",
    "old",
    "protect",
    "record",
    "retain_with",
    "updates",
    "secrets",
    "seen",
    "triggers",
    "revision",
];

#[test]
fn a_field_that_is_dropped_on_the_way_is_caught() {
    for field in FIELDS.into_iter().filter(|field| *field != "key") {
        check(Bug::AppendsWithout(field), "`left == right` failed");
    }
    for field in FIELDS.into_iter().filter(|field| !["key", "record"].contains(field)) {
        check(Bug::CompactsWithout(field), "as a snapshot, after ");
    }
    check(Bug::CompactsWithout("key"), "after append 0");
}

#[test]
fn a_load_that_sees_an_older_state_is_caught() {
    check(Bug::NeverLoadsAgain, "after append 1");
    check(Bug::LoadsAgainAfterItsOwnWrites, "the lock of the new holder is as good as before");
    check(Bug::TheLockLoadsNothing, "there is a state");
    check(Bug::TheLockLoadsOnce, "ann's lock loads what was written with it");
}

#[test]
fn a_large_state_that_is_cut_is_caught() {
    check(Bug::LoadsAtMost(1_000), "all records are kept");
    check(Bug::LoadsAtMost(9_999), "all records are kept");
}

#[test]
fn a_load_that_touches_the_lock_or_makes_things_up_is_caught() {
    check(Bug::LoadTakesTheLockAway, "LockLost");
    check(Bug::LoadNeedsTheLock, "loads: Locked");
    check(Bug::NotesWhatWasNot, "nothing is wrong with it");
}

#[test]
fn a_lock_that_two_can_hold_is_caught() {
    check(Bug::GivesAHeldLock, "it is held");
    check(Bug::LooksAndThenLocks, "of several that lock at once, one has it");
}

#[test]
fn a_lock_that_does_not_say_whose_it_is_is_caught() {
    check(Bug::SaysThatNobodyHolds, "who holds it is said as it was given");
    check(Bug::ForgetsWhoHolds, "somebody");
}

#[test]
fn a_lock_that_stays_or_goes_too_soon_is_caught() {
    check(Bug::KeepsDroppedLocks, "a dropped lock is free");
    check(Bug::KeepsReleasedLocks, "the lock is free: Locked");
    check(Bug::UnlocksByAnyId, "it has another id");
    check(Bug::UnlocksNothing, "a broken lock is free");
    check(Bug::FreesTheNextLock, "the old lock does not free the new one");
}

#[test]
fn a_stale_holder_that_writes_is_caught() {
    check(Bug::WritesWhileNobodyHolds, "the lock was lost");
    check(Bug::WritesWhileAnotherHolds, "the lock was lost");
    check(Bug::CompactsWhileAnotherHolds, "the lock was lost");
    check(Bug::ReleasesWhatWasLost, "the lock was lost");
}

#[test]
fn a_snapshot_that_loses_or_doubles_entries_is_caught() {
    check(Bug::CompactsBehind, "entries would be lost");
    check(Bug::RefusesAndCompactsBehind, "nothing was lost");
    check(Bug::CompactsNothing, "what a snapshot has beyond the journal counts");
    check(Bug::CompactsAndKeepsTheJournal, "as a snapshot, after ");
    check(Bug::KeepsToItsLineage, "another state can take its place");
}

#[test]
fn a_history_that_is_missing_or_wrong_is_caught() {
    check(Bug::KeepsNoHistory, "the last ones, the oldest first");
    check(Bug::TakesNowForHistory, "a first snapshot has none before it");
}

#[test]
fn a_store_that_loses_macs_is_caught() {
    check(Bug::SignsItself, "has the MACs of what was written");
    check(Bug::KeepsItsFirstProof, "has the MACs of what was written");
}

#[test]
fn a_journal_that_grows_for_ever_is_caught() {
    check(Bug::NeverWantsASnapshot, "a journal does not grow for ever");
}

#[test]
fn a_lock_that_is_held_for_ever_is_caught() {
    check(Bug::SaysThatEveryLockIsHeld, "a lock is known to be lost after a write was refused");
}

#[test]
fn a_lock_that_is_never_held_is_caught() {
    check(Bug::SaysThatNoLockIsHeld, "a lock that was just written with is held");
}
