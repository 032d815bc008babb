//! Providers: connections to services.

use std::error::Error;
use std::future::Future;
use std::io;

use serde::{Deserialize, Serialize};

use crate::base::Identity;
use crate::kind::{Kind, ProviderDraft, Spec};

/// A connection to a service.
pub trait Provider: Sized + Send + Sync + 'static {
    /// Its name: `docker`. It is recorded in state.
    const NAME: &'static str;
    /// How many calls it may be given at once.
    const PARALLEL: usize = 16;
    /// What a program writes to declare it. Its settings may be outputs.
    type Draft: ProviderDraft<Provider = Self, Spec = Self::Config>;
    /// Address and options. It is recorded, so that what a program forgot can still be deleted.
    type Config: Spec;
    /// What it identifies itself with. It is never recorded.
    type Credentials: Clone + Send + Sync + 'static;
    /// Its error.
    type Error: ProviderError;

    /// Opens it for a command, once. It may, but need not, speak to the service. What it opens there for that time (a session,
    /// a tunnel, credentials on loan) it keeps from expiring until [`close`](Self::close).
    fn connect(
        config: &Self::Config,
        credentials: Self::Credentials,
    ) -> impl Future<Output = Result<Self, Self::Error>> + Send;

    /// Ends what [`connect`](Self::connect) opened: at the end of the command, when no call is under way any more, also where
    /// the command failed or was stopped. Nobody waits longer than 10 s for it, a failure is only logged, and a process that is
    /// killed closes nothing: so what is opened should expire by itself.
    fn close(&self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// The credentials where the program gives none, or has forgotten the provider: from where its users keep them.
    ///
    /// # Errors
    /// If there are none.
    fn ambient() -> Result<Self::Credentials, Self::Error>;

    /// Which server answers there, as it tells everybody: what [`identity`](Self::identity) will say. It is asked without
    /// credentials, before [`connect`](Self::connect) is given any, so that another server under the same address is not
    /// given them. `None` if such servers identify themselves only to clients with credentials; then the credentials must be of
    /// no use to another server, as signatures are.
    fn answers(config: &Self::Config) -> impl Future<Output = Result<Option<Identity>, Self::Error>> + Send {
        let _ = config;
        std::future::ready(Ok(None))
    }

    /// Which server this is. Another server under the same address is refused before anything is read from it.
    fn identity(&self) -> impl Future<Output = Result<Identity, Self::Error>> + Send;

    /// Adds all kinds that it makes.
    fn kinds(kinds: &mut impl Kinds<Self>);

    /// What a stack is connected to when something is declared on this provider and the program connects none: only for
    /// providers that need no server.
    fn unconnected() -> Option<Self::Draft> {
        None
    }
}

/// The kinds of a provider, as it lists them.
pub trait Kinds<P: Provider> {
    /// Adds a kind.
    ///
    /// # Panics
    /// If another kind has its name: what one of them made would be taken for the other's.
    fn with<R: Kind<Provider = P>>(&mut self) -> &mut Self;
}

/// The error of a provider's calls. Its message says what was attempted, and does not repeat its source.
pub trait ProviderError: Error + Send + Sync + 'static {
    /// What sort of failure it is; the engine's decisions rest on it.
    fn kind(&self) -> ErrorKind;
    /// What the reader can do about it.
    fn hint(&self) -> Option<String> {
        None
    }
    /// Whether it is known that nothing was sent, and so nothing was changed: there was no connection.
    fn is_unsent(&self) -> bool {
        false
    }
    /// Whether the service says that there is no such object.
    fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }
}

/// For providers whose service is the file system. An error of any kind that is not named here leaves open whether the call
/// had an effect: the engine recovers it before it retries.
impl ProviderError for io::Error {
    fn kind(&self) -> ErrorKind {
        match io::Error::kind(self) {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        }
    }
}

/// What sort of failure an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The service says that there is no such object.
    NotFound,
    /// There is an object of that name already.
    AlreadyExists,
    /// The object has changed in the meantime, or is in use.
    Conflict,
    /// The service does not let us.
    Denied,
    /// The service does not accept what it was sent; trying again does not help.
    Invalid,
    /// No answer, or none that tells whether the call had an effect: time-out, cut connection, 5xx. From
    /// [`connect`](Provider::connect) and [`identity`](Provider::identity) of a provider whose settings come from
    /// resources it is taken as [`Closed`](Self::Closed).
    Unavailable,
    /// The call had its effect, but what it made does not work.
    Unready,
    /// It can be reached, but serves nothing until somebody opens it: a sealed Vault. It is for
    /// [`connect`](Provider::connect) and [`identity`](Provider::identity): if the plan has a step for a resource that the
    /// provider's settings or credentials come from, what is recorded of the provider is read after that step.
    Closed,
}
