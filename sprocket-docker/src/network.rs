//! Networks: `docker:network`.
//!
//! A network can't be changed, only replaced: the new one is made first (`edge-2`), services move over, then the old one
//! goes. Its mark is in its labels, from the beginning; an adopted network is owned by state alone. Names are not unique
//! at the engine, so several can be found under one.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models::NetworkInspect;
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptions};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sprocket_core::kind::{
    CallFailure, CallResult, CreateRequest, Diagnostics, ErrorOf, FailureOf, Handle, Kind, Listing, Live, ObjectId,
    PhysicalName, ProviderError, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::{Assigned, Input, IntoInput, Output};

use tokio::time::{Instant, sleep};

use crate::error::DockerError;
use crate::name;
use crate::owner_tag::{self, Labels};
use crate::provider::Docker;
use crate::subnet::Subnet;
use crate::wait;

/// A network, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::Stack;
/// # use sprocket_docker::{Docker, Network};
/// # let mut stack = Stack::new();
/// # stack.connect(Docker::from_env());
/// let edge = stack.add(Network::overlay("edge").attachable().subnet("10.20.0.0/24").label("team", "platform"));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:network", provider = Docker, naming = generation)]
pub struct Network {
    /// The engine's id of it.
    #[output(state.id)]
    pub id: Output<NetworkId>,
    /// Its name at the engine.
    #[output(name)]
    pub name: Output<String>,
    this: ResourceRef<Self>,
}

/// The engine's id of a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetworkId(pub String);

impl Network {
    /// A network between the nodes of the swarm.
    pub fn overlay(name: impl Into<String>) -> NetworkDraft {
        NetworkDraft::new(name, NetworkDriver::Overlay)
    }

    /// A network on the node that the engine is on, for containers there.
    pub fn bridge(name: impl Into<String>) -> NetworkDraft {
        NetworkDraft::new(name, NetworkDriver::Bridge)
    }
}

/// What carries a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkDriver {
    /// Between the nodes of the swarm.
    Overlay,
    /// On one node.
    Bridge,
    /// A plugin, by its name.
    #[serde(untagged)]
    Other(String),
}

impl NetworkDriver {
    fn name(&self) -> &str {
        match self {
            Self::Overlay => "overlay",
            Self::Bridge => "bridge",
            Self::Other(name) => name,
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "overlay" => Self::Overlay,
            "bridge" => Self::Bridge,
            other => Self::Other(other.into()),
        }
    }
}

/// A network's settings. All of them replace: the engine can't change a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Network)]
pub struct NetworkSpec {
    /// What carries it.
    #[spec(replaces)]
    pub driver: NetworkDriver,
    /// Lets containers that are no tasks of a service join it.
    #[spec(flag, replaces)]
    pub attachable: bool,
    /// Gives its containers no way out of it.
    #[spec(flag, replaces)]
    pub internal: bool,
    /// Options of its driver, such as `encrypted` or `com.docker.network.driver.mtu`.
    #[spec(each = "driver_opt", replaces)]
    pub driver_opts: BTreeMap<String, String>,
    /// Its addresses, as `10.20.0.0/24`; unless set, the engine chooses 254 addresses that no other network has. They can't be
    /// extended: each service and each task takes one.
    #[spec(default, replaces)]
    pub subnet: Assigned<Subnet>,
    /// Marks it for people and tools.
    #[spec(each = "label", replaces)]
    pub labels: BTreeMap<String, String>,
}

/// What the engine reports about a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkState {
    /// The engine's id of it.
    pub id: NetworkId,
    /// Its addresses, if the engine has given it some already.
    pub subnet: Option<Subnet>,
}

/// What the engine puts among the driver's options by itself.
const VXLAN: &str = "com.docker.network.driver.overlay.vxlanid_list";

/// How long the swarm may take to give a network addresses; it was seen to take less than 10 ms.
const ASSIGNS: Duration = Duration::from_secs(10);

/// How long a network stays in use after the last task on it has gone; it was seen to take up to some seconds.
const DRAINS: Duration = Duration::from_secs(60);

impl Kind for Network {
    async fn read(docker: &Docker, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        if let Some(recorded) = find.recorded() {
            return Ok(Vec::from_iter(inspect(docker, recorded.id.as_str()).await?));
        }
        let (mut lives, is_import) = (all(docker).await?, matches!(find, ReadRequest::Import(_)));
        lives.retain(|live| live.name.as_str() == find.name() || is_import && live.id.as_str() == find.name());
        Ok(lives)
    }

    async fn list(docker: &Docker, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let mut lives = all(docker).await?;
        lives.retain(|live| wanted.wants(&live.name, live.owner.as_ref()));
        Ok(Some(lives))
    }

