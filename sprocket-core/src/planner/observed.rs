//! What is there now, as it was read for a plan.

use crate::base::{Address, PhysicalName, ProviderName};
use crate::erased::{ErasedLive, Fault};
use crate::state::Entry;
use crate::value::Answered;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is there now.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// The objects of each record: the current one, and those that were replaced.
    pub(crate) objects: HashMap<Address, Seen>,
    /// Objects without a record that have a name which a resource would get, or our mark.
    pub(crate) strays: HashMap<Name, Vec<ErasedLive>>,
    /// Providers whose settings are not known yet: nothing of theirs was read.
    pub(crate) deferred: BTreeSet<ProviderName>,
    /// Providers that serve nothing until a step opens them, with what they say: nothing of theirs was read.
    pub(crate) shut: BTreeMap<ProviderName, Fault>,
    /// What an interrupted run had left open, and how it ended.
    pub(crate) settled: Vec<Entry>,
    /// What was found again by its owner tag.
    pub(crate) recovered: Vec<RecoveredObject>,
    /// The answers to look-ups, by their place in the stack.
    pub(crate) answers: Vec<Option<Answered>>,
}

impl Observed {
    /// Whether nothing of this provider was read. A missing reading does not mean that an object is gone.
    pub(crate) fn is_unread(&self, provider: &ProviderName) -> bool {
        self.shut.contains_key(provider) || self.deferred.contains(provider)
    }
}

/// A name at a service, in the one way of writing it: names are unique by provider and kind, if at all.
pub(crate) type Name = (ProviderName, &'static str, PhysicalName);

/// The objects of a record; `None` where the service says that there is none.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) current: Option<ErasedLive>,
    pub(crate) old: Vec<Option<ErasedLive>>,
}

/// What was found again by its owner tag.
#[derive(Clone, Debug)]
pub(crate) struct RecoveredObject {
    /// The resource that it belongs to.
    pub(crate) address: Address,
    /// Its name.
    pub(crate) name: PhysicalName,
    /// The resource has its object too.
    pub(crate) is_duplicate: bool,
}
