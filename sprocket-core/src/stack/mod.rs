//! Stacks: what a program declares.
//!
//! Everything here is synchronous and does no I/O. `add` never fails: what is wrong is kept with the line that is to blame,
//! and all of it is reported together before anything is asked of any service.

mod configs;
mod declare;
mod node;
mod policy;

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::base::{Address, Place, ProviderName, is_part};
use crate::erased::{LookupOf, provider, provider_type, question};
use crate::kind::{
    AppliedOverride, Draft, Handle, InvalidOverride, Kind, Layer, Lookup, Override, Overrides, Provider, ProviderDraft,
    Question,
};
use crate::plan::Plan;
use crate::state::{Record, Snapshot};
use crate::value::{
    Deps, Exposed, Facts, Input, Known, Mistake, NodeId, Output, Providers, Slot as _, StackKey, exposed_here,
};

pub(crate) use configs::Configs;
pub use declare::Mistakes;
use declare::NOWHERE;
pub use node::Declared;
pub(crate) use node::{LookupNode, Node, ProviderNode, StackOutput};
use policy::Policy;
pub(crate) use policy::judge;
pub use policy::{Budget, Objections};

/// What a program declares: resources in their order, the providers they are made with, and outputs.
pub struct Stack {
    id: u32,
    scopes: Vec<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) index: HashMap<Address, u32>,
    pub(crate) providers: Vec<ProviderNode>,
    pub(crate) outputs: Vec<StackOutput>,
    pub(crate) lookups: Vec<LookupNode>,
    pub(crate) overrides: Overrides,
    pub(crate) policies: Vec<Policy>,
    pub(crate) budget: Budget,
    /// What is connected once something is declared on it, and the program has not connected it by then.
    on_demand: HashMap<TypeId, Connect>,
    folder: PathBuf,
    mistaken: HashMap<Address, &'static Location<'static>>,
    mistakes: Vec<String>,
    /// What its program exposes: it is secret wherever it is given in clear.
    pub(crate) exposed: Exposed,
}

impl Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.nodes.iter().map(|node| &node.address)).finish()
    }
}

/// Connects a provider.
type Connect = Box<dyn FnOnce(&mut Stack) + Send + Sync>;

/// A connection that resources can be declared on.
pub struct Connected<P> {
    stack: u32,
    provider: usize,
    of: PhantomData<fn() -> P>,
}

impl<P> Clone for Connected<P> {
    fn clone(&self) -> Self {
        Self { stack: self.stack, provider: self.provider, of: PhantomData }
    }
}

impl<P: Provider> Debug for Connected<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connected({})", P::NAME)
    }
}

/// A stack, and the provider that is to be used.
pub struct On<'s, P> {
    stack: &'s mut Stack,
    connected: Connected<P>,
}

impl<P: Provider> Debug for On<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connected.fmt(f)
    }
}

impl<P: Provider> On<'_, P> {
    /// Declares a resource on this provider.
    #[track_caller]
    pub fn add<D>(&mut self, draft: D) -> D::Handle
    where
        D: Draft,
        D::Handle: Kind + Handle<Provider = P>,
    {
        let provider = self.provider();
        self.stack.declare(draft, provider, Location::caller())
    }

    /// Asks this provider about something that exists.
    #[track_caller]
    pub fn look<L>(&mut self, query: impl Question<Lookup = L>) -> Output<L::Answer>
    where
        L: Lookup<Provider = P>,
    {
        let provider = self.provider();
        self.stack.ask(query, provider, Location::caller())
    }

    fn provider(&self) -> Result<usize, String> {
        if self.connected.stack == self.stack.id {
            Ok(self.connected.provider)
        } else {
            Err(format!("is declared on a `{}` of another stack", P::NAME))
        }
    }
}

static STACKS: AtomicU32 = AtomicU32::new(0);

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

