//! The schedule of a run: which step may start now. Pure: it knows nothing of calls, clocks or stores.
//!
//! **Invariant:** of one resource there is one step at work at a time, such as the deletes of two old objects: its record is
//! one, and so is what the journal has open of it.
//!
//! **Invariant:** only calls have slots. A step that waits, for its object, for a provider or for an answer, has none, so that
//! whatever it waits for finds one.

use crate::plan::StepId;
use std::collections::{HashMap, HashSet};

use super::ready_queue::ReadyQueue;

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Steps before it have not ended.
    Waiting,
    /// It is in the queue, or waits for another step of its resource.
    Ready,
    /// It waits for something that is no step: it is handed back by [`Schedule::unpark`].
    Parked,
    /// It was handed out.
    Taken,
    /// It has a slot and its resource,
    Calling,
    /// or only its resource.
    AtRest,
    /// It was done, or was not needed.
    Done,
    /// It failed, or is left to another run: what waits for it never starts.
    Lost,
}

/// How many calls may be made at once.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    /// Over all providers.
    pub(super) total: usize,
    /// Of each provider.
    pub(super) by_provider: Vec<usize>,
}

/// What a step is about, as far as a schedule needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// Its resource: two steps of one resource have the same number.
    pub(super) resource: u32,
    /// Its provider.
    pub(super) provider: usize,
}

/// Which steps may start.
pub(super) struct Schedule {
    jobs: Vec<Job>,
    dependents: Vec<Vec<StepId>>,
    /// How many steps each still waits for.
    waiting: Vec<usize>,
    progress: Vec<Progress>,
    queue: ReadyQueue,
    free: Slots,
    at_work: HashSet<u32>,
    /// Steps that wait until their resource is free.
    blocked: HashMap<u32, Vec<StepId>>,
}

impl Schedule {
    /// The schedule of steps in this `order`, in which each comes after all that it waits for.
    pub(super) fn new(jobs: Vec<Job>, dependents: Vec<Vec<StepId>>, order: &[StepId], slots: Slots) -> Self {
        let mut waiting = vec![0; jobs.len()];
        for &next in dependents.iter().flatten() {
            waiting[next.index()] += 1;
        }
        let queue = ReadyQueue::new(&dependents, order, slots.by_provider.len());
        let progress = vec![Progress::Waiting; jobs.len()];
        let (at_work, blocked) = (HashSet::new(), HashMap::new());
        let mut schedule = Self { jobs, dependents, waiting, progress, queue, free: slots, at_work, blocked };
        for &step in order {
            if schedule.waiting[step.index()] == 0 {
                schedule.enqueue(step);
            }
        }
        schedule
    }

    fn enqueue(&mut self, step: StepId) {
        self.progress[step.index()] = Progress::Ready;
        self.queue.push(step, self.jobs[step.index()].provider);
    }

    /// The next step that may start, if there is a slot for it. It is started, parked or ended by who takes it.
    pub(super) fn next(&mut self) -> Option<StepId> {
        while self.free.total > 0 {
            let step = self.queue.pop(|provider| self.free.by_provider[provider] > 0)?;
            let resource = self.jobs[step.index()].resource;
            if self.at_work.contains(&resource) {
                self.blocked.entry(resource).or_default().push(step);
                continue;
            }
            self.progress[step.index()] = Progress::Taken;
            return Some(step);
        }
        None
    }

    /// The step waits for something that is no step, and has neither slot nor resource.
    pub(super) fn park(&mut self, step: StepId) {
        self.progress[step.index()] = Progress::Parked;
    }

    /// What the step was parked for is there.
    pub(super) fn unpark(&mut self, step: StepId) {
        debug_assert_eq!(self.progress[step.index()], Progress::Parked, "BUG: step {step:?} was not parked");
        self.enqueue(step);
    }

    /// A call of the step takes a slot.
    pub(super) fn call(&mut self, step: StepId) {
        let Job { resource, provider } = self.jobs[step.index()];
        self.at_work.insert(resource);
        self.free.total -= 1;
        self.free.by_provider[provider] -= 1;
        self.progress[step.index()] = Progress::Calling;
    }

    /// The step waits until its object is ready: it keeps its resource, and no slot.
    pub(super) fn rest(&mut self, step: StepId) {
        self.give_back(step);
        self.at_work.insert(self.jobs[step.index()].resource);
        self.progress[step.index()] = Progress::AtRest;
    }

    fn give_back(&mut self, step: StepId) {
        if self.progress[step.index()] == Progress::Calling {
            self.free.total += 1;
            self.free.by_provider[self.jobs[step.index()].provider] += 1;
        }
    }

    /// The step has ended. What waits for it may start if it was done, and never will otherwise.
    pub(super) fn end(&mut self, step: StepId, done: bool) {
        self.give_back(step);
        let at = step.index();
        if matches!(self.progress[at], Progress::Calling | Progress::AtRest) {
            let resource = self.jobs[at].resource;
            self.at_work.remove(&resource);
            for step in self.blocked.remove(&resource).unwrap_or_default() {
                self.enqueue(step);
            }
        }
        self.progress[at] = if done { Progress::Done } else { Progress::Lost };
        if done {
            for next in std::mem::take(&mut self.dependents[at]) {
                self.waiting[next.index()] -= 1;
                if self.waiting[next.index()] == 0 {
                    self.enqueue(next);
                }
            }
        }
    }

