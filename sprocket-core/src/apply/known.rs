//! What a run knows: what its resources are by now, which providers are open, and the answers to look-ups.
//!
//! What a step still needs to know is asked beside the calls, once for all that need it. What could not be had fails the
//! steps that need it, and no other.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::refused;
use crate::base::Address;
use crate::erased::{Fault, limited};
use crate::plan::{Problem, Step, StepId};
use crate::planner::{Observed, reported};
use crate::session::{Connection, Connections, Refused};
use crate::stack::{Stack, StackOutput};
use crate::state::{Entry, Snapshot};
use crate::value::{Answer, Answered, Deps, Facts, Known, StackKey};

/// Something that steps need and that is no step, by its place in the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Need {
    /// A provider that is to be opened.
    Provider(usize),
    /// The answer to a look-up.
    Answer(usize),
}

/// What came of a need.
pub(super) enum Gained {
    Provider(usize, Result<Connection, Refused>),
    Answer(usize, String, Result<Answer, Refused>),
}

impl Gained {
    pub(super) fn need(&self) -> Need {
        match self {
            Self::Provider(place, _) => Need::Provider(*place),
            Self::Answer(place, ..) => Need::Answer(*place),
        }
    }
}

fn lookups_of(output: &StackOutput) -> BTreeSet<usize> {
    let mut deps = Deps::default();
    output.slot.deps(&mut deps);
    deps.lookups
}

/// What is known, and what is being found out.
pub(super) struct Knowledge<'a> {
    stack: &'a Stack,
    key: StackKey,
    pub(super) known: Known,
    pub(super) connections: Connections,
    /// What is being found out, with the steps that wait for it.
    asked: HashMap<Need, Vec<StepId>>,
    /// What could not be had; of a look-up, this question.
    lost: HashMap<(Need, Option<String>), Fault>,
}

impl<'a> Knowledge<'a> {
    /// What is known before the first step: the resources that are recorded, until a step changes them.
    pub(super) fn new(
        stack: &'a Stack,
        steps: &[Step],
        snapshot: &Snapshot,
        observed: &Observed,
        connections: Connections,
        key: StackKey,
    ) -> Self {
        let mut known = Known { answers: observed.answers.clone(), ..stack.nothing_known(&key) };
        known.answers.resize_with(stack.lookups.len(), || None);
        for (index, node) in stack.nodes.iter().enumerate() {
            let Some(object) = snapshot.records.get(&node.address).and_then(|record| record.object.as_ref()) else {
                continue;
            };
            let live = observed.objects.get(&node.address).and_then(|seen| seen.current.as_ref());
            let state = live.map_or(&object.state, |live| &live.state);
            known.nodes[index] = Facts {
                name: Some(object.name.clone()),
                reported: Some(reported(&node.kind, state, &key)),
                changing: false,
            };
        }
        for step in steps {
            if let Some(node) = step.node
                && step.action.changes_object()
            {
                known.nodes[node as usize] = Facts::default();
                if step.action.settles_answers() {
                    known.forget_answers(&stack.nodes[node as usize].asked_about);
                }
            }
        }
        Self { stack, key, known, connections, asked: HashMap::new(), lost: HashMap::new() }
    }

    /// What the step's resource is now is known to those that wait for it.
    pub(super) fn publish(&mut self, step: &Step, snapshot: &Snapshot) {
        let Some(index) = step.node.filter(|_| step.action.changes_object()) else { return };
        let node = &self.stack.nodes[index as usize];
        let object = snapshot.records.get(&node.address).and_then(|record| record.object.as_ref());
        self.known.nodes[index as usize] = object.map_or_else(Facts::default, |object| Facts {
            name: Some(object.name.clone()),
            reported: Some(reported(&node.kind, &object.state, &self.key)),
            changing: false,
        });
    }

    /// What is still to be found out before the settings of this resource can be known and its provider be called.
    pub(super) fn needs(&self, node: u32) -> Result<Vec<Need>, Fault> {
        let node = &self.stack.nodes[node as usize];
        let provider = &self.stack.providers[node.provider];
        let mut needs = Vec::new();
        for &lookup in node.lookups.iter().chain(&provider.lookups) {
            needs.extend(self.need_of_answer(lookup)?);
        }
        // Its settings may have such an answer.
        if needs.is_empty() {
            needs.extend(self.need_of_provider(node.provider)?);
        }
        Ok(needs)
    }

