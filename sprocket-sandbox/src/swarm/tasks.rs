//! Tasks: one place of a service, at one time, on its way through the states.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::task::AbortHandle;

use super::book::{list, local_id, now, swarm_id, text};

/// How far a task is. Those from [`Complete`](Self::Complete) on have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    New,
    Pending,
    Assigned,
    Preparing,
    Ready,
    Starting,
    Running,
    Complete,
    Shutdown,
    Failed,
    Rejected,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Shutdown => "shutdown",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
        }
    }
}

/// What the manager wants of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// That it could start: another one has its place until then.
    Ready,
    Running,
    Shutdown,
}

/// A task.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) service: String,
    pub(crate) service_name: String,
    /// Its place; none where it is the one of its node.
    pub(crate) slot: Option<u64>,
    /// The service's settings when it was made.
    pub(crate) template: Value,
    pub(crate) endpoint: Value,
    pub(crate) wanted: Wanted,
    pub(crate) state: State,
    pub(crate) error: String,
    pub(crate) exit_code: Option<i64>,
    pub(crate) container: Option<String>,
    created: String,
    changed: String,
    /// When its state changed.
    pub(crate) since: Instant,
    /// When its container was told to stop.
    pub(crate) stopping: Option<Instant>,
    /// Who answers on its ports.
    pub(crate) servers: Vec<AbortHandle>,
    /// Ingress ports that are still another task's.
    pub(crate) unbound: Vec<(u16, u64)>,
}

impl Task {
    pub(crate) fn new(service: &Value, slot: Option<u64>, wanted: Wanted) -> Self {
        let now_text = now();
        let mut template = service["Spec"]["TaskTemplate"].clone();
        if let Some(template) = template.as_object_mut() {
            template.remove("Runtime");
        }
        Self {
            id: swarm_id(),
            service: text(service, &["ID"]).to_owned(),
            service_name: text(service, &["Spec", "Name"]).to_owned(),
            slot,
            template,
            endpoint: service["Spec"]["EndpointSpec"].clone(),
            wanted,
            state: State::New,
            error: String::new(),
            exit_code: None,
            container: None,
            created: now_text.clone(),
            changed: now_text,
            since: Instant::now(),
            stopping: None,
            servers: Vec::new(),
            unbound: Vec::new(),
        }
    }

    pub(crate) fn image(&self) -> &str {
        text(&self.template, &["ContainerSpec", "Image"])
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state >= State::Complete
    }

    /// It has its place, or will.
    pub(crate) fn is_active(&self) -> bool {
        !self.has_ended() && self.wanted != Wanted::Shutdown
    }

    pub(crate) fn in_state_for(&self) -> Duration {
        self.since.elapsed()
    }

    pub(crate) fn enter(&mut self, state: State) {
        self.state = state;
        self.changed = now();
        self.since = Instant::now();
        if state == State::Starting {
            self.container = Some(local_id());
        }
        if self.has_ended() {
            self.servers.drain(..).for_each(|server| server.abort());
        }
    }

    pub(crate) fn fail(&mut self, state: State, error: impl Into<String>) {
        self.error = error.into();
        self.enter(state);
    }

    /// Its container has ended by itself.
    pub(crate) fn exit(&mut self, code: i64) {
        self.exit_code = Some(code);
        if code == 0 {
            self.enter(State::Complete);
        } else {
            self.fail(State::Failed, format!("task: non-zero exit ({code})"));
        }
    }

    /// It has other settings than its service now. Where it may run does not count: it runs.
    pub(crate) fn is_dirty(&self, service: &Value) -> bool {
        let without = |template: &Value| -> Map<String, Value> {
            let fields = template.as_object().into_iter().flatten();
            let fields = fields.filter(|(key, _)| !matches!(key.as_str(), "Runtime" | "Placement"));
            fields.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        without(&self.template) != without(&service["Spec"]["TaskTemplate"])
            || self.endpoint != service["Spec"]["EndpointSpec"]
    }

    /// It holds this volume.
    pub(crate) fn has_volume(&self, name: &str) -> bool {
        self.volumes().any(|volume| volume == name)
    }

    pub(crate) fn volumes(&self) -> impl Iterator<Item = &str> {
        let mounts = list(&self.template["ContainerSpec"]["Mounts"]).filter(|mount| mount["Type"] == "volume");
        mounts.map(|mount| text(mount, &["Source"]))
    }

    pub(crate) fn is_on(&self, network: &str) -> bool {
        list(&self.template["Networks"]).any(|attached| attached["Target"] == network)
    }

    /// The TCP ports of the node that it takes, and its own behind them.
    pub(crate) fn host_ports(&self) -> Vec<(u16, u64)> {
        self.ports(&self.endpoint, |port| port["PublishMode"] == "host")
    }

    pub(crate) fn ports(&self, endpoint: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<(u16, u64)> {
        let ports = list(&endpoint["Ports"]).filter(|port| wanted(port) && port["Protocol"] != "udp");
        let number = |port: &Value| u16::try_from(port["PublishedPort"].as_u64()?).ok();
        ports.filter_map(|port| Some((number(port)?, port["TargetPort"].as_u64()?))).collect()
    }

    /// As the API shows it.
    pub(crate) fn shown(&self, node: &str) -> Value {
        let mut status = json!({
            "Timestamp": self.changed, "State": self.state.word(), "Message": self.state.word(), "PortStatus": {},
        });
        if !self.error.is_empty() {
            status["Err"] = self.error.as_str().into();
        }
        if let Some(container) = &self.container {
            status["ContainerStatus"] =
                json!({ "ContainerID": container, "PID": 0, "ExitCode": self.exit_code.unwrap_or(0) });
        }
        let wanted = match self.wanted {
            Wanted::Ready => "ready",
            Wanted::Running => "running",
            Wanted::Shutdown => "shutdown",
        };
        let mut shown = json!({
            "ID": self.id, "Version": { "Index": 1 }, "CreatedAt": self.created, "UpdatedAt": self.changed, "Labels": {},
            "Spec": self.template, "ServiceID": self.service, "Status": status, "DesiredState": wanted,
        });
        if let Some(slot) = self.slot {
            shown["Slot"] = slot.into();
        }
        if self.state >= State::Assigned {
            shown["NodeID"] = node.into();
        }
        shown
    }
}
