//! Plans for some resources only, and new objects that are asked for.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::program::{DraftExt as _, Password, Secret, Stack};

use super::fake_kinds::{Base, Post};
use super::simulated_service::{App, Conf, Disk, Net, Note};
use super::story::{Story, assert_snapshot, told};

/// `web` and `api` are both on `edge`; `api` has a config of its own; `log` is alone.
fn estate(stack: &mut Stack) {
    estate_on(stack, "10.0.0.0/24", "app:1");
}

fn changed(stack: &mut Stack) {
    estate_on(stack, "10.0.1.0/24", "app:2");
}

fn estate_on(stack: &mut Stack, subnet: &str, image: &str) {
    let edge = stack.add(Net::new("edge").subnet(subnet));
    stack.add(App::new("web", image).net(&edge.id));
    let settings = stack.add(Conf::new("settings", image));
    stack.add(App::new("api", image).net(&edge.id).uses(&settings.id));
    stack.add(App::new("log", image));
}

fn declared() -> Request {
    Goal::Declared.into()
}

fn destroyed() -> Request {
    Goal::Destroyed { include_kept: false }.into()
}

#[test]
fn a_resource_is_made_with_what_it_is_made_from_and_nothing_else() {
    let mut story = Story::new();
    let only = || declared().only(["lab:app/api"]);
    assert_snapshot!(story.plan_for(estate, only()), @"
    + lab:net/edge
    + lab:conf/settings `settings-a5c44c169299483d`
        data: app:1
    + lab:app/api
        image: app:1
        nets:  [(known after lab:net/edge)]
        used:  [(known after lab:conf/settings)]
    3 to create, 2 left out.
    ");
    assert_snapshot!(story.apply_for(estate, only()), @"
    create lab:conf/settings-a5c44c169299483d
    create lab:net/edge
    create lab:app/api
    ");
    assert_snapshot!(story.plan_for(estate, only()), @"Nothing to do: 3 resources are as declared; 2 left out.");
    // The rest is made by a plan for all.
    assert_snapshot!(story.apply(estate).join("\n"), @"
    create lab:app/log
    create lab:app/web
    ");
}

#[test]
fn what_is_left_out_keeps_what_it_uses() {
    let mut story = Story::new();
    story.apply(estate);
    // A new network takes the place of `edge`; `api` is still on the old one, which stays.
    let only = declared().only(["lab:app/web"]);
    assert_snapshot!(story.plan_for(changed, only.clone()), @"
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.0.0.0/24 → 10.0.1.0/24  (needs a new one)
    ~ lab:app/web
        image:   app:1 → app:2
        nets[0]: net#3 → (known after lab:net/edge)
    1 to update, 1 to replace, 3 left out.
    ");
    assert_snapshot!(story.apply_for(changed, only), @"
    create lab:net/edge-2
    update lab:app/web
    ");
    assert_eq!(story.world.objects().iter().filter(|object| object.contains("lab:net")).count(), 2);
    assert_snapshot!(story.apply(changed).join("\n"), @"
    create lab:conf/settings-e4a261da8e737090
    update lab:app/log
    update lab:app/api
    delete lab:net/edge
    delete lab:conf/settings-a5c44c169299483d
    ");
    assert_eq!(story.world.objects().iter().filter(|object| object.contains("lab:net")).count(), 1);
}

#[test]
fn what_is_excluded_is_left_alone_with_all_that_is_made_from_it() {
    let mut story = Story::new();
    story.apply(estate);
    assert_snapshot!(story.plan_for(changed, declared().without(["lab:conf/settings"])), @"
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.0.0.0/24 → 10.0.1.0/24  (needs a new one)
    ~ lab:app/web
        image:   app:1 → app:2
        nets[0]: net#3 → (known after lab:net/edge)
    ~ lab:app/log
        image: app:1 → app:2
    2 to update, 1 to replace, 2 left out.
    ");
    assert_snapshot!(story.plan_for(changed, declared().without(["lab:net/edge"])), @"
    ± lab:conf/settings `settings-e4a261da8e737090`  (a new one takes its place)
        data: app:1 → app:2  (needs a new one)
    ~ lab:app/log
        image: app:1 → app:2
    1 to update, 1 to replace, 3 left out.
    ");
    assert_snapshot!(story.plan_for(changed, declared().only(["lab:app/*"]).without(["lab:conf/*"])), @"
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.0.0.0/24 → 10.0.1.0/24  (needs a new one)
    ~ lab:app/web
        image:   app:1 → app:2
        nets[0]: net#3 → (known after lab:net/edge)
    ~ lab:app/log
        image: app:1 → app:2
    2 to update, 1 to replace, 2 left out.
    ");
}

#[test]
fn what_is_not_declared_any_more_goes_only_if_nothing_that_stays_was_made_from_it() {
    let mut story = Story::new();
    story.apply(estate);
    let without_edge = |stack: &mut Stack| {
        stack.add(App::new("web", "app:1"));
        stack.add(App::new("log", "app:2"));
    };
    // `edge` and `api` are not declared any more, and `web` is not on `edge` any more.
    assert_snapshot!(story.plan_for(without_edge, declared().only(["lab:app/log"])), @"
    ~ lab:app/log
        image: app:1 → app:2
    1 to update, 4 left out.
    ");
    assert_snapshot!(story.plan_for(without_edge, declared().only(["lab:net/edge"])), @"
    ~ lab:app/web
        nets: [net#3] → []
    - lab:app/api  (not declared any more)
    - lab:net/edge  (not declared any more)
    1 to update, 2 to delete, 2 left out.
    ");
    assert_snapshot!(story.plan_for(without_edge, declared().without(["lab:app/web"])), @"
    ~ lab:app/log
        image: app:1 → app:2
    - lab:app/api  (not declared any more)
    - lab:conf/settings `settings-a5c44c169299483d`  (not declared any more)
    1 to update, 2 to delete, 2 left out.
    ");
    story.apply_for(without_edge, declared().only(["lab:net/edge"]));
    story.apply(without_edge);
}

#[test]
fn a_part_is_destroyed_with_what_was_made_from_it() {
    let mut story = Story::new();
    story.apply(estate);
    assert_snapshot!(story.plan_for(estate, destroyed().only(["lab:conf/settings"])), @"
    - lab:app/api
    - lab:conf/settings `settings-a5c44c169299483d`
    2 to delete, 3 left out.
    ");
    assert_snapshot!(story.plan_for(estate, destroyed().without(["lab:app/web"])), @"
    - lab:app/api
    - lab:app/log
    - lab:conf/settings `settings-a5c44c169299483d`
    3 to delete, 2 left out.
    ");
    assert_snapshot!(story.apply_for(estate, destroyed().only(["lab:conf/settings"])), @"
    delete lab:app/api
    delete lab:conf/settings-a5c44c169299483d
    ");
    assert_eq!(story.plan(estate).lines().last(), Some("2 to create, 3 unchanged."));
}

#[test]
fn a_request_that_nothing_answers_to_says_so() {
    let mut story = Story::new();
    story.apply(estate);
    assert_snapshot!(story.plan_for(changed, declared().only(["lab:app/wed"])), @"
    problem: `lab:app/wed`: no resource has this address
      hint: did you mean `lab:app/web`?
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan_for(estate, declared().without(["lab:app/wed"])), @"
    problem: `lab:app/wed`: no resource has this address
      hint: did you mean `lab:app/web`?
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan_for(estate, declared().replace(["lab:app/wed"])), @"
    problem: `lab:app/wed`: is not declared: there is nothing that could take its place
      hint: did you mean `lab:app/web`?
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn outputs_of_what_is_left_out_stay_as_they_were() {
    let program = |tier: &'static str| {
        move |stack: &mut Stack| {
            for name in ["web", "log"] {
                let net = stack.add(Net::new(name).label("tier", tier));
                stack.output(name, &net.id);
            }
        }
    };
    let mut story = Story::new();
    let only = || declared().only(["lab:net/web"]);
    story.apply_for(program("one"), only());
    assert_eq!(story.world.snapshot().unwrap().outputs.keys().collect::<Vec<_>>(), ["web"]);
    story.apply(program("one"));
    let all = story.world.snapshot().unwrap().outputs;
    assert_eq!(all.len(), 2);
    story.apply_for(program("two"), only());
    assert_eq!(story.world.snapshot().unwrap().outputs, all);
}

#[test]
fn a_new_object_is_made_when_it_is_asked_for() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let edge = stack.add(Net::new("edge"));
        let password = stack.add(Password::new("redis"));
        let note = stack.add(Note::new("login", &password.value));
        stack.add(App::new("web", "app:1").net(&edge.id).env("NOTE", &note.name));
        stack.add(App::new("log", "app:1"));
    };
    story.apply(program);
    let mut replace = |address: &str| {
        let request = || declared().replace([address]);
        let (shown, done) = (story.plan_for(program, request()), story.apply_for(program, request()));
        assert_eq!(story.plan(program), "Nothing to do: 5 resources are as declared.");
        format!("{shown}\n\n{done}")
    };
    // The new one is made first where its name allows it, and what uses the old one moves over.
    assert_snapshot!(replace("lab:net/edge"), @"
    ± lab:net/edge `edge-2`  (a new one takes its place, as asked for)
    - lab:net/edge  (replaced)
    ~ lab:app/web
        nets[0]: net#3 → (known after lab:net/edge)
    1 to update, 1 to replace, 3 unchanged.

    create lab:net/edge-2
    update lab:app/web
    delete lab:net/edge
    ");
    assert_snapshot!(replace("lab:app/log"), @"
    - lab:app/log  (before the new one is made)
    ± lab:app/log  (a new one takes its place, as asked for)
    1 to replace, 4 unchanged.

    delete lab:app/log
    create lab:app/log
    ");
    // A password is rotated.
    assert_snapshot!(replace("random:password/redis"), @"
    ± random:password/redis  (a new one takes its place, as asked for)
    - random:password/redis  (replaced)
    ~ lab:note/login
        data: (secret) → (known after random:password/redis)
    1 to update, 1 to replace, 3 unchanged.

    update lab:note/login
    ");
}

#[test]
fn what_can_not_have_a_successor_is_not_replaced_because_it_is_asked_for() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge").protect());
        stack.add(Disk::new("data"));
        stack.add(Conf::new("motd", "hello"));
    };
    story.apply(program);
    assert_snapshot!(story.plan_for(program, declared().replace(["lab:*"])), @"
    problem: `lab:net/edge`: is protected, and a new one was asked for  (FILE:LINE1)
      hint: take `.protect()` away and apply that first, or do not ask for it
    problem: `lab:disk/data`: holds data that would be lost: a new one was asked for  (FILE:LINE2)
      hint: do not ask for it, or declare a new one under another name and move the data
    problem: `lab:conf/motd`: is named by its content, and a new one was asked for: it would have the same name  (FILE:LINE3)
      hint: change its content
    3 problems: nothing can be applied until they are solved.
    ");
}

#[test]
fn undeclared_dependents_are_deleted_with_what_was_asked_for() {
    let program = |stack: &mut Stack| {
        let login = stack.add(Note::new("a", Secret::new("x".to_owned())));
        stack.add(Note::new("b", login.name.map(Secret::new)));
        stack.add(Note::new("c", Secret::new("x".to_owned())));
    };
    let mut story = Story::new();
    story.apply(program);
    // Also where it is the first of what is not declared.
    assert_eq!(story.apply_for(|_| (), declared().only(["lab:note/a"])), "delete lab:note/b\ndelete lab:note/a");
}

#[test]
fn parts_of_an_output_that_wait_for_what_is_left_out_leave_it_as_it_was() {
    let program = |stack: &mut Stack| {
        let (one, other) = (stack.add(Net::new("one")), stack.add(Net::new("other")));
        stack.output("ids", &one.id.zip(&other.id).map(|(one, other)| vec![one, other]));
        stack.output("pair", &one.id.zip(&other.id));
    };
    let mut story = Story::new();
    let plan = story.plan_for(program, declared().only(["lab:net/one"]));
    assert!(!plan.contains("output"), "{plan}");
}

#[test]
fn a_resource_takes_what_it_is_made_from_however_indirectly() {
    let chain = |stack: &mut Stack| {
        let a = stack.add(Net::new("a"));
        let b = stack.add(Net::new("b").parent(&a.id));
        let c = stack.add(Net::new("c").parent(&b.id));
        stack.add(Net::new("d").parent(&c.id));
        stack.add(Net::new("other"));
    };
    let mut story = Story::new();
    let made = "create lab:net/a\ncreate lab:net/b\ncreate lab:net/c\ncreate lab:net/d";
    assert_eq!(story.apply_for(chain, declared().only(["lab:net/d"])), made);
    let gone = "delete lab:net/d\ndelete lab:net/c\ndelete lab:net/b\ndelete lab:net/a";
    assert_eq!(story.apply_for(chain, destroyed().only(["lab:net/a"])), gone);
    assert_eq!(story.apply_for(chain, declared().without(["lab:net/a"])), "create lab:net/other");
}

#[test]
fn a_target_that_others_stand_on_is_not_deleted() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let a = stack.add(Post::new("a").base(Base::default().width(width)));
            stack.add(Post::new("b").on(&a.id));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let two = program(2);
    let plan = story.try_plan(two, Request::from(Goal::Declared).only(["yard:post/a"])).unwrap().to_string();
    let told = "would be deleted to be made anew, and `yard:post/b`, which this plan leaves out, was made from it";
    assert!(plan.contains(told), "{plan}");
}

#[test]
fn a_fixed_name_stays_if_an_update_is_enough() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let a = stack.add(Post::new("a").text(text));
            let base = Base::default().layer(a.version.map(|_| "same".to_owned()));
            stack.add(Post::new("b").text(a.version.map(|version| version.to_string())).base(base));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    story.calls();
    let report = story.run(program("two")).unwrap();
    assert!(told(&report).contains("it turned out to need an update only"), "{}", told(&report));
    assert_eq!(story.calls(), ["update yard:post/a"]);
    assert_eq!(story.apply_alone(program("two")), ["update yard:post/b"]);
}

#[test]
fn patterns_that_match_nothing_are_problems() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| drop(stack.add(Post::new("web")));
    let connected = story.connected(&program);
    for request in [
        Request::from(Goal::Declared).only(["yard:post/wbe"]),
        Request::from(Goal::Declared).without(["yard:post/wbe"]),
        Request::from(Goal::Declared).replace(["wbe"]),
        Request::from(Goal::Declared).allow(["yard:post/wbe"]),
        Request::from(Goal::Destroyed { include_kept: false }).without(["yard:psot/*"]),
    ] {
        let plan = story.world.try_plan(&connected, request).unwrap();
        let [problem] = &plan.problems[..] else { panic!("{plan}") };
        assert_eq!(problem.hint.as_deref(), Some("did you mean `yard:post/web`?"), "{plan}");
    }
    let far = Request::from(Goal::Declared).only(["something:else/entirely"]);
    let plan = story.world.try_plan(&connected, far).unwrap();
    assert_eq!(plan.problems[0].hint.as_deref(), Some("`state list` and `graph` show the addresses that there are"));
    // What a request may name: what is declared, recorded, or was before a move.
    let known = Request::from(Goal::Declared).allow(["yard:post/web"]).without(["yard:*"]);
    assert!(story.world.try_plan(&connected, known).unwrap().problems.is_empty());
}
