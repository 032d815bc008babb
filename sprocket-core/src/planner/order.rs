//! The order of steps: what must have ended before what.
//!
//! Steps of declared resources follow the order of declaration, which is topological. A delete follows every step of what
//! is recorded as made from the object. Some deletes also come before other steps: those that wait for nothing but deletes.
//! What only one resource can have is handed over: released by one step before another takes it.

use std::collections::{BTreeMap, HashMap};

use crate::base::Address;
use crate::plan::{Reason, Step, StepAction, StepId};
use crate::state::{Object, Record, Snapshot};

/// Something that only one resource can have, and that two steps hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handover {
    /// The step that releases it,
    pub(crate) release: usize,
    /// and the one that takes it.
    pub(crate) taker: usize,
    /// What it is: `port 443/tcp`.
    pub(crate) what: String,
}

/// Adds the edges of deletes and of what is handed over. Steps may come to wait for each other then.
pub(super) fn order_steps(steps: &mut [Step], snapshot: &Snapshot, handovers: &[Handover]) {
    for handover in handovers {
        steps[handover.taker].after.push(StepId::of(handover.release));
    }
    let rooms = Rooms::of(steps, snapshot, handovers);
    order_deletes(steps, snapshot, &rooms);
    for step in &mut *steps {
        step.after.sort_unstable();
        step.after.dedup();
    }
}

/// The deletes that make room: each goes before another object is made, in its own place or with what it gives up.
struct Rooms {
    /// By step, whether it makes room.
    makes: Vec<bool>,
    /// Each with a step that it makes room for.
    pairs: Vec<(usize, usize)>,
}

impl Rooms {
    fn of(steps: &[Step], snapshot: &Snapshot, handovers: &[Handover]) -> Self {
        // The successor of what is replaced in place is the step after it.
        let in_place = (0..steps.len()).filter(|&at| steps[at].action.replaces_in_place() && at + 1 < steps.len());
        let in_place: Vec<usize> = in_place.collect();
        let given_up = handovers.iter().filter(|handover| steps[handover.release].action.deletes());
        let mut pairs: Vec<_> = in_place.iter().map(|&at| (at, at + 1)).collect();
        pairs.extend(given_up.map(|handover| (handover.release, handover.taker)));
        // A guest with a delete of its own is deleted before the successor of its host is created, too.
        let host = |address: &Address| snapshot.records.get(address)?.dies_with.as_ref();
        let has_host = |at: &&usize| host(&steps[**at].address).is_some();
        for &guest in in_place.iter().filter(has_host) {
            let of = |address: &Address| in_place.iter().copied().find(|&at| steps[at].address == *address);
            let chain = std::iter::successors(host(&steps[guest].address), |address| host(address));
            pairs.extend(chain.take(steps.len()).find_map(of).map(|host| (guest, host + 1)));
        }
        let mut makes = vec![false; steps.len()];
        pairs.iter().for_each(|&(delete, _)| makes[delete] = true);
        Self { makes, pairs }
    }
}

