//! Services: `docker:service`.
//!
//! A service is created and updated whole: what the program does not set has a default here, which is sent. It is done
//! when this very update has converged ([`converge`]), or fails with the reason. Its mark is in its labels.

mod converge;
mod judge;
#[cfg(test)]
mod judge_tests;
mod not_ready;
mod placement;
mod policy;
mod reach;
mod read;
mod spec;
mod validate;
mod values;
mod verify;
mod write;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CheckResult, Claim, ClaimsOf, CreateRequest, Deadline, Diagnostics, ErrorOf,
    FailureOf, Handle, Kind, KindFlags, Listing, Live, ObjectId, PhysicalName, ProviderError, ReadRequest, ReadResult,
    Recorded, ResourceRef, UpdateRequest,
};
use sprocket_core::program::{IntoInput, Output};

pub use not_ready::{Cause, NotReady};
pub use policy::{
    EndpointMode, Health, HealthCheck, HealthTest, LogDriver, OnFailure, OnRollbackFailure, Order, Port, Protocol,
    PublishMode, Restart, RestartOn, Rollback, Transport, Update,
};
pub use reach::Reach;
pub use spec::{
    Attachment, AttachmentSpec, ConfigFile, ConfigFileSpec, Mount, MountSource, MountSpec, Platform, Resources,
    ResourcesSpec, SecretFile, SecretFileSpec, ServiceDraft, ServiceSpec,
};
pub use values::{Constraint, Cpus, HostName, ImageRef, Memory, Ratio, Timespan};

use crate::client::{Ask, encode};
use crate::error::DockerError;
use crate::name;
use crate::owner_tag;
use crate::provider::{Docker, EngineAddress};

/// A service, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::Stack;
/// # use sprocket_docker::*;
/// # let mut stack = Stack::new();
/// # stack.connect(Docker::from_env());
/// let net = stack.add(Network::overlay("backend"));
/// let data = stack.add(Volume::new("redis"));
/// let redis = stack.add(
///     Service::new("redis", "redis:7.2")
///         .args(["--save", "60", "1"])
///         .network(Attachment::to(&net).alias("cache"))
///         .mount(&data, "/data")
///         .health(Health::cmd(["redis-cli", "ping"]))
///         .limits(Resources::default().memory("256MiB").cpus(0.5))
///         .publish(Port::host(6379).speaks(Protocol::Redis)),
/// );
/// stack.add(
///     Service::new("core", "core:1")
///         .network(&net)
///         .env("CACHE_HOST", redis.host().map(|host| host.to_string()))
///         .replicas(3_u64)
///         .update(Update::start_first()),
/// );
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:service", provider = Docker, naming = fixed)]
pub struct Service {
    /// The engine's id of it.
    #[output(state.id)]
    pub id: Output<ServiceId>,
    /// Its name at the engine, known while planning.
    #[output(name)]
    pub name: Output<String>,
    #[output(draft.published())]
    ports: Output<Vec<Port>>,
    #[output(config.address)]
    engine: Output<EngineAddress>,
    this: ResourceRef<Self>,
}

/// The engine's id of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceId(pub String);

impl Service {
    /// A service with one task of this image.
    #[track_caller]
    pub fn new(name: impl Into<String>, image: impl IntoInput<ImageRef>) -> ServiceDraft {
        ServiceDraft::new(name, image)
    }

    /// The name that services on a common network reach it by; known while planning.
    pub fn host(&self) -> Output<HostName> {
        self.this.from_name(|name| HostName(name.to_string()))
    }

    /// Where this program reaches a port of its containers: the port that it is published under, on the engine's host.
    /// It is known while planning; who uses it waits until the service works. A port that is not published under a
    /// number of its own is a mistake.
    ///
    /// ```
    /// # use sprocket_core::program::Stack;
    /// # use sprocket_docker::*;
    /// # let mut stack = Stack::new();
    /// # stack.connect(Docker::at("unix:///var/run/docker.sock"));
    /// let vault = stack.add(Service::new("vault", "vault:1.21").publish(Port::host(18200).to(8200)));
    /// stack.output("vault", &vault.reach(8200).map(|reach| reach.url("http"))); // http://127.0.0.1:18200
    /// # stack.check().unwrap();
    /// ```
    #[track_caller]
    pub fn reach(&self, port: u16) -> Output<Reach> {
        let published = self.ports.try_map(move |ports| reach::published(&ports, port));
        published.zip(&self.engine).map(|(port, engine)| Reach::on(&engine, port))
    }
}

/// What the engine reports about a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceState {
    /// The engine's id of it.
    pub id: ServiceId,
    /// The digest that its image is pinned to.
    pub digest: Option<String>,
}

/// The ports that it publishes on every node.
fn claims(_: &PhysicalName, spec: Option<&ServiceSpec>) -> Vec<Claim> {
    let ports = spec.into_iter().flat_map(|spec| &spec.ports);
    let published = ports.filter_map(|port| Some((port, port.published?)));
    let claims = published.map(|(port, published)| {
        let what = format!("port {published}/{}", format!("{:?}", port.transport).to_lowercase());
        match port.mode {
            PublishMode::Ingress => Claim::alone(what, "one service has it on every node"),
            PublishMode::Host => Claim::shared(what),
        }
    });
    claims.collect()
}

