//! Overrides: settings and credentials of providers that come from elsewhere than the program.
//!
//! A stack is given them before anything is declared. They are laid over the draft of a provider as it is connected: an
//! overridden setting waits for nothing any more. What can't be applied is kept, and reported with all other mistakes.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::iter;
use std::sync::Arc;

use serde::Deserialize as _;
use serde::de::value::MapDeserializer;
use serde_json::{Error, Value};

use crate::base::{ProviderName, read_tree, to_tree};
use crate::kind::{Fields, Provider, ProviderDraft, Spec};
use crate::value::{Deps, GIVEN, Input, Known, Mistake, NoValue, Slot, sealing};

/// What takes the place of something that the program says of a provider.
///
/// ```
/// # use serde_json::json;
/// # use sprocket_core::program::{Override, Random, Stack};
/// let address = Override::setting("docker/far", "address", &json!("tcp://127.0.0.1:2375"), "sprocket.toml:12");
/// let all = Override::every::<Random>([], Some(()), "the sandbox");
/// let mut stack = Stack::new();
/// stack.override_providers([address, all]);
/// assert_eq!(
///     stack.check().unwrap_err().to_string(),
///     "`docker/far`: is not connected by the program, which connects none  (sprocket.toml:12)"
/// );
/// ```
#[derive(Clone)]
pub struct Override {
    of: Of,
    settings: Vec<(String, Value)>,
    /// Of the provider's type.
    credentials: Option<Arc<dyn Any + Send + Sync>>,
    only_fixed: bool,
    /// Where it comes from, for people: `sprocket.toml:12`.
    from: Arc<str>,
}

#[derive(Clone)]
enum Of {
    One(ProviderName),
    Every(TypeId),
}

impl Debug for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Override(from {})", self.from)
    }
}

impl Override {
    /// A setting of the provider of this name: `docker`, or `docker/far` where the program calls one `far`.
    ///
    /// The value comes in clear, so a secret setting can't be given one. `from` says where it is written.
    pub fn setting(
        provider: impl Into<ProviderName>,
        setting: impl Into<String>,
        value: &Value,
        from: impl Into<Arc<str>>,
    ) -> Self {
        let settings = vec![(setting.into(), value.clone())];
        Self { of: Of::One(provider.into()), settings, credentials: None, only_fixed: false, from: from.into() }
    }

    /// Settings of every provider of this type, and its credentials if some are given; also of those that the program has
    /// forgotten.
    pub fn every<P: Provider>(
        settings: impl IntoIterator<Item = (&'static str, Value)>,
        credentials: Option<P::Credentials>,
        from: impl Into<Arc<str>>,
    ) -> Self {
        let credentials = credentials.map(|credentials| Arc::new(credentials) as _);
        let settings = settings.into_iter().map(|(setting, value)| (setting.to_owned(), value)).collect();
        Self { of: Of::Every(TypeId::of::<P>()), settings, credentials, only_fixed: false, from: from.into() }
    }

    /// Leaves a provider as it is if one of these settings comes from a resource of the program. It counts as overridden.
    #[must_use]
    pub fn only_fixed(self) -> Self {
        Self { only_fixed: true, ..self }
    }

    /// The provider and the setting, if it is for one.
    fn one(&self) -> Option<(&ProviderName, &(String, Value))> {
        match &self.of {
            Of::One(provider) => Some((provider, self.settings.first()?)),
            Of::Every(_) => None,
        }
    }

    fn is_for_every<P: Provider>(&self) -> bool {
        matches!(self.of, Of::Every(provider) if provider == TypeId::of::<P>())
    }

    fn is_for<P: Provider>(&self, name: &ProviderName) -> bool {
        self.one().map_or(self.is_for_every::<P>(), |(provider, _)| provider == name)
    }

    /// Whether a provider stays as it is.
    fn spares(&self, draft: &impl ProviderDraft) -> bool {
        let mut deps = Deps::default();
        for (name, slot) in draft.slots() {
            if self.settings.iter().any(|(setting, _)| setting == name) {
                slot.deps(&mut deps);
            }
        }
        self.only_fixed && !deps.is_empty()
    }

    fn credentials<P: Provider>(&self) -> Option<P::Credentials> {
        self.credentials.as_ref()?.downcast_ref().cloned()
    }

    fn invalid(&self, provider: &ProviderName, setting: &str, error: OverrideError) -> InvalidOverride {
        let (provider, setting) = (provider.clone(), setting.to_owned());
        InvalidOverride { provider, setting, error, from: Arc::clone(&self.from) }
    }
}

/// An override of a provider that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppliedOverride {
    /// Of which provider.
    pub provider: ProviderName,
    /// Which setting, and its value now; none where settings and credentials may all be others.
    pub setting: Option<(String, Value)>,
    /// Where that comes from.
    pub from: Arc<str>,
}

