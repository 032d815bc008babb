//! Handles: the identity of a resource, and the outputs that other resources use.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Draft, Provider, ResourceRef, Spec};

/// What [`Stack::add`](crate::program::Stack::add) returns: a resource's outputs, by which others use it. Written by
/// [`#[derive(Handle)]`](macro@crate::kind::Handle).
pub trait Handle: Sized + Send + Sync + 'static {
    /// The kind: `docker:network`. It is recorded in state, and never used again for something else.
    const KIND: &'static str;
    /// How its objects get their names, and so whether a new one can be made before the old one is deleted.
    const NAMING: Naming;

    /// The provider that it is made with.
    type Provider: Provider;
    /// Its settings while they are being declared; written by the derive of its spec.
    type Draft: Draft<Handle = Self, Spec = Self::Spec>;
    /// Its settings as data.
    type Spec: Spec;
    /// What its service reports and its spec can't say.
    type State: State;

    /// The identity of the resource.
    fn this(&self) -> &ResourceRef<Self>;

    /// Makes the handle of a draft that was added to a stack.
    fn handle(draft: &Self::Draft, this: ResourceRef<Self>) -> Self;
}

/// What a service reports about an object. Its secrets are [`Secret`](crate::program::Secret) fields.
pub trait State: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static> State for T {}

/// How objects of a kind get their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Always the same: the old object is deleted before the new one is made.
    Fixed,
    /// `edge`, and its replacement `edge-2`: the new object is made first.
    Generation,
    /// `motd-3f9a…`: the name contains a hash of the settings that replace. The new object is made first.
    Content,
    /// No name anywhere.
    None,
}
