//! Progress on a terminal: what runs and for how long, and below it what waits, and for what.
//!
//! What has ended scrolls away upwards as lines; only what is going on moves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sprocket_core::engine::visible::{visible, visible_lines};
use sprocket_core::engine::{Event, Events, Plan, StepId, StepOutcome};

use super::{infinitive, lines};
use crate::console::Look;

/// This many waiting steps are named.
const NAMED: usize = 5;
/// So many steps end faster than anybody can read.
const MANY: usize = 200;

/// A tree that moves. Clones are one tree.
#[derive(Clone)]
pub(crate) struct Tree(Arc<Mutex<Moving>>);

struct Moving {
    bars: MultiProgress,
    colour: bool,
    /// What each step is called, and which steps it waits for.
    steps: Vec<(String, Vec<StepId>)>,
    running: HashMap<StepId, ProgressBar>,
    /// Steps that have ended, or will not start.
    ended: Vec<bool>,
    waiting: ProgressBar,
    is_stopping: bool,
    /// When it was last said what waits.
    told: Instant,
}

impl Tree {
    pub(crate) fn new(plan: &Plan, colour: bool) -> Self {
        let steps = plan.steps.iter().map(|step| (step.address.to_string(), step.after.clone())).collect();
        Self::on(ProgressDrawTarget::stderr(), steps, colour, Duration::from_millis(100))
    }

    fn on(target: ProgressDrawTarget, steps: Vec<(String, Vec<StepId>)>, colour: bool, tick: Duration) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        let waiting = bars.add(ProgressBar::new_spinner().with_style(style("{msg}")));
        if !tick.is_zero() {
            waiting.enable_steady_tick(tick);
        }
        let ended = vec![false; steps.len()];
        let running = HashMap::new();
        Self(Arc::new(Mutex::new(Moving {
            bars,
            colour,
            steps,
            running,
            ended,
            waiting,
            is_stopping: false,
            told: Instant::now(),
        })))
    }

    pub(crate) fn listener(&self) -> Events {
        let tree = self.clone();
        Events::to(move |event| tree.take(&event))
    }

    fn take(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(event);
    }

    /// Removes what moves from the terminal.
    pub(crate) fn end(&self) {
        let moving = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        moving.running.values().for_each(ProgressBar::finish_and_clear);
        moving.waiting.finish_and_clear();
        let _ = moving.bars.clear();
    }
}

impl Moving {
    fn take(&mut self, event: &Event) {
        match event {
            Event::StepStarted { step, address, action, .. } => {
                let bar = ProgressBar::new_spinner().with_style(style("  {spinner} {msg} {elapsed}"));
                let bar = self.bars.insert_before(&self.waiting, bar);
                bar.set_message(visible(&format!("{} {address}", infinitive(action))).into_owned());
                self.running.insert(*step, bar);
            }
            Event::StepWaiting { step, address } => self.say(*step, format!("wait until {address} works")),
            Event::StepRetried { step, address, cause, .. } => {
                self.print(event);
                self.say(*step, format!("try {address} again: {}", cause.lines().next().unwrap_or_default()));
            }
            Event::StepEnded { step, outcome, .. } => {
                if let Some(bar) = self.running.remove(step) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
                if let Some(ended) = self.ended.get_mut(step.index()) {
                    *ended = !matches!(outcome, StepOutcome::NotStarted);
                }
                self.print(event);
            }
            Event::Stopping => {
                self.is_stopping = true;
                self.print(event);
            }
            _ => {}
        }
        // With ten thousand steps, what waits is not gone through at each of them.
        if self.steps.len() < MANY || self.told.elapsed() > Duration::from_millis(100) {
            self.waiting.set_message(visible_lines(&self.rest()).into_owned());
            self.told = Instant::now();
        }
    }

    fn say(&self, step: StepId, message: String) {
        if let Some(bar) = self.running.get(&step) {
            bar.set_message(visible(&message).into_owned());
        }
    }

    fn print(&self, event: &Event) {
        if let Some(line) = lines::line(event) {
            let _ = self.bars.println(paint(&line, self.colour));
        }
    }

