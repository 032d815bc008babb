//! How a service is run: health, updates, restarts, ports, logs.
//!
//! These are plain values: every field is public, each has a default, and methods change one. Values that are words are
//! enums, written with the engine's own words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::program::{Input, IntoInput};

use super::values::{Ratio, Timespan};

/// How to tell that a container is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not at all, whatever the image says.
    Disabled,
    /// By running a program in it.
    Check(HealthCheck),
}

impl Health {
    /// By a program and its arguments, which must exit with 0: `["redis-cli", "ping"]`.
    pub fn cmd(program: impl IntoIterator<Item = impl Into<String>>) -> HealthCheck {
        HealthCheck::new(HealthTest::Cmd(program.into_iter().map(Into::into).collect()))
    }

    /// By a line for the container's own shell, which must exit with 0.
    pub fn shell(line: impl Into<String>) -> HealthCheck {
        HealthCheck::new(HealthTest::Shell(line.into()))
    }
}

/// What a health check runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthTest {
    /// What the image says, with these times.
    Image,
    /// A program and its arguments.
    Cmd(Vec<String>),
    /// A line for the container's shell.
    Shell(String),
}

/// A health check: a task counts as running once its first has succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// What is run.
    pub test: HealthTest,
    /// How long after the start, and after each check, the next one begins; 10 s. The engine's own default is 30 s, and
    /// since the first check waits as long, it would delay every update by that.
    pub interval: Timespan,
    /// How long a check may take; 5 s.
    pub timeout: Timespan,
    /// How many failures in a row make a container unhealthy; 3.
    pub retries: u32,
    /// How long failures do not count, after the start; 0 s.
    pub start_period: Timespan,
}

impl HealthCheck {
    fn new(test: HealthTest) -> Self {
        Self {
            test,
            interval: Timespan::secs(10),
            timeout: Timespan::secs(5),
            retries: 3,
            start_period: Timespan::secs(0),
        }
    }

    /// How long after the start, and after each check, the next one begins.
    #[must_use]
    pub fn interval(self, interval: impl Into<Timespan>) -> Self {
        Self { interval: interval.into(), ..self }
    }

    /// How long a check may take.
    #[must_use]
    pub fn timeout(self, timeout: impl Into<Timespan>) -> Self {
        Self { timeout: timeout.into(), ..self }
    }

    /// How many failures in a row make a container unhealthy.
    #[must_use]
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// How long failures do not count, after the start.
    #[must_use]
    pub fn start_period(self, start_period: impl Into<Timespan>) -> Self {
        Self { start_period: start_period.into(), ..self }
    }

    /// The longest that a broken container can pass for one that is starting.
    pub(crate) fn patience(&self) -> Timespan {
        let rounds = (self.interval.duration() + self.timeout.duration()).saturating_mul(self.retries.max(1));
        (self.start_period.duration() + rounds).into()
    }
}

impl IntoInput<Health> for HealthCheck {
    fn into_input(self) -> Input<Health> {
        Input::Value(Health::Check(self))
    }
}

/// What goes first when a task is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The old task stops, then the new one starts. Right for whatever has data, a port of its node or a single owner.
    #[default]
    StopFirst,
    /// The new task runs, then the old one stops: no gap, and for a while both.
    StartFirst,
}

/// What an update does when too many of its tasks fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Goes back to the settings before it.
    Rollback,
    /// Stays where it is.
    Pause,
    /// Goes on.
    Continue,
}

/// What a rollback does when too many of its tasks fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRollbackFailure {
    /// Stays where it is.
    Pause,
    /// Goes on.
    Continue,
}

/// How tasks are replaced. By default one at a time, the old one first, and back again if one fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// How many at once; 0 is all. Default 1.
    pub parallelism: u64,
    /// How long between one batch and the next. Default 0 s.
    pub delay: Timespan,
    /// What goes first. Default: the old task stops first.
    pub order: Order,
    /// What happens if too many fail. Default: rollback.
    pub on_failure: OnFailure,
    /// How long after its start a task's failure still counts. Default: 5 s, or as long as the health check can take to
    /// find a container unhealthy. With less, a broken update would count as a success.
    pub monitor: Option<Timespan>,
    /// How many may fail. Default: none.
    pub max_failure_ratio: Ratio,
}

impl Default for Update {
    fn default() -> Self {
        Self {
            parallelism: 1,
            delay: Timespan::secs(0),
            order: Order::StopFirst,
            on_failure: OnFailure::Rollback,
            monitor: None,
            max_failure_ratio: Ratio::default(),
        }
    }
}

impl Update {
    /// The new task runs before the old one stops: for what has neither data nor a port of its node.
    pub fn start_first() -> Self {
        Self { order: Order::StartFirst, ..Self::default() }
    }

    /// How many at once; 0 is all.
    #[must_use]
    pub fn parallelism(self, parallelism: u64) -> Self {
        Self { parallelism, ..self }
    }

    /// How long between one batch and the next.
    #[must_use]
    pub fn delay(self, delay: impl Into<Timespan>) -> Self {
        Self { delay: delay.into(), ..self }
    }

    /// What happens if too many fail.
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }

    /// How long after its start a task's failure still counts.
    #[must_use]
    pub fn monitor(self, monitor: impl Into<Timespan>) -> Self {
        Self { monitor: Some(monitor.into()), ..self }
    }

    /// How many may fail.
    #[must_use]
    pub fn max_failure_ratio(self, ratio: f64) -> Self {
        Self { max_failure_ratio: Ratio::of(ratio), ..self }
    }
}