impl Display for AppliedOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.provider)?;
        match &self.setting {
            None => f.write_str("settings and credentials")?,
            Some((setting, Value::String(text))) => write!(f, "{setting} = {text}")?,
            Some((setting, value)) => write!(f, "{setting} = {value}")?,
        }
        write!(f, " (from {})", self.from)
    }
}

/// An override that can't be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidOverride {
    /// Of which provider.
    pub provider: ProviderName,
    /// Which setting.
    pub setting: String,
    /// Why.
    pub error: OverrideError,
    /// Where it comes from.
    pub from: Arc<str>,
}

/// Why an override can't be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverrideError {
    /// The program connects no such provider, but these.
    UnknownProvider(Vec<ProviderName>),
    /// The provider has no such setting, but these.
    UnknownSetting(Vec<&'static str>),
    /// The setting is a secret.
    SecretSetting,
    /// The value is not one of the setting's.
    InvalidValue(String),
}

impl Display for InvalidOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setting = &self.setting;
        match &self.error {
            OverrideError::UnknownProvider(others) => {
                write!(f, "is not connected by the program, which connects {}", list(others))
            }
            OverrideError::UnknownSetting(settings) => {
                write!(f, "has no setting `{setting}`; it has {}", list(settings))
            }
            OverrideError::SecretSetting => write!(f, "`{setting}` is a secret, and can't be overridden in clear"),
            OverrideError::InvalidValue(message) => {
                write!(f, "`{setting}` can't be overridden with this: {message}")
            }
        }
    }
}

fn list(names: &[impl Display]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Whether a setting can have this value, whatever the others have.
fn check<D: ProviderDraft>(setting: &str, value: &Value) -> Result<(), OverrideError> {
    let settings = D::Spec::FIELDS.iter().map(|field| field.name);
    if !settings.clone().any(|name| name == setting) {
        return Err(OverrideError::UnknownSetting(settings.collect()));
    }
    if D::SECRETS.contains(&setting) || mentions_secret(value) {
        return Err(OverrideError::SecretSetting);
    }
    // Serde asks for a second entry only after it has read this one: from then on errors are about settings that are missing.
    let mut is_taken = false;
    let end = iter::from_fn(|| {
        is_taken = true;
        None
    });
    let entries = MapDeserializer::<_, Error>::new(iter::once((setting, value.clone())).chain(end));
    match D::Spec::deserialize(entries) {
        Err(error) if !is_taken => Err(OverrideError::InvalidValue(error.to_string())),
        _ => Ok(()),
    }
}

fn mentions_secret(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key(GIVEN) || map.values().any(mentions_secret),
        Value::Array(items) => items.iter().any(mentions_secret),
        _ => false,
    }
}

/// A provider's draft, and what is laid over its settings.
pub(crate) struct Overlaid<D> {
    pub(crate) draft: D,
    settings: BTreeMap<String, Input<Value>>,
}

impl<D: ProviderDraft> Fields for Overlaid<D> {
    type Spec = D::Spec;

    fn slots(&self) -> Vec<(&'static str, &dyn Slot)> {
        let over = |(name, slot)| (name, self.settings.get(name).map_or(slot, |value| value as &dyn Slot));
        self.draft.slots().into_iter().map(over).collect()
    }

    fn starts() -> Vec<(&'static str, Box<dyn Slot>)> {
        D::starts()
    }

    fn spec(&self, known: &Known) -> Result<D::Spec, NoValue> {
        if self.settings.is_empty() {
            return self.draft.spec(known);
        }
        let key = known.key.as_ref().ok_or(NoValue::Yet)?;
        // What an error quotes may be secret.
        let misread = |_| NoValue::Ever(Mistake::here("its settings can't be read with those that override them"));
        sealing(key, || read_tree(self.partial(known).whole()?).map_err(misread))
    }
}

