//! Saved plans: what was looked at, to be applied later exactly so, or refused.
//!
//! A file holds no steps: they are made again from what is there when it is applied, as those of every plan are, and must come
//! out the same. It is sealed under a key that is derived from the stack's, so that nobody else can make or change one, and no
//! secret is in it. Where no state has begun, the file brings the key along, as its owner protected it.

use crate::session::{Refused, Trusted, open, protect};
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Engine, stale};
use crate::base::{Address, Lineage, hash};
use crate::plan::{Plan, Request};
use crate::stack::Stack;
use crate::state::ProtectedKey;
use crate::value::{Sealed, StackKey};

/// The version of the form. Others are refused.
const FORMAT: u32 = 1;
/// What the key is derived for.
const PURPOSE: &str = "sprocket saved plan";

/// A plan that was saved, by [`Engine::save`]. It serialises.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedPlan {
    format: u32,
    /// The state that it is for.
    lineage: Lineage,
    /// The key of a state that has not begun, as its owner can open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<ProtectedKey>,
    content: Sealed,
}

/// What is sealed in it.
#[derive(Serialize, Deserialize)]
struct Content {
    /// What it is for, by the word of who saved it.
    about: String,
    request: Request,
    serial: u64,
    digest: String,
    /// Each step, so that the one that is another now can be named.
    steps: Vec<(Address, String)>,
}

/// What a plan proposes for a state that has not begun.
pub(super) struct Proposal<'p> {
    pub(super) lineage: &'p Lineage,
    pub(super) key: Option<&'p StackKey>,
}

impl<'p> From<&'p Plan> for Proposal<'p> {
    fn from(plan: &'p Plan) -> Self {
        Self { lineage: &plan.lineage, key: plan.proposed_key.as_ref() }
    }
}

impl Engine {
    /// A plan as it can be kept in a file, to be applied by [`plan_saved`](Self::plan_saved) and [`apply`](Self::apply).
    /// `about` says what it is for: the stack and the environment; it is not applied to another.
    ///
    /// # Errors
    /// If the state can't be read, or the key not opened.
    pub async fn save(&self, plan: &Plan, about: impl Into<String>) -> Result<SavedPlan, Refused> {
        let (key, protected) = match &plan.proposed_key {
            Some(key) => (key.clone(), Some(protect(&self.settings.key, key, &plan.lineage).await?)),
            None => (self.load().await?.ok_or_else(gone)?.key, None),
        };
        let content = Content {
            about: about.into(),
            request: plan.request.clone(),
            serial: plan.serial,
            digest: plan.digest(),
            steps: steps(plan),
        };
        let content = serde_json::to_vec(&content).expect("BUG: what is saved of a plan has a JSON form");
        Ok(SavedPlan {
            format: FORMAT,
            lineage: plan.lineage.clone(),
            key: protected,
            content: key.derive(PURPOSE).seal(&content),
        })
    }

    /// Makes the plan again that was saved.
    ///
    /// # Errors
    /// If it is for something else, was changed in its file, or is another now: the program, the state or the world has
    /// changed since it was saved, or it was applied.
    pub async fn plan_saved(&self, stack: &Stack, saved: &SavedPlan, about: &str) -> Result<Plan, Refused> {
        if saved.format != FORMAT {
            return Err(unfit(&format!("it has format {}, and this program reads {FORMAT}", saved.format)));
        }
        let loaded = self.load().await?;
        let key = match &loaded {
            Some(Trusted { snapshot, .. }) if snapshot.lineage != saved.lineage => {
                return Err(unfit("it was made for another state"));
            }
            Some(Trusted { key, .. }) => key.clone(),
            None => open(&self.settings.key, saved.key.as_ref().ok_or_else(gone)?, &saved.lineage).await?,
        };
        let content = key
            .derive(PURPOSE)
            .open(&saved.content)
            .and_then(|content| serde_json::from_slice::<Content>(&content).ok());
        let content = content.ok_or_else(|| unfit("it was changed since it was saved"))?;
        if content.about != about {
            return Err(unfit(&format!("it was made for {}, and this is {about}", content.about)));
        }
        if loaded.as_ref().is_some_and(|loaded| loaded.snapshot.serial != content.serial) {
            return Err(stale("the state has changed since it was made"));
        }
        let proposal = Proposal { lineage: &saved.lineage, key: Some(&key) };
        let opener = self.opener();
        let prepared = self.prepare(stack, loaded, Some(proposal), &opener).await;
        opener.close().await;
        let plan = prepared?.plan(stack, &content.request);
        if plan.digest() == content.digest { Ok(plan) } else { Err(stale(&content.difference(&plan))) }
    }
}

impl Content {
    /// The first thing in which the plan is another now.
    fn difference(&self, now: &Plan) -> String {
        if let Some(problem) = now.problems.first() {
            return format!("`{}`: {}", problem.address, problem.message);
        }
        let now = steps(now);
        let (before, after): (HashSet<_>, HashSet<_>) = (self.steps.iter().collect(), now.iter().collect());
        let another = now.iter().find(|step| !before.contains(step));
        let another = another.or_else(|| self.steps.iter().find(|step| !after.contains(step)));
        another.map_or_else(
            || "what is recorded or declared has changed".to_owned(),
            |(address, _)| format!("`{address}` is planned otherwise by now"),
        )
    }
}

fn steps(plan: &Plan) -> Vec<(Address, String)> {
    plan.steps.iter().map(|step| (step.address.clone(), hash::of(step))).collect()
}

fn unfit(what: &str) -> Refused {
    Refused::SavedPlan { message: what.to_owned() }
}

fn gone() -> Refused {
    stale("the state that it was made for is gone")
}
