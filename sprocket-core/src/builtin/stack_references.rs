//! Other stacks: what they show is read by [`Stack::output_of`](crate::program::Stack::output_of), and never written.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sprocket_derive::Spec;
use tokio::sync::Mutex;

use crate::base::{Identity, Json, read_tree, with_causes};
use crate::kind::{ErrorKind, Kinds, Lookup, Provider, ProviderError, State};
use crate::session::trust;
use crate::stack::Stack;
use crate::state::{KeySource, StackId, StateStore};
use crate::value::{Output, SEALED, StackKey, sealing};

/// Where the states of other stacks are, and who can open them.
///
/// ```
/// use std::sync::Arc;
///
/// use sprocket_core::state::{FileStore, KeySource};
/// use sprocket_core::program::{Neighbours, Secret, Stack};
///
/// let mut stack = Stack::new();
/// stack.neighbours(Neighbours::new(|name| {
///     let store = FileStore::new(format!("states/{name}"));
///     let key = KeySource::passphrase(Secret::new("open sesame".to_owned()), "this example");
///     async move { Ok((Arc::new(store) as Arc<_>, key)) }
/// }));
/// let network = stack.output_of::<String>("infrastructure", "network");
/// ```
#[derive(Clone)]
pub struct Neighbours {
    find: Find,
    environment: Option<String>,
}

/// A state, and its key.
type StackState = (Arc<dyn StateStore>, KeySource);

type Find = Arc<dyn Fn(&str) -> BoxFuture<'static, Result<StackState, String>> + Send + Sync>;

impl Debug for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Neighbours")
    }
}

impl Neighbours {
    /// Finds them by their name, or says why there is none.
    pub fn new<F>(find: impl Fn(&str) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<StackState, String>> + Send + 'static,
    {
        Self { find: Arc::new(move |name| find(name).boxed()), environment: None }
    }

    /// Refuses the states of other environments: what `staging` says is nothing for `production`.
    #[must_use]
    pub fn of_environment(self, environment: impl Into<String>) -> Self {
        Self { environment: Some(environment.into()), ..self }
    }
}

impl Stack {
    /// What another stack shows by [`output`](Self::output) under this name, as of its last run.
    ///
    /// Both programs use one type for it, such as a struct that they share. What is secret in it there is a
    /// [`Secret`](crate::program::Secret) in this type. A stack without state, or one that can't be read, is an error before
    /// anything is done; an output that it does not have, a mistake at this line.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use sprocket_core::program::{Secret, Stack};
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    /// struct Edge {
    ///     network: String,
    ///     token: Secret<String>,
    /// }
    ///
    /// let mut stack = Stack::new();
    /// # stack.neighbours(sprocket_core::program::Neighbours::new(|_| async { Err("none".to_owned()) }));
    /// let edge = stack.output_of::<Edge>("infrastructure", "edge");
    /// let network = edge.map(|edge| edge.network);
    /// ```
    #[track_caller]
    pub fn output_of<T: State>(&mut self, stack: impl Into<String>, output: impl Into<String>) -> Output<T> {
        self.look(OutputOf { stack: stack.into(), output: output.into(), of: PhantomData })
    }

    /// Where the states of other stacks are: call it before anything is declared. The command line knows.
    pub fn neighbours(&mut self, neighbours: Neighbours) {
        self.connect_on_demand(StacksDraft::default().credentials(neighbours));
    }
}

/// The states of other stacks. A run reads each of them once.
#[derive(Debug)]
pub struct Stacks {
    neighbours: Neighbours,
    read: Mutex<BTreeMap<String, Shown>>,
}

/// What a stack shows.
#[derive(Clone, Debug)]
struct Shown {
    outputs: BTreeMap<String, Json>,
    key: StackKey,
}

/// Other stacks have no settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Stacks, crate = crate)]
pub struct StacksSpec {}

/// Why nothing could be read of another stack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StacksError {
    /// Nobody said where they are.
    #[error("it is not known where the states of other stacks are")]
    NotConnected,
    /// It was never applied.
    #[error("the stack `{stack}` has no state here")]
    NoState {
        /// Which stack.
        stack: String,
    },
    /// Its state is there, and can't be read.
    #[error("could not read the state of the stack `{stack}`: {cause}")]
    Unreadable {
        /// Which stack.
        stack: String,
        /// Why.
        cause: String,
    },
    /// The output is something else.
    #[error("`{output}` of the stack `{stack}` is not what this program takes it for: {cause}")]
    Unfit {
        /// Which stack.
        stack: String,
        /// Which of its outputs.
        output: String,
        /// Why.
        cause: String,
        /// It is secret there.
        is_secret: bool,
    },
}

