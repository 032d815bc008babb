//! Secrets: `vault:kv`, fields in a key-value mount of version 2.
//!
//! What is in a secret is never read: state keeps a keyed fingerprint of what was sent. That somebody else wrote shows in
//! the count of versions, which is part of the witness; every write names the version that it follows (check-and-set), so
//! that none is lost. Its mark is in its custom metadata, which is written *before* the data: a secret with our mark and
//! without a version is one whose create was interrupted, and is written again.
//! <https://openbao.org/api-docs/secret/kv/kv-v2/>

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CheckResult, CreateRequest, Deadline, Diagnostics, Entries, ErrorKind, ErrorOf,
    FailureOf, Handle, Kind, Live, OwnerTag, PendingCreate, PhysicalName, ProviderError, ReadRequest, ReadResult,
    Recorded, Recovered, ResourceRef, Revision, Spec, UpdateRequest,
};
use sprocket_core::program::{DraftExt as _, Input, IntoInput, Output, Secret};
use vaultrs::api::kv2::requests::{SetSecretMetadataRequest, SetSecretRequestOptions};

use crate::error::VaultError;
use crate::mount::{self, VaultMount};
use crate::owner_tag;
use crate::path_name;
use crate::provider::Vault;

/// A secret in a key-value mount.
///
/// ```
/// # use sprocket_core::program::{Password, Stack};
/// # use sprocket_vault::{KvSecret, Vault, VaultMount};
/// # let mut stack = Stack::new();
/// # stack.connect(Vault::at("http://127.0.0.1:8200"));
/// let apps = stack.add(VaultMount::kv2("apps"));
/// let password = stack.add(Password::new("redis"));
/// stack.add(KvSecret::new("core", &apps).field("user", "core").field("password", &password.value));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:kv", provider = Vault, naming = fixed)]
pub struct KvSecret {
    /// Its path with that of its mount, as `vault kv get` takes it; known while planning.
    #[output(name)]
    pub path: Output<String>,
    this: ResourceRef<Self>,
}

/// The fields of a secret.
pub type KvData = BTreeMap<String, String>;

impl KvSecret {
    /// A secret in this mount, at the path that is its name; without fields until it is given some.
    #[track_caller]
    pub fn new(name: impl Into<String>, mount: &VaultMount) -> KvSecretDraft {
        let name = name.into();
        // Its name at the server is unique among all mounts, so it begins with its mount's.
        let path = format!("{}/{name}", mount.declared_path());
        KvSecretDraft::new(name, &mount.path, Secret::new(KvData::new())).named(path)
    }
}

/// A secret's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = KvSecret)]
pub struct KvSecretSpec {
    /// The path of its mount.
    #[spec(replaces)]
    pub mount: String,
    /// All of its fields.
    #[spec(write_only)]
    pub data: Secret<KvData>,
    /// Tells people and tools about it: custom metadata, which is no secret.
    #[spec(each = "label")]
    pub labels: BTreeMap<String, String>,
    /// How many versions the server keeps; 0 leaves it to the mount.
    #[spec(default = 0)]
    pub max_versions: u64,
}

impl KvSecretDraft {
    /// Sets one of its fields.
    #[track_caller]
    pub fn field(mut self, key: impl Into<String>, value: impl IntoInput<Secret<String>>) -> Self {
        let key = key.into();
        let with = move |data: Secret<KvData>, value: Secret<String>| {
            data.map(|mut data| {
                data.insert(key.clone(), value.expose().clone());
                data
            })
        };
        self.data = match (self.data, value.into_input()) {
            (Input::Mistake(mistake), _) | (_, Input::Mistake(mistake)) => Input::Mistake(mistake),
            (Input::Value(data), Input::Value(value)) => Input::Value(with(data, value)),
            (data, value) => {
                Input::Output(data.output().zip(&value.output()).map(move |(data, value)| with(data, value)).secret())
            }
        };
        self
    }
}

/// What the server reports about a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KvSecretState {
    /// The number of its newest version.
    pub version: u64,
    /// The newest version has been deleted.
    pub deleted: bool,
}

impl Kind for KvSecret {
    async fn read(vault: &Vault, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let path = match find {
            ReadRequest::Recorded(recorded) => Some(Path::of(&recorded.name, &recorded.spec)),
            ReadRequest::Named(name) => Path::find(vault, name.as_str()).await?,
            ReadRequest::Import(text) => Path::find(vault, text.trim_matches('/')).await?,
        };
        match path {
            Some(path) => Ok(Vec::from_iter(path.read(vault).await?.filter(|live| live.state.version > 0))),
            None => Ok(Vec::new()),
        }
    }

    async fn create(vault: &Vault, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let path = Path::of(make.name, make.spec);
        let found = path.read(vault).await?;
        // Marked by this stack and without a version, an interrupted create left it; that had another record.
        let is_left = |live: &Live<Self>| {
            live.state.version == 0 && live.owner.as_ref().is_some_and(|owner| owner.lineage == make.owner.lineage)
        };
        if found.is_some_and(|live| !is_left(&live)) {
            return Err(VaultError::from(CallError::Exists { what: format!("secret `{path}`") }).into());
        }
        path.write(vault, "create", make.spec, make.owner, 0).await.map_err(CallFailure::from)
    }

    async fn update(vault: &Vault, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let path = Path::of(&change.live.name, &change.live.spec);
        path.write(vault, "update", change.spec, change.owner, change.live.state.version)
            .await
            .map_err(CallFailure::from)
    }

