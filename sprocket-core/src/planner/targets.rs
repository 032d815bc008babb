//! Which resources a plan is for, decided before it is made: what was asked for, with what that takes.
//!
//! A resource that is made or changed takes what it is made from; one that is deleted takes what was made from it, which goes
//! first. What is left out stays as it is, and so does all that it was made from, however indirectly. What can't be read yet is
//! planned later, and until then nothing goes that it was made from.

use std::collections::{HashMap, HashSet};

use crate::base::{Address, ProviderName};
use crate::plan::{Goal, Move, Pattern, Request};
use crate::stack::Stack;
use crate::state::{Action, Record, Snapshot};

/// Which resources a plan is for. All, if nothing is left out.
#[derive(Default)]
pub(super) struct Selected<'a> {
    left_out: HashSet<&'a Address>,
    /// What those were made from.
    in_use: HashSet<&'a Address>,
    /// The recorded dependencies of resources that are deferred: their objects stay until those are planned.
    needed_by_deferred: HashSet<&'a Address>,
    /// Declared resources that depend on what is not known before this provider is read.
    deferred_with: HashMap<&'a Address, &'a ProviderName>,
}

impl<'a> Selected<'a> {
    pub(super) fn of(
        request: &Request,
        stack: &'a Stack,
        snapshot: &'a Snapshot,
        moved: &[Move],
        is_shut: impl Fn(&ProviderName) -> bool,
        stays: impl Fn(&Address, &Record) -> bool,
    ) -> Self {
        let is_unread = |address: &Address, record: &Record| {
            let declared = stack.index.get(address).filter(|_| request.goal == Goal::Declared);
            // What is declared at another provider now is read there too.
            let is_declared_at_shut =
                |&index: &u32| is_shut(&stack.providers[stack.nodes[index as usize].provider].name);
            // What is not declared, and is left in place or goes with its host, need not be read for that.
            let is_left = request.goal == Goal::Declared && stays(address, record);
            let needs_no_reading = declared.is_none() && (is_left || record.dies_with.is_some());
            !needs_no_reading && (is_shut(&record.provider) || declared.is_some_and(is_declared_at_shut))
        };
        let unread = |address: &Address| {
            begun_at(snapshot, address).is_some_and(&is_shut)
                || snapshot.records.get(address).is_some_and(|record| is_unread(address, record))
        };
        let all_open = !stack.providers.iter().any(|provider| is_shut(&provider.name));
        if !request.is_partial() && all_open {
            return Self::default();
        }
        let graph = Graph::of(request.goal, stack, snapshot);
        // Who looks up an address before an apply finds the one from before a move.
        let is_free = |moved: &&Move| !stack.index.contains_key(&moved.from);
        let before: HashMap<&Address, &Address> =
            moved.iter().filter(is_free).map(|Move { from, to }| (to, from)).collect();
        let is_meant = |pattern: &Pattern, address: &Address| {
            pattern.matches(address) || before.get(address).is_some_and(|before| pattern.matches(before))
        };
        let matching = |patterns: &[Pattern]| -> Vec<usize> {
            let is_one = |place: &usize| patterns.iter().any(|pattern| is_meant(pattern, graph.addresses[*place]));
            (0..graph.addresses.len()).filter(is_one).collect()
        };
        let mut is_out = vec![false; graph.addresses.len()];
        if !request.only.is_empty() {
            let selected = closure(matching(&request.only), graph.addresses.len(), |place| graph.takes(place));
            is_out.iter_mut().zip(selected).for_each(|(out, selected)| *out = !selected);
        }
        let without = (0..is_out.len()).filter(|&place| is_out[place]).chain(matching(&request.without)).collect();
        let mut is_out = closure(without, graph.addresses.len(), |place| graph.takes_along(place, is_out[place]));
        // An old object that stays was made from others, which stay with it.
        let out = (0..is_out.len()).filter(|&place| is_out[place]);
        let used = out.flat_map(|place| graph.made_from[place].iter().copied()).collect();
        let is_used = closure(used, graph.addresses.len(), |place| &graph.made_from[place]);
        (graph.declared..is_out.len()).for_each(|place| is_out[place] |= is_used[place]);
        // What is used stays, and with it the host that it would go with.
        let host = |address: &&'a Address| snapshot.records.get(*address)?.dies_with.as_ref();
        let with_hosts = |is_used: &[bool]| {
            let mut in_use: HashSet<&'a Address> = HashSet::new();
            for place in (0..is_used.len()).filter(|&place| is_used[place]) {
                let mut address = graph.addresses[place];
                while in_use.insert(address)
                    && let Some(host) = host(&address)
                {
                    address = host;
                }
            }
            in_use
        };
        let deferred_with = match request.goal {
            Goal::Declared => deferred_with(stack, snapshot, &is_shut),
            Goal::Destroyed { .. } => HashMap::new(),
        };
        let is_deferred = |address: &Address| unread(address) || deferred_with.contains_key(address);
        let deferred = (0..graph.addresses.len()).filter(|&place| is_deferred(graph.addresses[place]));
        let held = deferred.flat_map(|place| graph.made_from[place].iter().copied()).collect();
        let is_held = closure(held, graph.addresses.len(), |place| &graph.made_from[place]);
        let out = (0..is_out.len()).filter(|&place| is_out[place]);
        Self {
            left_out: out.map(|place| graph.addresses[place]).collect(),
            in_use: with_hosts(&is_used),
            needed_by_deferred: with_hosts(&is_held),
            deferred_with,
        }
    }

