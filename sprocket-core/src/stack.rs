//! Stacks: what a program declares.
//!
//! Everything here is synchronous and does no I/O. `add` never fails: what is wrong is kept with the line that is to blame,
//! and all of it is reported together before anything is asked of any service.

use std::collections::HashMap;
use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::erased::{DraftOf, ErasedDraft, ErasedProvider, KindHandle};
use crate::ids::{Address, PhysicalName, ProviderName};
use crate::lookup::{ErasedLookup, Lookup, LookupOf, Question, question};
use crate::neighbours::{Neighbours, OutputOf, Stacks, StacksDraft};
use crate::options::{Ignored, Options};
use crate::overrides::{Misfit, Overridden, Override, Overrides};
use crate::plan::{Place, Plan};
use crate::policy::{Budget, Objections, Policy};
use crate::provider::Provider;
use crate::random::Random;
use crate::resource::{Resource, State, This};
use crate::spec::{Draft, ProviderDraft, Spec as _};
use crate::state::Ending;
use crate::value::{Deps, Input, Mistake, NodeId, Output, Slot};

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
    neighbours: Option<Neighbours>,
    folder: PathBuf,
    mistaken: HashMap<Address, &'static Location<'static>>,
    mistakes: Vec<String>,
}

impl Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.nodes.iter().map(|node| &node.address)).finish()
    }
}

/// A declared resource.
pub(crate) struct Node {
    pub(crate) address: Address,
    pub(crate) kind: KindHandle,
    pub(crate) draft: Box<dyn ErasedDraft>,
    /// Its place among the stack's providers.
    pub(crate) provider: usize,
    pub(crate) options: Options,
    /// The name its object has by default; generations and contents add to it.
    pub(crate) name: PhysicalName,
    pub(crate) at: &'static Location<'static>,
    /// What it waits for, its provider's included. All of them were declared earlier.
    pub(crate) deps: Vec<u32>,
    /// Earlier addresses of it.
    pub(crate) moved_from: Vec<Address>,
}

impl Node {
    /// What its record says of its end.
    pub(crate) fn ending(&self, stack: &Stack) -> Ending {
        Ending {
            protect: self.options.protect,
            keep_on_delete: self.options.keep_on_delete,
            dies_with: self.options.dies_with.map(|host| stack.nodes[host.index as usize].address.clone()),
        }
    }
}

/// A declared provider.
pub(crate) struct ProviderNode {
    pub(crate) name: ProviderName,
    pub(crate) erased: Arc<dyn ErasedProvider>,
    pub(crate) at: &'static Location<'static>,
    pub(crate) deps: Vec<u32>,
}

/// A declared resource, as tools see it.
#[derive(Clone, Debug)]
pub struct Declared<'s> {
    /// Its address.
    pub address: &'s Address,
    /// The provider that makes it.
    pub provider: &'s ProviderName,
    /// The line of the program that declares it.
    pub at: Place,
    /// What it waits for.
    pub after: Vec<&'s Address>,
    /// The name its object has by default, to which generations and contents add.
    pub name: &'s PhysicalName,
    /// The program says exactly this name, with `.named`.
    pub is_named: bool,
    /// Plans that would delete or replace it are refused.
    pub is_protected: bool,
    /// A delete leaves its object in place: it says so, or holds data.
    pub is_kept: bool,
}

/// A declared look-up.
pub(crate) struct LookupNode {
    pub(crate) provider: usize,
    pub(crate) erased: Box<dyn ErasedLookup>,
    /// The question mentions resources: it may be another one after a step.
    pub(crate) waits: bool,
}

/// A value that the stack shows to people and to other stacks.
pub(crate) struct StackOutput {
    pub(crate) name: String,
    pub(crate) slot: Box<dyn Slot + Send + Sync>,
}

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
    pub fn add<D>(&mut self, draft: D) -> D::Resource
    where
        D: Draft,
        D::Resource: Resource<Provider = P>,
    {
        let at = Location::caller();
        let found = if self.connected.stack == self.stack.id {
            Ok(self.connected.provider)
        } else {
            Err(format!("is declared on a `{}` of another stack", P::NAME))
        };
        self.stack.declare(draft, found, at)
    }
}

/// Everything that was declared inside of [`Stack::layer`], as one thing that others can come after.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What nothing else in it waits for: the rest of it is there before.
    pub(crate) last: Vec<NodeId>,
}