    /// All of its versions go.
    async fn delete(vault: &Vault, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let path = Path::of(&record.name, &record.spec);
        let deleted = vaultrs::kv2::delete_metadata(vault.client.typed(), &path.mount, &path.path).await;
        match deleted.map_err(vault.client.failed(&format!("delete secret `{path}`"))) {
            Err(error) if !error.is_not_found() => Err(CallFailure::from(error)),
            _ => Ok(()),
        }
    }

    /// Marked and without a version, its data was not written: that is nothing, and a create goes on from there.
    async fn recover(vault: &Vault, intent: &PendingCreate<Self>) -> Result<Recovered<Self>, ErrorOf<Self>> {
        Ok(match Path::of(&intent.name, &intent.spec).read(vault).await? {
            Some(live) if live.is(&intent.owner) && live.state.version > 0 => Recovered::one(live),
            Some(live) if live.state.version > 0 => Recovered::Unmarked(vec![live]),
            _ => Recovered::Nothing,
        })
    }

    /// The data can't be compared; that somebody wrote or deleted a version shows in what is reported.
    fn revision(live: &Live<Self>) -> Option<Revision> {
        Some(Revision::of(&live.id, &(&live.spec.labels, live.spec.max_versions, &live.state)))
    }

    fn validate(spec: &KvSecretSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        owner_tag::validate(&spec.labels, &mut findings);
        if spec.data.expose().is_empty() {
            findings.warnings.push("it has no fields".into());
        }
        findings
    }

    fn validate_name(name: &PhysicalName, _: Option<&Self::Spec>) -> Diagnostics {
        path_name::validate(name)
    }

    async fn verify(vault: &Vault, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match Path::of(&record.name, &record.spec).read(vault).await {
            Ok(Some(live)) if live.state == record.state && !live.state.deleted => None,
            Ok(Some(live)) => Some(format!(
                "version {} was written, and the newest is {}{}",
                record.state.version,
                live.state.version,
                if live.state.deleted { ", deleted" } else { "" }
            )),
            Ok(None) => Some("it is not there".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        vec![CheckResult { what: format!("is at version {}", record.state.version), failure }]
    }
}

/// Where a secret is.
struct Path {
    mount: String,
    /// Inside the mount.
    path: String,
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.mount, self.path)
    }
}

impl Path {
    /// By its name, which begins with its mount's path unless the program pinned another one.
    fn of(name: &PhysicalName, spec: &KvSecretSpec) -> Self {
        let inside = name.as_str().strip_prefix(&spec.mount).and_then(|rest| rest.strip_prefix('/'));
        Self { mount: spec.mount.clone(), path: inside.unwrap_or(name.as_str()).to_owned() }
    }

    /// By its name alone: its mount is the one with the longest path that the name begins with.
    async fn find(vault: &Vault, name: &str) -> Result<Option<Self>, VaultError> {
        let mounts = mount::all(vault).await?.into_iter().filter(|mount| mount.spec.engine == "kv");
        let inside = mounts.filter_map(|mount| {
            let path = name.strip_prefix(mount.name.as_str())?.strip_prefix('/')?;
            Some(Self { mount: mount.name.to_string(), path: path.to_owned() })
        });
        Ok(inside.max_by_key(|path| path.mount.len()))
    }

    async fn read(&self, vault: &Vault) -> Result<Option<Live<KvSecret>>, VaultError> {
        let found = vaultrs::kv2::read_metadata(vault.client.typed(), &self.mount, &self.path).await;
        let found = match found.map_err(vault.client.failed(&format!("read secret `{self}`"))) {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let newest = found.versions.get(&found.current_version.to_string());
        let Entries { own: labels, owner, .. } = Entries::of(found.custom_metadata.unwrap_or_default());
        let name = PhysicalName::from(self.to_string());
        Ok(Some(Live {
            id: name.as_str().into(),
            name,
            spec: KvSecretSpec {
                mount: self.mount.clone(),
                data: Secret::new(KvData::new()),
                labels,
                max_versions: found.max_versions,
            },
            state: KvSecretState {
                version: found.current_version,
                deleted: newest.is_none_or(|version| version.destroyed || !version.deletion_time.is_empty()),
            },
            owner,
        }))
    }

    /// Writes metadata, then data: as the version after `after`, or not at all.
    async fn write(
        &self,
        vault: &Vault,
        verb: &str,
        spec: &KvSecretSpec,
        owner: &OwnerTag,
        after: u64,
    ) -> Result<KvSecretState, VaultError> {
        let client = vault.client.typed();
        let what = format!("{verb} secret `{self}`");
        let mut metadata = SetSecretMetadataRequest::builder();
        metadata.custom_metadata(owner.beside::<HashMap<_, _>>(&spec.labels)).max_versions(spec.max_versions);
        let marked = vaultrs::kv2::set_metadata(client, &self.mount, &self.path, Some(&mut metadata)).await;
        marked.map_err(vault.client.failed(&what))?;
        let options = SetSecretRequestOptions { cas: u32::try_from(after).unwrap_or(u32::MAX) };
        let data = spec.data.expose();
        let written = vaultrs::kv2::set_with_options(client, &self.mount, &self.path, data, options).await;
        match written.map_err(vault.client.failed(&what)) {
            Ok(written) => Ok(KvSecretState { version: written.version, deleted: false }),
            Err(error) if error.kind() == ErrorKind::Conflict => Err(CallError::Changed { what }.into()),
            Err(error) => Err(error),
        }
    }
}
