//! Volumes: `docker:volume`.
//!
//! A volume is on the node that the engine is on, and holds data: it is kept when its resource is deleted, and never
//! replaced, unless the program says otherwise. Docker can't change a volume. Its mark is in its labels, from the
//! beginning; an adopted volume is owned by state alone.
//!
//! The engine answers a request for a volume that exists with that volume. So what was created is looked at: a volume
//! without our mark is somebody else's, and the create has failed.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptions, RemoveVolumeOptions};
use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CreateRequest, Diagnostics, ErrorKind, ErrorOf, FailureOf, Handle, Kind,
    KindFlags, Listing, Live, PhysicalName, ProviderError as _, ReadRequest, ReadResult, Recorded, ResourceRef, Spec,
    UpdateRequest,
};
use sprocket_core::program::{Input, IntoInput, Output};

use crate::error::DockerError;
use crate::name;
use crate::owner_tag::{self, Labels};
use crate::provider::Docker;
use crate::service::{Mount, MountSource};
use crate::wait;

/// A volume, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::Stack;
/// # use sprocket_docker::{Docker, Service, Volume};
/// # let mut stack = Stack::new();
/// # stack.connect(Docker::from_env());
/// let data = stack.add(Volume::new("data"));
/// let disk = stack.add(Volume::bind("influx", "/mnt/data/influx"));
/// stack.add(Service::new("db", "postgres:17").mount(&data, "/var/lib/postgresql").mount_with(disk.at("/in").read_only()));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:volume", provider = Docker, naming = fixed)]
pub struct Volume {
    /// Its name at the engine, known while planning.
    #[output(this.from_name(|name| VolumeName(name.to_string())))]
    pub name: Output<VolumeName>,
    /// Which volume it is: one that is made later has another identity, also if it has the same name.
    #[output(state.identity)]
    pub identity: Output<VolumeIdentity>,
    this: ResourceRef<Self>,
}

/// The name of a volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VolumeName(pub String);

/// Tells a volume from others of its name, such as an empty one that the engine made in the place of one that was lost.
///
/// It is drawn when the volume is made, and kept in a label of it: the time of creation that the engine tells is that of
/// the last file in it. A volume that was not made here has its name alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VolumeIdentity(pub String);

impl Display for VolumeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Volume {
    /// A volume in the engine's own folder.
    pub fn new(name: impl Into<String>) -> VolumeDraft {
        VolumeDraft::new(name)
    }

    /// A volume in a folder of the node, which must exist there when a container first mounts it.
    #[track_caller]
    pub fn bind(name: impl Into<String>, folder: impl IntoInput<String>) -> VolumeDraft {
        Self::new(name).driver_opt("type", "none").driver_opt("o", "bind").driver_opt("device", folder)
    }

    /// Mounts it at a path of a container.
    #[track_caller]
    pub fn at(&self, target: impl IntoInput<String>) -> Mount {
        Mount::of(self, target)
    }
}

/// A volume's settings. All of them replace, and a volume is not replaced unless the program gives up its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Volume)]
pub struct VolumeSpec {
    /// The driver that keeps it: `local`, or a plugin.
    #[spec(default = "local", replaces)]
    pub driver: String,
    /// Options of its driver; those of `local` are `type`, `o` and `device`, as for `mount`.
    #[spec(each = "driver_opt", replaces)]
    pub driver_opts: BTreeMap<String, String>,
    /// Marks it for people and tools. Docker can't change them later: to do so in the program, add `.ignore("labels")`.
    #[spec(each = "label", replaces)]
    pub labels: BTreeMap<String, String>,
}

/// What the engine reports about a volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeState {
    /// Where it is on its node.
    pub mountpoint: String,
    /// Which volume it is.
    pub identity: VolumeIdentity,
}

/// The label of what tells it from others of its name.
const IDENTITY: &str = "sprocket.identity";

/// How long the containers of stopped tasks may keep a volume.
const DRAINS: Duration = Duration::from_secs(30);

impl Kind for Volume {
    const FLAGS: KindFlags = KindFlags::new().stateful();

