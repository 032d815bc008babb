//! Names and ids: one type each.

use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Debug::fmt(&*self.0, f)
            }
        }
    };
}

text_id! {
    /// What a resource is called in its stack: `docker:network/edge`, or `docker:network/elo/edge` in a scope.
    ///
    /// It is the identity of the resource, and made only of what the program says: its kind, its scopes, its name.
    Address
}

text_id! {
    /// What an object is called at its service.
    PhysicalName
}

text_id! {
    /// The service's own id of an object.
    ObjectId
}

text_id! {
    /// A record's random id. Marks hold it, so that an address can change without a call to any service.
    RecordId
}

text_id! {
    /// The random id that a stack's state is born with.
    Lineage
}

text_id! {
    /// Which server or account a provider speaks to, by that server's own id.
    Identity
}

text_id! {
    /// Which of a stack's providers: `docker`, or `docker/second`.
    ProviderName
}

impl Address {
    /// The address of a resource of this kind, in these scopes, of this name.
    pub fn new(kind: &str, scopes: &[String], name: &str) -> Self {
        let mut text = format!("{kind}/");
        for scope in scopes {
            text.push_str(scope);
            text.push('/');
        }
        text.push_str(name);
        Self(text.into())
    }

    /// An address as a person writes it: `docker:network/edge`.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, NoAddress> {
        match text.split_once('/') {
            Some((kind, name)) if kind.contains(':') && is_name(kind) && is_name(name) => Ok(Self(text.into())),
            _ => Err(NoAddress(text.to_owned())),
        }
    }

    /// The kind: `docker:network`.
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(kind, _)| kind)
    }
}

/// Whether something can be called so: a resource, a scope, a provider.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Whether it can be a part of a longer name, of which slashes are the joints.
pub(crate) fn is_part(text: &str) -> bool {
    is_name(text) && !text.contains('/')
}

/// Text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address: one has a kind and a name, as in `docker:network/edge`")]
pub struct NoAddress(String);