impl Stack {
    /// An empty stack.
    pub fn new() -> Self {
        Self {
            id: STACKS.fetch_add(1, Ordering::Relaxed),
            scopes: Vec::new(),
            nodes: Vec::new(),
            index: HashMap::new(),
            providers: Vec::new(),
            outputs: Vec::new(),
            lookups: Vec::new(),
            overrides: Overrides::default(),
            policies: Vec::new(),
            exposed: exposed_here(),
            budget: Budget::default(),
            on_demand: HashMap::new(),
            folder: PathBuf::new(),
            mistaken: HashMap::new(),
            mistakes: Vec::new(),
        }
    }

    /// Where what the program keeps on this machine belongs: call it before anything is declared.
    pub fn keep_in(&mut self, folder: impl Into<PathBuf>) {
        self.folder = folder.into();
    }

    /// The folder for what the program keeps on this machine: under the command line the one of its state,
    /// `.sprocket/STACK/ENV` beside `sprocket.toml`; else the one that it is started in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Overrides settings of providers: call it before anything is declared.
    pub fn override_providers(&mut self, overrides: impl IntoIterator<Item = Override>) {
        self.overrides.add(overrides);
    }

    /// The providers that are connected so far.
    pub fn connected(&self) -> impl Iterator<Item = &ProviderName> {
        self.providers.iter().map(|provider| &provider.name)
    }

    /// The overrides of the providers that are connected so far.
    pub fn applied_overrides(&self) -> &[AppliedOverride] {
        &self.overrides.applied
    }

    /// The overrides that can't be applied. [`check`](Self::check) reports them too.
    pub fn invalid_overrides(&self) -> Vec<InvalidOverride> {
        let connected: Vec<&ProviderName> = self.connected().collect();
        self.overrides.invalid(&connected)
    }

    /// Declares a connection to a service.
    #[track_caller]
    pub fn connect<D: ProviderDraft>(&mut self, draft: D) -> Connected<D::Provider> {
        let at = Location::caller();
        let kind = <D::Provider as Provider>::NAME;
        let name = match draft.name() {
            "" => ProviderName::from(kind),
            name => ProviderName::from(format!("{kind}/{name}")),
        };
        let is_mistaken = !draft.name().is_empty() && !is_part(draft.name());
        let overlaid = self.overrides.lay_over(&name, draft);
        if is_mistaken {
            self.mistake(&name, Mistake::at(at, "needs a name without spaces and slashes"));
        }
        if let Some(other) = self.providers.iter().find(|other| other.name == name) {
            let message =
                format!("is connected already at {}:{}; give one of them a name", other.at.file(), other.at.line());
            self.mistake(&name, Mistake::at(at, message));
        }
        let mut mistakes = Vec::new();
        overlaid.mistakes(&mut mistakes);
        for mistake in mistakes {
            self.mistake(&name, mistake);
        }
        let mut deps = Deps::default();
        overlaid.deps(&mut deps);
        overlaid.draft.credential_deps(&mut deps);
        let lookups = deps.lookups.iter().copied().collect();
        let deps = self.resolve_deps(&name, &deps, at);
        let provider_type = provider_type::<D::Provider>();
        self.providers.push(ProviderNode { name, erased: provider(overlaid), provider_type, at, deps, lookups });
        Connected { stack: self.id, provider: self.providers.len() - 1, of: PhantomData }
    }

    /// Connects a provider once something is declared on it that the program connects none for.
    pub(crate) fn connect_on_demand<D: ProviderDraft + Send + Sync>(&mut self, draft: D) {
        let connect = move |stack: &mut Self| {
            stack.connect(draft);
        };
        self.on_demand.insert(TypeId::of::<D::Provider>(), Box::new(connect));
    }

