//! Steps that wait for each other: told as problems, and parted, so that every plan can be looked through in some order.
//!
//! What is declared can't name what comes later, so a cycle goes through something that is handed over, through what is
//! recorded, or both.

use super::order::{Handover, dependents};
use super::{Problem, Step};

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
    steps[step].after.retain(|&after| after as usize != before);
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
            waiting[next as usize] -= 1;
            if waiting[next as usize] == 0 {
                free.push(next as usize);
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
        at = steps[at].after.iter().map(|&before| before as usize).find(|&before| stuck[before])?;
    }
}