    async fn read(docker: &Docker, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = find.name();
        Ok(Vec::from_iter(inspect(docker, name).await?))
    }

    async fn list(docker: &Docker, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let listed = docker.client.typed().list_volumes(None::<ListVolumesOptions>).await;
        let listed = listed.map_err(docker.client.failed("list volumes"))?.volumes.unwrap_or_default();
        let lives = listed.into_iter().map(live).filter(|live| wanted.wants(&live.name, live.owner.as_ref()));
        Ok(Some(lives.collect()))
    }

    async fn create(docker: &Docker, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let VolumeSpec { driver, driver_opts, labels } = make.spec;
        let request = VolumeCreateRequest {
            name: Some(make.name.to_string()),
            driver: Some(driver.clone()),
            driver_opts: Some(driver_opts.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
            labels: Some(owner_tag::labels(labels, make.owner, [(IDENTITY.to_owned(), hex(make.entropy.bytes()))])),
            ..Default::default()
        };
        let what = format!("create volume `{}`", make.name);
        let created = docker.client.typed().create_volume(request).await.map_err(docker.client.failed(&what));
        let created = live(created?);
        if created.is(make.owner) {
            Ok(created.state)
        } else {
            Err(DockerError::from(CallError::Exists { what: format!("volume `{}`", make.name) }).into())
        }
    }

    /// There is nothing that could be changed, the mark included: taking one over is recorded in state alone.
    async fn update(_: &Docker, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        Ok(change.live.state.clone())
    }

    async fn delete(docker: &Docker, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let what = format!("delete volume `{}`", record.name);
        wait::until(DRAINS, || async {
            let removed = docker.client.typed().remove_volume(record.name.as_str(), None::<RemoveVolumeOptions>).await;
            match removed.map_err(docker.client.failed(&what)) {
                Ok(()) => Ok(()),
                Err(error) if error.is_not_found() => Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => Err(wait::Retry::Later(error)),
                Err(error) => Err(wait::Retry::Never(error)),
            }
        })
        .await
        .map_err(CallFailure::from)
    }

    fn validate(spec: &VolumeSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        owner_tag::validate(&spec.labels, &mut findings);
        if spec.driver == "local" {
            for key in spec.driver_opts.keys().filter(|key| !["type", "o", "device"].contains(&key.as_str())) {
                findings
                    .errors
                    .push(format!("the driver `local` has no option `{key}`: it knows type, o, device").into());
            }
        }
        findings
    }

    fn validate_name(name: &PhysicalName, spec: Option<&VolumeSpec>) -> Diagnostics {
        match spec {
            Some(spec) if spec.driver != "local" => Diagnostics::default(),
            _ => name::volume(name),
        }
    }
}

async fn inspect(docker: &Docker, name: &str) -> Result<Option<Live<Volume>>, DockerError> {
    let what = format!("read volume `{name}`");
    match docker.client.typed().inspect_volume(name).await.map_err(docker.client.failed(&what)) {
        Ok(found) => Ok(Some(live(found))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn hex(bytes: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}

fn live(found: bollard::models::Volume) -> Live<Volume> {
    let labels = Labels::of(found.labels);
    let drawn = labels.notes.get(IDENTITY).map(|drawn| format!("{}@{drawn}", found.name));
    let identity = VolumeIdentity(drawn.unwrap_or_else(|| found.name.clone()));
    Live {
        id: found.name.as_str().into(),
        name: found.name.into(),
        spec: VolumeSpec { driver: found.driver, driver_opts: found.options.into_iter().collect(), labels: labels.own },
        state: VolumeState { mountpoint: found.mountpoint, identity },
        owner: labels.owner,
    }
}

impl IntoInput<VolumeName> for &Volume {
    fn into_input(self) -> Input<VolumeName> {
        Input::Output(self.name.clone())
    }
}

impl IntoInput<MountSource> for &Volume {
    fn into_input(self) -> Input<MountSource> {
        Input::Output(self.name.map(MountSource::Volume))
    }
}