    /// The steps that should have started and did not, asked when nothing is under way any more. There are none: each step
    /// ends, or waits for one that was lost.
    pub(super) fn stuck(&self) -> Vec<StepId> {
        let mut behind: Vec<bool> = self.progress.iter().map(|progress| *progress == Progress::Lost).collect();
        let mut work: Vec<usize> = (0..behind.len()).filter(|&at| behind[at]).collect();
        while let Some(at) = work.pop() {
            for &next in &self.dependents[at] {
                if !std::mem::replace(&mut behind[next.index()], true) {
                    work.push(next.index());
                }
            }
        }
        let is_stuck = |(at, progress): &(usize, &Progress)| **progress != Progress::Done && !behind[*at];
        let steps = StepId::all().zip(self.progress.iter().enumerate());
        steps.filter(|(_, step)| is_stuck(step)).map(|(number, _)| number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schedule of steps of their own resources at one provider, each with the steps that wait for it.
    fn schedule(dependents: &[&[usize]], slots: usize) -> Schedule {
        let jobs = (0..).take(dependents.len()).map(|resource| Job { resource, provider: 0 }).collect();
        let order: Vec<StepId> = StepId::all().take(dependents.len()).collect();
        let dependents = dependents.iter().map(|next| next.iter().copied().map(StepId::of).collect()).collect();
        Schedule::new(jobs, dependents, &order, Slots { total: slots, by_provider: vec![slots] })
    }

    fn drained(schedule: &mut Schedule) -> Vec<usize> {
        std::iter::from_fn(|| schedule.next().inspect(|&step| schedule.call(step))).map(StepId::index).collect()
    }

    #[test]
    fn dependents_start_after_a_step_and_never_after_a_failure() {
        let mut schedule = schedule(&[&[2], &[3], &[], &[]], 8);
        assert_eq!(drained(&mut schedule), [0, 1]);
        schedule.end(StepId::of(0), true);
        schedule.end(StepId::of(1), false);
        assert_eq!(drained(&mut schedule), [2]);
        schedule.end(StepId::of(2), true);
        assert_eq!((schedule.next(), schedule.stuck()), (None, vec![]), "3 waits for what has failed");
    }

    #[test]
    fn a_wait_holds_no_slot() {
        let mut schedule = schedule(&[&[], &[]], 1);
        let first = schedule.next().unwrap();
        schedule.call(first);
        assert_eq!(schedule.next(), None, "there is one slot");
        schedule.rest(first);
        let second = schedule.next().expect("what the first waits for may be the second");
        schedule.call(second);
        schedule.end(second, true);
        schedule.end(first, true);
        assert_eq!(schedule.stuck(), []);
    }

    #[test]
    fn a_parked_step_holds_no_slot_and_comes_back() {
        let mut schedule = schedule(&[&[], &[]], 1);
        let first = schedule.next().unwrap();
        schedule.park(first);
        let second = schedule.next().unwrap();
        schedule.call(second);
        schedule.unpark(first);
        assert_eq!(schedule.next(), None);
        schedule.end(second, true);
        assert_eq!(schedule.next(), Some(first));
    }

    #[test]
    fn steps_of_one_resource_go_one_after_the_other() {
        let jobs = [7, 7, 8].map(|resource| Job { resource, provider: 0 }).to_vec();
        let slots = Slots { total: 8, by_provider: vec![8] };
        let mut schedule = Schedule::new(jobs, vec![vec![]; 3], &[0, 1, 2].map(StepId::of), slots);
        assert_eq!(drained(&mut schedule), [0, 2]);
        schedule.rest(StepId::of(0));
        assert_eq!(schedule.next(), None, "it is still waited for");
        schedule.end(StepId::of(0), false);
        assert_eq!(drained(&mut schedule), [1], "it does not wait for the first to succeed");
    }

    #[test]
    fn providers_do_not_take_each_others_slots() {
        let jobs = [0, 0, 1].map(|provider| Job { resource: 0, provider }).to_vec();
        let jobs = (0..).zip(jobs).map(|(resource, job)| Job { resource, ..job }).collect();
        let slots = Slots { total: 8, by_provider: vec![1, 1] };
        let mut schedule = Schedule::new(jobs, vec![vec![]; 3], &[0, 1, 2].map(StepId::of), slots);
        assert_eq!(drained(&mut schedule), [0, 2]);
        schedule.end(StepId::of(0), true);
        assert_eq!(drained(&mut schedule), [1]);
    }

    #[test]
    fn total_limit_holds_across_providers() {
        let jobs = (0..3).map(|at| Job { resource: at, provider: usize::try_from(at % 2).unwrap() }).collect();
        let slots = Slots { total: 2, by_provider: vec![8, 8] };
        let mut schedule = Schedule::new(jobs, vec![vec![]; 3], &[0, 1, 2].map(StepId::of), slots);
        assert_eq!(drained(&mut schedule), [0, 1]);
        schedule.end(StepId::of(1), true);
        assert_eq!(drained(&mut schedule), [2]);
    }

    #[test]
    fn a_run_that_can_not_go_on_is_found() {
        // There is no slot for what is left; and 1 waits for 0.
        let mut without_slots = schedule(&[&[1], &[]], 0);
        assert_eq!((without_slots.next(), without_slots.stuck()), (None, [0, 1].map(StepId::of).to_vec()));
        // What a step was parked for never comes back.
        let mut parked = schedule(&[&[], &[]], 1);
        let first = parked.next().unwrap();
        parked.park(first);
        let second = parked.next().unwrap();
        parked.call(second);
        parked.end(second, true);
        assert_eq!((parked.next(), parked.stuck()), (None, vec![first]));
    }

    #[test]
    fn what_waits_for_what_has_failed_by_way_of_others_is_not_stuck() {
        let mut schedule = schedule(&[&[1], &[2], &[]], 1);
        let first = schedule.next().unwrap();
        schedule.call(first);
        schedule.end(first, false);
        assert_eq!((schedule.next(), schedule.stuck()), (None, vec![]));
    }
}
