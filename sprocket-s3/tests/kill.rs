//! `kill -9` at random moments of runs whose state and objects are both on an S3 server; the same command then finishes, with
//! nothing leaked.
//!
//! The test starts itself as a child, which plans, applies and plans again. `SPROCKET_KILLS` says how many kills there are.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sprocket_core::engine::{Engine, Goal, Refused, Settings, Stop};
use sprocket_core::kind::Entropy;
use sprocket_core::program::{Secret, Stack};
use sprocket_core::state::{KeySource, StateStore, generate_identity};
use sprocket_s3::{Bucket, S3, S3Credentials, S3Store, StateLocation};
use tokio::runtime::Runtime;

use crate::support::{Hand, is_live};

/// A killed run holds the lock for so long, and for the margin.
const LEASE: Duration = Duration::from_secs(1);

/// What a run makes of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    First,
    /// There are more buckets, and the others get other tags.
    Changed,
    /// All go.
    Gone,
}

const JOBS: [Job; 3] = [Job::First, Job::Changed, Job::Gone];

impl Job {
    fn named(name: &str) -> Self {
        JOBS.into_iter().find(|job| format!("{job:?}") == name).expect("a job")
    }

    /// The names of its buckets, without that of the test.
    fn buckets(self) -> std::ops::Range<usize> {
        match self {
            Self::First => 0..8,
            Self::Changed => 0..12,
            Self::Gone => 0..0,
        }
    }

    fn goal(self) -> Goal {
        if self == Self::Gone { Goal::Destroyed { include_kept: true } } else { Goal::Declared }
    }

    fn declare(self, place: &Place) -> Stack {
        let mut stack = Stack::new();
        stack.connect(S3::at(place.endpoint.as_str()).credentials(place.keys()));
        for number in self.buckets() {
            stack.add(Bucket::new(format!("{}-{number:02}", place.bucket)).tag("job", format!("{self:?}")));
        }
        stack
    }
}

/// Where the state is, and what it takes to write it.
struct Place {
    bucket: String,
    endpoint: String,
    key: [String; 2],
    identity: String,
}

impl Place {
    fn told(&self) -> String {
        let Self { bucket, endpoint, key: [id, secret], identity } = self;
        format!("{bucket} {endpoint} {id} {secret} {identity}")
    }

    fn from(told: &str) -> Self {
        let [bucket, endpoint, id, secret, identity] = told.splitn(5, ' ').collect::<Vec<_>>()[..] else {
            panic!("{told}")
        };
        let [bucket, endpoint, id, secret, identity] = [bucket, endpoint, id, secret, identity].map(str::to_owned);
        Self { bucket, endpoint, key: [id, secret], identity }
    }

    fn keys(&self) -> S3Credentials {
        S3Credentials::keys(self.key[0].clone(), self.key[1].clone())
    }

    fn store(&self, runtime: &Runtime) -> S3Store {
        let place: StateLocation = format!("s3://{}/states?endpoint={}", self.bucket, self.endpoint).parse().unwrap();
        runtime.block_on(S3Store::open(&place.within("killed"), &self.keys())).unwrap().lease(LEASE)
    }

    fn start(&self, job: Job) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(PLACE, self.told())
            .env(JOB, format!("{job:?}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

const PLACE: &str = "SPROCKET_S3_KILL_PLACE";
const JOB: &str = "SPROCKET_S3_KILL_JOB";

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Does the job, and sees that nothing is left to do.
#[test]
fn child() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let (place, job, runtime) = (Place::from(&place), Job::named(&std::env::var(JOB).unwrap()), runtime());
    let key = KeySource::identity(Secret::new(place.identity.clone()), "this test");
    let engine = Engine::new(Arc::new(place.store(&runtime)), Settings::new(key));
    let stack = job.declare(&place);
    runtime.block_on(async {
        let until = Instant::now() + Duration::from_secs(60);
        let report = loop {
            let plan = engine.plan(&stack, job.goal()).await.unwrap();
            assert!(plan.problems.is_empty(), "{plan}");
            match engine.apply(&stack, &plan, &Stop::default()).await {
                // The killed run's lease has to end first: nothing tells when, so ask again.
                Err(refused) if refused.is_locked() && Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                // The killed run was still writing when this plan was made.
                Err(Refused::Stale { .. }) if Instant::now() < until => {}
                done => break done.unwrap(),
            }
        };
        assert!(report.succeeded(), "{report}");
        let plan = engine.plan(&stack, job.goal()).await.unwrap();
        assert!(plan.is_empty() && plan.problems.is_empty() && plan.warnings.is_empty(), "{plan}");
    });
}

#[test]
fn a_killed_run_with_its_state_in_a_bucket_is_finished_by_the_same_command() {
    if !is_live() {
        return;
    }
    let kills: usize = std::env::var("SPROCKET_KILLS").ok().map_or(5, |count| count.parse().unwrap());
    let hand = Hand::live();
    hand.make(&hand.name);
    let (runtime, entropy) = (runtime(), Entropy::system());
    let identity = generate_identity().expose().trim().to_owned();
    let (bucket, endpoint) = (hand.name.clone(), hand.endpoint.clone());
    let place = Place { bucket, endpoint, key: [hand.key.0, hand.key.1].map(str::to_owned), identity };
    let (mut lasts, mut done, mut late, mut pending) = (JOBS.map(|_| Duration::from_secs(2)), 0, 0, 0);
    for round in 0.. {
        if done == kills {
            break;
        }
        let at = round % JOBS.len();
        let job = JOBS[at];
        let share = f64::from(u16::from_le_bytes(entropy.bytes())) / f64::from(u16::MAX);
        let started = Instant::now();
        let mut run = place.start(job);
        std::thread::sleep(lasts[at].mul_f64(share));
        let was_running = run.try_wait().unwrap().is_none();
        run.kill().unwrap();
        run.wait().unwrap();
        if was_running {
            done += 1;
            let state = runtime.block_on(place.store(&runtime).load()).unwrap();
            let open = state.map_or(0, |loaded| loaded.snapshot.pending.len());
            pending += usize::from(open > 0);
            println!("kill {done:>3}: {job:?} after {:>4} ms, with {open} calls open", started.elapsed().as_millis());
        } else {
            // It was faster than the last time.
            lasts[at] = started.elapsed().min(lasts[at]).mul_f64(0.9);
            late += 1;
            assert!(late < kills.max(10) * 2, "most runs end before they are killed");
        }
        let again = place.start(job).wait_with_output().unwrap();
        assert!(again.status.success(), "{job:?} again:\n{}", String::from_utf8_lossy(&again.stdout));
        let mut there = hand.buckets();
        there.retain(|bucket| *bucket != hand.name);
        let declared: Vec<String> = job.buckets().map(|number| format!("{}-{number:02}", hand.name)).collect();
        assert_eq!(there, declared, "after {job:?}");
        let state = runtime.block_on(place.store(&runtime).load()).unwrap().unwrap().snapshot;
        let objects = state.records.values().flat_map(|record| record.objects());
        let mut recorded: Vec<String> = objects.map(|object| object.name.to_string()).collect();
        recorded.sort();
        assert_eq!((recorded, state.pending.len()), (declared, 0), "after {job:?}");
    }
    println!("{done} kills, {pending} of them with calls open, and {late} that came too late");
}
