//! Policies: what a program says about its own plans, beyond what the kinds know.
//!
//! They are plain functions over a finished plan, with no I/O. What they refuse is a problem of the plan, like any other:
//! nothing is applied.

use std::fmt::{self, Debug};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::base::{Address, Place};
use crate::plan::{Goal, Plan, Problem, Request, Step};
use crate::stack::Stack;

/// How much a plan may take away before it must be told so by name: `--allow ADDRESS`, or
/// [`Request::allow`](crate::engine::Request::allow).
///
/// Without a number there is no limit. To destroy a stack is asked for as such, and no budget is needed for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// How many resources may be deleted because they are not declared any more.
    pub deletes: Option<usize>,
    /// How many may be replaced.
    pub replaces: Option<usize>,
}

impl Budget {
    /// So many resources may be deleted.
    #[must_use]
    pub fn deletes(mut self, number: usize) -> Self {
        self.deletes = Some(number);
        self
    }

    /// So many resources may be replaced.
    #[must_use]
    pub fn replaces(mut self, number: usize) -> Self {
        self.replaces = Some(number);
        self
    }
}

/// What a policy has against a plan.
#[derive(Debug)]
pub struct Objections<'p> {
    plan: &'p Plan,
    policy: &'p str,
    refused: Vec<Problem>,
    warned: Vec<Problem>,
}

impl Objections<'_> {
    /// The plan must not be applied, because of this resource.
    pub fn refuse(&mut self, address: &Address, message: impl Into<String>) {
        let problem = self.problem(address, message.into());
        self.refused.push(problem);
    }

    /// It may not be meant so.
    pub fn warn(&mut self, address: &Address, message: impl Into<String>) {
        let problem = self.problem(address, message.into());
        self.warned.push(problem);
    }

    fn problem(&self, address: &Address, message: String) -> Problem {
        let at = self.plan.steps.iter().find(|step| step.address == *address).and_then(|step| step.at.clone());
        let message = format!("{message} (policy `{}`)", self.policy);
        Problem { address: address.clone(), message, hint: None, at }
    }
}

type Rule = Arc<dyn Fn(&Plan, &mut Objections<'_>) + Send + Sync>;

/// A rule of the program, and what it is called.
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) rule: Rule,
    pub(crate) at: Place,
}

impl Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({})", self.name)
    }
}

/// What the program's policies and its budget say of the plan.
pub(crate) fn judge(stack: &Stack, request: &Request, plan: &mut Plan) {
    if request.goal == Goal::Declared {
        let Budget { deletes, replaces } = stack.budget;
        spend(request, plan, deletes, "deleted", Step::is_loss);
        spend(request, plan, replaces, "replaced", Step::is_replacement);
    }
    for Policy { name, rule, at } in &stack.policies {
        let mut objections = Objections { plan, policy: name, refused: Vec::new(), warned: Vec::new() };
        let judged = catch_unwind(AssertUnwindSafe(|| rule(plan, &mut objections)));
        let Objections { refused, warned, .. } = objections;
        plan.problems.extend(refused);
        plan.warnings.extend(warned);
        if judged.is_err() {
            plan.problems.push(Problem {
                address: Address::from(format!("policy/{name}").as_str()),
                message: "the policy panicked".into(),
                hint: None,
                at: Some(at.clone()),
            });
        }
    }
}

/// Whoever is not named counts, and if these are too many each of them is a problem.
fn spend(request: &Request, plan: &mut Plan, budget: Option<usize>, what: &str, is_one: impl Fn(&Step) -> bool) {
    let Some(budget) = budget else { return };
    let mut spent: Vec<&Step> = Vec::new();
    for step in plan.steps.iter().filter(|step| is_one(step)) {
        let is_allowed = request.allow.iter().any(|pattern| pattern.matches(&step.address));
        if !is_allowed && spent.last().is_none_or(|last| last.address != step.address) {
            spent.push(step);
        }
    }
    if spent.len() <= budget {
        return;
    }
    let number = spent.len();
    let problem = |step: &Step| Problem {
        address: step.address.clone(),
        message: format!("would be {what}, one of {number}; this program allows {budget} in a plan"),
        hint: Some(format!("if it is meant, name it: `--allow {}`", step.address)),
        at: step.at.clone(),
    };
    let problems: Vec<Problem> = spent.into_iter().map(problem).collect();
    plan.problems.extend(problems);
}
