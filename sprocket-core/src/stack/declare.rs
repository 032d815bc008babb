//! How a resource gets into a stack, and what can be wrong with it.

use std::any::TypeId;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::panic::Location;

use crate::base::{Address, PhysicalName, is_name};
use crate::erased::{DraftOf, KindHandle};
use crate::kind::{Draft, Handle, Ignored, Kind, Provider, ResourceRef, Spec as _};
use crate::stack::{Node, Stack};
use crate::value::{Deps, Mistake, NodeId, Slot as _};

/// Where the handle of a mistaken resource points: who mentions it is not to blame, and no plan will be made.
pub(super) const NOWHERE: u32 = u32::MAX;

impl Stack {
    pub(super) fn only_provider<P: Provider>(&mut self) -> Result<usize, String> {
        let mut found = self.providers.iter().enumerate().filter(|(_, node)| node.erased.is(TypeId::of::<P>()));
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(index),
            (Some(_), Some(_)) => Err(format!("could be on several `{0}`; say which: `stack.on(&{0}).…`", P::NAME)),
            (None, _) => {
                match (self.on_demand.remove(&TypeId::of::<P>()), P::unconnected()) {
                    (Some(connect), _) => connect(self),
                    (None, Some(draft)) => {
                        self.connect(draft);
                    }
                    (None, None) => {
                        return Err(format!(
                            "needs a `{}`, and the stack is connected to none; connect it first: `stack.connect(…)`",
                            P::NAME
                        ));
                    }
                }
                Ok(self.providers.len() - 1)
            }
        }
    }

    pub(super) fn declare<D>(
        &mut self,
        mut draft: D,
        provider: Result<usize, String>,
        at: &'static Location<'static>,
    ) -> D::Handle
    where
        D: Draft,
        D::Handle: Kind,
    {
        let address = Address::new(<D::Handle as Handle>::KIND, &self.scopes, draft.name());
        let before = self.mistakes.len();
        if !is_name(draft.name()) {
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
        let moved_from = self.old_addresses::<D::Handle>(&address, &options.moved_from, at);
        let mut deps = Deps::default();
        draft.deps(&mut deps);
        deps.nodes.extend(options.after.iter().chain(&options.dies_with));
        options.replace_on.iter().for_each(|trigger| trigger.deps(&mut deps));
        let lookups = deps.lookups.iter().copied().collect();
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
        let this = ResourceRef {
            address: address.clone(),
            name: name.clone(),
            node: NodeId { stack: self.id, index },
            provider,
            kind: PhantomData,
        };
        let handle = D::Handle::handle(&draft, this);
        if index == NOWHERE {
            self.mistaken.entry(address).or_insert(at);
            return handle;
        }
        self.index.insert(address.clone(), index);
        self.nodes.push(Node {
            address,
            kind: KindHandle::of::<D::Handle>(),
            draft: Box::new(DraftOf(draft)),
            provider,
            options,
            name,
            at,
            deps,
            lookups,
            asked_about: Vec::new(),
            moved_from,
        });
        handle
    }

    /// The addresses that a resource says it had: names in the same scope, or whole addresses of its kind.
    fn old_addresses<R: Kind>(
        &mut self,
        address: &Address,
        all: &[String],
        at: &'static Location<'static>,
    ) -> Vec<Address> {
        let mut found = Vec::with_capacity(all.len());
        for old in all {
            let is_whole = old.contains('/');
            let before = if is_whole { Address::from(&**old) } else { Address::new(R::KIND, &self.scopes, old) };
            let problem = match Address::parse(before.as_str()) {
                Err(_) if !is_whole => "is no name".to_owned(),
                Err(_) => format!("is no address: write `{}/NAME`, or only the name if the scope is the same", R::KIND),
                Ok(_) if before.kind() != R::KIND => format!("is of another kind: a resource stays a `{}`", R::KIND),
                Ok(_) if before == *address => "is its own address: it names an earlier one".to_owned(),
                Ok(_) => {
                    found.push(before);
                    continue;
                }
            };
            let problem = format!("`.moved_from(\"{old}\")` {problem}");
            self.mistake(address, Mistake::at(at, problem));
        }
        found
    }

    pub(super) fn resolve_deps(&mut self, who: &dyn Display, deps: &Deps, at: &'static Location<'static>) -> Vec<u32> {
        if deps.nodes.iter().any(|node| node.stack != self.id) {
            self.mistake(who, Mistake::at(at, "mentions a resource of another stack"));
        }
        deps.nodes.iter().filter(|node| node.stack == self.id && node.index != NOWHERE).map(|node| node.index).collect()
    }

    pub(super) fn mistake(&mut self, who: &dyn Display, mistake: Mistake) {
        self.mistakes.push(self.exposed.redact(&format!("`{who}`: {mistake}")));
    }
}

/// Everything that is wrong in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub(super) Vec<String>);

impl Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}
