//! Mounts: `vault:mount`, a secrets engine at a path.
//!
//! A mount holds what was written through it: it is kept when its resource is deleted, and never replaced, unless the
//! program says otherwise. Its id is its accessor, so that another mount at the same path is another object. Its mark is
//! among its options. <https://openbao.org/api-docs/system/mounts/>

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sprocket_core::kind::{
    CallFailure, CallResult, CheckResult, CreateRequest, Deadline, Diagnostics, Entries, ErrorKind, ErrorOf, FailureOf,
    Handle, Kind, KindFlags, Listing, Live, ObjectId, PhysicalName, ProviderError as _, ReadRequest, ReadResult,
    Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::Output;
use vaultrs::api::sys::requests::EnableEngineRequest;
use vaultrs::api::sys::responses::MountResponse;

use crate::error::VaultError;
use crate::owner_tag;
use crate::path_name;
use crate::provider::Vault;

/// A mount, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::Stack;
/// # use sprocket_vault::{KvSecret, Vault, VaultMount};
/// # let mut stack = Stack::new();
/// # stack.connect(Vault::at("http://127.0.0.1:8200"));
/// let apps = stack.add(VaultMount::kv2("apps").description("what the applications are given"));
/// stack.add(KvSecret::new("core", &apps).field("token", "hunter2"));
/// stack.add(VaultMount::new("pki", "pki"));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:mount", provider = Vault, naming = fixed)]
pub struct VaultMount {
    /// Its path, without a slash at its end; known while planning.
    #[output(name)]
    pub path: Output<String>,
    this: ResourceRef<Self>,
}

impl VaultMount {
    /// A secrets engine of this type (`kv`, `pki`, `transit`) at the path that is its name.
    #[track_caller]
    pub fn new(path: impl Into<String>, engine: impl sprocket_core::program::IntoInput<String>) -> VaultMountDraft {
        VaultMountDraft::new(path, engine)
    }

    /// Key-value secrets with versions, at the path that is its name.
    #[track_caller]
    pub fn kv2(path: impl Into<String>) -> VaultMountDraft {
        Self::new(path, "kv").option("version", "2")
    }

    /// The path that the program gives it.
    pub(crate) fn declared_path(&self) -> &PhysicalName {
        self.this.declared_name()
    }
}

/// A mount's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = VaultMount)]
pub struct VaultMountSpec {
    /// The type of the engine.
    #[spec(replaces)]
    pub engine: String,
    /// Options of the engine: `version` of `kv`.
    #[spec(each = "option", replaces)]
    pub engine_options: BTreeMap<String, String>,
    /// Says what it is for.
    #[spec(default = "")]
    pub description: String,
}

/// What the server reports about a mount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultMountState {
    /// The server's id of this very mount.
    pub accessor: String,
}

/// How long a new engine may take until it answers.
const STARTS: Duration = Duration::from_secs(30);

impl Kind for VaultMount {
    const FLAGS: KindFlags = KindFlags::new().stateful();

    async fn read(vault: &Vault, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let mut mounts = all(vault).await?;
        mounts.retain(|live| match &find {
            ReadRequest::Recorded(recorded) => live.id == recorded.id,
            ReadRequest::Named(name) => live.name == **name,
            ReadRequest::Import(text) => live.id.as_str() == *text || live.name.as_str() == text.trim_matches('/'),
        });
        Ok(mounts)
    }

    async fn list(vault: &Vault, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let mut mounts = all(vault).await?;
        mounts.retain(|live| wanted.wants(&live.name, live.owner.as_ref()));
        Ok(Some(mounts))
    }

    async fn create(vault: &Vault, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let path = make.name.as_str();
        let VaultMountSpec { engine, engine_options, description } = make.spec;
        let mut request = EnableEngineRequest::builder();
        request.options(make.owner.beside::<HashMap<_, _>>(engine_options)).description(description.as_str());
        let enabled = vaultrs::sys::mount::enable(vault.client.typed(), path, engine, Some(&mut request)).await;
        enabled.map_err(vault.client.failed(&format!("create mount `{path}`")))?;
        let made = all(vault).await?.into_iter().find(|live| live.name == *make.name);
        let made = made.ok_or_else(|| CallFailure::from(VaultError::unreadable(&format!("create mount `{path}`"))))?;
        if engine == "kv" {
            starts(vault, path).await.map_err(|error| CallFailure::from(error).leaving(made.state.clone()))?;
        }
        Ok(made.state)
    }

    async fn update(vault: &Vault, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let path = &change.live.name;
        let VaultMountSpec { engine_options, description, .. } = change.spec;
        let options: BTreeMap<_, _> = change.owner.beside(engine_options);
        let body = json!({ "description": description, "options": options });
        let what = format!("update mount `{path}`");
        let tuned = vault.client.ask(&what, Method::POST, &format!("sys/mounts/{path}/tune"), Some(&body)).await;
        tuned?;
        Ok(change.live.state.clone())
    }

    /// Everything that was written through it goes with it.
    async fn delete(vault: &Vault, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let disabled = vaultrs::sys::mount::disable(vault.client.typed(), record.name.as_str()).await;
        disabled.map_err(vault.client.failed(&format!("delete mount `{}`", record.name))).map_err(CallFailure::from)
    }

    fn id(_: &PhysicalName, state: &VaultMountState) -> ObjectId {
        state.accessor.as_str().into()
    }

    fn validate(spec: &VaultMountSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        owner_tag::validate(&spec.engine_options, &mut findings);
        if spec.engine == "kv" && !spec.engine_options.contains_key("version") {
            findings.errors.push("a mount of type `kv` needs its option `version`: `1` or `2`".into());
        }
        findings
    }

    fn validate_name(name: &PhysicalName, _: Option<&Self::Spec>) -> Diagnostics {
        path_name::validate(name)
    }

    async fn verify(vault: &Vault, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match all(vault).await {
            Ok(mounts) if mounts.iter().any(|live| live.id == record.id) => None,
            Ok(_) => Some("the server does not list it".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        vec![CheckResult { what: "is mounted".into(), failure }]
    }
}

/// All mounts of the server.
pub(crate) async fn all(vault: &Vault) -> Result<Vec<Live<VaultMount>>, VaultError> {
    let mounts = vaultrs::sys::mount::list(vault.client.typed()).await;
    Ok(mounts.map_err(vault.client.failed("list mounts"))?.into_iter().map(live).collect())
}

fn live((path, mount): (String, MountResponse)) -> Live<VaultMount> {
    let Entries { own: engine_options, owner, .. } = Entries::of(mount.options.unwrap_or_default());
    Live {
        id: mount.accessor.as_str().into(),
        name: path.trim_end_matches('/').into(),
        spec: VaultMountSpec { engine: mount.mount_type, engine_options, description: mount.description },
        state: VaultMountState { accessor: mount.accessor },
        owner,
    }
}

/// Waits until a new key-value engine answers: for a moment it says that it is upgrading its data.
async fn starts(vault: &Vault, path: &str) -> Result<(), VaultError> {
    let deadline = Deadline::after(STARTS);
    loop {
        match vault.client.get(&format!("reach mount `{path}`"), &format!("{path}/config")).await {
            Err(error) if error.kind() == ErrorKind::Unavailable && !deadline.is_over() => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            // A mount of version 1 has no configuration, and a token need not be allowed to read one.
            _ => return Ok(()),
        }
    }
}
