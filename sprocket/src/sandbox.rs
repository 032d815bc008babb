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
        stack.overridden().iter().any(|overridden| overridden.provider == *name && *overridden.from == *FROM)
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

    use super::{FROM, Override, Path, Trouble};
    use sprocket_core::kind::with_causes;

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
            [
                #[cfg(feature = "dns")]
                Override::every::<sprocket_dns::Dns>(
                    move |draft| {
                        let key =
                            sprocket_dns::TsigKey::sha256(sprocket_sandbox::DNS_KEY, sprocket_sandbox::DNS_SECRET);
                        draft.server(addresses.dns.to_string()).credentials(key)
                    },
                    FROM,
                ),
                #[cfg(feature = "docker")]
                Override::every::<sprocket_docker::Docker>(
                    move |draft| draft.address(format!("tcp://{}", addresses.swarm)),
                    FROM,
                ),
                #[cfg(feature = "s3")]
                Override::every::<sprocket_s3::S3>(
                    move |draft| {
                        let (id, secret) = (sprocket_sandbox::S3_KEY, sprocket_sandbox::S3_SECRET);
                        let keys = sprocket_s3::S3Credentials::keys(id, secret.to_owned());
                        draft.endpoint(format!("http://{}", addresses.s3)).path_style(true).credentials(keys)
                    },
                    FROM,
                ),
                #[cfg(feature = "vault")]
                Override::every::<sprocket_vault::Vault>(
                    move |draft| if is_fixed(&draft) { draft.address(vault(addresses)) } else { draft },
                    FROM,
                ),
                #[cfg(feature = "vault")]
                Override::every::<sprocket_vault::VaultServer>(
                    move |draft| if is_fixed(&draft) { draft.address(vault(addresses)) } else { draft },
                    FROM,
                ),
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

    #[cfg(feature = "vault")]
    fn vault(addresses: sprocket_sandbox::Addresses) -> String {
        format!("http://{}", addresses.vault)
    }

    /// Whether the address of a Vault is not that of a service of the program.
    #[cfg(feature = "vault")]
    fn is_fixed(draft: &impl sprocket_core::kind::Fields) -> bool {
        let mut deps = sprocket_core::__derive::Deps::default();
        for (name, slot) in draft.slots() {
            if name == "address" {
                slot.deps(&mut deps);
            }
        }
        deps.is_empty()
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
