//! Providers that are shut: they serve nothing until somebody opens them, such as a sealed Vault; or they can't be reached,
//! and are reached by way of resources of the program, such as a Vault whose service has gone; or their settings come from
//! what is not there yet.
//!
//! If this plan has a step for a resource that the provider's settings or credentials come from, what is recorded of the
//! provider is left alone: it is read after that step, and planned then. So is what depends on a create that was begun there,
//! and what would be deleted though something there was made from it. If it has none, the plan is refused with what the
//! provider says. What was not read has not gone.

use super::decide::{Case, Decision, Refusal};
use super::{Builder, Knowledge, PlannerInput};
use crate::base::{Address, Place, ProviderName};
use crate::kind::ErrorKind;
use crate::plan::{Deferred, Goal, Kept, Problem, StepId};
use crate::stack::ProviderNode;
use crate::state::{Entry, Object, Record};
use crate::value::NoValue;

impl Case<'_, '_> {
    /// What opens the provider that must be read before anything can be planned for the resource.
    pub(super) fn deferral(&self) -> Result<Option<Decision>, Refusal> {
        let (stack, observed, address) = (self.input.stack, self.input.observed, &self.node.address);
        let provider_of = |name: &ProviderName| stack.providers.iter().find(|provider| provider.name == *name);
        let defer = |provider: &ProviderNode| {
            let after = opened_by(self.input, self.known, provider)?;
            Ok(Some(Decision::Defer { provider: provider.name.clone(), after }))
        };
        if let Some(provider) = self.known.selected.deferred_with(address).and_then(provider_of) {
            return defer(provider);
        }
        // What is recorded of another one, or was begun there, is read there.
        let begun = self.input.snapshot.pending.get(address);
        let elsewhere = [begun.and_then(Entry::provider), self.record.map(|record| &record.provider)];
        let elsewhere = elsewhere.into_iter().flatten().find(|name| observed.is_unread(name));
        let provider = elsewhere.and_then(provider_of).unwrap_or(&stack.providers[self.node.provider]);
        // Where only its settings are not known yet, what is not there yet can be planned.
        let is_recorded = begun.is_some() || self.record.is_some_and(|record| record.objects().next().is_some());
        let is_unknown = observed.deferred.contains(&provider.name);
        if !observed.is_unread(&provider.name) || is_unknown && !is_recorded {
            return Ok(None);
        }
        let deferred = defer(provider)?;
        // Until it is read, it is what it was: who uses it is not changed for nothing.
        Ok(deferred.filter(|_| is_recorded))
    }
}

/// The resources whose steps open a provider that is shut; or why nothing opens it.
fn opened_by(
    input: &PlannerInput<'_>,
    known: &Knowledge<'_>,
    provider: &ProviderNode,
) -> Result<Vec<Address>, Refusal> {
    if let Some(deferred) = known.deferred.get(&provider.name) {
        return Ok(deferred.after.clone());
    }
    let stack = input.stack;
    let opens = |step: StepId| known.steps[step.index()].action.changes_object();
    let opening = provider.deps.iter().filter(|&&dep| known.last[dep as usize].is_some_and(opens));
    let after: Vec<Address> = opening.map(|&dep| stack.nodes[dep as usize].address.clone()).collect();
    if !after.is_empty() {
        return Ok(after);
    }
    // What is looked up for its settings may be behind another.
    let asked = provider.lookups.iter().map(|&lookup| &stack.providers[stack.lookups[lookup].provider]);
    let mut problems = Vec::new();
    for asked in asked.filter(|asked| input.observed.is_unread(&asked.name)) {
        match opened_by(input, known, asked) {
            Ok(after) if problems.is_empty() => return Ok(after),
            Ok(_) => return Err(problems),
            Err(more) => problems.extend(more),
        }
    }
    problems.push(unopened(input, known, provider));
    Err(problems)
}

fn unopened(input: &PlannerInput<'_>, known: &Knowledge<'_>, provider: &ProviderNode) -> Problem {
    let address = Address::from(provider.name.as_str());
    let at = Some(Place::of(provider.at));
    let Some(fault) = input.observed.shut.get(&provider.name) else {
        let mistake = match provider.erased.config(&known.values, input.key) {
            Err(NoValue::Ever(mistake)) => format!(": {}", mistake.message),
            _ => String::new(),
        };
        let message = format!("has resources in state, but no step of this plan makes its settings known{mistake}");
        let hint =
            "connect it with settings that are already known, or include the resources they come from in this plan";
        return Problem { address, message, hint: Some(hint.into()), at };
    };
    let message = match fault.kind {
        ErrorKind::Closed => "serves nothing, and nothing in this plan opens it",
        _ => "could not be reached, and this plan changes nothing that it is reached by",
    };
    let message = format!("{message}: {}", fault.message());
    Problem { address, message, hint: fault.hint.clone(), at }
}

impl Builder<'_> {
    /// Whether nothing can be planned for a record that is not declared, since its provider is shut, or since something of
    /// such a provider was made from it.
    pub(super) fn record_is_put_off(&mut self, address: &Address, record: &Record) -> bool {
        if self.is_deferred_at(&record.provider, address) {
            return true;
        }
        let is_held = self.known.selected.is_needed_by_deferred(address);
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
        let snapshot = self.input.snapshot;
        let is_known = |address: &Address| {
            snapshot.records.contains_key(address)
                || self.input.request.goal == Goal::Declared && self.input.stack.index.contains_key(address)
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
        let deferred = self.known.deferred.values_mut().next();
        deferred.expect("BUG: a resource that is deferred depends on it").resources.append(&mut self.delayed);
    }

    fn is_deferred_at(&mut self, provider: &ProviderName, address: &Address) -> bool {
        if !self.input.observed.is_unread(provider) {
            return false;
        }
        let declared = self.input.stack.providers.iter().find(|node| node.name == *provider);
        let declared = declared.expect("BUG: only declared providers are left shut");
        match opened_by(&self.input, &self.known, declared) {
            Ok(after) => self.put_off(provider.clone(), after, address),
            Err(problems) => self.tell_once(problems),
        }
        true
    }

    pub(super) fn put_off(&mut self, provider: ProviderName, after: Vec<Address>, address: &Address) {
        let deferred = self.known.deferred.entry(provider);
        let deferred = deferred.or_insert_with_key(|provider| Deferred {
            provider: provider.clone(),
            resources: Vec::new(),
            after,
        });
        deferred.resources.push(address.clone());
    }

    /// Why a provider is not opened is told once.
    pub(super) fn tell_once(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }
}