    pub(super) fn leaves_out(&self, address: &Address) -> bool {
        self.left_out.contains(address)
    }

    /// Whether a deferred resource depends on it.
    pub(super) fn is_needed_by_deferred(&self, address: &Address) -> bool {
        self.needed_by_deferred.contains(address)
    }

    /// The provider that must be read before a declared resource can be planned, though it is at another one.
    pub(super) fn deferred_with(&self, address: &Address) -> Option<&'a ProviderName> {
        self.deferred_with.get(address).copied()
    }

    /// Whether something that is left out was made from it, or that can't be read yet: its old objects stay until that has
    /// moved over.
    pub(super) fn is_in_use(&self, address: &Address) -> bool {
        self.in_use.contains(address) || self.is_needed_by_deferred(address)
    }

    /// What is left out, in no order.
    pub(super) fn left_out(&self) -> impl Iterator<Item = &'a Address> {
        self.left_out.iter().copied()
    }

    pub(super) fn into_left_out(self) -> Vec<Address> {
        let mut all: Vec<Address> = self.left_out.into_iter().cloned().collect();
        all.sort();
        all
    }
}

/// The declared resources that depend on an object which nothing is known of, as its provider is shut: what was begun or
/// replaced there is not recorded yet.
fn deferred_with<'a>(
    stack: &'a Stack,
    snapshot: &'a Snapshot,
    is_shut: impl Fn(&ProviderName) -> bool,
) -> HashMap<&'a Address, &'a ProviderName> {
    let mut unknown: Vec<Option<&ProviderName>> = Vec::with_capacity(stack.nodes.len());
    let mut deferred = HashMap::new();
    for node in &stack.nodes {
        let record = snapshot.records.get(&node.address);
        let declared_at = &stack.providers[node.provider].name;
        let has_object = record.is_some_and(|record| record.object.is_some());
        let is_begun =
            record.is_some_and(|record| !record.old.is_empty()) || snapshot.pending.contains_key(&node.address);
        let at = [begun_at(snapshot, &node.address), record.map(|record| &record.provider), Some(declared_at)];
        let own = at.into_iter().flatten().find(|name| is_shut(name)).filter(|_| is_begun && !has_object);
        let through = || node.deps.iter().find_map(|&dep| unknown[dep as usize]);
        if let (None, Some(provider)) = (own, through()) {
            deferred.insert(&node.address, provider);
        }
        unknown.push(own.or_else(through));
    }
    deferred
}

