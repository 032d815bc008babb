//! Steps that wait for each other: told as problems, and parted, so that every plan can be looked through in some order.
//!
//! What is declared can't name what comes later, so a cycle goes through something that is handed over, through what is
//! recorded, or both.

use super::order::{Handover, dependents};
use crate::plan::{Problem, Step};

/// More is not told of one plan.
const TOLD: usize = 10;

/// Takes out edges until no step waits for itself, and tells of them.
pub(super) fn break_cycles(steps: &mut [Step], handovers: &[Handover]) -> Vec<Problem> {
    let mut problems = Vec::new();
    while let Some(cycle) = find_cycle(steps) {
        if problems.len() == TOLD {
            // Nobody applies this plan.
            cut_all(steps);
            break;
        }
        let given = (0..cycle.len()).find_map(|at| {
            let (taker, release) = (cycle[at], cycle[(at + 1) % cycle.len()]);
            handovers.iter().find(|handover| (handover.taker, handover.release) == (taker, release))
        });
        match given {
            Some(handover) => {
                problems.push(refuse(steps, &cycle, handover));
                part(steps, handover.taker, handover.release);
            }
            None => {
                problems.push(Problem {
                    address: steps[cycle[0]].address.clone(),
                    message: format!("its step would wait for itself: {}", told(steps, &cycle)),
                    hint: Some(format!(
                        "this is a bug of Sprocket; `--exclude {}` plans all that can be done without it",
                        steps[cycle[0]].address
                    )),
                    at: steps[cycle[0]].at.clone(),
                });
                part(steps, cycle[0], cycle[1 % cycle.len()]);
            }
        }
    }
    problems
}

fn refuse(steps: &[Step], cycle: &[usize], handover: &Handover) -> Problem {
    let (taker, holder) = (&steps[handover.taker], &steps[handover.release]);
    let (what, from) = (&handover.what, &holder.address);
    // From what releases it to what takes it.
    let begin = cycle.iter().position(|&step| step == handover.release).unwrap_or_default();
    let mut chain = cycle.to_vec();
    chain.rotate_left(begin);
    Problem {
        address: taker.address.clone(),
        message: format!("needs {what}, which `{from}` gives up only after that: {}", told(steps, &chain)),
        hint: Some(format!(
            "do it in two steps: apply this with `{}` left without {what}, and give it {what} after that",
            taker.address
        )),
        at: taker.at.clone(),
    }
}

/// Each waits for the next.
fn told(steps: &[Step], chain: &[usize]) -> String {
    let name = |&step: &usize| format!("`{} {}`", steps[step].action.verb(), steps[step].address);
    let mut told: Vec<String> = chain.iter().map(name).collect();
    told.extend(chain.first().map(name));
    told.join(" waits for ")
}

fn part(steps: &mut [Step], step: usize, before: usize) {
    steps[step].after.retain(|&after| after.index() != before);
}

/// Takes every edge out of what can't be ordered.
fn cut_all(steps: &mut [Step]) {
    let stuck = stuck(steps).unwrap_or_default();
    for (step, _) in steps.iter_mut().zip(stuck).filter(|(_, is_stuck)| *is_stuck) {
        step.after.clear();
    }
}

/// By step, whether it waits for itself, or for such a one; none if no step does.
fn stuck(steps: &[Step]) -> Option<Vec<bool>> {
    let (dependents, order) = dependents(steps);
    if order.is_some() {
        return None;
    }
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
    let mut free: Vec<usize> = (0..steps.len()).filter(|&at| waiting[at] == 0).collect();
    let mut stuck = vec![true; steps.len()];
    while let Some(at) = free.pop() {
        stuck[at] = false;
        for &next in &dependents[at] {
            waiting[next.index()] -= 1;
            if waiting[next.index()] == 0 {
                free.push(next.index());
            }
        }
    }
    Some(stuck)
}

/// Steps of which each waits for the next, and the last for the first.
fn find_cycle(steps: &[Step]) -> Option<Vec<usize>> {
    let stuck = stuck(steps)?;
    let mut place = vec![None; steps.len()];
    let mut path = Vec::new();
    let mut at = stuck.iter().position(|&stuck| stuck)?;
    // Whatever is stuck waits for something that is.
    loop {
        if let Some(begin) = place[at].replace(path.len()) {
            return Some(path.split_off(begin));
        }
        path.push(at);
        at = steps[at].after.iter().map(|&before| before.index()).find(|&before| stuck[before])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Reason, StepAction, StepId};

    /// Steps, each of which waits for these.
    fn steps(after: &[&[usize]]) -> Vec<Step> {
        let step = |(at, after): (usize, &&[usize])| Step {
            address: format!("yard:post/p{at}").as_str().into(),
            action: StepAction::Update,
            reason: Reason::Changed,
            name: None,
            spec: None,
            defaults: Vec::new(),
            changes: Vec::new(),
            after: after.iter().copied().map(StepId::of).collect(),
            revision: None,
            at: None,
            node: None,
        };
        after.iter().enumerate().map(step).collect()
    }

    fn waits(step: &Step) -> Vec<usize> {
        step.after.iter().map(|before| before.index()).collect()
    }

    fn is_in_order(steps: &[Step]) -> bool {
        dependents(steps).1.is_some()
    }

    #[test]
    fn each_cycle_is_told_and_parted() {
        let mut all = steps(&[&[], &[0, 2], &[1], &[3], &[0, 1]]);
        let problems = break_cycles(&mut all, &[]);
        let told: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        let two = "`update yard:post/p1` waits for `update yard:post/p2` waits for `update yard:post/p1`";
        let one = "`update yard:post/p3` waits for `update yard:post/p3`";
        assert_eq!(told, [two, one].map(|cycle| format!("its step would wait for itself: {cycle}")));
        assert!(is_in_order(&all));
        let left: Vec<Vec<usize>> = all.iter().map(waits).collect();
        assert_eq!(left, [vec![], vec![0], vec![1], vec![], vec![0, 1]], "no other edge is taken out");
    }

    #[test]
    fn very_many_cycles_are_not_all_told() {
        let itself: Vec<Vec<usize>> = (2..20).map(|at| vec![at]).collect();
        let mut after: Vec<&[usize]> = vec![&[], &[0]];
        after.extend(itself.iter().map(Vec::as_slice));
        after.push(&[0, 1]);
        let mut all = steps(&after);
        assert_eq!(break_cycles(&mut all, &[]).len(), TOLD);
        assert!(is_in_order(&all));
        assert_eq!(waits(&all[1]), [0]);
        assert_eq!(waits(&all[20]), [0, 1], "what waits for no cycle stays as it is");
    }

    #[test]
    fn what_is_handed_over_in_a_cycle_is_told_of_who_takes_it() {
        let mut all = steps(&[&[1], &[0]]);
        let handover = Handover { release: 1, taker: 0, what: "port 80".into() };
        let problems = break_cycles(&mut all, &[handover]);
        let told = "needs port 80, which `yard:post/p1` gives up only after that: `update yard:post/p1` waits for \
                    `update yard:post/p0` waits for `update yard:post/p1`";
        assert_eq!(problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>(), [told]);
        assert!(is_in_order(&all));
    }
}
