//! A program of the live tests: a small stack, or one with a mistake in it. `sprocket.toml` says which.

use std::process::ExitCode;

use serde::Deserialize;
use sprocket::docker::ServiceDraft;
use sprocket::prelude::*;

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    fault: Fault,
    /// Beside it, on the small stack, a variable of the service.
    #[serde(default)]
    motto: Option<String>,
    /// A port that somebody else has.
    #[serde(default)]
    port: u16,
    /// A secret from outside.
    password: Option<Secret<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    None,
    DuplicateName,
    MissingProvider,
    ImageMissing,
    PortTaken,
    Placement,
    CrashLoop,
    OwnedNetwork,
    ByHand,
}

fn faults(stack: &mut Stack, config: &Config) {
    if !matches!(config.fault, Fault::MissingProvider) {
        stack.connect(Docker::from_env());
    }
    match config.fault {
        Fault::None => small(stack, config),
        Fault::DuplicateName => {
            stack.add(Network::overlay("sprocket-live-twice"));
            stack.add(Network::overlay("sprocket-live-twice").internal());
        }
        Fault::MissingProvider | Fault::OwnedNetwork => {
            stack.add(Network::overlay("sprocket-live-owned"));
        }
        Fault::ImageMissing => {
            stack.add(busy("sprocket-live-image", "sprocket-stand-in/busy:no-such-version"));
        }
        Fault::PortTaken => {
            stack.add(busy("sprocket-live-port", BUSY).publish(Port::host(config.port).to(80)));
        }
        Fault::Placement => {
            stack.add(busy("sprocket-live-placement", BUSY).constraint(Constraint::node_label("disk", "fast")));
        }
        Fault::CrashLoop => {
            stack.add(busy("sprocket-live-crash", BUSY).args(["sh", "-c", "exit 3"]));
        }
        // For `import`: one like that of the test's own, or nearly.
        Fault::ByHand => {
            let network = Network::overlay("sprocket-live-by-hand");
            stack.add(match &config.motto {
                Some(team) => network.label("team", team.as_str()),
                None => network,
            });
        }
    }
}

const BUSY: &str = "sprocket-stand-in/busy:1";

fn busy(name: &str, image: &str) -> ServiceDraft {
    Service::new(name, image)
        .endpoint(EndpointMode::Dnsrr)
        .restart(Restart::default().delay(Timespan::secs(1)))
        .stop_grace_period(Timespan::secs(1))
}

/// A resource of every kind, a password from outside, and one that is drawn.
fn small(stack: &mut Stack, config: &Config) {
    let network = stack.add(Network::overlay("sprocket-live"));
    let volume = stack.add(Volume::new("sprocket-live"));
    let motd = stack.add(SwarmConfig::new("sprocket-live", "a config\n"));
    let drawn = stack.add(Password::new("sprocket-live"));
    let mut service = busy("sprocket-live", BUSY)
        .network(&network)
        .mount(&volume, "/data")
        .config(&motd, "/motd")
        .secret(&stack.add(SwarmSecret::new("sprocket-live-drawn", &drawn.value)), "drawn");
    if let Some(password) = &config.password {
        let given = stack.add(SwarmSecret::new("sprocket-live-given", password.clone()));
        service = service.secret(&given, "given");
    }
    if let Some(motto) = &config.motto {
        service = service.env("MOTTO", motto.as_str());
    }
    stack.add(service);
    stack.output("drawn", &drawn.value);
}

fn main() -> ExitCode {
    sprocket::run("faults", faults)
}
