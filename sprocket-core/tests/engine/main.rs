//! What the engine does in each situation that a deployment gets into, told as stories: a program, what happens to it or to
//! the world, and what must come out. `docs/scenarios.md` lists them all.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

// The world that the tests are told in: `Story`, and the services that it has.
mod closed_service;
mod fake_kinds;
mod fake_service;
mod simulated_service;
mod story;

// What a program says, and what is wrong in it.
mod ignored_settings;
mod lifecycle;
mod order;
mod policies;
mod program_mistakes;

// What becomes of an object: replaced, kept, gone with its host.
mod hosts;
mod old_objects;
mod protection;
mod replacement;
mod retained;
mod triggers;

// Which object is meant, and whose it is.
mod adoption;
mod claims;
mod drift;
mod imports;
mod moves;
mod names;
mod orphans;
mod owner_tags;

// What a program reaches its services by, and what it asks them.
mod closed_providers;
mod deferral;
mod edge_kinds;
mod look_ups;
mod provider_overrides;
mod providers;
mod upgrades;

// Plans, and what people read.
mod foreign_texts;
mod outputs;
mod plan_text;
mod plans;
mod saved_plans;
mod selection;
mod verify;

// Runs, and what goes wrong with them.
mod failures;
mod in_doubt;
mod locks;
mod recovery;
mod retries;
mod run_loop;
mod state_writes;
mod stopped_runs;
mod unfinished;

// What nobody else may know or change.
mod derived_secrets;
mod secret_leaks;
mod secrets;
mod state_trust;

// The engine in a program of somebody's own.
mod embedding;
