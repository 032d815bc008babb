//! Guards: what is refused before anything is called, and what is left alone.

use sprocket_core::engine::Goal;
use sprocket_core::kind::{ErrorKind, OwnerTag};
use sprocket_core::program::{DraftExt as _, Output, Password, Stack};
use sprocket_core::testing::{Fail, leaks};

use super::simulated_service::{App, Conf, Disk, ExistingNet, Lab, LabState, Net, NetSpec, Note};
use super::story::{Story, assert_snapshot, edge};

#[test]
fn all_mistakes_of_a_program_are_reported_at_once() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let edge = stack.add(Net::new("edge"));
        stack.add(Net::new("edge"));
        stack.add(Net::new("two words"));
        stack.add(App::new("web", "app:1").ignore("imgae").net(&edge.id));
        let mut other = Stack::new();
        other.connect(Lab::local());
        let foreign = other.add(Net::new("foreign"));
        stack.add(App::new("api", "app:1").net(&foreign.id));
        stack.add(App::new("twice", "app:1").env("A", "1").env("A", "2"));
    };
    let refused = story.try_plan(program, Goal::Declared).unwrap_err();
    assert_snapshot!(refused, @"
    `lab:net/edge`: is declared already at FILE:LINE1; one of them needs another name  (FILE:LINE2)
    `lab:net/two words`: needs a name without spaces  (FILE:LINE3)
    `lab:app/web`: has no setting `imgae` to ignore  (FILE:LINE4)
    `lab:app/api`: mentions a resource of another stack  (FILE:LINE5)
    `lab:app/twice`: `A` is set already  (FILE:LINE6)
    ");
}

#[test]
fn a_resource_needs_its_provider() {
    let mut story = Story::new();
    let refused = story.world.try_plan(edge, Goal::Declared).unwrap_err();
    assert_snapshot!(refused, @"`lab:net/edge`: needs a `lab`, and the stack is connected to none; connect it first: `stack.connect(…)`  (FILE:LINE)");
    let two = |stack: &mut Stack| {
        stack.connect(Lab::local());
        stack.connect(Lab::at("elsewhere").named("second"));
        edge(stack);
    };
    assert_snapshot!(story.world.try_plan(two, Goal::Declared).unwrap_err(), @"`lab:net/edge`: could be on several `lab`; say which: `stack.on(&lab).…`  (FILE:LINE)");
}

#[test]
fn an_object_of_somebody_else_is_not_touched() {
    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    assert_snapshot!(story.plan(edge), @"
    problem: `lab:net/edge`: an object named `edge` exists already, and this stack does not own it  (FILE:LINE)
      hint: take it over with `.adopt()` or `import lab:net/edge net#1`
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(edge).is_err());
    assert_eq!(story.world.calls(), Vec::<String>::new());
}