fn order_deletes(steps: &mut [Step], snapshot: &Snapshot, rooms: &Rooms) {
    let deletes: Vec<usize> = (0..steps.len()).filter(|&at| steps[at].action.deletes()).collect();
    if deletes.is_empty() {
        return;
    }
    let uses = Uses::of(steps, snapshot);
    let hosts = hosts(steps, snapshot);
    let early = uses.early_deletes(steps, &hosts);
    let objects = Objects::of(steps, snapshot);
    let (mut if_possible, mut after_hosts) = (Vec::new(), Vec::new());
    for &delete in &deletes {
        let makes_room = rooms.makes[delete];
        let Some(resource) = uses.resource_of[delete] else { continue };
        let ends = hosts.get(&delete).map_or(std::slice::from_ref(&delete), Vec::as_slice);
        let in_place = ends.iter().any(|&end| steps[end].action.replaces_in_place());
        for &user in &uses.users[resource] {
            for &step in &uses.steps[user] {
                // The old object of a kind with a fixed name goes before its new one is made, and so before whatever
                // only refers to it is updated. What itself goes, for good or to be made again, goes first all the same.
                let action = &steps[step].action;
                let goes = if in_place { early[step] || action.replaces_in_place() } else { action.deletes() };
                let first =
                    !ends.contains(&step) && (!in_place || goes) && objects.is_made_from(step, &steps[delete].address);
                match hosts.get(&step) {
                    _ if !first => {}
                    // What gives up its place to another waits for who moves over to that as far as that can be.
                    None if makes_room && !goes => if_possible.extend(ends.iter().map(|&end| (end, step))),
                    Some(hosts) => {
                        after_hosts.extend(ends.iter().flat_map(|&end| hosts.iter().map(move |&host| (end, host))))
                    }
                    None if steps[step].action.only_forgets() => {}
                    None if matches!(steps[step].action, StepAction::Record) => {
                        if_possible.extend(ends.iter().map(|&end| (end, step)))
                    }
                    None => {
                        let (mixed, sure): (Vec<usize>, _) =
                            ends.iter().partition(|&&end| action.deletes() && objects.are_mixed(step, end));
                        if_possible.extend(mixed.into_iter().map(|end| (end, step)));
                        sure.into_iter().for_each(|end: usize| steps[end].after.push(StepId::of(step)));
                    }
                }
            }
        }
    }
    // What goes with its host is recorded until that has gone: if a run ends before, it is still known.
    for (&drop, hosts) in &hosts {
        steps[drop].after.extend(hosts.iter().map(|&host| StepId::of(host)));
    }
    // What is deleted for good goes before what it was made from is changed: it may use the old form.
    // What is left does that forever.
    for delete in (0..steps.len()).filter(|&at| early[at]) {
        let is_left = steps[delete].action == StepAction::Leave || steps[delete].reason == Reason::Retained;
        let Some(resource) = uses.resource_of[delete].filter(|_| !is_left) else { continue };
        for &used in &uses.used[resource] {
            for &step in &uses.steps[used] {
                if matches!(steps[step].action, StepAction::Update) {
                    steps[step].after.push(StepId::of(delete));
                }
            }
        }
    }
    make_room_late(steps, &uses, rooms);
    // What was made from something goes before that, as far as it is known which of its objects that was. What a guest was
    // made from goes after its host. Both unless they wait for just that.
    if_possible.append(&mut after_hosts);
    wait_where_possible(steps, if_possible);
}

/// The objects that steps end, where their resources have several.
struct Objects<'a> {
    /// By step, its object, and whether that is one from before.
    ended: HashMap<usize, (&'a Object, bool)>,
    /// By step, whether its resource has a current object and others.
    has_both: Vec<bool>,
}

impl<'a> Objects<'a> {
    fn of(steps: &[Step], snapshot: &'a Snapshot) -> Self {
        let mut objects = Self { ended: HashMap::new(), has_both: vec![false; steps.len()] };
        if snapshot.records.values().all(|record| record.old.is_empty()) {
            return objects;
        }
        for (at, step) in steps.iter().enumerate() {
            let Some(record) = snapshot.records.get(&step.address).filter(|record| !record.old.is_empty()) else {
                continue;
            };
            objects.has_both[at] = record.object.is_some();
            if let StepAction::Delete { object: which, .. } | StepAction::Drop { object: which } = &step.action
                && let Some(object) = record.objects().find(|object| object.is(which))
            {
                objects.ended.insert(at, (object, record.old.iter().any(|old| old.is(which))));
            }
        }
        objects
    }

    /// Whether what the step ends was made from this resource, if its resource was.
    fn is_made_from(&self, step: usize, resource: &Address) -> bool {
        self.ended.get(&step).is_none_or(|(object, _)| object.deps.contains(resource))
    }

    /// Whether the object of the first step was hardly made from that of the second, which is not recorded: one of them is
    /// from before, the other is not, and there is one of the same age. Resources that have changed places would wait for
    /// each other.
    fn are_mixed(&self, user: usize, used: usize) -> bool {
        let is_old = |step: usize| self.ended.get(&step).is_some_and(|(_, is_old)| *is_old);
        self.has_both[used] && is_old(user) != is_old(used)
    }
}

