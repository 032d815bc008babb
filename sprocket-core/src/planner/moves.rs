//! Moves: which recorded resources have another address in the program now, all of them decided together.
//!
//! A `.moved_from` names a place, and that place may be another resource's by now, which was itself somewhere else: so moves
//! are a graph. Each resource takes at most one record, and no record is taken twice. A resource that is recorded takes none,
//! unless its own record moves on in the same plan; and a record whose address is still declared stays, unless that address
//! takes another one. What is left of the graph after that are chains and circles, which are made at once.
//!
//! A record remembers the address that it had. A `.moved_from` that names it is done, and may stay in the program.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::decide::problem;
use crate::base::{Address, PhysicalName, Place};
use crate::plan::{Move, Problem};
use crate::stack::{Configs, Node, Stack};
use crate::state::{Action, Object, Record, Snapshot};

/// What a program says of earlier addresses, held against what is recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    /// The moves to be made, in the order of the program.
    pub(crate) made: Vec<Move>,
    /// The old addresses by the new ones.
    origins: HashMap<Address, Address>,
    /// Resources that name a record which another one takes, by their place in the stack: they can't be planned.
    contested: HashMap<u32, Problem>,
    /// What has no effect, though it looks as if it should.
    warnings: Vec<Problem>,
}

/// A resource that may take a record from another address.
struct Candidate<'a> {
    node: &'a Node,
    index: u32,
    from: &'a Address,
}

impl Moves {
    pub(crate) fn of(stack: &Stack, snapshot: &Snapshot, configs: &Configs) -> Self {
        let mut moves = if stack.nodes.iter().any(|node| !node.moved_from.is_empty()) {
            Self::declared(stack, snapshot)
        } else {
            Self::default()
        };
        moves.add_respelled(stack, snapshot, configs);
        moves.origins = moves.made.iter().map(|Move { from, to }| (to.clone(), from.clone())).collect();
        moves
    }

    /// The moves that the program says.
    fn declared(stack: &Stack, snapshot: &Snapshot) -> Self {
        let is_known =
            |address: &Address| snapshot.records.contains_key(address) || snapshot.pending.contains_key(address);
        let is_done = |node: &Node| {
            let recorded = snapshot.records.get(&node.address).and_then(|record| record.moved_from.as_ref());
            let begun = snapshot.pending(&node.address).and_then(|begun| match begun {
                Action::Create { intent } => intent.moved_from.as_ref(),
                _ => None,
            });
            recorded.or(begun).is_some_and(|before| node.moved_from.contains(before))
        };
        // A declared resource to which nothing can move.
        let is_settled = |node: &Node| !node.moved_from.iter().any(is_known);
        let mut moves = Self::default();
        let mut taken: HashMap<&Address, &Node> = HashMap::new();
        let mut candidates: Vec<Candidate<'_>> = Vec::new();
        let nodes = stack.nodes.iter().zip(0..).filter(|(node, _)| !node.moved_from.is_empty() && !is_done(node));
        let known = |(node, index)| {
            let node: &Node = node;
            let known: Vec<&Address> = node.moved_from.iter().filter(|from| is_known(from)).collect();
            (!known.is_empty()).then_some((node, index, known))
        };
        let mut nodes: Vec<_> = nodes.filter_map(known).collect();
        // Who has a choice leaves to the others what only these can take.
        nodes.sort_by_key(|(.., known)| known.len());
        for (node, index, known) in nodes {
            let stays =
                |from: &&&Address| stack.index.get(**from).is_some_and(|&at| is_settled(&stack.nodes[at as usize]));
            let free = || known.iter().filter(|from| !taken.contains_key(**from));
            if let Some(from) = free().find(|from| !stays(from)).or_else(|| free().next()) {
                taken.insert(from, node);
                candidates.push(Candidate { node, index, from });
            } else if !is_known(&node.address) {
                let other = taken[known[0]];
                let message = format!("was `{}`, it says, and `{}` says so too", known[0], other.address);
                let problem = Problem { hint: Some(also_at(other)), ..problem(node, message) };
                moves.contested.insert(index, problem);
            }
        }
        candidates.sort_by_key(|candidate| candidate.index);
        let is_made = feasible(&candidates, stack, &is_known);
        for (candidate, is_made) in candidates.iter().zip(is_made) {
            if is_made {
                moves.made.push(Move { from: candidate.from.clone(), to: candidate.node.address.clone() });
            } else {
                moves.warnings.extend(candidate.without_effect(stack, is_known(&candidate.node.address)));
            }
        }
        moves
    }