#[test]
fn a_mark_that_was_taken_away_is_put_back() {
    let mut story = Story::new();
    story.apply(edge);
    story.world.set_owner("lab:net", "edge", None);
    assert_snapshot!(story.plan(edge), @"
    ~ lab:net/edge  (changed by somebody else)
        owner tag: (none) → this stack's
    1 to update.
    ");
    assert_eq!(story.apply(edge), ["update lab:net/edge"]);
}

#[test]
fn what_another_stack_has_marked_is_neither_changed_nor_deleted() {
    let mut story = Story::new();
    story.apply(edge);
    let theirs = OwnerTag { lineage: "another".into(), record: "r".into() };
    story.world.set_owner("lab:net", "edge", Some(theirs));
    assert_snapshot!(story.plan(edge), @"
    problem: `lab:net/edge`: another stack has marked `edge` as its own  (FILE:LINE)
      hint: leave it to that stack with `state forget lab:net/edge`; or forget it in both, and `import` it here; `--exclude lab:net/edge` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan(|_| ()), @"
    problem: `lab:net/edge`: another stack has marked `edge` as its own
      hint: leave it to that stack with `state forget lab:net/edge`; or forget it in both, and `import` it here; `--exclude lab:net/edge` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    let destroyed = Goal::Destroyed { include_kept: true };
    assert_snapshot!(story.try_plan(edge, destroyed).unwrap(), @"
    problem: `lab:net/edge`: another stack has marked `edge` as its own
      hint: leave it to that stack with `state forget lab:net/edge`; or forget it in both, and `import` it here; `--exclude lab:net/edge` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    let engine = story.world.engine();
    // The first of the two ways on.
    story.world.block_on(engine.forget("lab:net/edge")).unwrap();
    assert_snapshot!(story.plan(|_| ()), @"Nothing to do: 0 resources are as declared.");
    // The other: it was forgotten there too.
    let stack = story.stack(edge);
    story.world.block_on(engine.import(&stack, "lab:net/edge", "edge")).unwrap();
    assert_snapshot!(story.plan(edge), @"Nothing to do: 1 resource is as declared.");
    assert_eq!(story.world.calls(), Vec::<String>::new());
}

#[test]
fn an_object_without_an_owner_is_taken_over_when_asked_for() {
    let mut story = Story::new();
    let mut live = NetSpec::of("10.0.0.0/24");
    live.labels.insert("by".into(), "hand".into());
    story.world.put::<Net>("edge", live);
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge").adopt());
    };
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge  (taken over)
        labels.by: hand → (none)
    1 to take over.
    ");
    assert_eq!(story.apply(program), ["update lab:net/edge"]);
    assert_eq!(story.world.spec::<Net>("edge"), Some(NetSpec::of("10.0.0.0/24")));
}

#[test]
fn what_can_not_become_as_declared_is_not_taken_over() {
    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.9.0.0/24"));
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge").adopt());
    };
    assert_snapshot!(story.plan(program), @"
    problem: `lab:net/edge`: `edge` can't be taken over: its `subnet` is different, and can't be changed  (FILE:LINE)
      hint: declare it as it is, or choose another name with `.named(…)`
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn what_is_protected_is_neither_replaced_nor_deleted_even_if_undeclared() {
    let mut story = Story::new();
    let protected = |subnet: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Net::new("edge").subnet(subnet).protect());
        }
    };
    story.apply(protected("10.0.0.0/24"));
    assert_snapshot!(story.plan(protected("10.0.1.0/24")), @"
    problem: `lab:net/edge`: is protected, and a change of `subnet` would replace it  (FILE:LINE)
      hint: take `.protect()` away and apply that first, or undo the change
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan(|_| ()), @"
    problem: `lab:net/edge`: is not declared any more, and is protected
      hint: `state unprotect lab:net/edge`; or declare it again without `.protect()`, and apply that
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.try_plan(protected("10.0.0.0/24"), Goal::Destroyed { include_kept: false }).unwrap(), @"
    = lab:net/edge stays as `edge`: it is protected
    Nothing to do: nothing is left to destroy.
    ");
    assert_snapshot!(story.plan(edge), @"
    · lab:net/edge  (only its record changes)
    1 to record.
    ");
    story.apply(edge);
    story.apply(|_| ());
    assert_eq!(story.world.objects(), Vec::<String>::new());
}

#[test]
fn who_uses_what_has_a_problem_has_none_of_its_own() {
    let mut story = Story::new();
    let program = |subnet: &'static str| {
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge").subnet(subnet).protect());
            stack.add(Disk::new("data").driver(&edge.id));
            stack.add(App::new("web", "app:1").net(&edge.id));
        }
    };
    story.apply(program("10.0.0.0/24"));
    assert_snapshot!(story.plan(program("10.0.1.0/24")), @"
    problem: `lab:net/edge`: is protected, and a change of `subnet` would replace it  (FILE:LINE)
      hint: take `.protect()` away and apply that first, or undo the change
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn data_is_never_replaced_and_stays_when_it_is_not_declared_any_more() {
    let mut story = Story::new();
    let disk = |driver: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Disk::new("data").driver(driver));
        }
    };
    story.apply(disk("local"));
    assert_snapshot!(story.plan(disk("nfs")), @"
    problem: `lab:disk/data`: holds data that would be lost: a change of `driver` would replace it  (FILE:LINE)
      hint: undo the change, or declare a new one under another name and move the data
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan(|_| ()), @"
    = lab:disk/data  (left in place, and no longer recorded)
    = lab:disk/data stays as `data`: it holds data; no longer recorded
    1 to forget.
    ");
    story.apply(|_| ());
    assert_eq!(story.world.objects(), ["lab:disk/data"]);
    assert_snapshot!(story.plan(disk("local")), @"
    + lab:disk/data  (taken over)
    1 to take over.
    ");
    story.apply(disk("local"));
}

#[test]
fn what_is_kept_on_delete_is_left_in_place() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Net::new("edge").keep_on_delete());
    });
    assert_eq!(story.apply(|_| ()), Vec::<String>::new());
    assert_eq!(story.world.objects(), ["lab:net/edge"]);
}