/// By step that drops what goes with its host, the steps that end it: those of the host, or of what the host goes with.
fn hosts(steps: &[Step], snapshot: &Snapshot) -> BTreeMap<usize, Vec<usize>> {
    let goes_with_host = |step: &usize| {
        let Step { action, reason, .. } = &steps[*step];
        matches!(action, StepAction::Drop { .. }) && matches!(reason, Reason::HostDeleted | Reason::HostReplaced)
    };
    let drops: Vec<usize> = (0..steps.len()).filter(goes_with_host).collect();
    if drops.is_empty() {
        return BTreeMap::new();
    }
    let mut of: HashMap<&Address, Vec<usize>> = HashMap::new();
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.action.deletes()) {
        of.entry(&step.address).or_default().push(at);
    }
    let host_of = |step: usize| -> Option<Vec<usize>> {
        let host = snapshot.records.get(&steps[step].address)?.dies_with.as_ref()?;
        let current = snapshot.records.get(host).and_then(|record| record.object.as_ref());
        let is_current = |at: &usize| match &steps[*at].action {
            StepAction::Delete { object, .. } | StepAction::Drop { object } => {
                current.is_some_and(|current| current.is(object))
            }
            _ => false,
        };
        // What is replaced with its host is in the object that is replaced, and not in one from before.
        let is_replaced = steps[step].reason == Reason::HostReplaced;
        Some(of.get(host)?.iter().copied().filter(|at| !is_replaced || is_current(at)).collect())
    };
    let ends = |drop: usize| {
        let mut host = host_of(drop)?;
        // Each host is another: a chain of them is not longer than all.
        for _ in &drops {
            let Some(&carried) = host.iter().find(|step| goes_with_host(step)) else { break };
            host = host_of(carried)?;
        }
        Some((drop, host))
    };
    drops.iter().filter_map(|&drop| ends(drop)).collect()
}

/// What makes room for its successor goes as late as it can: once what the successor waits for is there. If that fails, it is
/// still there; and it stays if it turns out to need no successor.
///
/// Where the successor waits for something that itself makes room for another, the old object goes before that.
///
/// Who was made from it and does not wait for its successor, or for another that was made room for, comes before it too.
fn make_room_late(steps: &mut [Step], uses: &Uses, rooms: &Rooms) {
    if rooms.pairs.is_empty() {
        return;
    }
    let (dependents, Some(order)) = dependents(steps) else { return };
    // What follows on no such delete can't wait for one: so no step comes to wait for itself.
    let mut follows = vec![false; steps.len()];
    for at in order.into_iter().map(|at| at.index()) {
        if follows[at] || rooms.makes[at] {
            dependents[at].iter().for_each(|&next| follows[next.index()] = true);
        }
    }
    for &(delete, successor) in &rooms.pairs {
        let waits: Vec<StepId> =
            steps[successor].after.iter().copied().filter(|&before| !follows[before.index()]).collect();
        steps[delete].after.extend(waits.into_iter().filter(|&before| !rooms.makes[before.index()]));
    }
    for delete in (0..steps.len()).filter(|&at| rooms.makes[at]) {
        let users = uses.resource_of[delete].into_iter().flat_map(|resource| &uses.users[resource]);
        let moved_over = users.flat_map(|&user| &uses.steps[user]).copied();
        let moved_over = moved_over.filter(|&step| !follows[step] && !rooms.makes[step]);
        let moved_over: Vec<StepId> = moved_over.map(StepId::of).collect();
        steps[delete].after.extend(moved_over);
    }
    let late = |step: &usize| follows[*step] && steps[*step].action.is_final();
    let late: Vec<usize> = (0..steps.len()).filter(late).collect();
    if !late.is_empty() {
        goes_before_what_makes_room(steps, uses, rooms, &late);
    }
}

/// What goes for good and waits for something that makes room goes all the same before what it was made from makes room,
/// unless it waits for just that.
fn goes_before_what_makes_room(steps: &mut [Step], uses: &Uses, rooms: &Rooms, late: &[usize]) {
    let mut waits = Vec::new();
    for &goes in late {
        let used = uses.resource_of[goes].into_iter().flat_map(|resource| &uses.used[resource]);
        let making_room = used.flat_map(|&used| &uses.steps[used]).copied().filter(|&step| rooms.makes[step]);
        waits.extend(making_room.map(|delete| (delete, goes)));
    }
    wait_where_possible(steps, waits);
}

/// Lets the first of each two wait for the second. One after the other, each with the edges of those before: so no step
/// comes to wait for itself.
fn wait_where_possible(steps: &mut [Step], waits: Vec<(usize, usize)>) {
    if waits.is_empty() {
        return;
    }
    let (mut dependents, _) = dependents(steps);
    for (step, before) in waits {
        if !leads_to(&dependents, step, before) {
            steps[step].after.push(StepId::of(before));
            dependents[before].push(StepId::of(step));
        }
    }
}

/// Whether one step must have ended before another begins.
pub(super) fn leads_to(dependents: &[Vec<StepId>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; dependents.len()];
    let mut work = vec![from];
    while let Some(at) = work.pop() {
        if at == to {
            return true;
        }
        for &next in &dependents[at] {
            if !std::mem::replace(&mut seen[next.index()], true) {
                work.push(next.index());
            }
        }
    }
    false
}