    /// How far it is, and what waits for what.
    fn rest(&self) -> String {
        let done = self.ended.iter().filter(|ended| **ended).count();
        let mut text = format!("{done} of {} done, {} running", self.steps.len(), self.running.len());
        if self.is_stopping {
            return text + ", stopping";
        }
        let mut unnamed = 0;
        for (step, (address, after)) in (0..).map(StepId::of).zip(&self.steps) {
            if self.is_over(step) || self.running.contains_key(&step) {
                continue;
            }
            let mut before = after.iter().filter(|before| !self.is_over(**before));
            // What waits for nothing starts as soon as there is room for it.
            let Some(first) = before.next() else { continue };
            if unnamed > 0 || text.lines().count() > NAMED {
                unnamed += 1;
                continue;
            }
            let others = before.count();
            let others = if others > 0 { format!(" and {others} more") } else { String::new() };
            text.push_str(&format!("\n    {address} waits for {}{others}", self.steps[first.index()].0));
        }
        if unnamed > 0 {
            text.push_str(&format!("\n    and {unnamed} more wait"));
        }
        text
    }

    fn is_over(&self, step: StepId) -> bool {
        self.ended.get(step.index()).copied().unwrap_or(true)
    }
}

fn paint(line: &str, colour: bool) -> String {
    let look: Look = lines::look(line);
    look.paint(line, colour)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike};
    use sprocket_core::engine::Failure;

    use super::*;

    fn tree() -> (InMemoryTerm, Tree) {
        let term = InMemoryTerm::new(12, 60);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(term.clone()) as Box<dyn TermLike>, 255);
        let steps = [("net", vec![]), ("disk", vec![]), ("app", vec![0, 1]), ("bot", vec![2])];
        let ids = |after: Vec<usize>| after.into_iter().map(StepId::of).collect();
        let steps = steps.map(|(address, after)| (format!("lab:{address}"), ids(after))).to_vec();
        (term, Tree::on(target, steps, false, Duration::ZERO))
    }

    fn started(step: usize, address: &str) -> Event {
        Event::StepStarted {
            step: StepId::of(step),
            address: format!("lab:{address}").into(),
            action: "create",
            name: None,
        }
    }

    fn ended(step: usize, address: &str, outcome: StepOutcome) -> Event {
        let (address, took) = (format!("lab:{address}").into(), Duration::from_millis(1500));
        Event::StepEnded { step: StepId::of(step), address, action: "create", outcome, took }
    }

    #[test]
    fn it_shows_what_runs_and_what_waits_for_it() {
        let (term, tree) = tree();
        tree.take(&started(0, "net"));
        tree.take(&started(1, "disk"));
        insta::assert_snapshot!(shown(&term, &tree), @"
          ⠁ create lab:net 0s
          ⠁ create lab:disk 0s
        0 of 4 done, 2 running
            lab:app waits for lab:net and 1 more
            lab:bot waits for lab:app
        ");
        tree.take(&ended(0, "net", StepOutcome::Done));
        tree.take(&Event::StepWaiting { step: StepId::of(1), address: "lab:disk".into() });
        insta::assert_snapshot!(shown(&term, &tree), @"
        ✓ lab:net created (1.5s)
          ⠉ wait until lab:disk works 0s
        1 of 4 done, 1 running
            lab:app waits for lab:disk
            lab:bot waits for lab:app
        ");
        let failure = Failure { message: "it is full".into(), hint: None, effect: sprocket_core::kind::Effect::None };
        tree.take(&ended(1, "disk", StepOutcome::Failed(failure)));
        tree.take(&Event::Stopping);
        tree.end();
        insta::assert_snapshot!(term.contents(), @"
        ✓ lab:net created (1.5s)
        ✗ lab:disk could not create (1.5s): it is full
        ! interrupted: nothing more starts, and what runs is waited
        for; again to stop at once
        ");
    }

    /// Drawn anew, whatever the last event drew.
    fn shown(term: &InMemoryTerm, tree: &Tree) -> String {
        let moving = tree.0.lock().unwrap();
        moving.running.values().chain([&moving.waiting]).for_each(ProgressBar::tick);
        term.contents()
    }
}
