//! Progress on a terminal: what runs and for how long, and below it what waits, and for what.
//!
//! What has ended scrolls away upwards as lines; only what is going on moves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sprocket_core::{Event, Events, Plan, StepOutcome};

use super::{infinitive, lines};
use crate::console::Look;

/// This many waiting steps are named.
const NAMED: usize = 5;

/// A tree that moves. Clones are one tree.
#[derive(Clone)]
pub(crate) struct Tree(Arc<Mutex<Moving>>);

struct Moving {
    bars: MultiProgress,
    colour: bool,
    /// What each step is called, and which steps it waits for.
    steps: Vec<(String, Vec<u32>)>,
    running: HashMap<u32, ProgressBar>,
    /// Steps that have ended, or will not start.
    ended: Vec<bool>,
    waiting: ProgressBar,
    is_stopping: bool,
}

impl Tree {
    pub(crate) fn new(plan: &Plan, colour: bool) -> Self {
        Self::on(ProgressDrawTarget::stderr(), plan, colour, Duration::from_millis(100))
    }

    fn on(target: ProgressDrawTarget, plan: &Plan, colour: bool, tick: Duration) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        let waiting = bars.add(ProgressBar::new_spinner().with_style(style("{msg}")));
        if !tick.is_zero() {
            waiting.enable_steady_tick(tick);
        }
        let steps: Vec<_> = plan.steps.iter().map(|step| (step.address.to_string(), step.after.clone())).collect();
        let ended = vec![false; steps.len()];
        let running = HashMap::new();
        Self(Arc::new(Mutex::new(Moving { bars, colour, steps, running, ended, waiting, is_stopping: false })))
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
                bar.set_message(format!("{} {address}", infinitive(action)));
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
                if let Some(ended) = self.ended.get_mut(*step as usize) {
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
        self.running.values().chain([&self.waiting]).for_each(ProgressBar::tick);
        self.waiting.set_message(self.rest());
    }

    fn say(&self, step: u32, message: String) {
        if let Some(bar) = self.running.get(&step) {
            bar.set_message(message);
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
        let waiting =
            (0u32..).zip(&self.steps).filter(|(step, _)| !self.is_over(*step) && !self.running.contains_key(step));
        let mut unnamed = 0;
        for (place, (_, (address, after))) in waiting.enumerate() {
            let Some(first) = after.iter().find(|before| !self.is_over(**before)).filter(|_| place < NAMED) else {
                unnamed += 1;
                continue;
            };
            let others = after.iter().filter(|before| !self.is_over(**before)).count() - 1;
            let others = if others > 0 { format!(" and {others} more") } else { String::new() };
            text.push_str(&format!("\n    {address} waits for {}{others}", self.steps[*first as usize].0));
        }
        if unnamed > 0 {
            text.push_str(&format!("\n    and {unnamed} more"));
        }
        text
    }

    fn is_over(&self, step: u32) -> bool {
        self.ended.get(step as usize).copied().unwrap_or(true)
    }
}

fn paint(line: &str, colour: bool) -> String {
    let look: Look = lines::look(line);
    look.paint(line, colour)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