/// How tasks go back to what was before an update that failed. The fields are those of [`Update`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// How many at once; 0 is all. Default 1.
    pub parallelism: u64,
    /// How long between one batch and the next. Default 0 s.
    pub delay: Timespan,
    /// What goes first. Default: the failed task stops first.
    pub order: Order,
    /// What happens if too many fail. Default: it pauses.
    pub on_failure: OnRollbackFailure,
    /// How long after its start a task's failure still counts. Default as for an update.
    pub monitor: Option<Timespan>,
    /// How many may fail. Default: none.
    pub max_failure_ratio: Ratio,
}

impl Default for Rollback {
    fn default() -> Self {
        Self {
            parallelism: 1,
            delay: Timespan::secs(0),
            order: Order::StopFirst,
            on_failure: OnRollbackFailure::Pause,
            monitor: None,
            max_failure_ratio: Ratio::default(),
        }
    }
}

/// When a task that has ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartOn {
    /// Whenever it ends.
    Any,
    /// When it ends with an error.
    OnFailure,
    /// Never.
    None,
}

/// How tasks are started again. By default always, after 5 s: what has no delay can fill a disk with stopped containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// When. Default: whenever it ends.
    pub condition: RestartOn,
    /// How long after its end. Default 5 s.
    pub delay: Timespan,
    /// How often at most; 0 is without end. Default 0: a service whose database was away for long comes back by itself.
    pub max_attempts: u64,
    /// The time in which attempts are counted; 0 s is all time. Default 0 s.
    pub window: Timespan,
}

impl Default for Restart {
    fn default() -> Self {
        Self { condition: RestartOn::Any, delay: Timespan::secs(5), max_attempts: 0, window: Timespan::secs(0) }
    }
}

impl Restart {
    /// Only after an error.
    pub fn on_failure() -> Self {
        Self { condition: RestartOn::OnFailure, ..Self::default() }
    }

    /// Never: for what runs once.
    pub fn never() -> Self {
        Self { condition: RestartOn::None, ..Self::default() }
    }

    /// How long after its end.
    #[must_use]
    pub fn delay(self, delay: impl Into<Timespan>) -> Self {
        Self { delay: delay.into(), ..self }
    }

    /// How often at most, in which time.
    #[must_use]
    pub fn max_attempts(self, attempts: u64, window: impl Into<Timespan>) -> Self {
        Self { max_attempts: attempts, window: window.into(), ..self }
    }
}

/// Where the output of containers goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDriver {
    /// The driver: `json-file`, `fluentd`, `journald`, …
    pub name: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}

impl LogDriver {
    /// This driver.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), options: BTreeMap::new() }
    }

    /// Files on the node, of which the oldest go: `LogDriver::json_file("5m", 5)`.
    pub fn json_file(max_size: impl Into<String>, max_file: u32) -> Self {
        Self::new("json-file").option("max-size", max_size).option("max-file", max_file.to_string())
    }

    /// Sets an option.
    #[must_use]
    pub fn option(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.insert(key.into(), value.into());
        self
    }
}

/// What a service's name leads to, for other services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointMode {
    /// One address, behind which the engine distributes connections. Idle ones are forgotten after 15 minutes.
    #[default]
    Vip,
    /// The addresses of its tasks. Right for what keeps connections open for long, such as a broker.
    Dnsrr,
}

/// How a port is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishMode {
    /// On the nodes that a task runs on: callers' addresses stay visible, and each node has room for one task.
    Host,
    /// On every node, led to any task.
    #[default]
    Ingress,
}

/// What carries a port's traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// What is spoken on a port, so that `verify` can ask whether it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP without TLS: any answer with a status below 500 to a GET of this path will do.
    Http {
        /// The path: `/`.
        path: String,
    },
    /// Redis: it answers PING, or asks for a password.
    Redis,
    /// AMQP 0-9-1: it answers a client's greeting with a proposal.
    Amqp,
}

/// A published port. There is no host address in it: the engine would ignore it, and publish on all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// The port in the container.
    pub target: u16,
    /// The port on the node; `None` lets the engine choose one above 30000.
    pub published: Option<u16>,
    /// Where it is published.
    pub mode: PublishMode,
    /// What carries it.
    pub transport: Transport,
    /// What is spoken on it. It is noted in a label of the service, and changes no task.
    pub speaks: Option<Protocol>,
}

impl Port {
    /// The same TCP port, on the node the container runs on.
    pub fn host(port: u16) -> Self {
        let (mode, transport) = (PublishMode::Host, Transport::Tcp);
        Self { target: port, published: Some(port), mode, transport, speaks: None }
    }

    /// The same TCP port, on every node.
    pub fn ingress(port: u16) -> Self {
        Self { mode: PublishMode::Ingress, ..Self::host(port) }
    }

    /// Leads to this port of the container.
    #[must_use]
    pub fn to(self, target: u16) -> Self {
        Self { target, ..self }
    }

    /// Carries UDP.
    #[must_use]
    pub fn udp(self) -> Self {
        Self { transport: Transport::Udp, ..self }
    }

    /// What is spoken on it.
    #[must_use]
    pub fn speaks(self, protocol: Protocol) -> Self {
        Self { speaks: Some(protocol), ..self }
    }
}
