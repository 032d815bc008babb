//! A bucket's settings, and what can be said against them before any server is asked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{Diagnostics, Spec};
use sprocket_core::program::{Assigned, IntoInput};

use super::Bucket;
use crate::owner_tag;

/// A bucket's settings. All but the region can be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Bucket)]
pub struct BucketSpec {
    /// Where it is; unless set, in the provider's region. A bucket can't be moved.
    #[spec(default, replaces)]
    pub region: Assigned<String>,
    /// Keeps what is overwritten or deleted as an older version. Taken away again, no new versions are kept, and those that
    /// are there stay.
    #[spec(flag)]
    pub versioned: bool,
    /// Marks it for people and for bills.
    #[spec(each = "tag")]
    pub tags: BTreeMap<String, String>,
    /// Deletes objects some time after they were written.
    #[spec(each = "lifecycle", draft = Lifecycle)]
    pub lifecycle: Vec<LifecycleSpec>,
    /// Deletes what is in it, all versions, when the bucket is deleted. Without it, a bucket that holds something is not
    /// deleted. It is only asked of the program: the server knows nothing of it.
    #[spec(flag)]
    pub empty_on_delete: bool,
}

/// A rule of a bucket's lifecycle. Times are in days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Lifecycle)]
pub struct LifecycleSpec {
    /// Which objects: those whose keys begin with this; all, if it is empty.
    #[spec(default)]
    pub prefix: String,
    /// Deletes an object this many days after it was written.
    pub expire_days: Option<u32>,
    /// Deletes an older version this many days after it became one.
    pub expire_noncurrent_days: Option<u32>,
    /// Keeps this many older versions, however old they are; with `expire_noncurrent_days`.
    pub keep_noncurrent: Option<u32>,
    /// Gives up an upload in parts this many days after it was begun.
    pub abort_uploads_days: Option<u32>,
}

impl Lifecycle {
    /// A rule for all objects.
    pub fn all() -> Self {
        Self::default()
    }

    /// A rule for the objects whose keys begin with this: `logs/`.
    #[track_caller]
    pub fn under(prefix: impl IntoInput<String>) -> Self {
        Self::default().prefix(prefix)
    }
}

impl LifecycleSpec {
    /// Whether it does anything.
    pub(crate) fn acts(&self) -> bool {
        self.expire_days.is_some() || self.expire_noncurrent_days.is_some() || self.abort_uploads_days.is_some()
    }
}

pub(crate) fn validate(spec: &BucketSpec) -> Diagnostics {
    let mut findings = Diagnostics::default();
    owner_tag::validate(&spec.tags, &mut findings);
    let mut seen = BTreeSet::new();
    for rule in &spec.lifecycle {
        let which = match rule.prefix.as_str() {
            "" => "the lifecycle for all objects".to_owned(),
            prefix => format!("the lifecycle for `{prefix}`"),
        };
        let mut wrong = |what: &str| findings.errors.push(format!("{which} {what}").into());
        if !seen.insert(&rule.prefix) {
            wrong("is given twice: one rule can do several things");
        }
        if !rule.acts() {
            wrong("does nothing: it has no number of days");
        }
        let days = [rule.expire_days, rule.expire_noncurrent_days, rule.abort_uploads_days];
        if days.contains(&Some(0)) {
            wrong("has 0 days: 1 is the least");
        }
        if rule.keep_noncurrent.is_some() && rule.expire_noncurrent_days.is_none() {
            wrong("keeps a number of older versions, and deletes none: set `expire_noncurrent_days` too");
        }
        if rule.keep_noncurrent.is_some_and(|keep| !(1..=100).contains(&keep)) {
            wrong("keeps 1 to 100 older versions");
        }
        if rule.expire_noncurrent_days.is_some() && !spec.versioned {
            let message = format!("{which} deletes older versions, and the bucket keeps none: it is not `versioned`");
            findings.warnings.push(message.into());
        }
    }
    findings
}
