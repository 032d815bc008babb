//! Providers that are shut: they serve nothing until somebody opens them, such as a sealed Vault; or they can't be reached,
//! and are reached by way of resources of the program, such as a Vault whose service has gone.
//!
//! If this plan has a step for a resource that the provider's settings or credentials come from, what is recorded of the
//! provider is left alone: it is read after that step, and planned then. If it has none, the plan is refused with what the
//! provider says.

use super::Builder;
use crate::ids::{Address, ProviderName};
use crate::plan::{Deferred, Place, Problem};
use crate::provider::ErrorKind;
use crate::stack::{Node, ProviderNode};
use crate::state::Record;
use crate::value::Facts;

impl Builder<'_> {
    /// Whether nothing can be planned for a declared resource yet, or at all, since its provider is shut.
    pub(super) fn is_put_off(&mut self, index: usize, node: &Node, record: Option<&Record>) -> bool {
        let provider = &self.basis.stack.providers[node.provider];
        if !self.basis.observed.shut.contains_key(&provider.name) {
            return false;
        }
        if !self.is_opened(provider) {
            return true;
        }
        let begun = self.basis.snapshot.pending.contains_key(&node.address);
        let object = record.and_then(|record| record.object.as_ref());
        if object.is_none() && !begun {
            return false;
        }
        if let Some(object) = object {
            // Until it is read, it is what it was: who uses it is not changed for nothing.
            let (name, reported) = (Some(object.name.clone()), Some(self.reported(&node.kind, &object.state)));
            self.known.nodes[index] = Facts { name, reported, changing: false };
        }
        self.put_off(&provider.name, &node.address);
        true
    }

    /// Whether nothing can be planned for a record that is not declared, since its provider is shut.
    pub(super) fn record_is_put_off(&mut self, address: &Address, record: &Record) -> bool {
        if !self.basis.observed.shut.contains_key(&record.provider) {
            return false;
        }
        let declared = self.basis.stack.providers.iter().find(|provider| provider.name == record.provider);
        let provider = declared.expect("BUG: only declared providers are left shut");
        if self.is_opened(provider) {
            self.put_off(&provider.name, address);
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
        let opens = |step: u32| self.steps[step as usize].action.changes_object();
        let opening = provider.deps.iter().filter(|&&dep| self.last[dep as usize].is_some_and(opens));
        let after: Vec<Address> = opening.map(|&dep| self.basis.stack.nodes[dep as usize].address.clone()).collect();
        if !after.is_empty() {
            let deferred = Deferred { provider: provider.name.clone(), resources: Vec::new(), after };
            self.deferred.insert(provider.name.clone(), deferred);
            return true;
        }
        let address = Address::from(provider.name.as_str());
        if !self.problems.iter().any(|problem| problem.address == address) {
            let fault = &self.basis.observed.shut[&provider.name];
            let message = match fault.kind {
                ErrorKind::Closed => "serves nothing, and nothing in this plan opens it",
                _ => "could not be reached, and this plan changes nothing that it is reached by",
            };
            let message = format!("{message}: {}", fault.message());
            let (hint, at) = (fault.hint.clone(), Some(Place::of(provider.at)));
            self.problems.push(Problem { address, message, hint, at });
        }
        false
    }
}
