//! Paths as names: what a mount, a policy or a secret may be called.
//!
//! The server trims and joins slashes in its own way, which differs from call to call: what it wrote under one spelling is not
//! found under another. So a path is written without slashes at its ends, and with one at a time between its parts.

use sprocket_core::kind::{Diagnostics, PhysicalName};

/// Refuses a path of which the server would have another spelling.
pub(crate) fn validate(name: &PhysicalName) -> Diagnostics {
    let mut findings = Diagnostics::default();
    if name.as_str().split('/').any(str::is_empty) {
        let trimmed: Vec<_> = name.as_str().split('/').filter(|part| !part.is_empty()).collect();
        let message = format!(
            "the path `{name}` has a slash at its end, at its beginning or after another one: write `{}`",
            trimmed.join("/")
        );
        findings.errors.push(message.into());
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_slashes_too_many_are_refused() {
        for name in ["/m", "m/", "a//b", "/", "core//redis/", ""] {
            assert_eq!(validate(&name.into()).errors.len(), 1, "{name}");
        }
        for name in ["m", "a/b", "apps/core/redis"] {
            assert!(validate(&name.into()).errors.is_empty(), "{name}");
        }
    }
}
