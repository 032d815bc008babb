//! The kinds of the yard, one of each sort. Their calls go to the fake service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallResult, CheckResult, Claim, ClaimsOf, CreateRequest, Deadline, Diagnostics, ErrorOf, FailureOf, Handle, Kind,
    KindFlags, Lookup, ObjectId, PendingCreate, PhysicalName, ReadRequest, ReadResult, Recorded, Recovered,
    ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::{Input, IntoInput, Output, Secret};

use super::fake_service::{Gate, Standing, YardError};

/// A kind of thing, as the yard keeps it.
pub(crate) trait Sort: Kind + Handle<Provider = Gate, State = Standing> {
    /// The settings as the yard writes them down.
    fn written(spec: &Self::Spec) -> Self::Spec;
    /// Half of them.
    fn half(spec: &Self::Spec) -> Self::Spec;
    /// The thing that it is in, by the tag `inside`.
    fn inside(spec: &Self::Spec) -> Option<String>;
    /// The settings in an error, in several ways.
    fn quote(spec: &Self::Spec) -> String;
}

/// A colour: capitals mean nothing, and the yard writes nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Colour(pub(crate) String);

impl PartialEq for Colour {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl IntoInput<Colour> for &str {
    fn into_input(self) -> Input<Colour> {
        Input::Value(Colour(self.to_owned()))
    }
}

/// What a thing is built on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Base)]
pub(crate) struct BaseSpec {
    #[spec(default = 1)]
    pub(crate) width: u64,
    #[spec(each = "layer")]
    pub(crate) layers: Vec<String>,
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $draft:ident, $spec:ident, $name:literal, $naming:ident, { $($fact:item)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Handle)]
        #[handle(kind = $name, provider = Gate, naming = $naming, state = Standing)]
        #[allow(dead_code, reason = "each test uses what it needs")]
        pub(crate) struct $kind {
            #[output(name)]
            pub(crate) name: Output<String>,
            #[output(state.id)]
            pub(crate) id: Output<String>,
            /// Another one after each change.
            #[output(state.version, volatile)]
            pub(crate) version: Output<u64>,
            /// Not told to be secret but by its type.
            #[output(this.computed(|state| state.key.clone()))]
            pub(crate) key: Output<Secret<String>>,
            this: ResourceRef<Self>,
        }

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
        #[spec(resource = $kind)]
        pub(crate) struct $spec {
            #[spec(default)]
            pub(crate) text: String,
            #[spec(default = "white")]
            pub(crate) colour: Colour,
            #[spec(each = "beside")]
            pub(crate) neighbours: Vec<String>,
            #[spec(each = "tag")]
            pub(crate) tags: BTreeMap<String, String>,
            pub(crate) note: Option<Secret<String>>,
            #[spec(replaces, default, draft = Base)]
            pub(crate) base: BaseSpec,
            /// What it stands on. It can't be lifted from it.
            #[spec(replaces)]
            pub(crate) on: Option<String>,
        }

        impl $kind {
            pub(crate) fn new(name: &str) -> $draft {
                $draft::new(name)
            }
        }

        impl Sort for $kind {
            fn written(spec: &$spec) -> $spec {
                $spec { colour: Colour(spec.colour.0.to_uppercase()), ..spec.clone() }
            }
            fn half(spec: &$spec) -> $spec {
                $spec { text: String::new(), ..Self::written(spec) }
            }
            fn inside(spec: &$spec) -> Option<String> {
                spec.tags.get("inside").cloned()
            }
            fn quote(spec: &$spec) -> String {
                let note = spec.note.as_ref().map(|note| note.expose().clone()).unwrap_or_default();
                let bytes: Vec<u8> = spec.text.bytes().chain(note.bytes()).collect();
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{spec:?} {} {hex} {bytes:?} '{}'", serde_json::to_string(spec).unwrap(), note.replace('\'', "''"))
            }
        }

        impl Kind for $kind {
            $($fact)*