    /// The moves that are only another spelling: what is declared is called as an object that is recorded and not declared any
    /// more, written in another way.
    fn add_respelled(&mut self, stack: &Stack, snapshot: &Snapshot, configs: &Configs) {
        let moved: HashSet<&Address> = self.made.iter().flat_map(|Move { from, to }| [from, to]).collect();
        let is_new = |node: &&Node| {
            node.kind.facts().spellings
                && !snapshot.records.contains_key(&node.address)
                && !snapshot.pending.contains_key(&node.address)
                && !moved.contains(&node.address)
        };
        let new: Vec<&Node> = stack.nodes.iter().filter(is_new).collect();
        if new.is_empty() {
            return;
        }
        let is_free = |address: &Address| !stack.index.contains_key(address) && !moved.contains(address);
        let undeclared = snapshot.records.iter().filter(|(address, _)| is_free(address));
        let key = |node: &Node, name: &PhysicalName| {
            let provider = &stack.providers[node.provider].name;
            (provider.clone(), node.kind.facts().kind, node.kind.canonical(name, configs.of(node.provider)))
        };
        // An object keeps the spelling that it was made with, whatever its resource was called since.
        let called =
            |address: &Address| PhysicalName::from(address.as_str().split_once('/').map_or("", |(_, name)| name));
        let is_respelled = |node: &Node, before: &Address, object: &Object| {
            node.name != object.name || key(node, &called(&node.address)) == key(node, &called(before))
        };
        let place = |node: &&Node| (&stack.providers[node.provider].name, node.kind.facts().kind);
        let beside: HashMap<_, &Node> = new.iter().map(|node| (place(node), *node)).collect();
        let mut wanted: HashMap<_, &Node> = new.iter().map(|node| (key(node, &node.name), *node)).collect();
        let mut found = Vec::new();
        for (address, record) in undeclared {
            let beside = beside.get(&(&record.provider, address.kind()));
            let (Some(node), Some(object)) = (beside, &record.object) else { continue };
            if let Some(node) =
                wanted.get(&key(node, &object.name)).filter(|node| is_respelled(node, address, object)).copied()
            {
                wanted.remove(&key(node, &node.name));
                found.push(Move { from: address.clone(), to: node.address.clone() });
            }
        }
        self.made.extend(found);
    }

    /// The new addresses by the old ones.
    pub(crate) fn by_old_address(&self) -> BTreeMap<Address, Address> {
        self.made.iter().map(|Move { from, to }| (from.clone(), to.clone())).collect()
    }

    /// The address that a resource had before a move of this plan.
    pub(super) fn origin(&self, address: &Address) -> Option<&Address> {
        self.origins.get(address)
    }

    pub(super) fn contested(&self, index: usize) -> Option<&Problem> {
        self.contested.get(&u32::try_from(index).ok()?)
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.warnings)
    }
}

impl Candidate<'_> {
    fn without_effect(&self, stack: &Stack, is_recorded: bool) -> Option<Problem> {
        let Self { node, from, .. } = self;
        let declared = stack.index.get(*from).map(|&other| &stack.nodes[other as usize]);
        let (why, hint) = match (declared, is_recorded) {
            // It was made beside the other. Where both were moved, in another state, nothing is said either.
            (Some(_), true) | (None, false) => return None,
            (Some(other), false) => (
                format!("`{from}` is still declared, and keeps its object"),
                format!("take `.moved_from` away, or the other declaration; {}", also_at(other)),
            ),
            (None, true) => (
                "it has an object of its own".to_owned(),
                format!(
                    "take `.moved_from` away; or, to have the object of `{from}` here, `state forget {}` first",
                    node.address
                ),
            ),
        };
        let message = format!("`.moved_from` has no effect on the record of `{from}`: {why}");
        Some(Problem { hint: Some(hint), ..problem(node, message) })
    }
}

fn also_at(other: &Node) -> String {
    format!("`{}` is at {}", other.address, Place::of(other.at))
}

/// Which of the candidates can be made. Without recursion: begin with all, and take out what others stand in the way of.
fn feasible(candidates: &[Candidate<'_>], stack: &Stack, is_known: &dyn Fn(&Address) -> bool) -> Vec<bool> {
    let from: HashMap<&Address, usize> = candidates.iter().map(|candidate| candidate.from).zip(0..).collect();
    let to: HashMap<&Address, usize> = candidates.iter().map(|candidate| &candidate.node.address).zip(0..).collect();
    let stays_free = |place: usize| {
        let Candidate { node, from: old, .. } = &candidates[place];
        let makes_room = !is_known(&node.address) || from.contains_key(&node.address);
        makes_room && (!stack.index.contains_key(*old) || to.contains_key(old))
    };
    let mut is_made = vec![true; candidates.len()];
    let mut work: Vec<usize> = (0..candidates.len()).filter(|&place| !stays_free(place)).collect();
    work.iter().for_each(|&place| is_made[place] = false);
    while let Some(place) = work.pop() {
        let Candidate { node, from: old, .. } = &candidates[place];
        // Its record stays at the old address, where no other can come; and its own address, which is declared, gets none, so
        // what is recorded there stays too.
        for &other in to.get(old).into_iter().chain(from.get(&node.address)) {
            if std::mem::replace(&mut is_made[other], false) {
                work.push(other);
            }
        }
    }
    is_made
}

/// Whether a record remembers an earlier address that is another resource's now, and that the program says nothing of any more.
pub(super) fn remembers_too_much(record: &Record, node: &Node, stack: &Stack) -> bool {
    let is_over = |before: &&Address| !node.moved_from.contains(before) && stack.index.contains_key(*before);
    record.moved_from.as_ref().filter(is_over).is_some()
}
