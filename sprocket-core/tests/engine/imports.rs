//! Imports, of one object and of several in one go: looked at first, then recorded at once or not at all.

use serde_json::{Value, json};
use sprocket_core::engine::{Engine, Hidden, Import, Path, PathPart, Survey};
use sprocket_core::kind::OwnerTag;
use sprocket_core::program::{DraftExt as _, Password, Secret, Stack};
use sprocket_core::testing::{Crash, leaks};

use super::simulated_service::{App, AppSpec, Conf, ConfSpec, ExistingNet, LabState, Net, NetSpec, Note, NoteSpec};
use super::story::{Story, assert_snapshot, edge, said};

/// Imports an object as a resource of the program.
fn import(story: &Story, program: &dyn Fn(&mut Stack), address: &str, id: &str) -> Result<(), String> {
    let stack = story.stack(program);
    let imported = story.world.block_on(story.world.engine().import(&stack, address, id));
    imported.map(|_| ()).map_err(|refused| said(&refused))
}

#[test]
fn what_is_imported_and_as_declared_needs_nothing() {
    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    import(&story, &edge, "lab:net/edge", "net#1").unwrap();
    assert_eq!(story.apply(edge), [""; 0]);
    assert_eq!(story.destroy(edge), ["delete lab:net/edge"]);
}

