//! What the engine does in each situation that a deployment gets into, told as stories: a program, what happens to it or to
//! the world, and what must come out. `docs/scenarios.md` lists them all.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod accept;
mod adoption;
mod basics;
mod beside;
mod compaction;
mod crashes;
mod drift;
mod edge_kinds;
mod embedding;
mod exclusive;
mod failures;
mod fake_service;
mod first_plan;
mod foreign_texts;
mod forged;
mod guards;
mod hosts;
mod imports;
mod in_doubt;
mod moves;
mod names;
mod old_objects;
mod order;
mod orphans;
mod outputs;
mod plan_text;
mod plans;
mod planted;
mod policies;
mod provider_overrides;
mod providers;
mod records;
mod recovery;
mod replacement;
mod run_loop;
mod saved;
mod secrecy;
mod secrets;
mod selection;
mod shut;
mod simulated_service;
mod stories;
mod story;
mod tags;
mod triggers;
mod unfinished;
mod upgrades;
