//! Generated secrets: `random:password`.
//!
//! A generated secret has no server: its record is the object, and state, where it is sealed, is its only copy. It is
//! drawn once, durable before anything that uses it starts, and drawn again only when it is replaced.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{Identity, ObjectId, PhysicalName};
use crate::kind::{
    CallResult, CreateRequest, Diagnostics, ErrorKind, FailureOf, Handle, Kind, Kinds, Live, Provider, ProviderError,
    ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use crate::value::{Output, Secret};

/// The provider of what needs only randomness. Every stack has one.
#[derive(Debug)]
pub struct Random;

/// Generated secrets have no settings for all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Random, crate = crate)]
pub struct RandomSpec {}

/// Nothing can fail.
#[derive(Debug, thiserror::Error)]
pub enum RandomError {}

impl ProviderError for RandomError {
    fn kind(&self) -> ErrorKind {
        match *self {}
    }
}

impl Provider for Random {
    const NAME: &'static str = "random";
    type Draft = RandomDraft;
    type Config = RandomSpec;
    type Credentials = ();
    type Error = RandomError;

    async fn connect(_: &RandomSpec, (): ()) -> Result<Self, RandomError> {
        Ok(Self)
    }

    fn ambient() -> Result<(), RandomError> {
        Ok(())
    }

    async fn identity(&self) -> Result<Identity, RandomError> {
        Ok("random".into())
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Password>();
    }

    fn unconnected() -> Option<RandomDraft> {
        Some(RandomDraft::default())
    }
}

/// A generated password.
///
/// Changing a setting draws another one; who uses it is updated.
///
/// ```
/// # use sprocket_core::program::{Password, Stack};
/// # let mut stack = Stack::new();
/// let password = stack.add(Password::new("redis").length(40));
/// assert!(password.value.is_secret());
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "random:password", provider = Random, naming = none, crate = crate)]
pub struct Password {
    /// The password.
    #[output(state.value)]
    pub value: Output<Secret<String>>,
    this: ResourceRef<Self>,
}

impl Password {
    /// A password of 32 letters and digits.
    pub fn new(name: impl Into<String>) -> PasswordDraft {
        PasswordDraft::new(name)
    }

    /// One that was made elsewhere, if it is a text. It is as long as it is, whatever it is made of: where the program wants
    /// another length, the plan says so.
    pub(crate) fn from_elsewhere(
        id: ObjectId,
        name: &PhysicalName,
        spec: &PasswordSpec,
        value: &Secret<Value>,
    ) -> Option<Live<Self>> {
        let value = value.expose().as_str()?.to_owned();
        let length = u16::try_from(value.chars().count()).unwrap_or(u16::MAX);
        Some(Live {
            name: name.clone(),
            spec: PasswordSpec { length, rotation: spec.rotation.clone() },
            state: PasswordState { id: id.to_string(), value: Secret::new(value) },
            owner: None,
            id,
        })
    }
}

/// A password's settings. A change of any of them draws another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Password, crate = crate)]
pub struct PasswordSpec {
    /// How many characters it has: 16 to 256, each a letter or a digit, so that it is legal in an URL, a shell and a
    /// configuration file.
    #[spec(default = 32, replaces)]
    pub length: u16,
    /// Any text: another one draws another password.
    #[spec(default, replaces)]
    pub rotation: String,
}

/// What was drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordState {
    id: String,
    value: Secret<String>,
}

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Kind for Password {
    async fn read(_: &Random, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        Ok(Vec::from_iter(find.recorded().map(Recorded::as_live)))
    }

    async fn create(_: &Random, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let drawn = (0..make.spec.length).map(|_| char::from(ALPHABET[usize::from(make.entropy.below(62))])).collect();
        Ok(PasswordState { id: make.entropy.id(), value: Secret::new(drawn) })
    }

    async fn update(_: &Random, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        Ok(change.live.state.clone())
    }

    async fn delete(_: &Random, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        Ok(())
    }

    fn id(_: &PhysicalName, state: &PasswordState) -> ObjectId {
        state.id.as_str().into()
    }

    fn validate(spec: &PasswordSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        if !(16..=256).contains(&spec.length) {
            findings.errors.push(format!("a password has 16 to 256 characters, not {}", spec.length).into());
        }
        findings
    }
}
