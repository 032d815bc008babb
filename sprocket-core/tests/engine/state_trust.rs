//! States that somebody without the key has written or changed: they are refused before anything is asked of any service, and
//! stay as they are.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sprocket_core::engine::{Engine, Goal, Refused, Settings, Stop};
use sprocket_core::program::{Neighbours, Password, Secret, Stack};
use sprocket_core::state::{
    FileStore, Freshness, Holder, KeySource, ProtectedKey, Signer, Snapshot, StackId, StackKey, StateStore,
    generate_identity,
};
use tempfile::TempDir;

use super::fake_kinds::Post;
use super::fake_service::{Gate, Yard};
use super::simulated_service::{Lab, Net};
use super::story::{Story, assert_snapshot, said};

/// A state in a folder, and a yard that counts who comes in.
struct Stage {
    folder: TempDir,
    yard: Yard,
    key: KeySource,
}

fn identity(text: &str) -> KeySource {
    KeySource::identity(Secret::new(text.to_owned()), "key.txt")
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

impl Stage {
    fn owned_by(key: KeySource) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), yard: Yard::default(), key }
    }

    /// With a snapshot and a journal of several lines.
    fn set() -> Self {
        let stage = Self::owned_by(KeySource::identity(generate_identity(), "key.txt"));
        stage.apply(1);
        stage.apply(2);
        stage
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.folder.path())
    }

    fn engine(&self, key: &KeySource) -> Engine {
        Engine::new(Arc::new(self.store()), Settings::new(key.clone())).knowing::<Gate>()
    }

    /// Two posts, with a password in the one, in their state of this time.
    fn stack(&self, time: u32) -> Stack {
        let mut stack = Stack::new();
        stack.connect(self.yard.gate("ann"));
        let password = stack.add(Password::new("gate"));
        let first = stack.add(Post::new("first").note(&password.value).text(format!("time {time}")));
        stack.add(Post::new("second").text(&first.id).tag("time", time.to_string()));
        stack.output("first", &first.id);
        stack
    }

    fn apply(&self, time: u32) {
        self.apply_with(&self.key, time).unwrap();
    }

    fn apply_with(&self, key: &KeySource, time: u32) -> Result<(), Refused> {
        let (stack, engine) = (self.stack(time), self.engine(key));
        run(async {
            let plan = engine.plan(&stack, Goal::Declared).await?;
            let report = engine.apply(&stack, &plan, &Stop::default()).await?;
            assert!(report.succeeded(), "{report:#?}");
            Ok(())
        })
    }

    /// Every command is refused with this reason, nobody comes into the yard, and the files stay as they are.
    #[track_caller]
    fn is_refused(&self, reasons: &[&str]) -> Refused {
        let (visits, files) = (self.yard.inside().visits, self.files());
        let (stack, engine) = (self.stack(3), self.engine(&self.key));
        let refused = [
            run(engine.plan(&stack, Goal::Declared)).unwrap_err(),
            run(engine.verify(&stack)).unwrap_err(),
            run(engine.reach(&stack)).unwrap_err(),
            run(engine.outputs(true)).unwrap_err(),
            run(engine.forget("yard:post/first")).unwrap_err(),
            run(engine.import(&stack, "yard:post/new", "new")).unwrap_err(),
            self.apply_with(&self.key, 3).unwrap_err(),
        ];
        for refused in &refused {
            assert!(reasons.contains(&refused.reason()), "{}: {refused}", refused.reason());
            assert!(refused.hint().is_some(), "{refused}");
        }
        assert_eq!(self.yard.inside().visits, visits, "nobody comes in");
        assert_eq!(self.files(), files, "the state stays as it is");
        let [refused, ..] = refused;
        refused
    }

    fn files(&self) -> Vec<Vec<u8>> {
        ["state.json", "journal"].map(|name| fs::read(self.file(name)).unwrap_or_default()).into()
    }

    /// Writes a state as somebody with another key would.
    fn put(&self, snapshot: &Snapshot, key: &StackKey) {
        let holder = Holder {
            id: "lock".into(),
            who: "somebody".into(),
            command: "apply".into(),
            since: "2026-04-01T12:00:00Z".parse().unwrap(),
        };
        run(async {
            let lock = self.store().lock(&holder).await.unwrap();
            lock.compact(snapshot, &Signer::of(key)).await.unwrap();
            lock.release().await.unwrap();
        });
    }
}