#[test]
fn a_renamed_resource_moves_without_a_call() {
    let mut story = Story::new();
    story.apply(edge);
    let renamed = |stack: &mut Stack| {
        let rim = stack.add(Net::new("rim").moved_from("edge").named("edge"));
        stack.add(App::new("web", "app:1").net(&rim.id));
    };
    assert_snapshot!(story.plan(renamed), @"
    > lab:net/rim was lab:net/edge
    + lab:app/web
        image: app:1
        nets:  [net#1]
    1 to create, 1 moved, 1 unchanged.
    ");
    assert_eq!(story.apply(renamed), ["create lab:app/web"]);
}

#[test]
fn what_goes_with_its_host_is_not_deleted_by_itself() {
    let mut story = Story::new();
    story.apply(|stack| {
        let host = stack.add(Net::new("host"));
        stack.add(App::new("guest", "app:1").dies_with(&host));
    });
    assert_snapshot!(story.plan(|_| ()), @"
    - lab:app/guest  (goes with its host)
    - lab:net/host  (not declared any more)
    1 to delete, 1 to forget.
    ");
    assert_eq!(story.apply(|_| ()), ["delete lab:net/host"]);
}

#[test]
fn a_setting_that_is_left_to_others_is_neither_changed_nor_put_back() {
    let mut story = Story::new();
    let scaled = |replicas: u64, image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", image).replicas(replicas).ignore("replicas"));
        }
    };
    story.apply(scaled(1, "app:1"));
    story.world.change::<App>("web", |spec| spec.replicas = 5);
    assert!(story.plan(scaled(2, "app:1")).starts_with("Nothing to do"));
    story.apply(scaled(2, "app:2"));
    assert_eq!(story.world.spec::<App>("web").unwrap().replicas, 5);
    // It is ours again, and what the program says counts again.
    let ours = |stack: &mut Stack| drop(stack.add(App::new("web", "app:2").replicas(1)));
    assert_snapshot!(story.plan(ours), @"
    ~ lab:app/web  (changed by somebody else)
        replicas: 5 → 1
    1 to update.
    ");
    assert_eq!(story.apply(ours), ["update lab:app/web"]);
    assert_eq!(story.world.spec::<App>("web").unwrap().replicas, 1);
}

#[test]
fn drift_is_shown_and_put_back() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge"));
        stack.add(Conf::new("motd", "hello"));
        stack.add(App::new("web", "app:1").env("A", "1"));
    };
    story.apply(program);
    story.world.remove("lab:net", "edge");
    story.world.change::<App>("web", |spec| {
        spec.replicas = 3;
        spec.env.insert("B".into(), "2".into());
    });
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge  (it has gone)
    ~ lab:app/web  (changed by somebody else)
        env.B:    2 → (none)
        replicas: 3 → 1
    1 to create, 1 to update, 1 unchanged.
    ");
    assert_snapshot!(story.apply(program).join("\n"), @"
    create lab:net/edge
    update lab:app/web
    ");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let mut story = Story::new();
    story.apply(edge);
    let program = |stack: &mut Stack| {
        stack.add(Net::new("one").named("rim"));
        stack.add(Net::new("two").named("rim"));
        stack.add(Net::new("three").moved_from("edge"));
        stack.add(Net::new("four").moved_from("edge"));
    };
    assert_snapshot!(story.plan(program), @"
    > lab:net/three was lab:net/edge
    + lab:net/one `rim`
    problem: `lab:net/two`: has the name `rim` at its service, as `lab:net/one` has  (FILE:LINE2)
      hint: give one of them another name with `.named(…)`; `lab:net/one` is at FILE:LINE1
    problem: `lab:net/four`: was `lab:net/edge`, it says, and `lab:net/three` says so too  (FILE:LINE4)
      hint: `lab:net/three` is at FILE:LINE3
    2 problems: nothing can be applied until they are solved.
    ");
}

#[test]
fn a_world_that_moved_since_the_plan_is_refused() {
    let mut story = Story::new();
    story.apply(edge);
    let two = |stack: &mut Stack| {
        stack.add(Net::new("edge").label("a", "b"));
    };
    let plan = story.plan_of(two);
    story.world.change::<Net>("edge", |spec| spec.subnet = "10.7.0.0/24".into());
    let refused = story.world.apply_plan(story.connected(&two), &plan).unwrap_err();
    assert_snapshot!(refused, @"the plan is stale: `lab:net/edge` is not as it was when the plan was made");
    assert_eq!(story.world.calls(), Vec::<String>::new());
}

#[test]
fn a_plan_is_applied_once() {
    let mut story = Story::new();
    let plan = story.plan_of(edge);
    story.world.apply_plan(story.connected(&edge), &plan).unwrap();
    assert_snapshot!(story.world.apply_plan(story.connected(&edge), &plan).unwrap_err(), @"the plan is stale: the state has changed since it was made");
    let other = Story::new().world.plan(story.connected(&edge));
    assert_eq!(other.serial, 0);
    assert!(story.world.apply_plan(story.connected(&edge), &other).is_err());
}

#[test]
fn a_secret_that_changes_is_shown_as_a_change_and_not_as_a_value() {
    let note = |data: &'static str| {
        move |stack: &mut Stack| {
            let note = stack.add(Note::new("login", data));
            stack.add(App::new("web", "app:1").env("NOTE", &note.name));
        }
    };
    let mut story = Story::new();
    story.apply(note("hunter2-one"));
    assert!(story.plan(note("hunter2-one")).starts_with("Nothing to do"));
    assert_snapshot!(story.plan(note("hunter2-two")), @"
    ~ lab:note/login
        data: (secret) → (secret)
    1 to update, 1 unchanged.
    ");
    assert_eq!(story.apply(note("hunter2-two")), ["update lab:note/login"]);
    let state = serde_json::to_string(&story.world.snapshot()).unwrap();
    assert!(!state.contains("hunter2"), "{state}");
}

#[test]
fn no_artefact_of_a_run_has_a_secret_in_it() {
    let mut story = Story::new();
    let secrets = ["hunter2/one \"quoted\"", "hunter2-two"];
    let program = |stack: &mut Stack| {
        let note = stack.add(Note::new("login", secrets[0]));
        let token = Output::known(secrets[1].to_owned()).secret();
        stack.add(App::new("web", "app:1").env("NOTE", &note.name).env("TOKEN", &token).net(&token));
        stack.output("token", &token);
    };
    let plan = story.plan_of(program);
    let mut artefacts = vec![plan.to_string(), serde_json::to_string(&plan).unwrap()];
    let report = story.run(program).unwrap();
    artefacts.push(format!("{report:?} {}", serde_json::to_string(&report).unwrap()));
    artefacts.push(serde_json::to_string(&story.world.events()).unwrap());
    artefacts.push(serde_json::to_string(&story.world.snapshot()).unwrap());
    for artefact in &artefacts {
        assert_eq!(leaks(artefact, &secrets), Vec::<String>::new(), "{artefact}");
    }
    // The search finds what is there.
    artefacts[0].push_str("%20hunter2%2Fone%20%22quoted%22%20");
    assert_eq!(leaks(&artefacts[0], &secrets).len(), 1);
}

#[test]
fn a_service_that_quotes_a_secret_in_an_error_is_not_repeated() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let name = Output::known("hunter2-token".to_owned()).secret();
        stack.add(Note::new("login", &name));
        stack.add(Disk::new("hunter2-token"));
    };
    story.world.fail("create", "hunter2-token", Fail::Before(ErrorKind::Denied));
    let report = story.run(program).unwrap();
    let (_, failure) = report.failures().next().unwrap();
    assert_eq!(failure.message, "the test refused `create` of `(secret)`");
}

