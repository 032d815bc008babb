//! `kill -9` at random moments of a run, on a real engine; the same command then converges, with nothing leaked or doubled.
//!
//! The test starts itself as a child, which applies or destroys a small stack with every kind, on a store that takes its
//! time, so that kills fall into every phase. After each kill, the journal and the engine's own listing tell which step and
//! phase it hit. `SPROCKET_KILLS` says how many kills there are; from 50 on there are as many more as it takes to have hit each
//! phase ten times.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails where it panics, and tells what it saw")]

mod child;
mod engine;
mod phases;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sprocket_core::kind::{Address, Entropy};

use self::child::Job;
use self::engine::Inventory;
use self::phases::{Phase, phases};

/// What the runs go through, one after the other.
const JOBS: [Job; 5] = [Job::First, Job::Updated, Job::Replaced, Job::First, Job::Gone];
/// With so many kills, each phase is hit.
const EVERY_PHASE: usize = 50;

#[test]
fn child() {
    child::main();
}

#[test]
fn a_killed_run_is_finished_by_the_same_command() {
    if std::env::var_os("SPROCKET_LIVE").is_none() {
        println!("skipped: needs a Docker engine that is a swarm manager; set SPROCKET_LIVE");
        return;
    }
    let kills: usize = std::env::var("SPROCKET_KILLS").ok().map_or(5, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let before = Inventory::of_the_engine();
    let entropy = Entropy::system();
    let mut hits = Hits::new();
    let mut lasts = JOBS.map(|_| Duration::from_secs(10));
    let mut unhit = 0;
    for round in 0.. {
        let spread = kills < EVERY_PHASE || counts(&hits).iter().all(|(_, count)| *count >= 10);
        if hits.len() >= kills && spread {
            break;
        }
        assert!(hits.len() < kills * 2, "the kills fall too unevenly: {:?}", counts(&hits));
        let place = round % JOBS.len();
        let job = JOBS[place];
        let share = f64::from(u16::from_le_bytes(entropy.bytes())) / f64::from(u16::MAX);
        let started = Instant::now();
        let mut run = start(folder.path(), job, true);
        std::thread::sleep(lasts[place].mul_f64(share));
        let killed = run.try_wait().unwrap().is_none();
        run.kill().unwrap();
        run.wait().unwrap();
        if killed {
            let hit = phases(folder.path(), &Inventory::of_the_engine());
            println!("kill {:>2}: {job:?} after {:>4} ms: {hit:?}", hits.len() + 1, started.elapsed().as_millis());
            hits.push(hit);
        } else {
            // It was faster than the last time.
            lasts[place] = started.elapsed().min(lasts[place]).mul_f64(0.9);
            unhit += 1;
            assert!(unhit < kills * 2, "most runs end before they are killed");
        }
        let started = Instant::now();
        let again = start(folder.path(), job, false).wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success(), "{job:?} again, after {:?}:\n{told}", hits.last());
        // The child checks that nothing is left to do; here, that the engine has each object once.
        let now = Inventory::of_the_engine();
        assert_eq!(now.ours(&before), job.objects(), "after {job:?}, killed in {:?}", hits.last());
        // A slow run takes longer than this one, and at least as long as it.
        lasts[place] = lasts[place].max(started.elapsed()).min(Duration::from_secs(15));
    }
    let last = start(folder.path(), Job::Gone, false).wait_with_output().unwrap();
    assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stdout));
    assert_eq!(Inventory::of_the_engine(), before, "everything that the runs made has gone, and nothing else");

    println!("{} kills; of these, in a step {:?}", hits.len(), counts(&hits));
}

type Hits = Vec<Vec<(Address, Phase)>>;

/// How many kills hit a step in this phase.
fn counts(hits: &Hits) -> [(Phase, usize); 3] {
    let count = |phase| hits.iter().filter(|hit| hit.iter().any(|(_, at)| *at == phase)).count();
    [Phase::BeforeTheEffect, Phase::AfterTheEffect, Phase::InTheWait].map(|phase| (phase, count(phase)))
}

fn start(folder: &std::path::Path, job: Job, slowly: bool) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(child::FOLDER, folder)
        .env(child::JOB, format!("{job:?}"))
        .env(child::SLOWLY, if slowly { "1" } else { "" })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