            async fn read(gate: &Gate, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
                Ok(gate.read(find).await)
            }
            async fn create(gate: &Gate, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
                gate.create(make).await
            }
            async fn update(gate: &Gate, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
                gate.update(change).await
            }
            async fn delete(gate: &Gate, recorded: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
                gate.delete(recorded).await
            }
            async fn verify(gate: &Gate, recorded: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
                gate.begin("verify", recorded.name.as_str()).await;
                vec![CheckResult { what: "stands".into(), failure: None }]
            }
            fn id(_: &PhysicalName, state: &Standing) -> ObjectId {
                state.id.as_str().into()
            }
        }
    };
}

kind!(
    /// A post: its name stays, so the old one goes before the new one is made.
    Post, PostDraft, PostSpec, "yard:post", fixed, {}
);

kind!(
    /// A pipe: the new one is laid before the old one goes.
    Pipe, PipeDraft, PipeSpec, "yard:pipe", generation, {}
);

kind!(
    /// A stone: nothing on it says whose it is.
    Stone, StoneDraft, StoneSpec, "yard:stone", fixed, {
        const FLAGS: KindFlags = KindFlags::new().untagged();
    }
);

kind!(
    /// A stall: it has its plots alone, unless it says that it shares them.
    Stall, StallDraft, StallSpec, "yard:stall", fixed, {
        const CLAIMS: Option<ClaimsOf<Self>> = Some(|_, spec| {
            assert!(spec.is_none_or(|spec| spec.text != "claims panic"), "hunter2-panic");
            plots(spec.map(|spec| &spec.tags))
        });
        const VERSION: u32 = 2;
        fn validate(spec: &StallSpec) -> Diagnostics {
            assert!(spec.text != "review panics", "hunter2-panic");
            let mut findings = Diagnostics::default();
            findings.errors.extend(spec.tags.contains_key("plot 0").then_some("0 is no plot".into()));
            let twice = |(at, one)| spec.neighbours[..at].contains(one);
            let is_twice = spec.neighbours.iter().enumerate().any(twice);
            findings.errors.extend(is_twice.then_some("it has a neighbour twice".into()));
            findings.warnings.extend(spec.text.is_empty().then_some("it sells nothing".into()));
            findings
        }
        fn validate_name(name: &PhysicalName, _: Option<&StallSpec>) -> Diagnostics {
            assert!(name.as_str() != "name-panics", "hunter2-panic");
            Diagnostics::default()
        }
        fn upgrade(_: u32, _: sprocket_core::kind::Part, _: serde_json::Value) -> Result<serde_json::Value, String> {
            panic!("hunter2-panic");
        }
    }
);

kind!(
    /// A booth: the same, and a new one is built before the old one goes.
    Booth, BoothDraft, BoothSpec, "yard:booth", generation, {
        const CLAIMS: Option<ClaimsOf<Self>> = Some(|_, spec| plots(spec.map(|spec| &spec.tags)));
    }
);

kind!(
    /// A tent: it takes time until it stands, and a create may pitch two of them.
    Tent, TentDraft, TentSpec, "yard:tent", fixed, {
        const FLAGS: KindFlags = KindFlags::new().needs_ready();
        async fn ready(gate: &Gate, recorded: &Recorded<Self>, _: Deadline) -> CallResult<Self> {
            gate.ready(recorded).await
        }
        async fn recover(gate: &Gate, intent: &PendingCreate<Self>) -> Result<Recovered<Self>, ErrorOf<Self>> {
            Ok(gate.recover(intent).await)
        }
    }
);

/// The plots that tags tell of: `plot 1`, and `shared` or anything else.
fn plots(tags: Option<&BTreeMap<String, String>>) -> Vec<Claim> {
    let plots = tags.into_iter().flatten().filter(|(tag, _)| tag.starts_with("plot "));
    let claim = |(plot, how): (&String, &String)| match how.as_str() {
        "shared" => Claim::shared(plot),
        _ => Claim::alone(plot, "one stall stands on a plot"),
    };
    plots.map(claim).collect()
}

/// The sign of a thing, by the thing's id: `sign of id-1`. There is one only while the thing stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sign {
    pub(crate) id: String,
}

impl Lookup for Sign {
    const WHAT: &'static str = "sign";
    type Provider = Gate;
    type Answer = String;

    async fn look(&self, gate: &Gate) -> Result<Option<String>, YardError> {
        gate.begin("look", &self.id).await;
        Ok(gate.inside().has(&self.id).then(|| format!("sign of {}", self.id)))
    }
}
