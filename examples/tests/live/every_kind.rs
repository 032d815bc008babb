//! `kill -9` at random moments of the apply of a small stack with every kind, each time followed by the same command.
//!
//! `SPROCKET_KILLS` says how many kills there are. They hit in turn the first apply of all and one that changes nearly
//! everything, and are spread over the time that each takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sprocket::core::kind::Address;

use crate::engine::places;
use crate::inventory::{
    BUCKET, PROGRAM, Phase, VAULT, ZONE, initialisations, outside_of_vault, recorded, snapshot, there, under_way,
};
use crate::kills::{Finish, finish, share};
use crate::place::Place;
use crate::servers::{self, answers};

/// What the runs make of the stack.
#[derive(Clone, Copy)]
struct Job {
    what: &'static str,
    address: &'static str,
    motto: &'static str,
}

const FIRST: Job = Job { what: "the first apply", address: "127.0.0.1", motto: "first" };
const CHANGES: Job = Job { what: "an apply of changes", address: "127.0.0.2", motto: "second" };

const APPLY: [&str; 2] = ["apply", "--yes"];

impl Job {
    fn configure(self, place: &Place) {
        let Self { address, motto, .. } = self;
        let secrets = servers::secrets();
        place.configure(&format!("[local]\nsecrets = {secrets:?}\naddress = {address:?}\nmotto = {motto:?}\n"));
    }

    /// It is done: nothing is left to do, and each recorded object is there once, and nothing else.
    fn is_done(self, place: &Place) {
        place.run(&["plan", "--detailed-exit-code"]).exits(0);
        let recorded = recorded(&snapshot(place).unwrap());
        assert_eq!(there(place), recorded);
        for service in recorded.iter().filter_map(|object| object.strip_prefix("docker:service ")) {
            assert_eq!(places(service), 1, "{service}");
        }
        assert_eq!(answers("every-kind.sprocket.localhost", "A"), [self.address]);
        assert_eq!(answers("every-kind.sprocket.localhost", "TXT"), [format!("{:?}", self.motto)]);
        println!("         {} objects, each once", recorded.len());
    }
}

#[test]
fn a_killed_apply_of_every_kind_is_finished_by_the_same_command() {
    let Some(place) = Place::of("every kind", PROGRAM, "") else { return };
    servers::clear(ZONE, &[BUCKET]);
    let kills: usize = std::env::var("SPROCKET_KILLS").ok().map_or(5, |count| count.parse().unwrap());

    let mut whole = [FIRST, CHANGES].map(|job| {
        job.configure(&place);
        let told = place.run(&APPLY).exits(0);
        place.tell_apply(&told);
        job.is_done(&place);
        told.took
    });

    let mut tally = Tally::default();
    let mut parts = [0; 2];
    let mut initialised = 1;
    for turn in [0, 1].into_iter().cycle() {
        if tally.hits.len() == kills {
            break;
        }
        let (job, lasts) = ([FIRST, CHANGES][turn], whole[turn]);
        if turn == 0 {
            destroy(&place);
            initialised = 1;
        }
        job.configure(&place);
        // The kills of a job are spread evenly: each falls somewhere into a part of its own. Where those of the other job came
        // too late, there are more of them than parts.
        let moment = (f64::from(parts[turn]) + share()) / kills.div_ceil(2) as f64;
        let after = lasts.mul_f64(moment.fract());
        let mut run = place.start(&APPLY);
        std::thread::sleep(after);
        let was_running = run.try_wait().unwrap().is_none();
        run.kill().unwrap();
        run.wait().unwrap();
        if was_running {
            let hit = under_way(&place);
            let (number, seconds, what) = (tally.hits.len() + 1, after.as_secs_f64(), job.what);
            println!("kill {number:<3} {seconds:>6.1} s  into {what}: {}", text(&hit));
            tally.hits.push(hit);
            parts[turn] += 1;
        } else {
            // The machine has less to do than before.
            whole[turn] = after.mul_f64(0.9);
            tally.late += 1;
            assert!(tally.late <= kills, "most runs end before they are killed");
        }
        let began_to_initialise = tally.hits.last().is_some_and(has_hit_the_initialisation);
        if finish(&place, VAULT, began_to_initialise) == Finish::AfterAStop {
            tally.stopped += 1;
            initialised += 1;
        }
        job.is_done(&place);
        assert_eq!(initialisations(), initialised, "a Vault is initialised once");
    }
    destroy(&place);
    println!("{tally}");
}

/// Everything goes, on each of the servers.
fn destroy(place: &Place) {
    let told = place.run(&["destroy", "--include-kept", "--confirm", PROGRAM, "--yes"]).exits(0);
    place.tell(told.out.lines().last().unwrap(), told.took);
    assert_eq!(outside_of_vault(place), Vec::<String>::new());
}

/// The steps that a kill interrupted.
type Hit = Vec<(Address, Phase)>;

fn has_hit_the_initialisation(hit: &Hit) -> bool {
    hit.iter().any(|(address, _)| address.kind() == "vault:init")
}

/// What the kills hit.
#[derive(Default)]
struct Tally {
    hits: Vec<Hit>,
    /// How many came too late.
    late: usize,
    /// How many runs after them stopped, since the Vault's keys had never arrived.
    stopped: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<Phase, usize> = BTreeMap::new();
        for hit in &self.hits {
            let phases: BTreeSet<Phase> = hit.iter().map(|(_, phase)| *phase).collect();
            phases.into_iter().for_each(|phase| *counts.entry(phase).or_default() += 1);
        }
        write!(f, "{} kills:", self.hits.len())?;
        for (phase, count) in counts {
            write!(f, " {count} {phase},")?;
        }
        let between = self.hits.iter().filter(|hit| hit.is_empty()).count();
        write!(
            f,
            " {between} between steps, planning or verifying; {} stopped, {} came too late",
            self.stopped, self.late
        )
    }
}

fn text(hit: &[(Address, Phase)]) -> String {
    let steps: Vec<String> = hit.iter().map(|(address, phase)| format!("{address} {phase}")).collect();
    if steps.is_empty() { "between steps".to_owned() } else { steps.join(", ") }
}
