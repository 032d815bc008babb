//! What `doctor` asks of an engine, with what to do where the answer is no.

use sprocket_core::kind::{Provider as _, ProviderError as _};

use crate::error::MANAGER_HINT;
use crate::provider::{Docker, DockerConfig, RegistryLogins};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineQuestion {
    /// Does it answer, and in a version of its API that is spoken here?
    Reachable,
    /// Is it part of a swarm?
    InSwarm,
    /// Is it a manager of it?
    Manager,
    /// Is a node ready to run tasks?
    NodeReady,
}

/// A question, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineCheck {
    /// What was asked.
    pub question: EngineQuestion,
    /// What was found, or what is wrong.
    pub answer: Result<String, Remedy>,
}

/// What is wrong, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What is wrong.
    pub problem: String,
    /// What can be done.
    pub remedy: String,
}

/// The oldest version of the API that the kinds of this crate were tried with: that of engine 20.10.
const OLDEST: (usize, usize) = (1, 41);

/// Asks an engine whether this crate can work with it. Questions that an earlier answer makes pointless are left out.
pub async fn check_engine(config: &DockerConfig) -> Vec<EngineCheck> {
    let mut checks = Vec::new();
    let docker = match Docker::connect(config, RegistryLogins::none()).await {
        Ok(docker) => docker,
        Err(error) => {
            let mut problem = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                problem = format!("{problem}: {source}");
            }
            let remedy = error.hint().unwrap_or_default();
            checks.push(EngineCheck { question: EngineQuestion::Reachable, answer: Err(Remedy { problem, remedy }) });
            return checks;
        }
    };
    let client = &docker.client;
    let version = client.typed().client_version();
    let answer = if (version.major_version, version.minor_version) < OLDEST {
        Err(Remedy {
            problem: format!("{} speaks version {} of the API", client.address(), client.version()),
            remedy: "engine 20.10 or newer is needed".into(),
        })
    } else {
        Ok(format!("{} speaks version {} of the API", client.address(), client.version()))
    };
    checks.push(EngineCheck { question: EngineQuestion::Reachable, answer });

    let info = match client.typed().info().await.map_err(client.failed("describe itself")) {
        Ok(info) => info,
        Err(error) => {
            let remedy = error.hint().unwrap_or_else(|| "look at the engine's own log".into());
            let answer = Err(Remedy { problem: error.to_string(), remedy });
            checks.push(EngineCheck { question: EngineQuestion::InSwarm, answer });
            return checks;
        }
    };
    let swarm = info.swarm.unwrap_or_default();
    let state = swarm.local_node_state.map(|state| state.to_string()).unwrap_or_default();
    let is_active = state == "active";
    let answer = if is_active {
        Ok("it is in a swarm".to_owned())
    } else {
        let problem = match state.as_str() {
            "locked" => "its swarm is locked".to_owned(),
            _ => format!("it is in no swarm (its state is `{state}`)"),
        };
        let remedy = if state == "locked" { "unlock it with `docker swarm unlock`" } else { MANAGER_HINT };
        Err(Remedy { problem, remedy: remedy.into() })
    };
    checks.push(EngineCheck { question: EngineQuestion::InSwarm, answer });
    if !is_active {
        return checks;
    }
    let cluster = swarm.cluster.and_then(|cluster| cluster.id).unwrap_or_default();
    let is_manager = swarm.control_available.unwrap_or_default();
    let answer = if is_manager {
        Ok(format!("it is a manager of swarm {cluster}"))
    } else {
        Err(Remedy { problem: "it is a worker of its swarm".into(), remedy: MANAGER_HINT.into() })
    };
    checks.push(EngineCheck { question: EngineQuestion::Manager, answer });
    if is_manager {
        checks.push(EngineCheck { question: EngineQuestion::NodeReady, answer: ready_nodes(&docker).await });
    }
    checks
}

async fn ready_nodes(docker: &Docker) -> Result<String, Remedy> {
    let listed = docker.client.get("list nodes", "/nodes".into()).await;
    let nodes = listed.map_err(|error| Remedy {
        problem: error.to_string(),
        remedy: "a swarm answers only while most of its managers do: `docker node ls`".into(),
    })?;
    let nodes: Vec<_> = nodes.as_array().into_iter().flatten().collect();
    let is_ready =
        |node: &&&serde_json::Value| node["Status"]["State"] == "ready" && node["Spec"]["Availability"] == "active";
    let ready = nodes.iter().filter(is_ready).count();
    if ready == 0 {
        return Err(Remedy {
            problem: format!("none of its {} nodes is ready to run tasks", nodes.len()),
            remedy: "`docker node ls` says why; `docker node update --availability active NODE` ends a drain".into(),
        });
    }
    Ok(format!("{ready} of {} nodes are ready", nodes.len()))
}