    /// Declares on this provider, where a stack has several of a type.
    pub fn on<P: Provider>(&mut self, connected: &Connected<P>) -> On<'_, P> {
        On { connected: connected.clone(), stack: self }
    }

    /// Declares a resource, on the one provider of its type.
    ///
    /// It never fails: what is wrong is reported when the program is planned.
    #[track_caller]
    pub fn add<D: Draft>(&mut self, draft: D) -> D::Handle
    where
        D::Handle: Kind,
    {
        let at = Location::caller();
        let provider = self.only_provider::<<D::Handle as Handle>::Provider>();
        self.declare(draft, provider, at)
    }

    /// Asks a service about something that exists, on the one provider of its type.
    ///
    /// The question may mention outputs: then it is asked when they are known.
    #[track_caller]
    pub fn look<L: Lookup>(&mut self, query: impl Question<Lookup = L>) -> Output<L::Answer> {
        let provider = self.only_provider::<L::Provider>();
        self.ask(query, provider, Location::caller())
    }

    fn ask<L: Lookup>(
        &mut self,
        query: impl Question<Lookup = L>,
        provider: Result<usize, String>,
        at: &'static Location<'static>,
    ) -> Output<L::Answer> {
        let query = query.into_input();
        let mut deps = Deps::default();
        query.deps(&mut deps);
        let who = format!("look-up of a {}", L::WHAT);
        let mut mistakes = Vec::new();
        query.mistakes(&mut mistakes);
        for mistake in mistakes {
            self.mistake(&who, mistake);
        }
        let provider = provider.unwrap_or_else(|message| {
            self.mistake(&who, Mistake::at(at, message));
            usize::MAX
        });
        let place = self.lookups.len();
        for node in deps.nodes.iter().filter(|node| node.stack == self.id) {
            if let Some(node) = self.nodes.get_mut(node.index as usize) {
                node.asked_about.push(place);
            }
        }
        let asked = query.clone();
        self.lookups.push(LookupNode { provider, erased: Box::new(LookupOf { query, at }) });
        deps.lookups.insert(place);
        Output::new(deps, move |known| known.answer(place, &question(&asked, known)?))
    }

    /// Declares inside a scope: addresses, and physical names that are not pinned, begin with its name.
    #[track_caller]
    pub fn scope<T>(&mut self, name: impl Into<String>, declare: impl FnOnce(&mut Self) -> T) -> T {
        let name = name.into();
        if !is_part(&name) {
            let mistake = Mistake::at(Location::caller(), "needs a name without spaces and slashes");
            self.mistake(&format!("scope {name}"), mistake);
        }
        self.scopes.push(name);
        let result = declare(self);
        self.scopes.pop();
        result
    }

    /// Declares as usual, and gives all of it as one thing that others can come `.after`.
    ///
    /// ```
    /// # use sprocket_core::program::{DraftExt as _, Password, Stack};
    /// let mut stack = Stack::new();
    /// let (_, data) = stack.layer(|stack| stack.scope("data", |stack| stack.add(Password::new("redis"))));
    /// stack.add(Password::new("app").after(&data));
    /// ```
    pub fn layer<T>(&mut self, declare: impl FnOnce(&mut Self) -> T) -> (T, Layer) {
        let first = self.nodes.len();
        let result = declare(self);
        let mut is_last = vec![true; self.nodes.len() - first];
        let waited_for = self.nodes[first..].iter().flat_map(|node| &node.deps);
        for inside in waited_for.filter_map(|&dep| (dep as usize).checked_sub(first)) {
            is_last[inside] = false;
        }
        let places = (first..).zip(is_last).filter(|(_, is_last)| *is_last);
        let node = |(place, _)| NodeId { stack: self.id, index: u32::try_from(place).unwrap_or(NOWHERE) };
        (result, Layer { last: places.map(node).collect() })
    }

    /// A rule that every plan of this program must keep: a plain function over the plan, without I/O. What it refuses is a
    /// problem of the plan, and nothing is applied.
    ///
    /// ```
    /// # use sprocket_core::testing;
    /// # use sprocket_core::program::{Password, Stack};
    /// let program = |stack: &mut Stack| {
    ///     stack.policy("long passwords", |plan, objections| {
    ///         for step in &plan.steps {
    ///             if step.setting("length").is_some_and(|length| length.as_u64() < Some(20)) {
    ///                 objections.refuse(&step.address, "is too short");
    ///             }
    ///         }
    ///     });
    ///     stack.add(Password::new("redis").length(16));
    /// };
    /// let plan = testing::world().plan(program);
    /// assert_eq!(plan.problems[0].message, "is too short (policy `long passwords`)");
    /// ```
    #[track_caller]
    pub fn policy(
        &mut self,
        name: impl Into<String>,
        rule: impl Fn(&Plan, &mut Objections<'_>) + Send + Sync + 'static,
    ) {
        let at = Place::of(Location::caller());
        self.policies.push(Policy { name: name.into(), rule: Arc::new(rule), at });
    }

    /// How much a plan may delete and replace before it must be told so by name.
    ///
    /// ```
    /// # use sprocket_core::program::{Budget, Stack};
    /// # let mut stack = Stack::new();
    /// stack.budget(Budget::default().deletes(0).replaces(2));
    /// ```
    pub fn budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// Shows a value to people and to other stacks.
    #[track_caller]
    pub fn output<T: Clone + serde::Serialize + Send + Sync + 'static>(
        &mut self,
        name: impl Into<String>,
        value: &Output<T>,
    ) {
        let name = name.into();
        if self.outputs.iter().any(|output| output.name == name) {
            self.mistake(&format!("output {name}"), Mistake::here("is declared already"));
        }
        self.outputs.push(StackOutput { name, slot: Box::new(Input::Output(value.clone())) });
    }

    /// Nothing is known of any of its resources.
    pub(crate) fn nothing_known(&self, key: &StackKey) -> Known {
        self.exposed.tell(key.redactor());
        Known {
            nodes: std::iter::repeat_with(Facts::default).take(self.nodes.len()).collect(),
            answers: Vec::new(),
            key: Some(key.clone()),
            exposed: self.exposed.clone(),
            providers: Providers(self.providers.iter().map(|node| Arc::clone(&node.erased) as _).collect()),
        }
    }

    /// Whether the program can be planned.
    ///
    /// # Errors
    /// All its mistakes, each with its line.
    pub fn check(&self) -> Result<(), Mistakes> {
        let invalid = self.invalid_overrides();
        let invalid = invalid.iter().map(|invalid| format!("`{}`: {invalid}  ({})", invalid.provider, invalid.from));
        let mistakes: Vec<String> = invalid.chain(self.mistakes.iter().cloned()).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
    }

    /// What is declared, in the order of the program; what is mistaken is left out.
    pub fn resources(&self) -> impl Iterator<Item = Declared<'_>> {
        self.nodes.iter().map(|node| Declared {
            address: &node.address,
            provider: &self.providers[node.provider].name,
            at: Place::of(node.at),
            after: node.deps.iter().map(|&dep| &self.nodes[dep as usize].address).collect(),
            name: &node.name,
            is_named: node.options.physical_name.is_some(),
            is_protected: node.options.protect,
            is_kept: node.options.keep_on_delete || node.kind.facts().stateful,
        })
    }

    /// All declared resources, in their order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        let stack = self.id;
        (0..).take(self.nodes.len()).map(move |index| NodeId { stack, index })
    }

    /// The record of each declared resource, and what is recorded and not declared. Going through the records once is
    /// cheaper than looking for each.
    pub(crate) fn recorded<'r>(
        &self,
        snapshot: &'r Snapshot,
    ) -> (Vec<Option<&'r Record>>, BTreeMap<&'r Address, &'r Record>) {
        let mut recorded = vec![None; self.nodes.len()];
        let mut gone = BTreeMap::new();
        for (address, record) in &snapshot.records {
            match self.index.get(address) {
                Some(&index) => recorded[index as usize] = Some(record),
                None => drop(gone.insert(address, record)),
            }
        }
        (recorded, gone)
    }

    /// What is waited for, by its addresses.
    pub(crate) fn addresses(&self, deps: &Deps) -> Vec<String> {
        let nodes = deps.nodes.iter().filter_map(|node| self.nodes.get(node.index as usize));
        nodes.map(|node| node.address.to_string()).collect()
    }

    /// Takes the last declared resource away again, for tests of what happens then.
    pub(crate) fn undeclare(&mut self, address: &Address) {
        if self.nodes.last().is_some_and(|node| node.address == *address) {
            self.nodes.pop();
            self.index.remove(address);
        }
    }
}