impl Kind for Service {
    const CLAIMS: Option<ClaimsOf<Self>> = Some(claims);
    const FLAGS: KindFlags = KindFlags::new().needs_ready();

    async fn read(docker: &Docker, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let key = match &find {
            ReadRequest::Recorded(recorded) => recorded.id.as_str(),
            ReadRequest::Named(name) => name.as_str(),
            ReadRequest::Import(text) => text,
        };
        let Some(found) = inspect(docker, key).await? else { return Ok(Vec::new()) };
        // The engine also finds beginnings of ids.
        if found["ID"] == key || (found["Spec"]["Name"] == key && !matches!(find, ReadRequest::Recorded(_))) {
            Ok(vec![live(&found)?])
        } else {
            Ok(Vec::new())
        }
    }

    async fn list(docker: &Docker, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let listed = docker.client.get("list services", "/services".into()).await?;
        let services = listed.as_array().into_iter().flatten();
        let wanted = services.filter(|found| {
            let name = PhysicalName::from(found["Spec"]["Name"].as_str().unwrap_or_default());
            wanted.wants(&name, owner_tag::of_json(&found["Spec"]["Labels"]).owner.as_ref())
        });
        wanted.map(live).collect::<Result<_, _>>().map(Some)
    }

    async fn create(docker: &Docker, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let what = format!("create service `{}`", make.name);
        let body = write::body(make.name, make.spec, make.owner, 0);
        let created = send(docker, &what, "/services/create".into(), &body, &make.spec.image).await;
        let created = created.map_err(DockerError::about_settings)?;
        Ok(state(created["ID"].as_str().unwrap_or_default(), make.spec))
    }

    /// The version that the engine wants to see moves by itself while tasks start: it is read here, and counts only if
    /// the settings are still those that the plan saw.
    async fn update(docker: &Docker, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let Live { id, name, .. } = change.live;
        let what = format!("update service `{name}`");
        let mut tries = 5;
        loop {
            let found = inspect(docker, id.as_str()).await?;
            let Some(found) = found else {
                return Err(CallFailure::from(DockerError::refused(&what, 404, &format!("service {name} not found"))));
            };
            if live(&found)?.spec != change.live.spec {
                return Err(DockerError::from(CallError::Changed { what }).into());
            }
            let body = write::body(name, change.spec, change.owner, read::force_update(&found));
            let path = format!("/services/{}/update?version={}", encode(id.as_str()), found["Version"]["Index"]);
            tries -= 1;
            match send(docker, &what, path, &body, &change.spec.image).await {
                Ok(_) => return Ok(state(id.as_str(), change.spec)),
                Err(error) if tries > 0 && is_out_of_sequence(&error) => {}
                Err(error) => return Err(CallFailure::from(error.about_settings())),
            }
        }
    }

    async fn ready(docker: &Docker, record: &Recorded<Self>, deadline: Deadline) -> CallResult<Self> {
        converge::wait(docker, record, deadline).await?;
        Ok(record.state.clone())
    }

    async fn delete(docker: &Docker, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let what = format!("delete service `{}`", record.name);
        let path = format!("/services/{}", encode(record.id.as_str()));
        docker.client.delete(&what, path).await?;
        converge::tasks_gone(docker, record).await.map_err(CallFailure::from)
    }

    fn id(_: &PhysicalName, state: &ServiceState) -> ObjectId {
        state.id.0.as_str().into()
    }

    fn validate(spec: &ServiceSpec) -> Diagnostics {
        validate::validate(spec)
    }

    fn validate_name(name: &PhysicalName, _: Option<&ServiceSpec>) -> Diagnostics {
        name::dns(name, "a service")
    }

    async fn verify(docker: &Docker, record: &Recorded<Self>, deadline: Deadline) -> Vec<CheckResult> {
        verify::verify(docker, record, deadline).await
    }
}

fn state(id: &str, spec: &ServiceSpec) -> ServiceState {
    ServiceState { id: ServiceId(id.to_owned()), digest: spec.image.digest().map(ToOwned::to_owned) }
}

fn live(found: &Value) -> Result<Live<Service>, DockerError> {
    read::live(found).map_err(|message| {
        let name = found["Spec"]["Name"].as_str().unwrap_or_default();
        DockerError::unreadable(&format!("read service `{name}`"), message)
    })
}

/// A service by id or name, as the engine says it.
async fn inspect(docker: &Docker, key: &str) -> Result<Option<Value>, DockerError> {
    match docker.client.get(&format!("read service `{key}`"), format!("/services/{}", encode(key))).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends a create or an update, with the login for the image's registry. The engine is told to ask no registry: images
/// that are only on the nodes work, and what is sent is what is kept.
async fn send(docker: &Docker, what: &str, path: String, body: &Value, image: &ImageRef) -> Result<Value, DockerError> {
    let path = format!("{path}{}queryRegistry=false", if path.contains('?') { '&' } else { '?' });
    let registry_auth = docker.logins.header(image);
    docker.client.ask(what, Ask { method: hyper::Method::POST, path, body: Some(body), registry_auth }).await
}

fn is_out_of_sequence(error: &DockerError) -> bool {
    error.answer().is_some_and(|answer| answer.message.contains("update out of sequence"))
}
