//! Ownership marks: two entries, `sprocket.lineage` and `sprocket.record`, wherever an object has room for them.
//!
//! A mount has them among its options, which its engine ignores; a secret in its custom metadata; a policy in its first
//! line, which is a comment. They never show in a spec.
//!
//! **Invariant:** entries that begin with `sprocket.` are this crate's; settings that have one are refused when planned.

use std::collections::BTreeMap;

use sprocket_core::kind::{Diagnostics, OwnerTag};

/// Refuses entries that only this crate may set.
pub(crate) fn validate(entries: &BTreeMap<String, String>, findings: &mut Diagnostics) {
    for key in OwnerTag::reserved(entries) {
        let message = format!("`{key}`: names that begin with `{}` are Sprocket's own", OwnerTag::PREFIX);
        findings.errors.push(message.into());
    }
}
