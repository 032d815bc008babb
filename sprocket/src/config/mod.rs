//! `sprocket.toml`: the environments of a program, and where its secrets come from.
//!
//! ```toml
//! default = "local"            # optional: the environment without --env and SPROCKET_ENV
//!
//! [local]                      # an environment: deserialised into the program's own type
//! replicas = 1
//!
//! [production]
//! replicas = 3
//! redis.host = "redis.internal"
//! ```
//!
//! **Where it is.** `--file`, or else `SPROCKET_FILE`; else beside the source file that calls [`run`](crate::run), or above it
//! up to its package's `Cargo.toml`; else in the working directory or above. Source files are looked for from
//! `CARGO_MANIFEST_DIR`, which `cargo run` sets, and from the working directory, upwards.
//!
//! **Keys.** A key that the program's type has no field for is an error with its place, whatever serde attributes the type
//! has. (Not seen are keys beside a field with `#[serde(flatten)]`, of which serde tells nobody.)
//!
//! **Providers.** `[production.providers.docker]` has settings that take the place of those that the program gives the
//! provider `docker`, and `[production.providers."docker/far"]` of those of the one that it calls `far`: an address, say.
//! The name, the setting and its value must fit, and secrets are refused here too. What is overridden is said in the first
//! lines of each command. So a program's type can't have a field `providers` of its own.
//!
//! **The sandbox.** In the environment of the name `sandbox` the providers for Docker, DNS and S3 are led to services inside of
//! the program's own process (the feature `sandbox`), and so is a Vault that is not a service of the program itself. They end
//! with the command, and their world stays beside the state. Nobody is asked there, and `destroy` takes what is kept too.
//! Providers of other makers do what the program says; with one of those, people are asked as everywhere else.
//!
//! **State.** `state = "s3://BUCKET/PREFIX?region=…&endpoint=…"` keeps an environment's state in a bucket, for several machines,
//! under `PREFIX/STACK/ENVIRONMENT`; unless it is set, state lies beside this file, in `.sprocket/`. A program's type can't
//! have a field `state` of its own.
//!
//! **Secrets.** A field of type [`Secret<T>`](crate::core::program::Secret) never comes from this file. The field `redis.password` is the
//! variable `SPROCKET_REDIS_PASSWORD`, or the content of the file that `SPROCKET_REDIS_PASSWORD_FILE` names, or that of the
//! file `redis.password` in the folder that the environment names: `secrets = "/run/secrets"`, from the folder of this file;
//! in this order, and the first two together are one too many. One newline at the end of a file is not part of the secret;
//! any other space at an end, control characters and placeholders such as `changeme` are refused rather than trimmed. An
//! `Option<Secret<T>>` is `None` without any of them. All that is missing is reported at once; in the environment `sandbox`
//! it is made up: `made-up-redis-password`. Secrets are not looked for in fields behind `#[serde(flatten)]`. A program's
//! type can't have a field `secrets` of its own.

mod access;
mod environment;
mod error;
mod file;
mod problem;
mod providers;
mod secrets;
mod state;
mod text;
mod walk;

pub(crate) use self::environment::{SANDBOX, choose, is_name};
pub(crate) use self::file::{File, find};
pub use self::problem::ConfigError;
pub(crate) use self::problem::meant_address;
pub(crate) use self::providers::take as take_providers;
pub(crate) use self::secrets::{Secrets, take_folder as take_secrets};
pub(crate) use self::state::{place as state_place, take as take_state};
pub(crate) use self::walk::read;