#[test]
fn an_added_record_or_provider_is_refused_before_any_call() {
    let stage = Stage::set();
    let mut snapshot = run(stage.store().load()).unwrap().unwrap().snapshot;
    let record = snapshot.records[&"yard:post/first".into()].clone();
    snapshot.records.insert("yard:post/theirs".into(), record);
    let recorded = snapshot.providers[&"yard".into()].clone();
    snapshot.providers.insert("yard/evil".into(), recorded);
    snapshot.serial += 1;
    let journal = stage.read("journal");
    stage.put(&snapshot, &StackKey::from_bytes([66; 64]));
    let refused = stage.is_refused(&["forged"]);
    let said = said(&refused).replace(&stage.folder.path().display().to_string(), "FOLDER");
    assert_snapshot!(said.replace(&format!("serial {}", snapshot.serial), "serial N"), @"
    the state in FOLDER is forged or damaged: its snapshot, of serial N, was not written with the stack's key
    hint: nothing was asked of any service, and the state stays as it is; put an earlier one in its place, from `state history`, the bucket's older versions or a backup, and find out who can write there
    ");
    // Also below a journal that was written with the key.
    fs::write(stage.file("journal"), journal).unwrap();
    stage.is_refused(&["forged", "store"]);
}

#[test]
fn a_snapshot_counts_in_each_line() {
    let stage = Stage::set();
    let (key, snapshot) = (&stage.key, run(stage.store().load()).unwrap().unwrap().snapshot);
    // All of it in one file, as after a run that ended with a snapshot.
    fs::remove_file(stage.file("journal")).unwrap();
    let opened = key.open(snapshot.key.as_ref().unwrap(), &snapshot.lineage).unwrap();
    stage.put(&snapshot, &opened);
    stage.apply(2);
    fs::remove_file(stage.file("journal")).ok();
    let whole = String::from_utf8(stage.read("state.json")).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let engine = stage.engine(key);
    let stack = stage.stack(2);
    let check = |text: &str, what: &str| {
        fs::write(stage.file("state.json"), text).unwrap();
        let refused = run(engine.plan(&stack, Goal::Declared)).unwrap_err();
        assert!(["forged", "store", "key"].contains(&refused.reason()), "{what}: {refused}");
        assert_eq!(fs::read(stage.file("state.json")).unwrap(), text.as_bytes());
    };
    // A value that was sealed with the key, in the place of another: an earlier password, or that of another resource.
    let sealed: Vec<&str> = whole.split("\"$sealed\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let serde_json::Value::String(other) = serde_json::to_value(opened.seal(b"\"hunter2\"")).unwrap() else {
        panic!("it is a text")
    };
    check(&whole.replace(sealed[0], &other), "another sealed value");
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        check(&without.concat(), &format!("without line {at}"));
        if lines[at].trim_end() != lines[(at + 7) % lines.len()].trim_end() {
            let mut exchanged = lines.clone();
            exchanged.swap(at, (at + 7) % lines.len());
            check(&exchanged.concat(), &format!("line {at} exchanged"));
        }
        if let Some(place) = lines[at].find(|letter: char| letter.is_ascii_alphanumeric()) {
            let letter = if &lines[at][place..=place] == "1" { "2" } else { "1" };
            let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            changed[at].replace_range(place..=place, letter);
            check(&changed.concat(), &format!("line {at} changed"));
        }
    }
}

/// A line of the journal, as somebody without the key writes it: its checksum is right, and its MAC is one that there was.
fn line(mac: &str, json: &str) -> String {
    let sum = Sha256::new().chain_update(Sha256::digest(json)).chain_update(mac).finalize();
    format!("{} {mac} {json}\n", hex::encode(&sum[..8]))
}

