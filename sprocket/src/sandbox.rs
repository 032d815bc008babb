//! The environment `sandbox`: services inside of the program's own process, in place of those that the program names.
//!
//! They end with the command; their world stays in the folder of the state, where the next command finds it. A Vault that is
//! reached by way of a service of the program is left as it is, since that service is the sandbox's. Providers of other
//! makers are left too: they do what the program says.

use std::path::Path;

use sprocket_core::kind::{Provider as _, ProviderName};
use sprocket_core::program::{Override, Random, Stack};

use crate::trouble::Trouble;

/// What overridden settings are said to come from.
pub(crate) const FROM: &str = "the sandbox";

/// Whether every provider of the program is led to it, but for those that are not servers.
pub(crate) fn has_all_of(stack: &Stack) -> bool {
    let led = |name: &ProviderName| {
        stack.applied_overrides().iter().any(|applied| applied.provider == *name && *applied.from == *FROM)
    };
    stack.connected().all(|name| name.as_str() == Random::NAME || led(name))
}

#[cfg(feature = "sandbox")]
pub(crate) use self::built_in::Sandbox;
#[cfg(not(feature = "sandbox"))]
pub(crate) use self::left_out::Sandbox;

#[cfg(feature = "sandbox")]
mod built_in {
    use std::path::PathBuf;

    use serde_json::json;
    use sprocket_core::kind::with_causes;

    use super::{FROM, Override, Path, Trouble};

    /// Running services.
    pub(crate) struct Sandbox {
        services: sprocket_sandbox::Sandbox,
        world: PathBuf,
    }

    impl Sandbox {
        /// Starts them with the world that is in this folder, or an empty one.
        pub(crate) fn start(folder: &Path) -> Result<Self, Trouble> {
            let world = folder.join("world");
            match sprocket_sandbox::Sandbox::start(&world) {
                Ok(services) => Ok(Self { services, world }),
                Err(error @ sprocket_sandbox::SandboxError::InUse { .. }) => {
                    Err(Trouble::new(with_causes(&error)).hint("wait until that command has ended"))
                }
                Err(error) => Err(Trouble::new(with_causes(&error))),
            }
        }

        /// What leads the program's providers to them.
        pub(crate) fn overrides(&self) -> Vec<Override> {
            let addresses = self.services.addresses();
            #[cfg(feature = "vault")]
            let vault = [("address", json!(format!("http://{}", addresses.vault)))];
            [
                #[cfg(feature = "dns")]
                Override::every::<sprocket_dns::Dns>(
                    [("server", json!(addresses.dns.to_string()))],
                    Some(sprocket_dns::TsigKey::sha256(sprocket_sandbox::DNS_KEY, sprocket_sandbox::DNS_SECRET)),
                    FROM,
                ),
                #[cfg(feature = "docker")]
                Override::every::<sprocket_docker::Docker>(
                    [("address", json!(format!("tcp://{}", addresses.swarm)))],
                    None,
                    FROM,
                ),
                #[cfg(feature = "s3")]
                Override::every::<sprocket_s3::S3>(
                    [("endpoint", json!(format!("http://{}", addresses.s3))), ("path_style", json!(true))],
                    Some(sprocket_s3::S3Credentials::keys(
                        sprocket_sandbox::S3_KEY,
                        sprocket_sandbox::S3_SECRET.to_owned(),
                    )),
                    FROM,
                ),
                #[cfg(feature = "vault")]
                Override::every::<sprocket_vault::Vault>(vault.clone(), None, FROM).only_fixed(),
                #[cfg(feature = "vault")]
                Override::every::<sprocket_vault::VaultServer>(vault, None, FROM).only_fixed(),
            ]
            .into()
        }

        /// Ends them, and their world.
        pub(crate) fn end(self) -> Result<(), Trouble> {
            let Self { services, world } = self;
            drop(services);
            std::fs::remove_dir_all(&world)
                .map_err(|error| Trouble::new(format!("could not remove {}: {error}", world.display())))
        }
    }
}

#[cfg(not(feature = "sandbox"))]
mod left_out {
    use super::{Override, Path, Trouble};

    /// There is none.
    pub(crate) enum Sandbox {}

    impl Sandbox {
        pub(crate) fn start(_: &Path) -> Result<Self, Trouble> {
            Err(Trouble::new("this program was built without a sandbox")
                .hint("add the feature `sandbox` to `sprocket` in its Cargo.toml, or choose another environment"))
        }

        pub(crate) fn overrides(&self) -> Vec<Override> {
            match *self {}
        }

        pub(crate) fn end(self) -> Result<(), Trouble> {
            match self {}
        }
    }
}