/// All overrides of a stack, and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    all: Vec<Override>,
    pub(crate) applied: Vec<AppliedOverride>,
    invalid: Vec<InvalidOverride>,
}

impl Overrides {
    pub(crate) fn add(&mut self, more: impl IntoIterator<Item = Override>) {
        self.all.extend(more);
    }

    /// Lays what is for a provider over its draft. Of two values for a setting, the later one counts.
    pub(crate) fn lay_over<D: ProviderDraft>(&mut self, name: &ProviderName, draft: D) -> Overlaid<D> {
        let mut overlaid = Overlaid { draft, settings: BTreeMap::new() };
        for found in self.all.iter().filter(|found| found.is_for::<D::Provider>(name)) {
            let invalid = |(setting, value): &(String, _)| {
                check::<D>(setting, value).err().map(|error| found.invalid(name, setting, error))
            };
            let invalid: Vec<_> = found.settings.iter().filter_map(invalid).collect();
            if invalid.is_empty() {
                let setting = found.one().map(|(_, setting)| setting.clone());
                self.applied.push(AppliedOverride { provider: name.clone(), setting, from: Arc::clone(&found.from) });
            }
            self.invalid.extend(invalid);
            if found.spares(&overlaid.draft) {
                continue;
            }
            let inputs = found.settings.iter().cloned().map(|(setting, value)| (setting, Input::Value(value)));
            overlaid.settings.extend(inputs);
            if let Some(credentials) = found.credentials::<D::Provider>() {
                *overlaid.draft.given_credentials_mut() = Some(Input::Value(credentials));
            }
        }
        overlaid
    }

    /// Lays what is for every provider of a type over the recorded settings of one that the program has forgotten. Gives
    /// the credentials for it.
    pub(crate) fn lay_over_recorded<P: Provider>(&self, config: &mut Value) -> Option<P::Credentials> {
        let (mut credentials, config) = (None, config.as_object_mut()?);
        for found in self.all.iter().filter(|found| found.is_for_every::<P>()) {
            for (setting, value) in &found.settings {
                config.insert(setting.clone(), to_tree(value).expect("BUG: a JSON value has a text"));
            }
            credentials = found.credentials::<P>().or(credentials);
        }
        credentials
    }

    /// What can't be applied, given the names of all providers that are connected.
    pub(crate) fn invalid(&self, connected: &[&ProviderName]) -> Vec<InvalidOverride> {
        let stray = self.all.iter().filter_map(|found| {
            let (provider, (setting, _)) = found.one()?;
            let unknown = || OverrideError::UnknownProvider(connected.iter().map(|&name| name.clone()).collect());
            (!connected.contains(&provider)).then(|| found.invalid(provider, setting, unknown()))
        });
        self.invalid.iter().cloned().chain(stray).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;
    use crate::base::Identity;
    use crate::kind::{ErrorKind, Kinds, ProviderError};
    use crate::value::{NodeId, Output, Secret, StackKey, watched};

    struct Door;

    #[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, crate::kind::Spec)]
    #[spec(provider = Door, crate = crate)]
    struct DoorSpec {
        place: String,
        width: Option<u32>,
        signs: BTreeMap<String, String>,
        key: Option<Secret<String>>,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("it is locked")]
    struct Locked;

    impl ProviderError for Locked {
        fn kind(&self) -> ErrorKind {
            ErrorKind::Denied
        }
    }

    impl Provider for Door {
        const NAME: &'static str = "door";
        type Draft = DoorDraft;
        type Config = DoorSpec;
        type Credentials = u32;
        type Error = Locked;

        async fn connect(_: &DoorSpec, _: u32) -> Result<Self, Locked> {
            Err(Locked)
        }
        fn ambient() -> Result<u32, Locked> {
            Err(Locked)
        }
        async fn identity(&self) -> Result<Identity, Locked> {
            Err(Locked)
        }
        fn kinds(_: &mut impl Kinds<Self>) {}
    }

    fn unknown<T: 'static>() -> Output<T> {
        Output::new(Deps::on(NodeId { stack: 0, index: 0 }), |_| Err(NoValue::Yet))
    }

    fn laid_over(draft: DoorDraft, all: impl IntoIterator<Item = Override>) -> (Overlaid<DoorDraft>, Overrides) {
        let mut overrides = Overrides::default();
        overrides.add(all);
        (overrides.lay_over(&"door".into(), draft), overrides)
    }

