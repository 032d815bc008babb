//! The order of steps: what must have ended before what.
//!
//! Steps of declared resources follow the order of declaration, which is topological. A delete follows every step of what
//! is recorded as made from the object. Some deletes also come before other steps: those that wait for nothing but deletes.

use std::collections::{HashMap, HashSet};

use super::{Step, StepAction};
use crate::ids::Address;
use crate::state::Snapshot;

/// Adds the edges of deletes.
pub(super) fn order_deletes(steps: &mut [Step], snapshot: &Snapshot) {
    let deletes: Vec<usize> = (0..steps.len()).filter(|&at| steps[at].action.deletes()).collect();
    if deletes.is_empty() {
        return;
    }
    let users = users(snapshot);
    let mut of: HashMap<Address, Vec<usize>> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        of.entry(step.address.clone()).or_default().push(at);
    }
    let nothing = Vec::new();
    let early = early_deletes(steps, &users, &of);
    for &delete in &deletes {
        let address = steps[delete].address.clone();
        let replaced = steps[delete].action.replaces_in_place();
        for user in users.get(&address).into_iter().flatten() {
            for &step in of.get(*user).unwrap_or(&nothing) {
                // The old object of a kind with a fixed name goes before its new one is made, and so before whatever
                // only refers to it is updated. What is itself deleted goes first all the same.
                let first = if replaced { early.contains(&step) } else { step != delete };
                if first {
                    steps[delete].after.push(index(step));
                }
            }
        }
    }
    // What is deleted for good goes before what it was made from is changed: it may use the old form.
    for &delete in &early {
        let record = snapshot.records.get(&steps[delete].address);
        let deps: HashSet<&Address> =
            record.into_iter().flat_map(|record| record.objects()).flat_map(|object| &object.deps).collect();
        for dep in deps {
            for &step in of.get(dep).unwrap_or(&nothing) {
                if matches!(steps[step].action, StepAction::Update) {
                    steps[step].after.push(index(delete));
                }
            }
        }
    }
    for step in steps {
        step.after.sort_unstable();
        step.after.dedup();
    }
}

/// Deletes that wait for nothing but deletes of the same sort: no step of a declared resource can be in their way.
fn early_deletes(
    steps: &[Step],
    users: &HashMap<&Address, Vec<&Address>>,
    of: &HashMap<Address, Vec<usize>>,
) -> HashSet<usize> {
    // A resource is early if all its steps are final deletes, and all its users are early. Without recursion: begin with
    // every candidate, and take out the users' users of what is not.
    let is_final = |step: &Step| matches!(step.action, StepAction::Delete { replaced: false, .. });
    let mut late: Vec<&Address> = Vec::new();
    let mut seen: HashSet<&Address> = HashSet::new();
    let mut uses: HashMap<&Address, Vec<&Address>> = HashMap::new();
    for (used, by) in users {
        for user in by {
            uses.entry(user).or_default().push(used);
            let all_final = of.get(*user).is_some_and(|all| all.iter().all(|&at| is_final(&steps[at])));
            if !all_final && seen.insert(user) {
                late.push(user);
            }
        }
    }
    // Whatever a late resource uses is late itself.
    let mut late_used: HashSet<&Address> = HashSet::new();
    while let Some(address) = late.pop() {
        for used in uses.get(address).into_iter().flatten() {
            if late_used.insert(used) {
                late.push(used);
            }
        }
    }
    (0..steps.len()).filter(|&at| is_final(&steps[at]) && !late_used.contains(&steps[at].address)).collect()
}

/// By address, the resources whose recorded objects were made from it.
fn users(snapshot: &Snapshot) -> HashMap<&Address, Vec<&Address>> {
    let mut users: HashMap<&Address, Vec<&Address>> = HashMap::new();
    for (address, record) in &snapshot.records {
        for dep in record.objects().flat_map(|object| &object.deps) {
            let of_dep = users.entry(dep).or_default();
            if of_dep.last() != Some(&address) {
                of_dep.push(address);
            }
        }
    }
    users
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("a plan has fewer than four billion steps")
}

/// For each step, the steps that wait for it; and in which order they can be done, if they can.
pub(crate) fn dependents(steps: &[Step]) -> (Vec<Vec<u32>>, Option<Vec<u32>>) {
    let mut dependents = vec![Vec::new(); steps.len()];
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
    for (at, step) in steps.iter().enumerate() {
        for &before in &step.after {
            dependents[before as usize].push(index(at));
        }
    }
    let mut order: Vec<u32> = (0..steps.len()).filter(|&at| waiting[at] == 0).map(index).collect();
    let mut next = 0;
    while let Some(&done) = order.get(next) {
        next += 1;
        for &step in &dependents[done as usize] {
            waiting[step as usize] -= 1;
            if waiting[step as usize] == 0 {
                order.push(step);
            }
        }
    }
    let complete = order.len() == steps.len();
    (dependents, complete.then_some(order))
}

impl StepAction {
    /// It ends an object.
    fn deletes(&self) -> bool {
        matches!(self, Self::Delete { .. } | Self::Drop { .. } | Self::Leave)
    }

    /// It makes room for the object that takes its place.
    fn replaces_in_place(&self) -> bool {
        matches!(self, Self::Delete { replaced: true, first: true, .. })
    }
}
