//! A step of a plan: something to do with one resource.

use serde::Serialize;
use serde_json::Value;

use super::{Change, Reason, StepAction};
use crate::base::{Address, Json, PhysicalName, Place, Revision};
use crate::value::{Path, hide};

/// The place of a step among the steps of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StepId(u32);

impl StepId {
    /// The step at this place.
    ///
    /// # Panics
    ///
    /// At four billion: no plan has so many.
    pub fn of(place: usize) -> Self {
        Self(u32::try_from(place).expect("a plan has fewer than four billion steps"))
    }

    /// The places of all steps, in their order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..).map(Self)
    }

    /// The step is `plan.steps[id.index()]`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Something to do with one resource.
#[derive(Clone, Debug, PartialEq, Hash, Serialize)]
pub struct Step {
    /// Which resource.
    pub address: Address,
    /// What.
    pub action: StepAction,
    /// Why.
    pub reason: Reason,
    /// The object's name, as far as it is known.
    pub name: Option<PhysicalName>,
    /// The settings that it will have, for a create.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::value::hidden")]
    pub spec: Option<Json>,
    /// Where these only have their defaults: that is not worth a line.
    #[serde(skip)]
    pub(crate) defaults: Vec<Path>,
    /// What changes, for an update or a replacement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The steps that must have ended before it starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepId>,
    /// What the object must still look like. Documents do not have it: it says nothing to whoever has no key.
    #[serde(skip)]
    pub revision: Option<Revision>,
    /// The line of the program that declares it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// Its place among the stack's resources, if it is declared.
    #[serde(skip)]
    pub(crate) node: Option<u32>,
}

impl Step {
    /// Only who, what and why.
    pub(crate) fn new(address: &Address, action: StepAction, reason: Reason) -> Self {
        Self {
            address: address.clone(),
            action,
            reason,
            name: None,
            spec: None,
            defaults: Vec::new(),
            changes: Vec::new(),
            after: Vec::new(),
            revision: None,
            at: None,
            node: None,
        }
    }

    /// What a setting will be, as far as the plan says it: all settings of what is made, and those that change of what is
    /// there. A secret in it is `{"$secret": true}`, and what is not known yet `{"$after": [addresses]}`.
    pub fn setting(&self, name: &str) -> Option<Value> {
        let changed = || {
            let mut changes = self.changes.iter().filter(|change| change.path.field() == Some(name));
            changes.find(|change| change.path.0.len() == 1).map(|change| change.after.clone())
        };
        let spec = self.spec.as_ref().map(Json::value);
        let mut found = spec.and_then(|spec| spec.get(name).cloned()).or_else(changed)?;
        hide(&mut found);
        Some(found)
    }

    /// The recorded resource goes for good.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self.action, StepAction::Delete { replaced: false, .. } | StepAction::Drop { .. })
            && matches!(self.reason, Reason::Undeclared | Reason::HostDeleted)
    }

    /// Another object takes the place of its object.
    pub(crate) fn is_replacement(&self) -> bool {
        matches!(self.action, StepAction::Create { replaces: true, .. } | StepAction::Restore { .. })
    }

    /// Whether others are a reason for it.
    pub fn has_drifted(&self) -> bool {
        matches!(self.reason, Reason::Gone | Reason::Drifted) || self.changes.iter().any(|change| change.drift)
    }
}