    fn need_of_provider(&self, place: usize) -> Result<Option<Need>, Fault> {
        if !self.connections.is_deferred(&self.stack.providers[place].name) {
            return Ok(None);
        }
        let need = Need::Provider(place);
        self.lost.get(&(need, None)).map_or(Ok(Some(need)), |fault| Err(fault.clone()))
    }

    /// A question that can't be asked yet, or has a mistake, tells so where its answer is used.
    fn need_of_answer(&self, place: usize) -> Result<Option<Need>, Fault> {
        let lookup = &self.stack.lookups[place];
        let Ok(question) = lookup.erased.question(&self.known) else { return Ok(None) };
        if self.known.answers[place].as_ref().is_some_and(|given| given.question == question) {
            return Ok(None);
        }
        let need = Need::Answer(place);
        match self.lost.get(&(need, Some(question))) {
            Some(fault) => Err(fault.clone()),
            None => Ok(self.need_of_provider(lookup.provider)?.or(Some(need))),
        }
    }

    /// The answers that outputs still need, as far as they can be asked for now.
    pub(super) fn unanswered(&self) -> Vec<Need> {
        let lookups = self.stack.outputs.iter().flat_map(lookups_of);
        let needs = lookups.filter_map(|place| self.need_of_answer(place).ok()?);
        needs.filter(|need| matches!(need, Need::Answer(_))).collect()
    }

    /// The outputs that have no value, because an answer could not be had.
    pub(super) fn lost_outputs(&self) -> Vec<Problem> {
        let lost = |output: &StackOutput| {
            let fault = lookups_of(output).into_iter().find_map(|place| self.need_of_answer(place).err())?;
            let (address, message) = (Address::from(format!("output {}", output.name)), fault.message());
            Some(Problem { address, message: self.key.redact(&message), hint: fault.hint, at: None })
        };
        self.stack.outputs.iter().filter_map(lost).collect()
    }

    /// The step waits for this. If nobody has asked for it yet, the future does.
    pub(super) fn ask(
        &mut self,
        need: Need,
        step: Option<StepId>,
        snapshot: &Snapshot,
    ) -> Option<BoxFuture<'a, Gained>> {
        let is_asked = self.asked.contains_key(&need);
        self.asked.entry(need).or_default().extend(step);
        (!is_asked).then(|| match need {
            Need::Provider(place) => {
                let node = &self.stack.providers[place];
                let opening = self.connections.open_deferred(node, snapshot, &self.known, &self.key);
                opening.map(move |opened| Gained::Provider(place, opened)).boxed()
            }
            Need::Answer(place) => self.look_up(place),
        })
    }

    fn look_up(&self, place: usize) -> BoxFuture<'a, Gained> {
        let lookup = &self.stack.lookups[place];
        let provider = &self.stack.providers[lookup.provider].name;
        let question = lookup.erased.question(&self.known).unwrap_or_default();
        let asked = self.connections.open(provider).map(|open| {
            let asked = lookup.erased.ask(Arc::clone(&open.instance), &self.known);
            asked.map(|asked| limited(self.connections.limit(), asked))
        });
        async move {
            let answer = match asked {
                Err(refusal) => Err(refusal),
                Ok(Err(_)) => Err(Refused::unreadable(provider, lookup.erased.what(), refused("it can't be asked"))),
                Ok(Ok(asked)) => {
                    asked.await.map_err(|fault| Refused::unreadable(provider, lookup.erased.what(), fault))
                }
            };
            Gained::Answer(place, question, answer)
        }
        .boxed()
    }

    /// Takes in what came of a need; answers the steps that waited for it, and what must be recorded.
    pub(super) fn gain(&mut self, gained: Gained, snapshot: &Snapshot) -> (Vec<StepId>, Option<Entry>) {
        let need = gained.need();
        let steps = self.asked.remove(&need).unwrap_or_default();
        let entry = match gained {
            Gained::Provider(place, connection) => {
                let name = &self.stack.providers[place].name;
                let opened = connection.and_then(|connection| self.connections.opened(name, connection, snapshot));
                opened.map(Some).map_err(|refusal| (None, refusal))
            }
            Gained::Answer(place, question, Ok(answer)) => {
                self.known.answers[place] = Some(Answered { question, answer });
                Ok(None)
            }
            Gained::Answer(_, question, Err(refusal)) => Err((Some(question), refusal)),
        };
        let entry = entry.unwrap_or_else(|(question, refusal)| {
            tracing::debug!(?need, "could not be had");
            self.lost.insert((need, question), refused(refusal.to_string()));
            None
        });
        (steps, entry)
    }
}
