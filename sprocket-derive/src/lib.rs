//! `#[derive(Spec)]`, which writes the draft of a spec, and `#[derive(Handle)]`, which says where a resource's outputs come
//! from. Their documentation is that of [`Spec`](macro@Spec) and [`Handle`](macro@Handle).
//!
//! `handle` is the whole of the second. The first runs in three steps, none of which stops at the first mistake:
//!
//! 1. `attributes` reads what is in `#[spec(…)]`, word by word, and refuses attributes of serde's;
//! 2. `model` decides what that means, with `slot` for the types of fields and `reserved` for the names that
//!    drafts have in use;
//! 3. `draft` writes the draft and its constructor, `setters` its setters, `facts` the impls of the core's traits.
//!
//! **Invariant:** it never panics; an author's mistake is an error at the attribute or field, and the rest is still
//! written, so that nothing follows from it.

mod attributes;
mod draft;
mod facts;
mod handle;
mod model;
mod reserved;
mod setters;
mod slot;

use proc_macro::TokenStream;

/// Writes the draft of a spec: the struct that a program fills in, and in which every setting may still be an output of
/// another resource.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use serde::{Deserialize, Serialize};
/// # use sprocket_core::kind::{CallResult, CreateRequest, FailureOf, Handle, Kind, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest};
/// # use sprocket_core::program::{IntoInput, Random, Secret, Stack};
/// /// A service's settings.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
/// #[spec(resource = Service)]
/// pub struct ServiceSpec {
///     /// The image its containers run.
///     pub image: String,
///     /// The environment of its containers.
///     #[spec(each = "env")]
///     pub env: BTreeMap<String, String>,
///     /// Mounts a folder.
///     #[spec(each = "mount", draft = Mount)]
///     pub mounts: Vec<MountSpec>,
///     /// How many containers run at once.
///     #[spec(default = 1)]
///     pub replicas: u64,
///     /// At most this much memory, in bytes.
///     pub memory: Option<u64>,
///     /// The password for the image's registry.
///     #[spec(write_only)]
///     pub registry_password: Option<Secret<String>>,
///     /// Runs one container on every node, instead of a number of them.
///     #[spec(flag, replaces)]
///     pub global: bool,
/// }
///
/// /// A mount.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
/// #[spec(draft = Mount)]
/// pub struct MountSpec {
///     /// What is mounted.
///     pub source: String,
///     /// Where in the container.
///     pub target: String,
///     /// Forbids writing.
///     #[spec(flag)]
///     pub read_only: bool,
/// }
///
/// // The constructors are the author's.
/// impl Service {
///     #[track_caller]
///     pub fn new(name: impl Into<String>, image: impl IntoInput<String>) -> ServiceDraft {
///         ServiceDraft::new(name, image)
///     }
/// }
/// impl Mount {
///     #[track_caller]
///     pub fn of(source: impl IntoInput<String>, target: impl IntoInput<String>) -> Self {
///         Self::new(source, target)
///     }
/// }
/// # #[derive(Clone, Debug, Handle)]
/// # #[handle(kind = "example:service", provider = Random, naming = fixed, state = ())]
/// # pub struct Service {
/// #     this: ResourceRef<Self>,
/// # }
/// # impl Kind for Service {
/// #     async fn read(_: &Random, _: ReadRequest<'_, Self>) -> ReadResult<Self> { Ok(Vec::new()) }
/// #     async fn create(_: &Random, _: &CreateRequest<'_, Self>) -> CallResult<Self> { Ok(()) }
/// #     async fn update(_: &Random, _: &UpdateRequest<'_, Self>) -> CallResult<Self> { Ok(()) }
/// #     async fn delete(_: &Random, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> { Ok(()) }
/// # }
///
/// let mut stack = Stack::new();
/// let db = stack.add(
///     Service::new("db", "postgres:17")
///         .env("POSTGRES_USER", "core")
///         .mount(Mount::of("/srv/db", "/var/lib/postgresql").read_only())
///         .maybe_memory(Some(1_u64 << 30)),
/// );
/// # stack.check().unwrap();
/// ```
///
/// # On the struct
///
/// | | the draft |
/// |---|---|
/// | `resource = Network` | `NetworkDraft`. `new` takes the resource's name first: the name is the draft's and no setting. The physical name comes to the kind's calls in `CreateRequest::name` |
/// | `provider = Docker` | `DockerDraft`, with the setters `named` and `credentials` |
/// | `draft = Attachment` | `Attachment`: settings inside those of a resource or provider |
/// | `new` | besides, for a resource or provider: `Network::new`, with the arguments of the draft's `new` |
/// | `crate = sprocket::core` | where `sprocket_core` is, for crates that depend on it through another |
///
/// A draft is `Clone` and `Debug`, must be used, and has the visibility of its spec. Its `new` is `pub(crate)` and takes
/// what is required, in the order of the fields; where nothing is, it has a `Default`, unless it is a resource's.
///
/// # On a field
///
/// | | |
/// |---|---|
/// | nothing | a `T` is required; an `Option`, `Vec` or `BTreeMap` is empty unless it is set |
/// | `default`, `default = 1` | `T::default()`, or what the setter makes of the expression, unless it is set |
/// | `flag` | a `bool` whose setter takes nothing: `.read_only()` |
/// | `each = "env"` | an item of a `Vec` or `BTreeMap` has a setter of its own |
/// | `draft = Mount` | its items are settings themselves, and this is their draft |
/// | `replaces` | a change of it needs a new object |
/// | `write_only` | the service never shows it: it is compared by a fingerprint. It is a `Secret`, or an `Option` of one |
///
/// What the planner must know of a field (`replaces`, `write_only`) is for the fields of a resource only: it is about the
/// whole setting. Whether a value is secret is said by its type, `Secret<T>`, anywhere.
///
/// # The setters
///
/// A setter has the field's name and documentation, and takes an `impl IntoInput<T>`: a `T`, an `Output<T>`, or a handle
/// that has one. For a nested draft it takes an `impl Into<Mount>`.
///
/// | field | setters |
/// |---|---|
/// | `replicas: u64` | `.replicas(3)` |
/// | `memory: Option<u64>` | `.memory(1 << 30)`; `.maybe_memory(site.memory)` takes an `Option`, and unsets it with `None` |
/// | `command: Vec<String>` | `.command(["serve", "--verbose"])` adds several items; with `each = "arg"` also `.arg("serve")` |
/// | `labels: BTreeMap<String, String>` | `.labels([("team", "core")])` adds several; with `each = "label"` also `.label("team", "core")` |
///
/// Where `each` is the field's own name (`#[spec(each = "env")] env`), only the setter of one item is written. A key of a
/// map that is set to something else already is a mistake, reported by `stack.check()` with the line of the second; keys
/// implement `Display` for that.
///
/// # What is refused
///
/// - Enums, tuple structs and generic structs: they are plain values, or several specs.
/// - A setting with a name that drafts have in use, such as `after`: its setter would hide the option of that name.
/// - Attributes of serde's other than `default`, `alias`, `deny_unknown_fields` and `crate`: a spec is recorded with all
///   of its fields, under their own names.
#[proc_macro_derive(Spec, attributes(spec))]
pub fn spec(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    let mut errors = attributes::Errors::default();
    let mut code = proc_macro2::TokenStream::new();
    if let Some(model) = model::Model::read(&input, &mut errors) {
        code.extend(draft::write(&model));
        code.extend(facts::write(&model));
    }
    code.extend(errors.to_compile_errors());
    code.into()
}