#[test]
fn a_journal_counts_in_each_batch_and_in_their_order() {
    let stage = Stage::set();
    let whole = String::from_utf8(stage.read("journal")).unwrap();
    let batches: Vec<(&str, serde_json::Value)> =
        whole.lines().map(|line| (&line[17..49], serde_json::from_str(&line[50..]).unwrap())).collect();
    assert!(batches.len() > 4, "there are several: {whole}");
    let first = batches[0].1["serial"].as_u64().unwrap();
    let (engine, stack) = (stage.engine(&stage.key), stage.stack(2));
    let check = |order: &[usize], what: &str| {
        let (mut serial, mut text) = (first, String::new());
        for &at in order {
            let (mac, mut batch) = batches[at].clone();
            // The serials fit, so that nothing but the MACs can tell.
            let entries = batch["entries"].as_array().unwrap().len() as u64;
            batch["serial"] = serial.into();
            serial += entries;
            text.push_str(&line(mac, &batch.to_string()));
        }
        fs::write(stage.file("journal"), &text).unwrap();
        let refused = run(engine.plan(&stack, Goal::Declared)).unwrap_err();
        assert_eq!(refused.reason(), "forged", "{what}: {refused}");
        assert_eq!(fs::read(stage.file("journal")).unwrap(), text.as_bytes());
    };
    let all: Vec<usize> = (0..batches.len()).collect();
    for at in 0..batches.len() {
        if at + 1 < batches.len() {
            check(&[&all[..at], &all[at + 1..]].concat(), "a batch is missing");
            let mut exchanged = all.clone();
            exchanged.swap(at, at + 1);
            check(&exchanged, "two are exchanged");
        }
        check(&[&all[..=at], &all[at..]].concat(), "a batch is there twice");
    }
    for (at, whole_line) in whole.lines().enumerate() {
        let (mac, json) = (&whole_line[17..49], &whole_line[50..]);
        for (from, to) in [("time", "tame"), ("\"marked\":true", "\"marked\":false"), ("id-1", "id-2"), ("AGE", "age")]
        {
            if json.contains(from) {
                let mut lines: Vec<String> = whole.split_inclusive('\n').map(str::to_owned).collect();
                lines[at] = line(mac, &json.replacen(from, to, 1));
                fs::write(stage.file("journal"), lines.concat()).unwrap();
                assert_eq!(run(engine.plan(&stack, Goal::Declared)).unwrap_err().reason(), "forged");
            }
        }
    }
    fs::write(stage.file("journal"), &whole).unwrap();
    assert!(run(engine.plan(&stack, Goal::Declared)).unwrap().is_empty());
}

#[test]
fn another_stacks_outputs_are_believed_only_with_its_mac() {
    let stage = Stage::set();
    let reading = || {
        let mut stack = Stack::new();
        let (store, key) = (stage.store(), stage.key.clone());
        stack.neighbours(Neighbours::new(move |_| {
            let (store, key) = (Arc::new(store.clone()) as Arc<dyn StateStore>, key.clone());
            async move { Ok((store, key)) }
        }));
        let shown = stack.output_of::<String>("other", "first");
        stack.output("first", &shown);
        let own = Engine::new(Arc::new(sprocket_core::state::MemoryStore::new()), Settings::new(stage.key.clone()));
        run(own.plan(&stack, Goal::Declared)).map(|plan| plan.to_string())
    };
    assert!(reading().is_ok());
    let mut snapshot = run(stage.store().load()).unwrap().unwrap().snapshot;
    // It says whose it is: another stack's outputs are none of the one that was asked for.
    let key = stage.key.open(snapshot.key.as_ref().unwrap(), &snapshot.lineage).unwrap();
    snapshot.serial += 1;
    for (name, is_it) in [("other", true), ("somebody", false)] {
        snapshot.stack = Some(stack_id(name, "production", None));
        stage.put(&snapshot, &key);
        assert_eq!(reading().is_ok(), is_it, "{name}");
    }
    assert!(reading().unwrap_err().to_string().contains("is of `somebody/production`"));
    snapshot.outputs.insert("first".into(), (&serde_json::json!("evil.example")).into());
    stage.put(&snapshot, &StackKey::from_bytes([66; 64]));
    let refused = reading().unwrap_err().to_string();
    assert!(refused.contains("forged"), "{refused}");
}

