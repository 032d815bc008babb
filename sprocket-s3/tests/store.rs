//! The state store on a real server: the suite of all stores, two at once, a holder that is gone, a server that ignores
//! conditions, answers that are lost, and how many writes a run takes.

use std::sync::Arc;
use std::time::Duration;

use sprocket_core::engine::{Engine, Goal, Settings, Stop};
use sprocket_core::kind::Json;
use sprocket_core::program::{DraftExt as _, Password, Stack};
use sprocket_core::state::StackKey;
use sprocket_core::state::{
    Entry, Holder, JournalEvent, KeySource, Signer, Snapshot, StateStore, StoreError, conformance, generate_identity,
};
use sprocket_core::testing::World;
use sprocket_s3::{S3Credentials, S3Store, StateLocation};
use tokio::runtime::Runtime;

use crate::fake::{Fake, Fate, Request};
use crate::support::{Hand, each, is_live};

/// A lease for those who wait until it is over; a machine that stands still for as long loses it.
const SHORT: Duration = Duration::from_secs(3);

/// A bucket for states, which is there as long as the test runs.
struct States {
    hand: Hand,
    runtime: Runtime,
}

impl States {
    fn each(test: impl Fn(Self)) {
        each(|hand| {
            hand.make(&hand.name);
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            test(Self { hand, runtime });
        });
    }

    /// The store of this name through this endpoint.
    fn through(&self, endpoint: &str, name: &str) -> S3Store {
        store(&self.runtime, (&self.hand.name, endpoint, name), &self.hand.keys())
    }

    fn store(&self, name: &str) -> S3Store {
        self.through(&self.hand.endpoint, name)
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Text without what differs from run to run.
    fn plain(&self, error: &StoreError, endpoint: &str) -> String {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        let text = format!("{text}\nhint: {}", error.hint().unwrap_or_default());
        text.replace(&self.hand.name, "BUCKET").replace(endpoint, "ENDPOINT")
    }
}

fn store(runtime: &Runtime, (bucket, endpoint, name): (&str, &str, &str), keys: &S3Credentials) -> S3Store {
    let place: StateLocation = format!("s3://{bucket}/states?endpoint={endpoint}").parse().unwrap();
    runtime.block_on(S3Store::open(&place.within(name), keys)).unwrap()
}

fn holder(name: &str) -> Holder {
    let since = "2026-04-01T12:00:00Z".parse().unwrap();
    Holder { id: format!("lock-{name}"), who: format!("{name}@host, process 1"), command: "apply".into(), since }
}

fn signer() -> Signer {
    Signer::of(&StackKey::from_bytes([7; 64]))
}

fn entry(text: &str) -> Entry {
    let outputs = [("note".to_owned(), Json::from(&text.into()))].into();
    Entry { address: "outputs".into(), event: JournalEvent::Outputs { outputs } }
}

fn begun(states: &States, store: &S3Store) {
    states.run(async {
        let lock = store.lock(&holder("nobody")).await.unwrap();
        lock.compact(&Snapshot::new("5f0c".into()), &signer()).await.unwrap();
        lock.release().await.unwrap();
    });
}

fn key_of(states: &States, store: &S3Store) -> Option<String> {
    let outputs = states.run(store.load()).unwrap().unwrap().snapshot.outputs;
    outputs.get("note").map(|note| note.value().as_str().unwrap().to_owned())
}

#[test]
fn it_conforms() {
    if !is_live() {
        return;
    }
    States::each(|states| {
        let open = |name: &str| {
            let name = name.to_owned();
            let (bucket, endpoint, keys) = (states.hand.name.clone(), states.hand.endpoint.clone(), states.hand.keys());
            let store = std::thread::scope(|scope| {
                let made = scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    store(&runtime, (&bucket, &endpoint, &name), &keys)
                });
                made.join().unwrap()
            });
            Arc::new(store) as Arc<dyn StateStore>
        };
        states.run(conformance::suite(&open, Duration::from_secs(5)));
    });
}

