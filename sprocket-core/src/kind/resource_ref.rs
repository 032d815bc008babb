//! The identity of a resource, from which its handle makes the outputs.

use std::fmt::Debug;

use super::Handle;
use crate::base::{Address, PhysicalName};
use crate::kind::Provider;
use crate::value::{Deps, NodeId, Output};

/// The identity of a resource. Each handle holds one, and makes its outputs from it.
pub struct ResourceRef<R> {
    pub(crate) address: Address,
    pub(crate) name: PhysicalName,
    pub(crate) node: NodeId,
    /// Its place among the stack's providers.
    pub(crate) provider: usize,
    pub(crate) kind: std::marker::PhantomData<fn() -> R>,
}

impl<R> Clone for ResourceRef<R> {
    fn clone(&self) -> Self {
        Self { kind: std::marker::PhantomData, address: self.address.clone(), name: self.name.clone(), ..*self }
    }
}

impl<R> Debug for ResourceRef<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Debug::fmt(&self.address, f)
    }
}

impl<R: Handle> ResourceRef<R> {
    /// Its address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The name at the service that the program gives it. Its object has another one only if the kind adds to it: a
    /// generation, or a hash of the content.
    pub fn declared_name(&self) -> &PhysicalName {
        &self.name
    }

    /// A value that is known while planning. Who uses it still waits for this resource.
    #[track_caller]
    pub fn constant<T: Clone + Send + Sync + 'static>(&self, value: T) -> Output<T> {
        Output::new(Deps::on(self.node), move |_| Ok(value.clone()))
    }

    /// Its name at the service.
    #[track_caller]
    pub fn from_name<T: 'static>(&self, f: impl Fn(&PhysicalName) -> T + Send + Sync + 'static) -> Output<T> {
        let node = self.node;
        Output::new(Deps::on(node), move |known| known.name(node).map(&f))
    }

    /// A value of its provider's settings, known while planning if they are. Who uses it still waits for this resource.
    #[track_caller]
    pub fn from_config<T: 'static>(
        &self,
        f: impl Fn(&<R::Provider as Provider>::Config) -> T + Send + Sync + 'static,
    ) -> Output<T> {
        let (node, provider) = (self.node, self.provider);
        Output::new(Deps::on(node), move |known| {
            // What does not exist yet has a name only in a plan: a provider that is reached through it is opened later.
            known.name(node)?;
            known.config(provider).map(|config| f(&config))
        })
    }

    /// A value that is known once the object exists, and that no update changes.
    #[track_caller]
    pub fn computed<T: 'static>(&self, f: impl Fn(&R::State) -> T + Send + Sync + 'static) -> Output<T> {
        let node = self.node;
        Output::new(Deps::on(node), move |known| known.reported(node).map(&f))
    }

    /// A value that is known once the object exists, and unknown again whenever it is to change.
    #[track_caller]
    pub fn computed_on_update<T: 'static>(&self, f: impl Fn(&R::State) -> T + Send + Sync + 'static) -> Output<T> {
        let node = self.node;
        Output::new(Deps::on(node), move |known| known.volatile(node).map(&f))
    }
}
