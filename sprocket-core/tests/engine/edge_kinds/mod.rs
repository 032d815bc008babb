//! Three kinds at the edge of what a kind can be: a config whose name is its content, a secret that can be written and never
//! read, and a generated secret without a server. Each is short, and each passes the whole conformance suite of a kind.

pub(crate) mod motd;
pub(crate) mod service;
mod vaulted;

use std::panic::AssertUnwindSafe;

use sprocket_core::program::{DraftExt as _, Password};
use sprocket_core::testing::{KindSuite, Variant};

use self::motd::Motd;
use self::service::{Memory, Service};
use self::vaulted::Vaulted;

#[test]
fn a_config_whose_name_is_its_content() {
    let service = Service::default();
    KindSuite {
        address: "memory:motd/greeting",
        program: Box::new(|stack, variant| {
            stack.connect(Memory::at(&service));
            let greeting = |name: &str, data: &str| Motd::new(name, data);
            match variant {
                Variant::First => stack.add(greeting("greeting", "hello")),
                Variant::Updated => stack.add(greeting("greeting", "hello").label("team", "edge")),
                Variant::Replaced => stack.add(greeting("greeting", "bye")),
                Variant::Moved => stack.add(greeting("hail", "hello").moved_from("greeting").named("greeting")),
            };
        }),
        inventory: Box::new(|| service.names()),
        drift: Some(Box::new(|| service.change("greeting", |stored| stored.labels.insert("by".into(), "hand".into())))),
        remove: Some(Box::new(|| service.remove("greeting"))),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
        drops: true,
    }
    .run();
}

#[test]
fn a_secret_that_can_be_written_and_never_read() {
    run_vaulted(&Service::default());
}

#[test]
fn a_write_that_is_counted_and_not_made_is_caught() {
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| run_vaulted(&Service::that_only_counts())));
    let said = ran.expect_err("the suite finds nothing").downcast::<String>().unwrap();
    assert!(said.contains("is not as it is when it is made from nothing"), "{said}");
}

fn run_vaulted(service: &Service) {
    KindSuite {
        address: "memory:vaulted/login",
        program: Box::new(|stack, variant| {
            stack.connect(Memory::at(service));
            match variant {
                Variant::First | Variant::Replaced => stack.add(Vaulted::new("login", "hunter2-one")),
                Variant::Updated => stack.add(Vaulted::new("login", "hunter2-two")),
                Variant::Moved => stack.add(Vaulted::new("account", "hunter2-one").moved_from("login").named("login")),
            };
        }),
        inventory: Box::new(|| service.names()),
        drift: Some(Box::new(|| service.change("login", |stored| stored.version += 1))),
        remove: Some(Box::new(|| service.remove("login"))),
        updates: true,
        replaces: false,
        marked: true,
        kills: None,
        drops: true,
    }
    .run_telling(|| service.with(|all| all.values().map(|stored| stored.data.clone()).collect()));
}

#[test]
fn a_generated_secret_without_a_server() {
    KindSuite {
        address: "random:password/redis",
        program: Box::new(|stack, variant| {
            match variant {
                Variant::First | Variant::Updated => stack.add(Password::new("redis")),
                Variant::Replaced => stack.add(Password::new("redis").length(40)),
                Variant::Moved => stack.add(Password::new("cache").moved_from("redis").named("redis")),
            };
        }),
        inventory: Box::new(Vec::new),
        drift: None,
        remove: None,
        updates: false,
        replaces: true,
        marked: false,
        kills: None,
        drops: true,
    }
    .run();
}