#[test]
fn a_provider_made_by_the_program_is_opened_when_its_address_is_known() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let docker = stack.connect(Lab::local());
        let host = stack.on(&docker).add(Net::new("host"));
        let inner = stack.connect(Lab::at(host.id.map(|id| format!("http://{id}"))).named("inner"));
        stack.on(&inner).add(Conf::new("policy", "allow"));
    };
    assert_snapshot!(story.world.plan(program), @"
    + lab:net/host
    + lab:conf/policy `policy-f7cd6a313d0ee1eb`
        data: allow
    2 to create.
    ");
    story.world.apply(program);
    assert_snapshot!(story.world.plan(program), @"Nothing to do: 2 resources are as declared.");
    assert_snapshot!(story.world.calls().join("\n"), @"
    create lab:net/host
    create lab:conf/policy-f7cd6a313d0ee1eb
    ");
    story.world.destroy(program);
    assert_eq!(story.world.objects(), Vec::<String>::new());
}

#[test]
fn a_look_up_is_answered_while_planning_or_when_what_it_mentions_is_there() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let backbone = stack.look(ExistingNet { name: "backbone".into() });
        let edge = stack.add(Net::new("edge").parent(backbone.map(|net| net.id)));
        let peer = stack.look(edge.id.map(|name| ExistingNet { name }));
        stack.add(App::new("web", "app:1").net(peer.map(|net| net.id)));
    };
    story.world.answer::<ExistingNet>(LabState { id: "net#77".into(), version: 3 });
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge
        parent: net#77
    + lab:app/web
        image: app:1
        nets:  [(known after lab:net/edge)]
    2 to create.
    ");
    story.apply(program);
    assert_eq!(story.world.spec::<App>("web").unwrap().nets, ["net#77"]);
}

