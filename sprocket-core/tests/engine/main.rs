//! What the engine does in each situation that a deployment gets into, told as stories: a program, what happens to it or to
//! the world, and what must come out. `docs/scenarios.md` lists them all.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod adoption;
mod claims;
mod closed_providers;
mod closed_service;
mod deferral;
mod derived_secrets;
mod drift;
mod edge_kinds;
mod embedding;
mod failures;
mod fake_service;
mod foreign_texts;
mod hosts;
mod ignored_settings;
mod imports;
mod in_doubt;
mod lifecycle;
mod locks;
mod look_ups;
mod moves;
mod names;
mod old_objects;
mod order;
mod orphans;
mod outputs;
mod owner_tags;
mod plan_text;
mod plans;
mod policies;
mod program_mistakes;
mod protection;
mod provider_overrides;
mod providers;
mod recovery;
mod replacement;
mod retained;
mod retries;
mod run_loop;
mod saved_plans;
mod secret_leaks;
mod secrets;
mod selection;
mod simulated_service;
mod state_trust;
mod state_writes;
mod stopped_runs;
mod story;
mod triggers;
mod unfinished;
mod upgrades;
mod verify;