#[test]
fn of_several_that_lock_at_once_one_wins_and_the_others_say_who() {
    States::each(|states| {
        let stores: Vec<_> = (0..8).map(|_| states.store("race")).collect();
        let outcomes = states.run(async {
            let tries = stores.iter().enumerate().map(|(number, store)| {
                let store = store.clone();
                tokio::spawn(async move { store.lock(&holder(&format!("run-{number}"))).await })
            });
            let tries: Vec<_> = tries.collect();
            let mut outcomes = Vec::new();
            for outcome in tries {
                outcomes.push(outcome.await.unwrap());
            }
            outcomes
        });
        let held: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_ok()).collect();
        assert_eq!(held.len(), 1, "{outcomes:?}");
        for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert!(matches!(refused, StoreError::Locked { holder } if holder.who.starts_with("run-")), "{refused:?}");
        }
    });
}

#[test]
fn the_lock_of_a_holder_that_is_gone_is_taken_over_and_its_writes_are_refused() {
    if !is_live() {
        return;
    }
    States::each(|states| {
        let fake = Fake::before(&states.hand.endpoint, |_| Fate::Through);
        let first = states.store("gone").lease(SHORT);
        begun(&states, &first);
        // The first holder is cut off: it can neither renew its lease nor be told that it is lost.
        let cut_off = states.through(&fake.endpoint, "gone").lease(SHORT);
        let stale = states.run(cut_off.lock(&holder("ann"))).unwrap();
        states.run(stale.append(&[entry("by ann")], &signer())).unwrap();
        fake.set(|request| if request.path().contains("lock.json") { Fate::Cut } else { Fate::Through });

        let refused = states.run(first.lock(&holder("bob"))).unwrap_err();
        insta::assert_snapshot!(states.plain(&refused, &states.hand.endpoint), @"
    the state is locked by ann@host, process 1 since 2026-04-01T12:00:00Z (`apply`)
    hint: wait until it has ended; if ann@host, process 1 is gone for good, break its lock: `state unlock lock-ann`
    ");
        let (taken, waited) = states.run(async {
            let start = std::time::Instant::now();
            loop {
                match first.lock(&holder("bob")).await {
                    Ok(lock) => break (lock, start.elapsed()),
                    Err(StoreError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(200)).await,
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        // The lease and 2 s of margin, in whole seconds of the server, since it was renewed.
        assert!(waited > SHORT && waited < 10 * SHORT, "{waited:?}");
        assert_eq!(states.run(first.holder()).unwrap().unwrap().who, holder("bob").who);
        states.run(taken.append(&[entry("by bob")], &signer())).unwrap();

        // Who can't renew starts nothing new, even where the log can be reached.
        let error = states.run(stale.append(&[entry("stale")], &signer())).unwrap_err();
        assert!(matches!(error, StoreError::Remote { .. }), "{error:?}");
        fake.set(|_| Fate::Through);
        for _ in 0..2 {
            let error = states.run(stale.append(&[entry("stale")], &signer())).unwrap_err();
            assert!(matches!(error, StoreError::LockLost), "{error:?}");
        }
        assert_eq!(key_of(&states, &first).as_deref(), Some("by bob"));
        states.run(taken.release()).unwrap();
    });
}

/// The write of a holder that was stopped after it had made sure of its lease, and before it wrote: only the log can tell.
#[test]
fn a_write_that_was_under_way_when_the_lock_went_is_refused_by_the_log() {
    States::each(|states| {
        let store = states.store("late");
        begun(&states, &store);
        let (stopped, stop) = std::sync::mpsc::channel::<()>();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let fake = Fake::before(&states.hand.endpoint, |_| Fate::Through);
        let late = states.through(&fake.endpoint, "late");
        let stale = states.run(late.lock(&holder("ann"))).unwrap();
        states.run(stale.append(&[entry("by ann")], &signer())).unwrap();
        fake.set(move |request| {
            if request.is("PUT") && request.path().contains("/log/") {
                let _ = stopped.send(());
                let _ = wait.recv();
            }
            Fate::Through
        });
        let writing = states.runtime.spawn(async move { (stale.append(&[entry("late")], &signer()).await, stale) });
        stop.recv().unwrap();
        states.run(store.unlock("lock-ann")).unwrap();
        let lock = states.run(store.lock(&holder("bob"))).unwrap();
        go.send(()).unwrap();
        drop(go);
        let (late, stale) = states.run(writing).unwrap();
        assert!(matches!(late, Err(StoreError::LockLost)), "{late:?}");
        states.run(lock.append(&[entry("by bob")], &signer())).unwrap();
        assert!(states.run(stale.compact(&Snapshot::new("other".into()), &signer())).is_err());
        assert_eq!(key_of(&states, &store).as_deref(), Some("by bob"));
    });
}

#[test]
fn a_server_that_ignores_conditions_is_refused() {
    States::each(|states| {
        let check = |name: &str, ignored: &'static [&'static str]| {
            let fake = Fake::new(crate::fake::memory(ignored));
            let store = states.through(&fake.endpoint, name);
            let error = states.run(store.lock(&holder("ann"))).unwrap_err();
            assert_eq!(states.run(store.load()).unwrap(), None);
            assert_eq!(fake.count(|request| request.is("PUT") && !request.path().contains("/probe/")), 0);
            states.plain(&error, &fake.endpoint)
        };
        insta::assert_snapshot!(check("both", &["if-match", "if-none-match"]), @"
    the server of s3://BUCKET/states/both at ENDPOINT does not keep two runs apart: it makes an object that is there already (it ignores `If-None-Match`)
    hint: keep the state in a folder, or with a server that honours `If-None-Match` and `If-Match`; nothing was written to this one
    ");
        insta::assert_snapshot!(check("one", &["if-match"]), @"
    the server of s3://BUCKET/states/one at ENDPOINT does not keep two runs apart: it replaces an object that is not the one that was meant (it ignores `If-Match`)
    hint: keep the state in a folder, or with a server that honours `If-None-Match` and `If-Match`; nothing was written to this one
    ");
        let fake = Fake::new(crate::fake::memory(&[]));
        let store = states.through(&fake.endpoint, "good");
        states.run(store.lock(&holder("ann"))).expect("the test's own server is a good one where it ignores nothing");
        // One that wants ETags without quotes is spoken to without.
        let fake = Fake::before(&states.hand.endpoint, |request: &mut Request| {
            match request.headers.iter().find(|(name, _)| name == "if-match") {
                Some((_, value)) if value.starts_with('"') => crate::fake::error(412, "PreconditionFailed", ""),
                _ => Fate::Through,
            }
        });
        let store = states.through(&fake.endpoint, "unquoted");
        states.run(async {
            store.lock(&holder("ann")).await.unwrap().release().await.unwrap();
            store.lock(&holder("bob")).await.unwrap().release().await.unwrap();
            assert!(store.try_out().await.unwrap().is_some());
        });
    });
}

#[test]
fn a_write_whose_answer_is_lost_is_made_once() {
    States::each(|states| {
        let fake = Fake::before(&states.hand.endpoint, |_| Fate::Through);
        let store = states.through(&fake.endpoint, "lost");
        begun(&states, &store);
        let mut puts = 0;
        fake.set(move |request| {
            puts += usize::from(request.is("PUT"));
            match puts % 3 {
                1 if request.is("PUT") => Fate::LoseAnswer,
                2 if request.is("PUT") => Fate::Cut,
                _ => Fate::Through,
            }
        });
        states.run(async {
            let lock = store.lock(&holder("ann")).await.unwrap();
            for number in 0..6 {
                lock.append(&[entry(&format!("key-{number}"))], &signer()).await.unwrap();
            }
            lock.release().await.unwrap();
            let loaded = store.load().await.unwrap().unwrap().snapshot;
            assert_eq!((loaded.serial, loaded.outputs["note"].value()), (6, "key-5".into()));
        });
    });
}

/// Runs of an engine through a door that counts what they write.
struct Runs<'s> {
    states: &'s States,
    door: Fake,
    world: World,
    engine: Engine,
}

impl<'s> Runs<'s> {
    fn new(states: &'s States, name: &str) -> Self {
        let door = Fake::before(&states.hand.endpoint, |_| Fate::Through);
        let store = states.through(&door.endpoint, name);
        let key = KeySource::identity(generate_identity(), "test");
        let engine = Engine::new(Arc::new(store), Settings::new(key));
        Self { states, door, world: sprocket_core::testing::world(), engine }
    }

    /// The lengths of what was written so far, to keys like this one.
    fn written(&self, part: &str) -> Vec<usize> {
        let seen = self.door.seen.lock().unwrap();
        let puts = seen.iter().filter(|request| request.is("PUT") && request.path().contains(part));
        puts.map(Request::length).collect()
    }

    /// Applies what is declared; the lengths of what that wrote to the state, and how often it wrote the lock.
    fn apply(&self, declare: impl Fn(&mut Stack)) -> (Vec<usize>, usize) {
        let stack = self.world.stack(declare);
        let (log, locks) = (self.written("/log/").len(), self.written("lock.json").len());
        let report = self.states.run(async {
            let before = self.written("").len();
            let plan = self.engine.plan(&stack, Goal::Declared).await.unwrap();
            assert_eq!(self.written("").len(), before, "a plan writes nothing");
            self.engine.apply(&stack, &plan, &Stop::default()).await.unwrap()
        });
        assert!(report.succeeded(), "{report:#?}");
        (self.written("/log/").split_off(log), self.written("lock.json").len() - locks)
    }
}

#[test]
fn a_run_writes_once_for_each_step_of_its_longest_path_and_twice_more() {
    const STEPS: usize = 20;
    States::each(|states| {
        let runs = Runs::new(&states, "count");
        // Each waits for the one before.
        let chain = |steps: usize| {
            move |stack: &mut Stack| {
                let mut last = stack.add(Password::new("first"));
                for number in 0..steps {
                    last = stack.add(Password::new(format!("step-{number:02}")).after(&last));
                }
            }
        };
        runs.apply(chain(0));
        let (log, locks) = runs.apply(chain(STEPS));
        println!("a chain of {STEPS} steps: {} writes of the state, {locks} of the lock", log.len());
        // A batch for each step and one for the end of the last; and the snapshot that a state begins with.
        assert!(log.len() <= STEPS + 2, "{} writes for a chain of {STEPS}", log.len());
        assert!(locks >= 2, "it was taken and given back");
    });
}

#[test]
fn a_short_run_writes_what_it_did_and_several_together_a_snapshot() {
    const LARGE: usize = 24;
    States::each(|states| {
        let runs = Runs::new(&states, "short");
        let passwords = |count: usize| {
            move |stack: &mut Stack| {
                for number in 0..count {
                    stack.add(Password::new(format!("password-{number:02}")));
                }
            }
        };
        let (log, _) = runs.apply(passwords(LARGE));
        let snapshot = *log.last().unwrap();
        let (log, _) = runs.apply(passwords(LARGE + 1));
        let [begin, done] = log[..] else { panic!("for one step: {log:?}") };
        assert!(begin + done < snapshot / LARGE * 4, "{log:?} for one step, and {snapshot} for {LARGE}");

        let mut journal = begin + done;
        let is_taken_in = (1..4).any(|round| {
            let (log, _) = runs.apply(passwords(LARGE + 1 + 8 * round));
            let (&last, batches) = log.split_last().unwrap();
            journal += batches.iter().sum::<usize>();
            let is_taken_in = last > snapshot;
            journal += if is_taken_in { 0 } else { last };
            is_taken_in
        });
        assert!(is_taken_in && journal > snapshot / 4, "{journal} bytes since a snapshot of {snapshot}");
    });
}

/// What a snapshot took in goes, and those against whom a fence was put up are kept out for as long as they live.
#[test]
fn a_snapshot_takes_in_batches_and_leaves_fences() {
    States::each(|states| {
        let store = states.store("rounds").keep(1);
        let mut expected = conformance::large(1);
        let (ann, bob) = states.run(async {
            let ann = store.lock(&holder("ann")).await.unwrap();
            ann.compact(&expected, &signer()).await.unwrap();
            store.unlock("lock-ann").await.unwrap();
            (ann, store.lock(&holder("bob")).await.unwrap())
        });
        let mut append = async |text: &str| {
            bob.append(&[entry(text)], &signer()).await.unwrap();
            expected.take(entry(text));
            expected.clone()
        };
        let expected = states.run(async {
            for round in ["first", "second", "third"] {
                append(round).await;
                let whole = append(&format!("{round}, too")).await;
                bob.compact(&whole, &signer()).await.unwrap();
            }
            append("since").await
        });
        // 1 was ann's snapshot. Against her are 2, by who broke her lock, and 3, by who took it next.
        let keys = states.hand.keys_in(&states.hand.name, "states/rounds/log/");
        let numbers = keys.iter().map(|key| key.strip_prefix("states/rounds/log/").unwrap().parse::<u64>().unwrap());
        assert_eq!(numbers.collect::<Vec<_>>(), [2, 3, 9, 12, 13]);

        let door = Fake::before(&states.hand.endpoint, |_| Fate::Through);
        let through = states.through(&door.endpoint, "rounds");
        assert_eq!(states.run(through.load()).unwrap().unwrap().snapshot, expected);
        let read = door.count(|request| request.is("GET") && request.path().contains("/log/"));
        assert_eq!(read, 2, "the last snapshot and what follows it, and nothing older");

        let late = states.run(ann.append(&[entry("by ann")], &signer())).unwrap_err();
        assert!(matches!(late, StoreError::LockLost), "{late:?}");
        assert_eq!(states.run(store.load()).unwrap().unwrap().snapshot, expected);
    });
}

#[test]
fn what_is_damaged_is_refused() {
    States::each(|states| {
        let store = states.store("damaged");
        begun(&states, &store);
        states.run(async {
            let lock = store.lock(&holder("ann")).await.unwrap();
            for number in 0..3 {
                lock.append(&[entry(&format!("key-{number}"))], &signer()).await.unwrap();
            }
            lock.release().await.unwrap();
        });
        let bucket = states.hand.name.as_str();
        let log = |number: u64| format!("states/damaged/log/{number:020}");
        let check = || states.plain(&states.run(store.load()).unwrap_err(), &states.hand.endpoint);
        let line = states.hand.run(async |client| {
            let got = client.get_object().bucket(bucket).key(log(3)).send().await.unwrap();
            String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap()
        });
        states.hand.put(bucket, &log(3), &line.replace("key-1", "key-9"));
        insta::assert_snapshot!(check(), @"
    the state in s3://BUCKET/states/damaged at ENDPOINT is damaged: `log/00000000000000000003`: its checksum is wrong
    hint: put back what was there, from the bucket's older versions or a backup; or go back to a snapshot that is kept: copy its object to the next number. What was recorded since exists, and the next plan may find it by its mark or its name
    ");
        states.hand.put(bucket, &log(3), "");
        insta::assert_snapshot!(check(), @"
    the state in s3://BUCKET/states/damaged at ENDPOINT is damaged: `log/00000000000000000003`: its first line can't be read (EOF while parsing a value at line 1 column 0)
    hint: put back what was there, from the bucket's older versions or a backup; or go back to a snapshot that is kept: copy its object to the next number. What was recorded since exists, and the next plan may find it by its mark or its name
    ");
        states.hand.delete(bucket, &log(3));
        insta::assert_snapshot!(check(), @"
    the state in s3://BUCKET/states/damaged at ENDPOINT is damaged: `log/00000000000000000004`: what stood before it is missing
    hint: put back what was there, from the bucket's older versions or a backup; or go back to a snapshot that is kept: copy its object to the next number. What was recorded since exists, and the next plan may find it by its mark or its name
    ");
    });
}

#[test]
fn a_place_that_can_not_be_used_is_said() {
    States::each(|states| {
        let store = store(&states.runtime, ("no-such-bucket-here", &states.hand.endpoint, "x"), &states.hand.keys());
        insta::assert_snapshot!(states.plain(&states.run(store.load()).unwrap_err(), &states.hand.endpoint), @"
    could not read the state in s3://no-such-bucket-here/states/x at ENDPOINT: could not list bucket `no-such-bucket-here`: NoSuchBucket: The specified bucket does not exist
    hint: a state is kept outside of the stack that it is about: make the bucket by another way, once
    ");
        let fake = Fake::new(|_| crate::fake::error(403, "AccessDenied", "Access Denied"));
        let store = states.through(&fake.endpoint, "x");
        insta::assert_snapshot!(states.plain(&states.run(store.load()).unwrap_err(), &fake.endpoint), @"
        could not read the state in s3://BUCKET/states/x at ENDPOINT: could not list bucket `BUCKET`: AccessDenied
        hint: give the access key the right to list, read, write and delete there; or name another bucket, if this one is another account's
        ");
        let store = states.through("http://127.0.0.1:1", "x");
        insta::assert_snapshot!(states.plain(&states.run(store.load()).unwrap_err(), "http://127.0.0.1:1"), @"
    could not read the state in s3://BUCKET/states/x at ENDPOINT: could not connect to S3 at ENDPOINT: Connection refused (os error 111)
    hint: is the endpoint right, and its server running?
    ");
    });
}

/// Not a test: what the other process of the next one does. It takes the lock, says so, and holds it until it is killed.
#[test]
fn another_process() {
    let Ok(told) = std::env::var("SPROCKET_S3_OTHER") else { return };
    let [bucket, endpoint, id, secret] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let keys = S3Credentials::keys(id, secret.to_owned());
    let store = store(&runtime, (bucket, endpoint, "two"), &keys).lease(SHORT);
    runtime.block_on(async {
        let lock = store.lock(&holder("other")).await.unwrap();
        lock.append(&[entry("by the other")], &signer()).await.unwrap();
        println!("held");
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(lock);
    });
}

#[test]
fn of_two_processes_one_waits_and_goes_on_when_the_other_was_killed() {
    if !is_live() {
        return;
    }
    States::each(|states| {
        let ours = states.store("two").lease(SHORT);
        begun(&states, &ours);
        let Hand { name, endpoint, key, .. } = &states.hand;
        let mut other = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::another_process", "--nocapture"])
            .env("SPROCKET_S3_OTHER", format!("{name} {endpoint} {} {}", key.0, key.1))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(other.stdout.take().unwrap()));
        assert!(lines.any(|line| line.is_ok_and(|line| line.contains("held"))), "the other process has the lock");
        // It renews its lease: far beyond the lease's time it still holds the lock.
        std::thread::sleep(3 * SHORT);
        let refused = states.run(ours.lock(&holder("us"))).unwrap_err();
        assert!(
            matches!(&refused, StoreError::Locked { holder } if holder.who == "other@host, process 1"),
            "{refused:?}"
        );
        other.kill().unwrap();
        other.wait().unwrap();
        let lock = states.run(async {
            let until = tokio::time::Instant::now() + 10 * SHORT;
            loop {
                match ours.lock(&holder("us")).await {
                    Err(StoreError::Locked { .. }) if tokio::time::Instant::now() < until => {
                        tokio::time::sleep(Duration::from_millis(250)).await;
                    }
                    outcome => break outcome.unwrap(),
                }
            }
        });
        assert_eq!(key_of(&states, &ours).as_deref(), Some("by the other"), "what it wrote counts");
        states.run(lock.append(&[entry("by us")], &signer())).unwrap();
        states.run(lock.release()).unwrap();
    });
}