/// Which recorded resource was made from which, and the steps of each.
///
/// Resources are numbered here by their place in the snapshot: of a hundred thousand addresses hardly any is still in the
/// processor's caches when it is next compared or hashed, so each is looked up once.
struct Uses {
    /// By step, the resource; none if it is not recorded yet.
    resource_of: Vec<Option<usize>>,
    /// By resource, its steps.
    steps: Vec<Vec<usize>>,
    /// By resource, what its objects were made from.
    used: Vec<Vec<usize>>,
    /// By resource, those whose objects were made from it.
    users: Vec<Vec<usize>>,
}

impl Uses {
    fn of(all: &[Step], snapshot: &Snapshot) -> Self {
        let places: HashMap<&Address, usize> = snapshot.records.keys().zip(0..).collect();
        let resource_of: Vec<Option<usize>> = all.iter().map(|step| places.get(&step.address).copied()).collect();
        let mut steps = vec![Vec::new(); places.len()];
        for (at, resource) in resource_of.iter().enumerate() {
            if let Some(resource) = *resource {
                steps[resource].push(at);
            }
        }
        let used = |record: &Record| {
            let deps = record.objects().flat_map(|object| &object.deps);
            let mut used: Vec<usize> = deps.filter_map(|dep| places.get(dep).copied()).collect();
            used.sort_unstable();
            used.dedup();
            used
        };
        let used: Vec<Vec<usize>> = snapshot.records.values().map(used).collect();
        let mut users = vec![Vec::new(); places.len()];
        for (user, used) in used.iter().enumerate() {
            for &used in used {
                users[used].push(user);
            }
        }
        Self { resource_of, steps, used, users }
    }

    /// By step, whether it is a delete that waits for nothing but deletes of the same sort: no step of a declared resource
    /// can be in its way.
    fn early_deletes(&self, steps: &[Step], hosts: &BTreeMap<usize, Vec<usize>>) -> Vec<bool> {
        // A resource is early if all its steps are final deletes, and all its users and its host are early. Without
        // recursion: begin with every candidate, and take out what late ones use, and what goes with them.
        let is_final = |at: usize| steps[at].action.is_final();
        let is_early = |steps: &Vec<usize>| !steps.is_empty() && steps.iter().all(|&at| is_final(at));
        let mut carried: HashMap<usize, Vec<usize>> = HashMap::new();
        for (&drop, hosts) in hosts {
            let host = hosts.iter().find_map(|&host| self.resource_of[host]);
            host.zip(self.resource_of[drop])
                .into_iter()
                .for_each(|(host, drop)| carried.entry(host).or_default().push(drop));
        }
        let mut late: Vec<usize> = (0..self.steps.len()).filter(|&user| !is_early(&self.steps[user])).collect();
        let mut made_late = vec![false; self.steps.len()];
        while let Some(resource) = late.pop() {
            for &other in self.used[resource].iter().chain(carried.get(&resource).into_iter().flatten()) {
                if !std::mem::replace(&mut made_late[other], true) {
                    late.push(other);
                }
            }
        }
        // What is forgotten as another takes its place belongs to a resource that stays.
        let is_late = |at: usize| {
            self.resource_of[at].is_some_and(|of| made_late[of] || !self.steps[of].iter().all(|&at| is_final(at)))
        };
        (0..steps.len()).map(|at| is_final(at) && !is_late(at)).collect()
    }
}

/// For each step, the steps that wait for it; and in which order they can be done, if they can.
pub(crate) fn dependents(steps: &[Step]) -> (Vec<Vec<StepId>>, Option<Vec<StepId>>) {
    let mut dependents = vec![Vec::new(); steps.len()];
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
    for (at, step) in steps.iter().enumerate() {
        for &before in &step.after {
            dependents[before.index()].push(StepId::of(at));
        }
    }
    let mut order: Vec<StepId> = (0..steps.len()).filter(|&at| waiting[at] == 0).map(StepId::of).collect();
    let mut next = 0;
    while let Some(&done) = order.get(next) {
        next += 1;
        for &step in &dependents[done.index()] {
            waiting[step.index()] -= 1;
            if waiting[step.index()] == 0 {
                order.push(step);
            }
        }
    }
    let complete = order.len() == steps.len();
    (dependents, complete.then_some(order))
}
