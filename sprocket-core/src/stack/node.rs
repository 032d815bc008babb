//! What is declared: resources and look-ups, the providers they are made with, and outputs.

use std::collections::HashSet;
use std::panic::Location;
use std::sync::Arc;

use crate::base::{Address, PhysicalName, Place, ProviderName};
use crate::erased::{ErasedDraft, ErasedLookup, ErasedProvider, ErasedProviderType, KindHandle};
use crate::kind::Options;
use crate::stack::Stack;
use crate::state::Ending;
use crate::value::{NodeId, Slot};

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
    /// The look-ups whose answers its settings have.
    pub(crate) lookups: Vec<usize>,
    /// The look-ups that ask about it.
    pub(crate) asked_about: Vec<usize>,
    /// Earlier addresses of it.
    pub(crate) moved_from: Vec<Address>,
}

impl Node {
    /// An earlier address that is another resource's now, if that was where this one is, or by way of others. What is made under
    /// the new address does not come from there, and says so in its record: or resources that have changed places would do so
    /// again once they were replaced.
    pub(crate) fn moved_past(&self, stack: &Stack) -> Option<Address> {
        let declared = |from: &Address| stack.index.get(from).map(|&at| &stack.nodes[at as usize]);
        let leads_back = |from: &&Address| {
            let (mut seen, mut work) = (HashSet::new(), vec![*from]);
            while let Some(node) = work.pop().and_then(declared) {
                if node.address == self.address {
                    return true;
                }
                work.extend(node.moved_from.iter().filter(|from| declared(from).is_some() && seen.insert(*from)));
            }
            false
        };
        self.moved_from.iter().find(leads_back).cloned()
    }

    /// What its record says of its end.
    pub(crate) fn ending(&self, stack: &Stack) -> Ending {
        let address = |node: &NodeId| stack.nodes[node.index as usize].address.clone();
        Ending {
            protect: self.options.protect,
            keep_on_delete: self.options.keep_on_delete,
            dies_with: self.options.dies_with.as_ref().map(address),
            retain_with: self.options.retain_with.iter().map(address).collect(),
        }
    }
}

/// A declared provider.
pub(crate) struct ProviderNode {
    pub(crate) name: ProviderName,
    pub(crate) erased: Arc<dyn ErasedProvider>,
    pub(crate) provider_type: Arc<dyn ErasedProviderType>,
    pub(crate) at: &'static Location<'static>,
    pub(crate) deps: Vec<u32>,
    /// The look-ups whose answers its settings have.
    pub(crate) lookups: Vec<usize>,
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
}

/// A value that the stack shows to people and to other stacks.
pub(crate) struct StackOutput {
    pub(crate) name: String,
    pub(crate) slot: Box<dyn Slot + Send + Sync>,
}