#[test]
fn a_scope_prefixes_addresses_and_names() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.scope("elo", |stack| {
            edge(stack);
            stack.add(Net::new("pinned").named("exactly"));
        });
    };
    assert_snapshot!(story.plan(program), @"
    + lab:net/elo/edge `elo-edge`
    + lab:net/elo/pinned `exactly`
    2 to create.
    ");
    story.apply(program);
    assert_eq!(story.world.objects(), ["lab:net/elo-edge", "lab:net/exactly"]);
}

#[test]
fn outputs_are_recorded_and_secret_ones_sealed() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let edge = stack.add(Net::new("edge"));
        let password = stack.add(Password::new("redis"));
        stack.output("network", &edge.id);
        stack.output("password", &password.value);
    };
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge
    + random:password/redis
    output network: (none) → (known after lab:net/edge)
    output password: (none) → (known after random:password/redis)
    2 to create.
    ");
    story.apply(program);
    let engine = story.world.engine();
    let shown = story.world.block_on(engine.outputs(false)).unwrap();
    assert_eq!(shown["network"], "net#1");
    assert!(shown["password"].is_object(), "{shown:?}");
    let revealed = story.world.block_on(engine.outputs(true)).unwrap();
    assert_eq!(revealed["password"].as_str().map(str::len), Some(32));
}
