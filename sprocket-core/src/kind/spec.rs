//! Specs and drafts: the settings of a resource, as data and as they are being declared.
//!
//! `#[derive(Spec)]` writes a draft for each spec. What it writes is small: the list of settings, and how to make the spec
//! of them; all else follows from the traits here and the impls in [`value`](crate::value).

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kind::{Handle, Options, Provider};
use crate::value::{Deps, Input, Known, Mistake, NoValue, Partial, Path, PathPart, Resolve, Slot};

/// What the planner knows about a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// A change of it needs a new object.
    pub replaces: bool,
    /// The service never shows it: it is compared by a fingerprint.
    pub write_only: bool,
}

/// Settings as plain data: every default is in it, and it is what the service is sent.
///
/// It is written and read with the names of its fields, so serde attributes that rename or skip are not for specs.
pub trait Spec: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its settings.
    const FIELDS: &'static [Field];
}

/// The settings of a draft, by name. This is all that the derive writes about plans.
pub trait Fields {
    /// What they become.
    type Spec: Spec;
    /// The settings, in the order of the spec's fields.
    fn slots(&self) -> Vec<(&'static str, &dyn Slot)>;
    /// What the settings that need not be set are before anything sets them.
    fn starts() -> Vec<(&'static str, Box<dyn Slot>)>;
    /// The spec, once everything that it waits for is known.
    ///
    /// # Errors
    /// [`NoValue`] says whether it is not known yet or never will be.
    fn spec(&self, known: &Known) -> Result<Self::Spec, NoValue>;
}

impl<F: Fields> Slot for F {
    fn deps(&self, into: &mut Deps) {
        for (_, slot) in self.slots() {
            slot.deps(into);
        }
    }

    fn partial(&self, known: &Known) -> Partial {
        Partial::Map(self.slots().into_iter().map(|(name, slot)| (name.to_owned(), slot.partial(known))).collect())
    }

    fn mistakes(&self, into: &mut Vec<Mistake>) {
        for (_, slot) in self.slots() {
            slot.mistakes(into);
        }
    }

    fn defaults(&self) -> Vec<Path> {
        let nothing = Known::default();
        let starts = F::starts();
        let mut found = Vec::new();
        for (name, slot) in self.slots() {
            let part = || PathPart::Key(name.to_owned());
            let start = starts.iter().find(|(other, _)| *other == name);
            if start.is_some_and(|(_, start)| start.partial(&nothing).is_same(&slot.partial(&nothing))) {
                found.push(Path(vec![part()]));
            } else {
                found.extend(slot.defaults().into_iter().map(|path| path.inside(part())));
            }
        }
        found
    }
}

impl<F: Fields> Resolve for F {
    type Value = F::Spec;

    fn resolve(&self, known: &Known) -> Result<F::Spec, NoValue> {
        self.spec(known)
    }
}

/// A resource being declared: its settings, with a name and options.
#[must_use = "a draft declares nothing until it is given to `stack.add`"]
pub trait Draft: Fields + Sized + Send + Sync + 'static {
    /// The handle of the resource that it declares.
    type Handle: Handle<Draft = Self, Spec = Self::Spec>;
    /// Its name, in its scope.
    fn name(&self) -> &str;
    /// What the program asks of the engine for it.
    fn options(&mut self) -> &mut Options;
}

/// A provider being declared: its settings, which may be outputs, and what it identifies itself with.
pub trait ProviderDraft: Fields + Sized + Send + Sync + 'static {
    /// The provider that it declares.
    type Provider: Provider<Draft = Self, Config = Self::Spec>;
    /// The settings that are secrets: a file in clear can't override them.
    const SECRETS: &'static [&'static str];
    /// The name that tells it from others of its type; empty for the usual case of one.
    fn name(&self) -> &str;
    /// What the program says that it identifies itself with; `None` for what [`Provider::ambient`] finds.
    fn given_credentials(&self) -> &GivenCredentials<Self>;
    /// The same, to be changed.
    fn given_credentials_mut(&mut self) -> &mut GivenCredentials<Self>;

    /// The credentials that the program gives, once everything that they wait for is known.
    ///
    /// # Errors
    /// [`NoValue`] says whether they are not known yet or never will be.
    fn credentials(&self, known: &Known) -> Result<Option<<Self::Provider as Provider>::Credentials>, NoValue> {
        self.given_credentials().as_ref().map(|given| given.value(known)).transpose()
    }

    /// Adds the resources that the credentials wait for.
    fn credential_deps(&self, into: &mut Deps) {
        if let Some(Input::Output(output)) = self.given_credentials() {
            into.add(&output.deps);
        }
    }
}

/// The credentials that a program gives a provider.
pub type GivenCredentials<D> = Option<Input<<<D as ProviderDraft>::Provider as Provider>::Credentials>>;
