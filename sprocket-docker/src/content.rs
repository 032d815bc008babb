//! What configs and secrets have in common: calls that differ only in one word of their path.
//!
//! An update sends the version that was read just before it, and only if the labels are still those that the plan saw.

use serde_json::Value;
use sprocket_core::kind::{CallError, Diagnostics, ProviderError};

use crate::client::encode;
use crate::error::DockerError;
use crate::owner_tag::{self, Labels};
use crate::provider::Docker;

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collection {
    pub(crate) path: &'static str,
    pub(crate) noun: &'static str,
}

/// A config or secret, as the engine has it.
pub(crate) struct Content {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) labels: Labels,
    /// Base64; secrets have none.
    pub(crate) data: Option<Value>,
}

fn content(found: &Value) -> Content {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let spec = &found["Spec"];
    Content {
        id: text(&found["ID"]),
        name: text(&spec["Name"]),
        labels: owner_tag::of_json(&spec["Labels"]),
        data: spec.get("Data").cloned(),
    }
}

impl Collection {
    async fn get(self, docker: &Docker, id: &str) -> Result<Option<Value>, DockerError> {
        let what = format!("read {} `{id}`", self.noun);
        match docker.client.get(&what, format!("/{}/{}", self.path, encode(id))).await {
            // The engine also finds names and beginnings of ids.
            Ok(found) => Ok(Some(found).filter(|found| found["ID"] == id)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn by_id(self, docker: &Docker, id: &str) -> Result<Option<Content>, DockerError> {
        Ok(self.get(docker, id).await?.as_ref().map(content))
    }

    /// Those of this name or id.
    pub(crate) async fn called(self, docker: &Docker, text: &str) -> Result<Vec<Content>, DockerError> {
        let mut all = self.all(docker).await?;
        all.retain(|content| content.name == text || content.id == text);
        Ok(all)
    }

    pub(crate) async fn all(self, docker: &Docker) -> Result<Vec<Content>, DockerError> {
        let listed = docker.client.get(&format!("list {}s", self.noun), format!("/{}", self.path)).await?;
        Ok(listed.as_array().into_iter().flatten().map(content).collect())
    }

    /// Makes one, and gives its id.
    pub(crate) async fn create(self, docker: &Docker, name: &str, body: &Value) -> Result<String, DockerError> {
        let what = format!("create {} `{name}`", self.noun);
        let created = docker.client.post(&what, format!("/{}/create", self.path), body).await?;
        Ok(created["ID"].as_str().unwrap_or_default().to_owned())
    }

    /// Changes one, if it is still `same`.
    pub(crate) async fn update(
        self,
        docker: &Docker,
        id: &str,
        body: &Value,
        same: impl Fn(&Content) -> bool,
    ) -> Result<(), DockerError> {
        let what = format!("update {} `{}`", self.noun, body["Name"].as_str().unwrap_or(id));
        let found = self.get(docker, id).await?;
        let found = found.ok_or_else(|| DockerError::refused(&what, 404, &format!("{} {id} not found", self.noun)))?;
        if !same(&content(&found)) {
            return Err(CallError::Changed { what }.into());
        }
        let version = &found["Version"]["Index"];
        let path = format!("/{}/{}/update?version={version}", self.path, encode(id));
        docker.client.post(&what, path, body).await.map(drop)
    }

    pub(crate) async fn delete(self, docker: &Docker, name: &str, id: &str) -> Result<(), DockerError> {
        let what = format!("delete {} `{name}`", self.noun);
        docker.client.delete(&what, format!("/{}/{}", self.path, encode(id))).await
    }

    /// Refuses contents that the engine would refuse.
    pub(crate) fn validate(self, size: usize, limit: usize, findings: &mut Diagnostics) {
        if size == 0 {
            findings.errors.push(format!("a {} can't be empty", self.noun).into());
        } else if size >= limit {
            findings
                .errors
                .push(format!("a {} has less than {limit} bytes, and this one has {size}", self.noun).into());
        }
    }
}