/// A key of somebody's own, encrypted to a recipient that everybody may know.
fn encrypted_to(recipient: &age::x25519::Recipient, key: [u8; 64]) -> String {
    let encryptor = age::Encryptor::with_recipients([recipient as &dyn age::Recipient].into_iter()).unwrap();
    let armor = age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor).unwrap();
    let mut writer = encryptor.wrap_output(armor).unwrap();
    writer.write_all(&key).unwrap();
    String::from_utf8(writer.finish().unwrap().finish().unwrap()).unwrap()
}

fn recipient(identity: &str) -> age::x25519::Recipient {
    let line = identity.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
    line.parse::<age::x25519::Identity>().unwrap().to_public()
}

fn tags(protected: ProtectedKey) -> Vec<String> {
    let ProtectedKey::Identities { tags, .. } = protected else { panic!("{protected:?}") };
    tags
}

#[test]
fn another_key_for_the_same_owner_is_refused() {
    let (text, other) = (generate_identity(), generate_identity());
    let both = format!("{}{}", text.expose(), other.expose());
    for owner in [text.expose().as_str(), &both] {
        let stage = Stage::owned_by(identity(owner));
        stage.apply(1);
        let own = run(stage.store().load()).unwrap().unwrap().snapshot;
        let age = encrypted_to(&recipient(text.expose()), [66; 64]);
        // Without a tag, with the tag of the key that it takes the place of, and with one of another stack of the owner.
        let elsewhere = identity(owner).protect(&StackKey::from_bytes([66; 64]), &"elsewhere".into()).unwrap();
        for tags in [Vec::new(), tags(own.key.clone().unwrap()), tags(elsewhere)] {
            let mut snapshot = Snapshot::new(own.lineage.clone());
            snapshot.serial = own.serial + 1;
            snapshot.key = Some(ProtectedKey::Identities { age: age.clone(), tags });
            stage.put(&snapshot, &StackKey::from_bytes([66; 64]));
            let refused = stage.is_refused(&["key"]);
            assert_eq!(
                refused.to_string(),
                "the stack's key in its state was not put there by a holder of the age identity from key.txt"
            );
        }
    }
}

#[test]
fn a_first_saved_plan_can_not_bring_a_key_of_somebody_else() {
    let text = generate_identity();
    let stage = Stage::owned_by(identity(text.expose()));
    let (stack, engine) = (stage.stack(1), stage.engine(&stage.key));
    let plan = run(engine.plan(&stack, Goal::Declared)).unwrap();
    let saved = run(engine.save(&plan, "a/b")).unwrap();
    assert!(run(engine.plan_saved(&stack, &saved, "a/b")).is_ok());
    let mut forged = serde_json::to_value(&saved).unwrap();
    forged["key"]["identities"]["age"] = encrypted_to(&recipient(text.expose()), [66; 64]).into();
    let forged = serde_json::from_value(forged).unwrap();
    assert_eq!(run(engine.plan_saved(&stack, &forged, "a/b")).unwrap_err().reason(), "key");
}

#[test]
fn a_new_owner_beside_the_old_one_can_open_the_key_after_a_run() {
    let (old, new) = (generate_identity(), generate_identity());
    let stage = Stage::owned_by(identity(old.expose()));
    stage.apply(1);
    assert_eq!(stage.apply_with(&identity(new.expose()), 1).unwrap_err().reason(), "key");
    let both = identity(&format!("{}{}", new.expose(), old.expose()));
    stage.apply_with(&both, 1).unwrap();
    let key = run(stage.store().load()).unwrap().unwrap().snapshot.key;
    for owner in [&new, &old] {
        stage.apply_with(&identity(owner.expose()), 2).unwrap();
        stage.apply_with(&both, 2).unwrap();
    }
    assert_eq!(
        run(stage.store().load()).unwrap().unwrap().snapshot.key,
        key,
        "it is encrypted again for a new owner only"
    );
}

