//! Orphans in a plan: what has this stack's owner tag, and no record.

use std::collections::{HashMap, HashSet};

use super::Builder;
use crate::base::Address;
use crate::plan::{Problem, StepAction};

impl Builder<'_> {
    /// Tells of what an apply of this plan leaves without a record.
    pub(super) fn tell_of_orphans(&mut self) {
        let mut orphans = Vec::new();
        for ((provider, kind, name), strays) in &self.input.observed.strays {
            let ours = strays.iter().filter(|live| live.is_own(&self.input.lineage));
            orphans.extend(ours.map(|live| (provider, *kind, name, live)));
        }
        if orphans.is_empty() {
            return;
        }
        orphans.sort_by_key(|(provider, kind, _, live)| (*provider, *kind, &live.name, &live.id));
        let adopted: HashSet<_> = (self.known.steps.iter())
            .filter(|step| matches!(step.action, StepAction::Adopt { .. }))
            .map(|step| (step.address.kind(), step.revision.as_ref()))
            .collect();
        let records = self.input.snapshot.records.iter();
        let owners: HashMap<_, _> = records.map(|(address, record)| (&record.id, (address, record))).collect();
        let mut warnings = Vec::new();
        for (provider, kind, _, live) in orphans {
            if adopted.contains(&(kind, Some(&live.revision))) {
                continue;
            }
            let record = live.record(&self.input.lineage).expect("BUG: it was found by its tag");
            let owner = owners.get(record);
            // It was told when it was left in place.
            let is_it = |left: &crate::state::LeftObject| left.id == live.id && left.name == live.name;
            if owner.is_some_and(|(_, record)| record.left.iter().any(is_it)) {
                continue;
            }
            let owner = owner.map_or("no record has it".to_owned(), |(address, record)| {
                let stateful = (self.input.kind)(record, address).is_some_and(|kind| kind.facts().stateful);
                let why = if stateful { " and holds data" } else { "" };
                format!("`{address}`, whose tag it is, has another object{why}")
            });
            let id = if live.id.as_str() == live.name.as_str() { String::new() } else { format!(" (`{}`)", live.id) };
            warnings.push(Problem {
                address: Address::new(kind, &[], live.name.as_str()),
                message: format!("`{}`{id} at `{provider}` has this stack's owner tag, and {owner}", live.name),
                hint: Some(format!(
                    "to keep it, declare a resource for it and run `import ADDRESS {}`; to delete it, take the declaration \
                     away again after that, or delete it at its service",
                    live.id
                )),
                at: None,
            });
        }
        self.warnings.extend(warnings);
    }
}
