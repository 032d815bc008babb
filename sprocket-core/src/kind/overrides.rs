//! Overrides: settings and credentials of providers that come from elsewhere than the program.
//!
//! A stack is given them before anything is declared, and a provider's draft is changed by them as it is connected: what
//! an overridden setting waited for is waited for no more. What does not fit is kept, and reported with all other mistakes.

use std::any::Any;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use serde_json::Value;

use crate::base::{Json, ProviderName};
use crate::kind::{Provider, ProviderDraft};
use crate::value::{GIVEN, Holding};
use serde::de::DeserializeOwned;

/// What takes the place of something that the program says of a provider.
///
/// ```
/// # use serde_json::json;
/// # use sprocket_core::program::{Override, Random, Stack};
/// let address = Override::setting("docker/far", "address", &json!("tcp://127.0.0.1:2375"), "sprocket.toml:12");
/// let all = Override::every::<Random>(|draft| draft, "the sandbox");
/// let mut stack = Stack::new();
/// stack.overrule([address, all]);
/// assert_eq!(
///     stack.check().unwrap_err().to_string(),
///     "`docker/far`: is not connected by the program, which connects none  (sprocket.toml:12)"
/// );
/// ```
#[derive(Clone)]
pub struct Override {
    what: What,
    /// Where it comes from, for people: `sprocket.toml:12`.
    from: Arc<str>,
}

#[derive(Clone)]
enum What {
    Setting { provider: ProviderName, setting: String, value: Json },
    Every(Edit),
}

/// It is given an `Option` of a draft, and changes it if the draft is of its type.
type Edit = Arc<dyn Fn(&mut dyn Any) -> bool + Send + Sync>;

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
        let what = What::Setting { provider: provider.into(), setting: setting.into(), value: value.into() };
        Self { what, from: from.into() }
    }

    /// Settings and credentials of every provider of this type, also of those that the program has forgotten.
    pub fn every<P: Provider>(
        edit: impl Fn(P::Draft) -> P::Draft + Send + Sync + 'static,
        from: impl Into<Arc<str>>,
    ) -> Self {
        let edit = move |draft: &mut dyn Any| match draft.downcast_mut::<Option<P::Draft>>() {
            Some(draft) => {
                *draft = draft.take().map(&edit);
                true
            }
            None => false,
        };
        Self { what: What::Every(Arc::new(edit)), from: from.into() }
    }
}

/// Something that was overridden.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overridden {
    /// Of which provider.
    pub provider: ProviderName,
    /// Which setting, and its value now; none where settings and credentials may all be others.
    pub setting: Option<(String, Json)>,
    /// Where that comes from.
    pub from: Arc<str>,
}

impl Display for Overridden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.provider)?;
        match &self.setting {
            None => f.write_str("settings and credentials")?,
            Some((setting, value)) => match value.value() {
                Value::String(text) => write!(f, "{setting} = {text}")?,
                value => write!(f, "{setting} = {value}")?,
            },
        }
        write!(f, " (from {})", self.from)
    }
}

/// An override that can't be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misfit {
    /// Of which provider.
    pub provider: ProviderName,
    /// Which setting.
    pub setting: String,
    /// Why.
    pub why: Unfit,
    /// Where it comes from.
    pub from: Arc<str>,
}

/// Why an override can't be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// The program connects no such provider, but these.
    NotConnected(Vec<ProviderName>),
    /// The provider has no such setting, but these.
    NoSuchSetting(Vec<&'static str>),
    /// The setting is a secret.
    Secret,
    /// The value is not one of the setting's.
    Value(String),
}

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setting = &self.setting;
        match &self.why {
            Unfit::NotConnected(others) => {
                write!(f, "is not connected by the program, which connects {}", list(others))
            }
            Unfit::NoSuchSetting(settings) => write!(f, "has no setting `{setting}`; it has {}", list(settings)),
            Unfit::Secret => write!(f, "`{setting}` is a secret, and can't be overridden in clear"),
            Unfit::Value(message) => write!(f, "`{setting}` can't be overridden with this: {message}"),
        }
    }
}

fn list(names: &[impl Display]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Gives a setting the value that this says, in clear.
///
/// # Errors
/// If it is not one of the setting's, or has a secret in it.
pub fn set<S: Holding<Value: DeserializeOwned>>(slot: &mut S, value: &Json) -> Result<(), Unfit> {
    let value = value.value();
    if mentions_secret(&value) {
        return Err(Unfit::Secret);
    }
    let read = serde_json::from_value(value).map_err(|error| Unfit::Value(error.to_string()))?;
    *slot = S::holding(read);
    Ok(())
}

fn mentions_secret(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key(GIVEN) || map.values().any(mentions_secret),
        Value::Array(items) => items.iter().any(mentions_secret),
        _ => false,
    }
}

/// All overrides of a stack, and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    all: Vec<Override>,
    pub(crate) done: Vec<Overridden>,
    unfit: Vec<Misfit>,
}

impl Overrides {
    pub(crate) fn add(&mut self, more: impl IntoIterator<Item = Override>) {
        self.all.extend(more);
    }

    /// Changes the draft of a provider that is being connected.
    pub(crate) fn apply<D: ProviderDraft>(&mut self, name: &ProviderName, draft: D) -> D {
        let mut draft = Some(draft);
        for Override { what, from } in &self.all {
            let setting = match what {
                What::Every(edit) if edit(&mut draft) => None,
                What::Setting { provider, setting, value } if provider == name => {
                    let draft = draft.as_mut().expect("BUG: an edit gives back a draft");
                    if let Err(why) = draft.set(setting, value) {
                        let (provider, setting, from) = (name.clone(), setting.clone(), Arc::clone(from));
                        self.unfit.push(Misfit { provider, setting, why, from });
                        continue;
                    }
                    Some((setting.clone(), value.clone()))
                }
                _ => continue,
            };
            self.done.push(Overridden { provider: name.clone(), setting, from: Arc::clone(from) });
        }
        draft.expect("BUG: an edit gives back a draft")
    }

    /// Changes the draft of a provider that the program has forgotten.
    pub(crate) fn apply_to_forgotten<D: ProviderDraft>(&self, draft: D) -> D {
        let mut draft = Some(draft);
        for Override { what, .. } in &self.all {
            if let What::Every(edit) = what {
                edit(&mut draft);
            }
        }
        draft.expect("BUG: an edit gives back a draft")
    }

    /// What can't be, given the names of all providers that are connected.
    pub(crate) fn misfits(&self, connected: &[&ProviderName]) -> Vec<Misfit> {
        let stray = self.all.iter().filter_map(|Override { what, from }| match what {
            What::Setting { provider, setting, .. } if !connected.contains(&provider) => Some(Misfit {
                provider: provider.clone(),
                setting: setting.clone(),
                why: Unfit::NotConnected(connected.iter().map(|&name| name.clone()).collect()),
                from: Arc::clone(from),
            }),
            _ => None,
        });
        self.unfit.iter().cloned().chain(stray).collect()
    }
}