#[test]
fn a_new_owner_is_added_without_a_run_too() {
    let (old, new) = (generate_identity(), generate_identity());
    let stage = Stage::owned_by(identity(old.expose()));
    stage.apply(1);
    let both = identity(&format!("{}{}", new.expose(), old.expose()));
    let share = |key: &KeySource| run(stage.engine(key).share_key()).unwrap();
    assert_eq!([share(&identity(old.expose())), share(&both), share(&both)], [false, true, false]);
    stage.apply_with(&identity(new.expose()), 2).unwrap();
}

fn stack_id(name: &str, environment: &str, program: Option<&str>) -> StackId {
    StackId { name: name.into(), environment: environment.into(), program: program.map(str::to_owned) }
}

/// What planning says with these settings, or that it is done.
fn planned(stage: &Stage, change: impl FnOnce(&mut Settings)) -> String {
    let mut settings = Settings::new(stage.key.clone());
    change(&mut settings);
    let engine = Engine::new(Arc::new(stage.store()), settings).knowing::<Gate>();
    match run(engine.plan(&stage.stack(1), Goal::Declared)) {
        Ok(_) => "planned".into(),
        Err(refused) => said(&refused).replace(&stage.folder.path().display().to_string(), "FOLDER"),
    }
}

#[test]
fn a_state_of_another_stack_is_refused_until_it_is_claimed() {
    let stage = Stage::owned_by(KeySource::identity(generate_identity(), "key.txt"));
    let settings = |id: &StackId| Settings { stack: Some(id.clone()), ..Settings::new(stage.key.clone()) };
    let engine = |id: &StackId| Engine::new(Arc::new(stage.store()), settings(id)).knowing::<Gate>();
    let own = stack_id("web", "production", Some("shop"));
    run(async {
        let (stack, engine) = (stage.stack(1), engine(&own));
        let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
        engine.apply(&stack, &plan, &Stop::default()).await.unwrap();
    });
    let plan = |id: &StackId| planned(&stage, |settings| settings.stack = Some(id.clone()));
    assert_eq!(plan(&own), "planned");
    assert_eq!(plan(&stack_id("web", "production", None)), "planned", "an unknown program is none to compare");
    assert_eq!(planned(&stage, |_| ()), "planned", "an engine that was told no name compares none");
    let visits = stage.yard.inside().visits;
    assert_snapshot!(plan(&stack_id("web", "staging", Some("shop"))), @"
    the state in FOLDER is of `web/production` of the program `shop`, and this is `web/staging` of the program `shop`
    hint: nothing was changed; put the right state there. If the stack or the program has been renamed, or the state was moved here, `state claim` makes it this one's; never do that with a copy: two stacks would own the same objects
    ");
    for other in [stack_id("api", "production", Some("shop")), stack_id("web", "production", Some("bank"))] {
        assert!(plan(&other).starts_with("the state in FOLDER is of `web/production` of the program `shop`"));
    }
    assert_eq!(stage.yard.inside().visits, visits, "nobody comes in");
    let renamed = stack_id("site", "production", Some("shop"));
    assert_eq!(run(engine(&renamed).claim()).unwrap(), Some(own.clone()));
    assert_eq!(plan(&renamed), "planned");
    assert!(plan(&own).starts_with("the state in FOLDER is of `site/production`"));
}

#[test]
fn an_earlier_state_is_refused_where_a_later_one_is_known() {
    let stage = Stage::owned_by(KeySource::identity(generate_identity(), "key.txt"));
    stage.apply(1);
    let earlier = stage.files();
    let put_back = || {
        fs::write(stage.file("state.json"), &earlier[0]).unwrap();
        fs::write(stage.file("journal"), &earlier[1]).unwrap();
    };
    stage.apply(2);
    let last = run(stage.store().load()).unwrap().unwrap().snapshot;
    let remembered = Freshness::of(&last);
    let plan = || planned(&stage, |settings| settings.remembered = Some(remembered.clone()));
    assert_eq!(plan(), "planned");
    put_back();
    let found = run(stage.store().load()).unwrap().unwrap().snapshot.serial;
    let visits = stage.yard.inside().visits;
    assert_eq!(
        plan().lines().next().unwrap(),
        format!(
            "the state in FOLDER is not the last one: it has serial {found}, and had serial {} before",
            last.serial
        )
    );
    assert_eq!(
        planned(&stage, |settings| settings.at_least = last.serial).lines().next().unwrap(),
        format!(
            "the state in FOLDER is not the last one: it has serial {found}, and should have at least {}",
            last.serial
        )
    );
    // The end of the journal is cut off, which no MAC can tell.
    fs::remove_file(stage.file("journal")).unwrap();
    assert!(plan().contains("is not the last one"));
    fs::remove_file(stage.file("state.json")).unwrap();
    assert!(plan().contains("it is gone"), "{}", plan());
    assert_eq!(stage.yard.inside().visits, visits, "nobody comes in");
    put_back();
    assert_eq!(planned(&stage, |_| ()), "planned", "who is told nothing goes on with it");
}

#[test]
fn a_provider_that_only_the_state_knows_is_opened_when_asked_for() {
    let mut story = Story::new();
    let far = |stack: &mut Stack| {
        let lab = stack.connect(Lab::at("far.example").named("far"));
        for name in ["a", "b", "c", "d"] {
            stack.on(&lab).add(Net::new(name));
        }
    };
    story.world.apply(far);
    story.calls();
    assert_snapshot!(said(&story.world.try_plan(|_| (), Goal::Declared).unwrap_err()), @"
    state has 4 resources (`lab:net/a`, `lab:net/b`, `lab:net/c`, …) of `lab/far`, and the program does not know this provider
    hint: keep the provider in the program until its resources are gone, or `state forget` them
    ");
    let near = |stack: &mut Stack| {
        stack.connect(Lab::local());
    };
    assert_snapshot!(said(&story.world.try_plan(near, Goal::Declared).unwrap_err()), @r#"
    state has 4 resources (`lab:net/a`, `lab:net/b`, `lab:net/c`, …) of `lab/far`, which the program does not connect any more; it was connected with {"address":"far.example"}
    hint: if that is where they are, the same command with `--forgotten lab/far` connects to it, to delete what is not declared any more; else connect it in the program, or `state forget` them
    "#);
    for goal in [Goal::Declared, Goal::Destroyed { include_kept: false }] {
        assert_eq!(story.world.try_plan(near, goal).unwrap_err().reason(), "disconnected");
    }
    // One that the program connects to the same place is the same place.
    let again = |stack: &mut Stack| {
        stack.connect(Lab::at("far.example").named("other"));
    };
    assert!(story.world.try_plan(again, Goal::Declared).is_ok());
    assert_eq!(story.calls(), [""; 0]);
    story.world.settings.forgotten = vec!["lab/far".into()];
    story.world.apply(near);
    assert_eq!(story.calls().len(), 4, "they are deleted");
}

#[test]
fn deep_json_in_a_state_is_refused_when_it_is_loaded() {
    let stage = Stage::set();
    let mut snapshot = run(stage.store().load()).unwrap().unwrap().snapshot;
    let key = stage.key.open(snapshot.key.as_ref().unwrap(), &snapshot.lineage).unwrap();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    snapshot.outputs.insert("deep".into(), serde_json::from_str(&deep(100)).unwrap());
    snapshot.serial += 1;
    stage.put(&snapshot, &key);
    assert_eq!(planned(&stage, |_| ()), "planned");
    let text = String::from_utf8(stage.read("state.json")).unwrap();
    fs::write(stage.file("state.json"), text.replace(&deep(100), &deep(200))).unwrap();
    stage.is_refused(&["store"]);
    assert!(planned(&stage, |_| ()).contains("nested more than 120 deep"));
}
