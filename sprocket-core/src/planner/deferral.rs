//! Providers that are shut: they serve nothing until somebody opens them, such as a sealed Vault; or they can't be reached,
//! and are reached by way of resources of the program, such as a Vault whose service has gone; or their settings come from
//! what is not there yet.
//!
//! If this plan has a step for a resource that the provider's settings or credentials come from, what is recorded of the
//! provider is left alone: it is read after that step, and planned then. So is what depends on a create that was begun there,
//! and what would be deleted though something there was made from it. If it has none, the plan is refused with what the
//! provider says. What was not read has not gone.

use super::Builder;
use crate::base::{Address, Place, ProviderName};
use crate::kind::ErrorKind;
use crate::plan::{Deferred, Goal, Kept, Problem};
use crate::stack::{Node, ProviderNode};
use crate::state::{Entry, Object, Record};
use crate::value::NoValue;

impl Builder<'_> {
    /// Whether nothing can be planned for a declared resource yet, or at all, since its provider is shut.
    pub(super) fn is_put_off(&mut self, index: usize, node: &Node, record: Option<&Record>) -> bool {
        let stack = self.basis.stack;
        let provider_of = |name: &ProviderName| stack.providers.iter().find(|provider| provider.name == *name);
        if let Some(provider) = self.selected.deferred_with(&node.address).and_then(provider_of) {
            if self.is_opened(provider) {
                self.left_out(index, node, record.and_then(|record| record.object.as_ref()));
                self.put_off(&provider.name, &node.address);
            }
            return true;
        }
        // What is recorded of another one, or was begun there, is read there.
        let begun = self.basis.snapshot.pending.get(&node.address);
        let elsewhere = [begun.and_then(Entry::provider), record.map(|record| &record.provider)];
        let elsewhere = elsewhere.into_iter().flatten().find(|name| self.basis.observed.is_unread(name));
        let provider = elsewhere.and_then(provider_of).unwrap_or(&stack.providers[node.provider]);
        // Where only its settings are not known yet, what is not there yet can be planned.
        let is_recorded = begun.is_some() || record.is_some_and(|record| record.objects().next().is_some());
        let is_unknown = self.basis.observed.deferred.contains(&provider.name);
        if !self.basis.observed.is_unread(&provider.name) || is_unknown && !is_recorded {
            return false;
        }
        if !self.is_opened(provider) {
            return true;
        }
        if !is_recorded {
            return false;
        }
        // Until it is read, it is what it was: who uses it is not changed for nothing.
        self.left_out(index, node, record.and_then(|record| record.object.as_ref()));
        self.put_off(&provider.name, &node.address);
        true
    }

    /// Whether nothing can be planned for a record that is not declared, since its provider is shut, or since something of
    /// such a provider was made from it.
    pub(super) fn record_is_put_off(&mut self, address: &Address, record: &Record) -> bool {
        if self.is_deferred_at(&record.provider, address) {
            return true;
        }
        let is_held = self.selected.is_needed_by_deferred(address);
        if is_held {
            let reason = "a resource that is planned later depends on it";
            let kept =
                |object: &Object| Kept { address: address.clone(), name: object.name.clone(), reason: reason.into() };
            self.kept.extend(record.objects().map(kept));
        }
        is_held
    }

    /// Defers pending calls at providers that are not open, for resources that are neither recorded nor declared.
    pub(super) fn defer_pending(&mut self) {
        let snapshot = self.basis.snapshot;
        let is_known = |address: &Address| {
            snapshot.records.contains_key(address)
                || self.request.goal == Goal::Declared && self.basis.stack.index.contains_key(address)
        };
        let begun: Vec<_> = snapshot.pending.iter().filter(|(address, _)| !is_known(address)).collect();
        for (address, entry) in begun {
            if let Some(provider) = entry.provider() {
                self.is_deferred_at(provider, address);
            }
        }
    }

    /// Defers what is replaced only after something else was read.
    pub(super) fn defer_delayed(&mut self) {
        if self.delayed.is_empty() || !self.problems.is_empty() {
            return;
        }
        let deferred = self.deferred.values_mut().next();
        deferred.expect("BUG: a resource that is deferred depends on it").resources.append(&mut self.delayed);
    }

    fn is_deferred_at(&mut self, provider: &ProviderName, address: &Address) -> bool {
        if !self.basis.observed.is_unread(provider) {
            return false;
        }
        let declared = self.basis.stack.providers.iter().find(|node| node.name == *provider);
        if self.is_opened(declared.expect("BUG: only declared providers are left shut")) {
            self.put_off(provider, address);
        }
        true
    }

    fn put_off(&mut self, provider: &ProviderName, address: &Address) {
        let deferred = self.deferred.get_mut(provider).expect("BUG: it was found out what opens the provider");
        deferred.resources.push(address.clone());
    }

    /// Whether a step opens a provider that is shut. If none does, that is a problem, told once.
    fn is_opened(&mut self, provider: &ProviderNode) -> bool {
        if self.deferred.contains_key(&provider.name) {
            return true;
        }
        let stack = self.basis.stack;
        let opens = |step: u32| self.steps[step as usize].action.changes_object();
        let opening = provider.deps.iter().filter(|&&dep| self.last[dep as usize].is_some_and(opens));
        let mut after: Vec<Address> = opening.map(|&dep| stack.nodes[dep as usize].address.clone()).collect();
        // What is looked up for its settings may be behind another.
        if after.is_empty() {
            let asked = provider.lookups.iter().map(|&lookup| &stack.providers[stack.lookups[lookup].provider]);
            let shut: Vec<&ProviderNode> = asked.filter(|asked| self.basis.observed.is_unread(&asked.name)).collect();
            let opened = shut.into_iter().find(|asked| self.is_opened(asked));
            after = opened.map_or_else(Vec::new, |asked| self.deferred[&asked.name].after.clone());
        }
        if !after.is_empty() {
            let deferred = Deferred { provider: provider.name.clone(), resources: Vec::new(), after };
            self.deferred.insert(provider.name.clone(), deferred);
            return true;
        }
        self.report_unopened(provider);
        false
    }

    fn report_unopened(&mut self, provider: &ProviderNode) {
        let address = Address::from(provider.name.as_str());
        if !self.problems.iter().any(|problem| problem.address == address) {
            let at = Some(Place::of(provider.at));
            let Some(fault) = self.basis.observed.shut.get(&provider.name) else {
                let mistake = match provider.erased.config(&self.known, self.basis.key) {
                    Err(NoValue::Ever(mistake)) => format!(": {}", mistake.message),
                    _ => String::new(),
                };
                let message =
                    format!("has resources in state, but no step of this plan makes its settings known{mistake}");
                let hint =
                    Some("connect it with settings that are already known, or include the resources they come from in this plan".into());
                return self.problems.push(Problem { address, message, hint, at });
            };
            let message = match fault.kind {
                ErrorKind::Closed => "serves nothing, and nothing in this plan opens it",
                _ => "could not be reached, and this plan changes nothing that it is reached by",
            };
            let message = format!("{message}: {}", fault.message());
            self.problems.push(Problem { address, message, hint: fault.hint.clone(), at });
        }
    }
}