/// Writes `Handle` for the struct of a resource's outputs: the resource's identity, and the source of each output.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use sprocket_core::kind::*;
/// # use sprocket_core::program::{Output, Random, Secret};
/// /// A database.
/// #[derive(Clone, Debug, Handle)]
/// #[handle(kind = "example:database", provider = Random, naming = generation)]
/// pub struct Database {
///     /// The service's id of it.
///     #[output(state.id)]
///     pub id: Output<String>,
///     /// Its name, known while planning.
///     #[output(name)]
///     pub name: Output<String>,
///     /// Who may log in.
///     #[output(state.password)]
///     pub password: Output<Secret<String>>,
///     /// How often its settings were changed.
///     #[output(state.changes, volatile)]
///     pub changes: Output<u64>,
///     this: ResourceRef<Self>,
/// }
///
/// /// Its settings.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
/// #[spec(resource = Database)]
/// pub struct DatabaseSpec {}
///
/// /// What the service reports.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// pub struct DatabaseState {
///     id: String,
///     password: Secret<String>,
///     changes: u64,
/// }
/// ```
///
/// # On the struct
///
/// | | |
/// |---|---|
/// | `kind = "docker:network"` | its name in addresses, in full |
/// | `provider = Docker` | what it is made with |
/// | `naming = fixed` | how its objects are named: `fixed`, `generation`, `content` or `none` |
/// | `spec = NetworkSpec`, `state = NetworkState` | its settings, and what its service reports; these are the defaults for `Network` |
/// | `crate = sprocket::core` | where `sprocket_core` is, for crates that depend on it through another |
///
/// # On a field
///
/// One field is `this: ResourceRef<Self>`; each of the others says where it comes from.
///
/// | `#[output(…)]` | when it is known |
/// |---|---|
/// | `state.id` | once the object exists; no update changes it. An `Output<Secret<T>>` is secret |
/// | `state.id, volatile` | the same, and it is unknown again whenever the object is to change |
/// | `name` | while planning, if the name at the service is; the field's type is made of a `String` by `From` |
/// | `config.address` | while planning, if the provider's settings are known |
/// | anything else | an expression of `this`, the resource's identity, and of `draft` |
#[proc_macro_derive(Handle, attributes(handle, output))]
pub fn handle(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    let mut errors = attributes::Errors::default();
    let mut code = handle::write(&input, &mut errors).unwrap_or_default();
    code.extend(errors.to_compile_errors());
    code.into()
}