/// Where the handle of a mistaken resource points: who mentions it is not to blame, and no plan will be made.
const NOWHERE: u32 = u32::MAX;

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
            budget: Budget::default(),
            neighbours: None,
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

    /// Overrides what will be said of providers: call it before anything is declared.
    pub fn overrule(&mut self, overrides: impl IntoIterator<Item = Override>) {
        self.overrides.add(overrides);
    }

    /// The providers that are connected so far.
    pub fn connected(&self) -> impl Iterator<Item = &ProviderName> {
        self.providers.iter().map(|provider| &provider.name)
    }

    /// What was overridden so far.
    pub fn overridden(&self) -> &[Overridden] {
        &self.overrides.done
    }

    /// The overrides that can't be. [`check`](Self::check) reports them too.
    pub fn misfits(&self) -> Vec<Misfit> {
        let connected: Vec<&ProviderName> = self.providers.iter().map(|provider| &provider.name).collect();
        self.overrides.misfits(&connected)
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
        let draft = self.overrides.apply(&name, draft);
        if let Some(other) = self.providers.iter().find(|other| other.name == name) {
            let message =
                format!("is connected already at {}:{}; give one of them a name", other.at.file(), other.at.line());
            self.mistake(&name, Mistake::at(at, message));
        }
        let mut mistakes = Vec::new();
        draft.mistakes(&mut mistakes);
        for mistake in mistakes {
            self.mistake(&name, mistake);
        }
        let mut deps = Deps::default();
        draft.deps(&mut deps);
        draft.credential_deps(&mut deps);
        let deps = self.resolve_deps(&name, &deps, at);
        self.providers.push(ProviderNode { name, erased: crate::erased::provider(draft), at, deps });
        Connected { stack: self.id, provider: self.providers.len() - 1, of: PhantomData }
    }

    /// Declares on this provider, where a stack has several of a type.
    pub fn on<P: Provider>(&mut self, connected: &Connected<P>) -> On<'_, P> {
        On { connected: connected.clone(), stack: self }
    }

    /// Declares a resource, on the one provider of its type.
    ///
    /// It never fails: what is wrong is reported when the program is planned.
    #[track_caller]
    pub fn add<D: Draft>(&mut self, draft: D) -> D::Resource {
        let at = Location::caller();
        let provider = self.only_provider::<<D::Resource as Resource>::Provider>();
        self.declare(draft, provider, at)
    }

    /// Asks a service about something that exists, on the one provider of its type.
    ///
    /// The question may mention outputs: then it is asked when they are known.
    #[track_caller]
    pub fn look<L: Lookup>(&mut self, query: impl Question<Lookup = L>) -> Output<L::Answer> {
        let at = Location::caller();
        let query = query.into_input();
        let mut deps = Deps::default();
        query.deps(&mut deps);
        let who = format!("look-up of a {}", L::WHAT);
        let mut mistakes = Vec::new();
        query.mistakes(&mut mistakes);
        for mistake in mistakes {
            self.mistake(&who, mistake);
        }
        let provider = self.only_provider::<L::Provider>().unwrap_or_else(|message| {
            self.mistake(&who, Mistake::at(at, message));
            usize::MAX
        });
        let place = self.lookups.len();
        let asked = query.clone();
        let waits = !deps.is_empty();
        self.lookups.push(LookupNode { provider, erased: Box::new(LookupOf { query, at }), waits });
        Output::new(deps, move |known| known.answer(place, &question(&asked, known)?))
    }

    /// What another stack shows by [`output`](Self::output) under this name, as of its last run.
    ///
    /// Both programs use one type for it, such as a struct that they share. What is secret in it there is a
    /// [`Secret`](crate::Secret) in this type. A stack without state, or one that can't be read, is an error before
    /// anything is done; an output that it does not have, a mistake at this line.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use sprocket_core::{Secret, Stack};
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    /// struct Edge {
    ///     network: String,
    ///     token: Secret<String>,
    /// }
    ///
    /// let mut stack = Stack::new();
    /// # stack.neighbours(sprocket_core::Neighbours::new(|_| async { Err("none".to_owned()) }));
    /// let edge = stack.output_of::<Edge>("infrastructure", "edge");
    /// let network = edge.map(|edge| edge.network);
    /// ```
    #[track_caller]
    pub fn output_of<T: State>(&mut self, stack: impl Into<String>, output: impl Into<String>) -> Output<T> {
        self.look(OutputOf { stack: stack.into(), output: output.into(), of: PhantomData })
    }

    /// Where the states of other stacks are: call it before anything is declared. The command line knows.
    pub fn neighbours(&mut self, neighbours: Neighbours) {
        self.neighbours = Some(neighbours);
    }

    /// Declares inside a scope: addresses, and physical names that are not pinned, begin with its name.
    pub fn scope<T>(&mut self, name: impl Into<String>, declare: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(name.into());
        let result = declare(self);
        self.scopes.pop();
        result
    }

    /// Declares as usual, and gives all of it as one thing that others can come `.after`.
    ///
    /// ```
    /// # use sprocket_core::{DraftExt as _, Password, Stack};
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
    /// # use sprocket_core::{Password, Stack, testing};
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
    /// # use sprocket_core::{Budget, Stack};
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

    /// Whether the program can be planned.
    ///
    /// # Errors
    /// All its mistakes, each with its line.
    pub fn check(&self) -> Result<(), Mistakes> {
        let misfits = self.misfits();
        let misfits = misfits.iter().map(|misfit| format!("`{}`: {misfit}  ({})", misfit.provider, misfit.from));
        let mistakes: Vec<String> = misfits.chain(self.mistakes.iter().cloned()).collect();
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

    fn only_provider<P: Provider>(&mut self) -> Result<usize, String> {
        let mut found =
            self.providers.iter().enumerate().filter(|(_, node)| node.erased.is(std::any::TypeId::of::<P>()));
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(index),
            (Some(_), Some(_)) => {
                Err(format!("could be on several `{0}`; say which: `stack.on(&{0}).add(…)`", P::NAME))
            }
            // Generated secrets need no server, and so no connection in the program.
            (None, _) if P::NAME == Random::NAME => {
                self.connect(crate::random::RandomDraft::default());
                Ok(self.providers.len() - 1)
            }
            (None, _) if P::NAME == Stacks::NAME => {
                let draft = StacksDraft::default();
                self.connect(match self.neighbours.clone() {
                    Some(neighbours) => draft.credentials(neighbours),
                    None => draft,
                });
                Ok(self.providers.len() - 1)
            }
            (None, _) => Err(format!(
                "needs a `{}`, and the stack is connected to none; connect it first: `stack.connect(…)`",
                P::NAME
            )),
        }
    }

    fn declare<D: Draft>(
        &mut self,
        mut draft: D,
        provider: Result<usize, String>,
        at: &'static Location<'static>,
    ) -> D::Resource {
        let address = Address::new(<D::Resource as Resource>::KIND, &self.scopes, draft.name());
        let before = self.mistakes.len();
        if draft.name().is_empty() || draft.name().contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.mistake(&address, Mistake::at(at, "needs a name without spaces"));
        }
        let earlier = self.index.get(&address).map(|&other| self.nodes[other as usize].at);
        if let Some(other) = earlier.or_else(|| self.mistaken.get(&address).copied()) {
            let message =
                format!("is declared already at {}:{}; one of them needs another name", other.file(), other.line());
            self.mistake(&address, Mistake::at(at, message));
        }
        let mut mistakes = Vec::new();
        draft.mistakes(&mut mistakes);
        for Ignored { setting, .. } in &draft.options().ignore {
            if !D::Spec::FIELDS.iter().any(|field| field.name == *setting) {
                mistakes.push(Mistake::at(at, format!("has no setting `{setting}` to ignore")));
            }
        }
        draft.options().replace_on.iter().for_each(|trigger| trigger.mistakes(&mut mistakes));
        for mistake in mistakes {
            self.mistake(&address, mistake);
        }
        let options = draft.options().clone();
        let mut deps = Deps::default();
        draft.deps(&mut deps);
        deps.nodes.extend(options.after.iter().chain(&options.dies_with));
        let drafted = deps;
        let mut deps = drafted.clone();
        options.replace_on.iter().for_each(|trigger| trigger.deps(&mut deps));
        let mut deps = self.resolve_deps(&address, &deps, at);
        let provider = match provider {
            Ok(provider) => {
                deps.extend_from_slice(&self.providers[provider].deps);
                provider
            }
            Err(message) => {
                self.mistake(&address, Mistake::at(at, message));
                usize::MAX
            }
        };
        deps.sort_unstable();
        deps.dedup();

        let index = if self.mistakes.len() == before {
            u32::try_from(self.nodes.len()).expect("a stack has fewer than four billion resources")
        } else {
            NOWHERE
        };
        let name = options.physical_name.clone().unwrap_or_else(|| {
            self.scopes.iter().map(|scope| format!("{scope}-")).chain([draft.name().to_owned()]).collect()
        });
        let name = PhysicalName::from(name);
        let this = This {
            address: address.clone(),
            name: name.clone(),
            node: NodeId { stack: self.id, index },
            provider,
            kind: PhantomData,
        };
        let handle = D::Resource::declared(&draft, this);
        if index == NOWHERE {
            self.mistaken.entry(address).or_insert(at);
            return handle;
        }
        let moved_from = options.moved_from.iter().map(|old| self.old_address::<D::Resource>(old)).collect();
        self.index.insert(address.clone(), index);
        self.nodes.push(Node {
            address,
            kind: KindHandle::of::<D::Resource>(),
            draft: Box::new(DraftOf::new(draft, &drafted)),
            provider,
            options,
            name,
            at,
            deps,
            moved_from,
        });
        handle
    }

    fn old_address<R: Resource>(&self, old: &str) -> Address {
        if old.contains('/') { Address::from(old) } else { Address::new(R::KIND, &self.scopes, old) }
    }

    fn resolve_deps(&mut self, who: &dyn Display, deps: &Deps, at: &'static Location<'static>) -> Vec<u32> {
        if deps.nodes.iter().any(|node| node.stack != self.id) {
            self.mistake(who, Mistake::at(at, "mentions a resource of another stack"));
        }
        deps.nodes.iter().filter(|node| node.stack == self.id && node.index != NOWHERE).map(|node| node.index).collect()
    }

    fn mistake(&mut self, who: &dyn Display, mistake: Mistake) {
        self.mistakes.push(format!("`{who}`: {mistake}"));
    }
}

/// Everything that is wrong in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}