    async fn create(docker: &Docker, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let NetworkSpec { driver, attachable, internal, driver_opts, subnet, labels } = make.spec;
        let mut body = json!({
            "Name": make.name,
            // Engines before version 25 make a second bridge of the same name, unless asked not to.
            "CheckDuplicate": true,
            "Driver": driver.name(),
            "Attachable": attachable,
            "Internal": internal,
            "Options": driver_opts,
            "Labels": owner_tag::labels(labels, make.owner, None),
        });
        if let Assigned::Fixed(subnet) = subnet {
            body["IPAM"] = json!({ "Config": [{ "Subnet": subnet }] });
        }
        let what = format!("create network `{}`", make.name);
        let created = docker.client.post(&what, "/networks/create".into(), &body).await?;
        let id = created["Id"].as_str().unwrap_or_default();
        let state = NetworkState { id: NetworkId(id.to_owned()), subnet: None };
        assigned(docker, id).await.map_err(|error| CallFailure::from(error).leaving(state))
    }

    /// There is nothing that could be changed, the mark included: taking one over is recorded in state alone.
    async fn update(_: &Docker, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        Ok(change.live.state.clone())
    }

    async fn delete(docker: &Docker, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let (what, id) = (format!("delete network `{}`", record.name), record.id.as_str());
        wait::until(DRAINS, || async {
            match docker.client.typed().remove_network(id).await.map_err(docker.client.failed(&what)) {
                Ok(()) => Ok(()),
                Err(error) if error.is_not_found() => Ok(()),
                Err(error) if drains(&error) => Err(wait::Retry::Later(error)),
                Err(error) => Err(wait::Retry::Never(error)),
            }
        })
        .await?;
        let what = format!("network `{}`", record.name);
        wait::gone(DRAINS, &what, || async { inspect(docker, id).await.map(|live| live.is_none()) })
            .await
            .map_err(CallFailure::from)
    }

    fn id(_: &PhysicalName, state: &NetworkState) -> ObjectId {
        state.id.0.as_str().into()
    }

    fn validate(spec: &NetworkSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        owner_tag::validate(&spec.labels, &mut findings);
        findings
    }

    /// The swarm has a rule for names; the engine of one node takes any.
    fn validate_name(name: &PhysicalName, spec: Option<&NetworkSpec>) -> Diagnostics {
        match spec {
            Some(NetworkSpec { driver: NetworkDriver::Overlay, .. }) => name::dns(name, "an overlay network"),
            _ => Diagnostics::default(),
        }
    }
}

/// Whether a network is in use only by what is on its way out. What a service still mentions stays.
fn drains(error: &DockerError) -> bool {
    error.answer().is_some_and(|answer| {
        answer.message.contains("in use by task") || answer.message.contains("has active endpoints")
    })
}

/// Waits for the addresses, which the swarm gives a moment later: without them, it would seem to change by itself.
async fn assigned(docker: &Docker, id: &str) -> Result<NetworkState, DockerError> {
    let end = Instant::now() + ASSIGNS;
    loop {
        let state = inspect(docker, id).await?.map(|live| live.state);
        match state {
            Some(state) if state.subnet.is_some() || Instant::now() >= end => return Ok(state),
            None => {
                let what = format!("read network `{id}`");
                return Err(DockerError::refused(&what, 404, "it has gone right after it was made"));
            }
            Some(_) => sleep(wait::PACE).await,
        }
    }
}

async fn inspect(docker: &Docker, id: &str) -> Result<Option<Live<Network>>, DockerError> {
    let what = format!("read network `{id}`");
    let found = docker.client.typed().inspect_network(id, None::<InspectNetworkOptions>).await;
    match found.map_err(docker.client.failed(&what)) {
        // The engine also finds names and beginnings of ids.
        Ok(found) => Ok(live(found).filter(|live| live.id.as_str() == id)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn all(docker: &Docker) -> Result<Vec<Live<Network>>, DockerError> {
    let listed = docker.client.typed().list_networks(None::<ListNetworksOptions>).await;
    let listed = listed.map_err(docker.client.failed("list networks"))?;
    Ok(listed.into_iter().filter_map(|network| live(same(network))).collect())
}

/// The two models of bollard have the same fields.
fn same(network: bollard::models::Network) -> NetworkInspect {
    let bollard::models::Network { name, id, driver, ipam, internal, attachable, options, labels, .. } = network;
    NetworkInspect { name, id, driver, ipam, internal, attachable, options, labels, ..Default::default() }
}

fn live(found: NetworkInspect) -> Option<Live<Network>> {
    let (id, name) = (found.id?, found.name?);
    let labels = Labels::of(found.labels.unwrap_or_default());
    let config = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default().into_iter().next();
    let subnet = config.and_then(|config| config.subnet?.parse::<Subnet>().ok());
    let mut options: HashMap<_, _> = found.options.unwrap_or_default();
    options.remove(VXLAN);
    let spec = NetworkSpec {
        driver: NetworkDriver::of(&found.driver.unwrap_or_default()),
        attachable: found.attachable.unwrap_or_default(),
        internal: found.internal.unwrap_or_default(),
        driver_opts: options.into_iter().collect(),
        subnet: subnet.clone().map_or(Assigned::Auto, Assigned::Fixed),
        labels: labels.own,
    };
    let state = NetworkState { id: NetworkId(id.clone()), subnet };
    Some(Live { id: id.into(), name: name.into(), spec, state, owner: labels.owner })
}

impl IntoInput<NetworkId> for &Network {
    fn into_input(self) -> Input<NetworkId> {
        Input::Output(self.id.clone())
    }
}