/// Which provider a call was begun at, if it is not known how that ended.
fn begun_at<'a>(snapshot: &'a Snapshot, address: &Address) -> Option<&'a ProviderName> {
    snapshot.pending.get(address)?.provider()
}

/// Which resource needs which. The declared ones come first.
struct Graph<'a> {
    addresses: Vec<&'a Address>,
    /// How many are to be made or to stay; the others are to be deleted.
    declared: usize,
    /// What each is to be made from.
    needs: Vec<Vec<usize>>,
    /// What is to be made from each.
    needed_by: Vec<Vec<usize>>,
    /// What each was made from, by its record.
    made_from: Vec<Vec<usize>>,
    /// What was made from each.
    made_into: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn of(goal: Goal, stack: &'a Stack, snapshot: &'a Snapshot) -> Self {
        let nodes = if goal == Goal::Declared { &stack.nodes[..] } else { &[] };
        let mut addresses: Vec<&Address> = nodes.iter().map(|node| &node.address).collect();
        let is_declared = |address: &Address| !nodes.is_empty() && stack.index.contains_key(address);
        addresses.extend(snapshot.records.keys().filter(|address| !is_declared(address)));
        let is_known = |address: &Address| is_declared(address) || snapshot.records.contains_key(address);
        addresses.extend(snapshot.pending.keys().filter(|address| !is_known(address)));
        let places: HashMap<&Address, usize> = addresses.iter().copied().zip(0..).collect();
        let mut needs: Vec<Vec<usize>> =
            nodes.iter().map(|node| node.deps.iter().map(|&dep| dep as usize).collect()).collect();
        needs.resize(addresses.len(), Vec::new());
        let recorded = |address: &&Address| {
            let objects = snapshot.records.get(*address).into_iter().flat_map(|record| record.objects());
            let begun = match snapshot.pending(address) {
                Some(Action::Create { intent } | Action::Update { intent }) => &intent.deps[..],
                _ => &[],
            };
            objects.flat_map(|object| &object.deps).chain(begun).filter_map(|dep| places.get(dep).copied()).collect()
        };
        let made_from: Vec<Vec<usize>> = addresses.iter().map(recorded).collect();
        let (needed_by, made_into) = (reversed(&needs), reversed(&made_from));
        Self { addresses, declared: nodes.len(), needs, needed_by, made_from, made_into }
    }

    fn is_declared(&self, place: usize) -> bool {
        place < self.declared
    }

    /// What must be done too if this is.
    fn takes(&self, place: usize) -> &[usize] {
        if self.is_declared(place) { &self.needs[place] } else { &self.made_into[place] }
    }

    /// What must be left out too if this is. What was not asked for is no obstacle to what is made from it: that was asked for
    /// with all that it takes.
    fn takes_along(&self, place: usize, is_unasked: bool) -> Vec<usize> {
        let dependents = if is_unasked { &[][..] } else { &self.needed_by[place] };
        let used = self.made_from[place].iter().filter(|&&used| !self.is_declared(used));
        dependents.iter().chain(used).copied().collect()
    }
}

fn reversed(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut reversed = vec![Vec::new(); edges.len()];
    for (from, all) in edges.iter().enumerate() {
        all.iter().for_each(|&to| reversed[to].push(from));
    }
    reversed
}

/// These, and all that they lead to.
fn closure<E: AsRef<[usize]>>(begin: Vec<usize>, count: usize, leads_to: impl Fn(usize) -> E) -> Vec<bool> {
    let mut reached = vec![false; count];
    begin.iter().for_each(|&place| reached[place] = true);
    let mut work = begin;
    while let Some(place) = work.pop() {
        for &next in leads_to(place).as_ref() {
            if !std::mem::replace(&mut reached[next], true) {
                work.push(next);
            }
        }
    }
    reached
}
