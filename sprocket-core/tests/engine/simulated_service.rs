//! The kinds of these tests: a made-up service that has one of each sort. Their calls are simulated by the world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallResult, CanonicalOf, CreateRequest, Diagnostics, ErrorKind, FailureOf, Handle, Identity, Kind, KindFlags,
    Kinds, PhysicalName, Provider, ProviderError, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::{IntoInput, Output, Secret};

/// The service. Nothing but its simulation answers.
#[derive(Debug)]
pub(crate) struct Lab;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Lab)]
pub(crate) struct LabSpec {
    #[spec(default)]
    pub(crate) address: String,
}

#[derive(Debug, thiserror::Error)]
#[error("only the simulation answers")]
pub(crate) struct LabError;

impl ProviderError for LabError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

impl Lab {
    pub(crate) fn local() -> LabDraft {
        LabDraft::new()
    }

    pub(crate) fn at(address: impl IntoInput<String>) -> LabDraft {
        LabDraft::new().address(address)
    }
}

impl Provider for Lab {
    const NAME: &'static str = "lab";
    type Draft = LabDraft;
    type Config = LabSpec;
    type Credentials = ();
    type Error = LabError;

    async fn connect(_: &LabSpec, (): ()) -> Result<Self, LabError> {
        Err(LabError)
    }

    fn ambient() -> Result<(), LabError> {
        Ok(())
    }

    async fn identity(&self) -> Result<Identity, LabError> {
        Err(LabError)
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Net>().with::<Disk>().with::<Conf>().with::<Note>().with::<App>();
    }
}

macro_rules! simulated {
    ($kind:ident, { $($extra:item)* }) => {
        impl Kind for $kind {
            $($extra)*

            async fn read(_: &Lab, _: ReadRequest<'_, Self>) -> ReadResult<Self> {
                Err(LabError)
            }
            async fn create(_: &Lab, _: &CreateRequest<'_, Self>) -> CallResult<Self> {
                Err(LabError.into())
            }
            async fn update(_: &Lab, _: &UpdateRequest<'_, Self>) -> CallResult<Self> {
                Err(LabError.into())
            }
            async fn delete(_: &Lab, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
                Err(LabError.into())
            }
        }
    };
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LabState {
    pub(crate) id: String,
    pub(crate) version: u64,
}

/// A network: replaced by a new one of another name, which is made first.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "lab:net", provider = Lab, naming = generation, state = LabState)]
pub(crate) struct Net {
    #[output(state.id)]
    pub(crate) id: Output<String>,
    #[output(name)]
    pub(crate) name: Output<String>,
    this: ResourceRef<Self>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Net)]
pub(crate) struct NetSpec {
    #[spec(default = "10.0.0.0/24".to_owned(), replaces)]
    pub(crate) subnet: String,
    #[spec(each = "label")]
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) parent: Option<String>,
}

simulated!(Net, {});

impl NetSpec {
    /// A network that nobody has set but for its subnet.
    pub(crate) fn of(subnet: &str) -> Self {
        Self { subnet: subnet.into(), labels: [].into(), parent: None }
    }
}

impl Net {
    pub(crate) fn new(name: &str) -> NetDraft {
        NetDraft::new(name)
    }
}

/// A network that somebody else made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ExistingNet {
    pub(crate) name: String,
}

impl sprocket_core::kind::Lookup for ExistingNet {
    const WHAT: &'static str = "net";
    type Provider = Lab;
    type Answer = LabState;

    async fn look(&self, _: &Lab) -> Result<Option<LabState>, LabError> {
        Err(LabError)
    }
}

/// A disk: it holds data.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "lab:disk", provider = Lab, naming = fixed, state = LabState)]
pub(crate) struct Disk {
    #[output(name)]
    pub(crate) name: Output<String>,
    this: ResourceRef<Self>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Disk)]
pub(crate) struct DiskSpec {
    #[spec(default = "local".to_owned(), replaces)]
    pub(crate) driver: String,
}

simulated!(Disk, {
    const FLAGS: KindFlags = KindFlags::new().stateful();
});

impl Disk {
    pub(crate) fn new(name: &str) -> DiskDraft {
        DiskDraft::new(name)
    }
}

/// A config: its name is its content.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "lab:conf", provider = Lab, naming = content, state = LabState)]
pub(crate) struct Conf {
    #[output(state.id)]
    pub(crate) id: Output<String>,
    this: ResourceRef<Self>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Conf)]
pub(crate) struct ConfSpec {
    #[spec(replaces)]
    pub(crate) data: String,
    #[spec(each = "label")]
    pub(crate) labels: BTreeMap<String, String>,
}

simulated!(Conf, {});

impl Conf {
    pub(crate) fn new(name: &str, data: impl IntoInput<String>) -> ConfDraft {
        ConfDraft::new(name, data)
    }
}

/// A note: a secret that can be written, and never read.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "lab:note", provider = Lab, naming = fixed, state = LabState)]
pub(crate) struct Note {
    #[output(name)]
    pub(crate) name: Output<String>,
    this: ResourceRef<Self>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Note)]
pub(crate) struct NoteSpec {
    #[spec(write_only)]
    pub(crate) data: Secret<String>,
}

simulated!(Note, {
    const CANONICAL: Option<CanonicalOf<Self>> = Some(canonical);
});

/// Capitals mean nothing, and an address may be told.
fn canonical(name: &PhysicalName, config: Option<&LabSpec>) -> PhysicalName {
    let name = name.as_str().to_lowercase();
    let lab = config.map(|config| format!("@{}", config.address));
    lab.and_then(|lab| name.strip_suffix(&*lab)).unwrap_or(&name).into()
}

impl Note {
    pub(crate) fn new(name: &str, data: impl IntoInput<Secret<String>>) -> NoteDraft {
        NoteDraft::new(name, data)
    }
}

/// An app: it needs time until it works, and its name stays.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "lab:app", provider = Lab, naming = fixed, state = LabState)]
pub(crate) struct App {
    #[output(state.version, volatile)]
    pub(crate) version: Output<u64>,
    this: ResourceRef<Self>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = App)]
pub(crate) struct AppSpec {
    pub(crate) image: String,
    #[spec(each = "env")]
    pub(crate) env: BTreeMap<String, String>,
    #[spec(each = "net")]
    pub(crate) nets: Vec<String>,
    #[spec(each = "uses")]
    pub(crate) used: Vec<String>,
    #[spec(default = 1)]
    pub(crate) replicas: u64,
    #[spec(flag, replaces)]
    pub(crate) global: bool,
}

simulated!(App, {
    const FLAGS: KindFlags = KindFlags::new().needs_ready();
    fn validate(spec: &AppSpec) -> Diagnostics {
        let twice = (1..spec.nets.len()).any(|at| spec.nets[..at].contains(&spec.nets[at]));
        let errors = twice.then_some("is on a net twice".into()).into_iter().collect();
        Diagnostics { errors, ..Diagnostics::default() }
    }
});

impl App {
    pub(crate) fn new(name: &str, image: impl IntoInput<String>) -> AppDraft {
        AppDraft::new(name, image)
    }
}