    fn setting(setting: &str, value: &Value) -> Override {
        Override::setting("door", setting, value, "a file")
    }

    fn known() -> Known {
        Known { key: Some(StackKey::from_bytes([7; 64])), ..Known::default() }
    }

    #[test]
    fn what_is_overridden_waits_for_nothing_and_the_rest_is_the_programs() {
        let draft = DoorDraft::new(unknown()).width(2).signs([("$sealed", "$given")]).key("hunter2");
        let (overlaid, overrides) =
            laid_over(draft, [setting("place", &json!("hall")), setting("width", &json!(null))]);
        let mut deps = Deps::default();
        overlaid.deps(&mut deps);
        assert!(deps.is_empty());
        let signs = [("$sealed".to_owned(), "$given".to_owned())].into();
        let spec = DoorSpec { place: "hall".into(), width: None, signs, key: Some("hunter2".to_owned().into()) };
        assert_eq!(overlaid.spec(&known()).unwrap(), spec);
        assert_eq!((overrides.applied.len(), overrides.invalid.len()), (2, 0));

        let signs = json!({"$sealed": "$$given"});
        let (overlaid, _) = laid_over(DoorDraft::new("hall"), [setting("signs", &signs)]);
        assert_eq!(json!(overlaid.spec(&known()).unwrap().signs), signs, "its keys are the user's");
    }

    #[test]
    fn settings_made_from_a_secret_stay_secret() {
        let is_secret = |draft| {
            let (overlaid, _) = laid_over(draft, [setting("width", &json!(3))]);
            watched(|| overlaid.spec(&known()).unwrap()).1
        };
        assert!(is_secret(DoorDraft::new(Output::known("hall".to_owned()).secret())));
        assert!(!is_secret(DoorDraft::new("hall").key("hunter2")), "a typed one is sealed by itself");
    }

    #[test]
    fn other_settings_wait_as_before() {
        let draft = DoorDraft::new(unknown()).width(unknown());
        let (overlaid, _) = laid_over(draft, [setting("place", &json!("hall"))]);
        let mut deps = Deps::default();
        overlaid.deps(&mut deps);
        assert!(!deps.is_empty());
        assert!(matches!(overlaid.spec(&known()), Err(NoValue::Yet)));
    }

    #[test]
    fn what_can_not_be_is_told_though_the_rest_is_unknown() {
        let all = [("width", json!("wide")), ("key", json!(null)), ("signs", json!({"a": {"$given": "b"}}))];
        let all = all.map(|(name, value)| setting(name, &value));
        let (_, overrides) = laid_over(DoorDraft::new(unknown()), all);
        let errors: Vec<_> = overrides.invalid.into_iter().map(|invalid| invalid.error).collect();
        let wrong = "invalid type: string \"wide\", expected u32".to_owned();
        let secret = OverrideError::SecretSetting;
        assert_eq!(errors, [OverrideError::InvalidValue(wrong), secret.clone(), secret]);
        assert!(overrides.applied.is_empty());
    }

    #[test]
    fn those_of_a_type_are_overridden_unless_the_program_makes_the_place() {
        let every = || Override::every::<Door>([("place", json!("hall"))], Some(7), "the sandbox");
        let (overlaid, overrides) = laid_over(DoorDraft::new(unknown()), [every()]);
        assert_eq!(overlaid.spec(&known()).unwrap().place, "hall");
        assert_eq!(ProviderDraft::credentials(&overlaid.draft, &known()).unwrap(), Some(7));
        let mut recorded = json!({"place": "here", "width": 3});
        assert_eq!(overrides.lay_over_recorded::<Door>(&mut recorded), Some(7));
        assert_eq!(recorded, json!({"place": "hall", "width": 3}));

        let (overlaid, overrides) = laid_over(DoorDraft::new(unknown()), [every().only_fixed()]);
        assert_eq!(overrides.applied.len(), 1, "it is cared for all the same");
        assert!(matches!(overlaid.spec(&known()), Err(NoValue::Yet)));
        assert_eq!(ProviderDraft::credentials(&overlaid.draft, &known()).unwrap(), None);
        let (overlaid, _) = laid_over(DoorDraft::new("here").width(unknown()), [every().only_fixed()]);
        assert_eq!(ProviderDraft::credentials(&overlaid.draft, &known()).unwrap(), Some(7));
    }
}
