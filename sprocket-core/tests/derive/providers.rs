//! Drafts of providers: settings and credentials, both of which may be outputs.

use serde_json::json;
use sprocket_core::__derive::{Deps, Known, NoValue};
use sprocket_core::kind::ProviderDraft;
use sprocket_core::program::{Override, OverrideError, Stack};

use crate::docker::*;
use crate::{deps, deps_of, mistakes_of, spec, what_is_shown_is_what_is_sent};

const HOST: &str = "tcp://10.0.0.1:2375";

#[test]
fn a_providers_draft_resolves_to_its_configuration() {
    let draft = Docker::at(HOST).version(44).plain();
    assert_eq!(spec(&draft), DockerConfig { host: HOST.into(), version: Some(44), plain: true });
    what_is_shown_is_what_is_sent(&draft);
}

#[test]
fn its_name_is_empty_unless_it_is_given() {
    assert_eq!(Docker::at(HOST).name(), "");
    assert_eq!(Docker::at(HOST).named("second").name(), "second");
}

#[test]
fn credentials_are_those_given_or_none() {
    let known = Known::default();
    assert!(matches!(ProviderDraft::credentials(&Docker::at(HOST), &known), Ok(None)));
    let given = Docker::at(HOST).credentials("pem");
    assert!(matches!(ProviderDraft::credentials(&given, &known), Ok(Some(Certificate(pem))) if pem == "pem"));
}

#[test]
fn credentials_may_be_outputs() {
    let mut stack = Stack::new();
    stack.connect(Docker::at(HOST));
    let network = stack.add(Network::new("edge"));
    let volume = stack.add(Volume::new("pem"));
    let draft = Docker::at(HOST).credentials(network.id.map(|id| Certificate(id.0)));
    assert!(matches!(ProviderDraft::credentials(&draft, &Known::default()), Err(NoValue::Yet)));

    let mut waits = Deps::default();
    draft.credential_deps(&mut waits);
    assert_eq!(waits, deps_of(&network.id));
    assert_eq!(deps(&draft), Deps::default());
    assert_eq!(deps(&Docker::at(volume.name.map(|name| name.0))), deps_of(&volume.name));
}

#[test]
fn what_can_not_be_credentials_is_a_mistake_of_the_program() {
    let (draft, line) = (Docker::at(HOST).credentials(""), line!());
    assert_eq!(mistakes_of(&draft), [("a certificate is not empty".to_owned(), line)]);
    let mut stack = Stack::new();
    stack.connect(draft);
    assert!(stack.check().unwrap_err().to_string().starts_with("`docker`: a certificate is not empty"));
}

#[test]
fn credentials_are_not_printed() {
    let draft = Docker::at(HOST).credentials("pem");
    assert_eq!(
        format!("{draft:?}"),
        format!(r#"DockerDraft {{ name: "", host: "{HOST}", version: None, plain: false, .. }}"#)
    );
}

#[test]
fn a_setting_is_overridden_with_json_that_is_one_of_its_values() {
    let over = |setting, value| Override::setting("docker", setting, &value, "elsewhere");
    let mut stack = Stack::new();
    stack.override_providers([
        over("host", json!("tcp://127.0.0.1:1")),
        over("version", json!(44)),
        over("hots", json!("a")),
        over("version", json!("a")),
    ]);
    stack.connect(Docker::at(HOST));
    let applied: Vec<String> = stack.applied_overrides().iter().map(ToString::to_string).collect();
    assert_eq!(applied, ["docker: host = tcp://127.0.0.1:1 (from elsewhere)", "docker: version = 44 (from elsewhere)"]);
    let errors: Vec<_> = stack.invalid_overrides().into_iter().map(|invalid| invalid.error).collect();
    assert_eq!(errors[0], OverrideError::UnknownSetting(vec!["host", "version", "plain"]));
    assert!(matches!(errors[1..], [OverrideError::InvalidValue(_)]));
}

#[test]
fn an_overridden_setting_waits_for_nothing() {
    let mut stack = Stack::new();
    stack.override_providers([Override::setting("docker", "host", &json!(HOST), "elsewhere")]);
    stack.connect(Docker::at(HOST).named("first"));
    let volume = stack.add(Volume::new("host"));
    let second = stack.connect(Docker::at(volume.name.map(|name| name.0)));
    stack.on(&second).add(Network::new("edge"));
    stack.check().unwrap();
    let edge = stack.resources().find(|resource| resource.address.as_str() == "docker:network/edge").unwrap();
    assert_eq!(edge.after.len(), 0);
}