impl ProviderError for StacksError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotConnected | Self::Unfit { .. } => ErrorKind::Invalid,
            Self::NoState { .. } => ErrorKind::NotFound,
            Self::Unreadable { .. } => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotConnected => Some("tell it with `Stack::neighbours`, before anything is declared".into()),
            Self::NoState { .. } => Some("apply that one first, in the same environment".into()),
            Self::Unfit { is_secret: true, .. } => Some("what is secret there is a `Secret<…>` in the type".into()),
            Self::Unreadable { .. } | Self::Unfit { .. } => None,
        }
    }
}

impl Provider for Stacks {
    const NAME: &'static str = "stacks";
    type Draft = StacksDraft;
    type Config = StacksSpec;
    type Credentials = Neighbours;
    type Error = StacksError;

    async fn connect(_: &StacksSpec, neighbours: Neighbours) -> Result<Self, StacksError> {
        Ok(Self { neighbours, read: Mutex::default() })
    }

    fn ambient() -> Result<Neighbours, StacksError> {
        Err(StacksError::NotConnected)
    }

    async fn identity(&self) -> Result<Identity, StacksError> {
        Ok("stacks".into())
    }

    fn kinds(_: &mut impl Kinds<Self>) {}

    fn unconnected() -> Option<StacksDraft> {
        Some(StacksDraft::default())
    }
}

impl Stacks {
    async fn shown(&self, stack: &str) -> Result<Shown, StacksError> {
        let mut read = self.read.lock().await;
        if let Some(shown) = read.get(stack) {
            return Ok(shown.clone());
        }
        let unreadable = |cause: String| StacksError::Unreadable { stack: stack.to_owned(), cause };
        let (store, key) = (self.neighbours.find)(stack).await.map_err(unreadable)?;
        let loaded = store.load().await.map_err(|error| unreadable(with_causes(&error)))?;
        let loaded = loaded.ok_or_else(|| StacksError::NoState { stack: stack.to_owned() })?;
        // Also what is not secret there is for no stranger to say.
        let trusted = trust(loaded, &key, &store.place()).await.map_err(|refused| unreadable(refused.message()))?;
        let environment = self.neighbours.environment.as_ref();
        let is_other = |id: &&StackId| id.name != stack || environment.is_some_and(|own| id.environment != *own);
        if let Some(other) = trusted.snapshot.stack.as_ref().filter(is_other) {
            return Err(unreadable(format!("the state in {} is of {other}", store.place())));
        }
        let shown = Shown { outputs: trusted.snapshot.outputs, key: trusted.key };
        read.insert(stack.to_owned(), shown.clone());
        Ok(shown)
    }
}

/// An output of another stack.
#[derive(Serialize)]
#[serde(bound = "")]
pub(crate) struct OutputOf<T> {
    pub(crate) stack: String,
    pub(crate) output: String,
    #[serde(skip)]
    pub(crate) of: PhantomData<fn() -> T>,
}

impl<T> Clone for OutputOf<T> {
    fn clone(&self) -> Self {
        Self { stack: self.stack.clone(), output: self.output.clone(), of: PhantomData }
    }
}

impl<T> Debug for OutputOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of the stack `{}`", self.output, self.stack)
    }
}

impl<T: State> Lookup for OutputOf<T> {
    const WHAT: &'static str = "output";
    type Provider = Stacks;
    type Answer = T;

    async fn look(&self, stacks: &Stacks) -> Result<Option<T>, StacksError> {
        let Shown { outputs, key } = stacks.shown(&self.stack).await?;
        let Some(value) = outputs.get(&self.output) else { return Ok(None) };
        let read = || read_tree(value.value());
        sealing(&key, read).map(Some).map_err(|error| {
            let (stack, output) = (self.stack.clone(), self.output.clone());
            // Where something is sealed, what was read of it may be in the message.
            let is_secret = value.text().contains(SEALED);
            let cause = if is_secret { "something in it has another type".to_owned() } else { error.to_string() };
            StacksError::Unfit { stack, output, cause, is_secret }
        })
    }
}