#[test]
fn what_is_imported_and_otherwise_is_updated_or_replaced() {
    let mut story = Story::new();
    let mut live = NetSpec::of("10.0.0.0/24");
    live.labels.insert("by".into(), "hand".into());
    story.world.put::<Net>("edge", live);
    import(&story, &edge, "lab:net/edge", "edge").unwrap();
    assert_snapshot!(story.plan(edge), @"
    ~ lab:net/edge
        labels.by: hand → (none)
    1 to update.
    ");
    assert_eq!(story.apply(edge), ["update lab:net/edge"]);

    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.9.0.0/24"));
    import(&story, &edge, "lab:net/edge", "edge").unwrap();
    assert_snapshot!(story.plan(edge), @"
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.9.0.0/24 → 10.0.0.0/24  (needs a new one)
    - lab:net/edge  (replaced)
    1 to replace.
    ");
    assert_eq!(story.apply(edge), ["create lab:net/edge-2", "delete lab:net/edge"]);
}

#[test]
fn what_is_imported_keeps_the_name_that_it_has() {
    let mut story = Story::new();
    story.world.put::<Net>("old-edge", NetSpec::of("10.0.0.0/24"));
    import(&story, &edge, "lab:net/edge", "old-edge").unwrap();
    assert_eq!(story.apply(edge), [""; 0]);
    assert_eq!(story.objects(), ["lab:net/old-edge"]);
}

#[test]
fn what_can_not_be_imported_is_told() {
    let mut story = Story::new();
    let two = |stack: &mut Stack| {
        edge(stack);
        stack.add(Net::new("rim"));
    };
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    story.world.put::<Net>("other", NetSpec::of("10.0.0.0/24"));
    let refused = |address, id| import(&story, &two, address, id).unwrap_err();
    assert_snapshot!(refused("lab:net/hub", "edge"), @"`lab:net/hub` is not declared");
    assert_snapshot!(refused("lab:net/edge", "nobody"), @"`lab:net/edge` can't be imported: there is no `nobody`");
    import(&story, &two, "lab:net/edge", "edge").unwrap();
    assert_snapshot!(refused("lab:net/edge", "edge"), @"`lab:net/edge` can't be imported: it is recorded already");
    assert_snapshot!(refused("lab:net/edge", "other"), @"`lab:net/edge` can't be imported: it is recorded already");
    assert_snapshot!(refused("lab:net/rim", "edge"), @"`lab:net/rim` can't be imported: `edge` is recorded as `lab:net/edge`");
    assert_snapshot!(refused("lab:net/rim", "net#1"), @"`lab:net/rim` can't be imported: `net#1` is recorded as `lab:net/edge`");
    import(&story, &two, "lab:net/rim", "other").unwrap();
    assert_eq!(story.apply(two), [""; 0]);
}

#[test]
fn what_was_looked_up_can_be_owned_and_given_back() {
    let mut story = Story::new();
    story.world.put::<Net>("backbone", NetSpec::of("10.0.0.0/24"));
    story.world.answer::<ExistingNet>(LabState { id: "net#1".into(), version: 1 });
    let looked_up = |stack: &mut Stack| {
        let backbone = stack.look(ExistingNet { name: "backbone".into() });
        stack.add(App::new("web", "app:1").net(backbone.map(|net| net.id)));
    };
    let owned = |keep: bool| {
        move |stack: &mut Stack| {
            let backbone = Net::new("backbone").adopt();
            let backbone = stack.add(if keep { backbone.keep_on_delete() } else { backbone });
            stack.add(App::new("web", "app:1").net(&backbone.id));
        }
    };
    story.apply(looked_up);
    assert_snapshot!(story.plan(owned(false)), @"
    + lab:net/backbone  (taken over)
    · lab:app/web  (only its record changes)
    1 to take over, 1 to record.
    ");
    assert_eq!(story.apply(owned(false)), ["update lab:net/backbone"], "now it has our mark");

    // Who only takes the declaration away means the object too; who says that it stays gives it back.
    assert_snapshot!(story.plan(looked_up), @"
    · lab:app/web  (only its record changes)
    - lab:net/backbone  (not declared any more)
    1 to delete, 1 to record.
    ");
    assert_eq!(story.apply(owned(true)), [""; 0]);
    assert_snapshot!(story.plan(looked_up), @"
    · lab:app/web  (only its record changes)
    = lab:net/backbone  (left in place, and no longer recorded)
    = lab:net/backbone stays as `backbone`: `keep_on_delete` is set; no longer recorded
    1 to forget, 1 to record.
    ");
    assert_eq!(story.apply(looked_up), [""; 0]);
    assert_eq!(story.objects(), ["lab:app/web", "lab:net/backbone"]);
}

#[test]
fn object_that_was_imported_from_another_stack_is_ours_once_it_bears_our_owner_tag() {
    let labelled = |stack: &mut Stack| drop(stack.add(Net::new("edge").label("by", "us")));
    let theirs = || Some(OwnerTag { lineage: "theirs".into(), record: "1".into() });
    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    story.world.set_owner("lab:net", "edge", theirs());
    import(&story, &edge, "lab:net/edge", "net#1").unwrap();
    let is_foreign = |story: &Story| {
        story.world.snapshot().unwrap().records[&"lab:net/edge".into()].object.as_ref().unwrap().foreign
    };
    assert!(is_foreign(&story));
    assert_eq!(story.apply(labelled), ["update lab:net/edge"]);
    assert!(!is_foreign(&story));
}

const DRAWN: &str = "drawn-elsewhere-20ch";

fn estate(stack: &mut Stack) {
    let net = stack.add(Net::new("edge").protect());
    let conf = stack.add(Conf::new("motd", "port = 80"));
    let drawn = stack.add(Password::new("drawn").length(20));
    let note = stack.add(Note::new("note", &drawn.value).after(&net));
    let token = drawn.value.map(|value| value.expose().clone());
    let web = App::new("web", "web:1").net(&net.id).uses(&conf.id).uses(&note.name).env("TOKEN", &token);
    stack.add(web.replace_on(&conf));
}

/// Objects of somebody else, with names of their own.
fn made(story: &mut Story) {
    story.world.put::<Net>("edge-1", NetSpec::of("10.0.0.0/24"));
    story.world.put::<Conf>("motd-1", ConfSpec { data: "port = 80".into(), labels: [].into() });
    story.world.put::<Note>("note-1", NoteSpec { data: Secret::new(String::new()) });
    let app = AppSpec {
        image: "web:1".into(),
        env: [("TOKEN".into(), DRAWN.into())].into(),
        nets: vec!["net#1".into()],
        used: vec!["conf#2".into(), "note-1".into()],
        replicas: 1,
        global: false,
    };
    story.world.put::<App>("web-1", app);
}

fn given(text: &str) -> Hidden {
    Hidden::Is(Secret::new(Value::from(text)))
}

fn all(note: Hidden, drawn: Hidden) -> Vec<Import> {
    vec![
        // The order in which they are asked for says nothing.
        Import::new("lab:app/web", "web-1"),
        Import::new("lab:note/note", "note-1").hiding(note),
        Import::new("random:password/drawn", "").hiding(drawn),
        Import::new("lab:conf/motd", "motd-1"),
        Import::new("lab:net/edge", "edge-1"),
    ]
}

/// What would become of each.
fn told_of(survey: &Survey) -> String {
    let line = |found: &sprocket_core::engine::Imported| match &found.object {
        Ok(name) => format!("{} is `{name}`", found.address),
        Err(refused) => refused.to_string(),
    };
    survey.found.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn survey(story: &Story, engine: &Engine, stack: &Stack, imports: Vec<Import>) -> Survey {
    story.world.block_on(engine.survey(stack, imports)).unwrap()
}

#[test]
fn what_is_imported_with_all_that_is_hidden_needs_nothing() {
    let mut story = Story::new();
    made(&mut story);
    let (engine, stack) = (story.world.engine(), story.stack(estate));
    let survey = survey(&story, &engine, &stack, all(Hidden::AsDeclared, given(DRAWN)));
    assert_snapshot!(told_of(&survey), @"
    lab:app/web is `web-1`
    lab:note/note is `note-1`
    random:password/drawn is `drawn`
    lab:conf/motd is `motd-1`
    lab:net/edge is `edge-1`
    ");
    assert_snapshot!(survey.plan, @"Nothing to do: 5 resources are as declared.");
    assert!(story.world.snapshot().is_none(), "nothing was written");
    let recorded = story.world.block_on(engine.import_all(&stack, &survey)).unwrap();
    assert_eq!(recorded.len(), 5);
    let state = serde_json::to_string(&story.world.snapshot()).unwrap();
    assert_eq!(leaks(&state, &[DRAWN]), [""; 0]);
    assert_eq!(story.apply(estate), [""; 0]);
    // The guards of the program count from now on.
    assert_snapshot!(story.plan(|_| {}), @"
    - lab:app/web `web-1`  (not declared any more)
    - lab:conf/motd `motd-1`  (not declared any more)
    - lab:note/note `note-1`  (not declared any more)
    - random:password/drawn  (not declared any more)
    problem: `lab:net/edge`: is not declared any more, and is protected
      hint: `state unprotect lab:net/edge`; or declare it again without `.protect()`, and apply that
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn what_nobody_knows_is_written_again_and_what_is_known_otherwise_too() {
    let mut story = Story::new();
    made(&mut story);
    let (engine, stack) = (story.world.engine(), story.stack(estate));
    let check = |note: Hidden| survey(&story, &engine, &stack, all(note, given(DRAWN))).plan.to_string();
    assert_snapshot!(check(Hidden::Unknown), @"
    ~ lab:note/note `note-1`
        data: (secret) → (secret)
    1 to update, 4 unchanged.
    ");
    assert_snapshot!(check(given("another")), @"
    ~ lab:note/note `note-1`
        data: (secret) → (secret)
    1 to update, 4 unchanged.
    ");
    assert_snapshot!(check(given(DRAWN)), @"Nothing to do: 5 resources are as declared.");
    // Without its value there is no password to import, and who was made from it changes.
    let survey = survey(&story, &engine, &stack, all(Hidden::AsDeclared, Hidden::Unknown));
    assert_snapshot!(told_of(&survey), @"
    lab:app/web is `web-1`
    `lab:note/note` can't be imported: what the program says of its `data` is not known yet
    `random:password/drawn` can't be imported: nobody says what it is, and no service knows
    lab:conf/motd is `motd-1`
    lab:net/edge is `edge-1`
    ");
    assert_snapshot!(survey.plan, @"
    + random:password/drawn
        length: 20
    + lab:note/note
        data: (known after random:password/drawn)
    ~ lab:app/web `web-1`
        env.TOKEN: (secret) → (known after random:password/drawn)
        used[1]:   note-1 → note
    2 to create, 1 to update, 2 unchanged.
    ");
}

#[test]
fn what_can_not_be_imported_keeps_no_other_from_it() {
    let mut story = Story::new();
    made(&mut story);
    let (engine, stack) = (story.world.engine(), story.stack(estate));
    let imports = vec![
        Import::new("lab:net/edge", "edge-1"),
        Import::new("lab:net/edge", "edge-1"),
        Import::new("lab:net/hub", "edge-1"),
        Import::new("lab:conf/motd", "gone").hiding(Hidden::AsDeclared),
        Import::new("lab:app/web", "web-1").hiding(given("x")),
        Import::new("random:password/drawn", "").hiding(Hidden::Is(Secret::new(json!(["x"])))),
    ];
    let survey = survey(&story, &engine, &stack, imports);
    assert_snapshot!(told_of(&survey), @"
    lab:net/edge is `edge-1`
    `lab:net/edge` can't be imported: it is recorded already
    `lab:net/hub` is not declared
    `lab:conf/motd` can't be imported: there is no `gone`
    `lab:app/web` can't be imported: its service shows all of it: nothing is to be said
    `random:password/drawn` can't be imported: it can't be made of what is given
    ");
    let recorded = story.world.block_on(engine.import_all(&stack, &survey)).unwrap();
    assert_eq!(recorded.iter().map(ToString::to_string).collect::<Vec<_>>(), ["lab:net/edge"]);
    let recorded = story.world.snapshot().unwrap().records;
    assert_eq!(recorded.keys().map(ToString::to_string).collect::<Vec<_>>(), ["lab:net/edge"]);
    assert_eq!(story.world.calls(), [""; 0]);
}

#[test]
fn what_is_not_as_it_was_shown_is_not_recorded() {
    let mut story = Story::new();
    made(&mut story);
    let (engine, stack) = (story.world.engine(), story.stack(estate));
    let shown = survey(&story, &engine, &stack, all(Hidden::AsDeclared, given(DRAWN)));
    story.world.change::<App>("web-1", |spec| spec.replicas = 3);
    let refused = story.world.block_on(engine.import_all(&stack, &shown)).unwrap_err();
    assert_snapshot!(refused, @"the plan is stale: `lab:app/web` is not as it was when the plan was made");
    assert!(story.world.snapshot().is_none());
    // Seen again, it can be.
    let shown = survey(&story, &engine, &stack, all(Hidden::AsDeclared, given(DRAWN)));
    assert_snapshot!(shown.plan, @"
    ~ lab:app/web `web-1`
        replicas: 3 → 1
    1 to update, 4 unchanged.
    ");
    story.world.block_on(engine.import_all(&stack, &shown)).unwrap();
    // And once only.
    let refused = story.world.block_on(engine.import_all(&stack, &shown)).unwrap_err();
    assert_snapshot!(refused, @"the plan is stale: `lab:app/web` is not as it was when it was shown");
}

#[test]
fn what_its_last_owner_kept_secret_stays_so_where_the_program_does_not_say_it() {
    let mut story = Story::new();
    made(&mut story);
    let stack = story.stack(|stack| {
        stack.add(App::new("web", "web:1").env("OTHER", "public"));
    });
    let engine = story.world.engine();
    let path = |parts: &[&str]| Path(parts.iter().map(|part| PathPart::Key((*part).to_owned())).collect());
    for secrets in [path(&["env"]), path(&["env", "TOKEN"])] {
        let survey = survey(&story, &engine, &stack, vec![Import::new("lab:app/web", "web-1").with_secrets([secrets])]);
        insta::allow_duplicates! { assert_snapshot!(survey.plan, @"
        ~ lab:app/web `web-1`
            env.OTHER: (none) → public
            env.TOKEN: (secret) → (none)
            nets:      [net#1] → []
            used:      [conf#2, note-1] → []
        1 to update.
        "); }
        assert_eq!(leaks(serde_json::to_string(&survey.plan).unwrap(), &[DRAWN]), [""; 0]);
    }
}

#[test]
fn an_import_that_is_killed_has_recorded_all_of_it_or_nothing() {
    for crash in [Crash::Before, Crash::After] {
        let mut story = Story::new();
        made(&mut story);
        let (engine, stack) = (story.world.engine(), story.stack(estate));
        let shown = survey(&story, &engine, &stack, all(Hidden::AsDeclared, given(DRAWN)));
        story.world.crash_at(0, crash);
        assert!(story.world.until_killed(engine.import_all(&stack, &shown)).is_none());
        let recorded = story.world.snapshot().map_or(0, |snapshot| snapshot.records.len());
        assert_eq!(recorded, if crash == Crash::Before { 0 } else { 5 });
        // Nothing was recorded: what was shown still holds. It is the only write.
        story.world.crash_at(1, crash);
        let again = story.world.until_killed(engine.import_all(&stack, &shown)).unwrap();
        assert_eq!(again.is_ok(), crash == Crash::Before);
        assert_eq!(story.apply(estate), [""; 0]);
    }
}
