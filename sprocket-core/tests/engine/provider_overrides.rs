//! Overrides of providers, by code: another server, with other credentials.

use serde_json::json;
use sprocket_core::engine::{Goal, Stop};
use sprocket_core::program::{Override, Stack};
use sprocket_core::testing::World;

use super::story::assert_snapshot;

use super::edge_kinds::motd::Motd;
use super::edge_kinds::service::{Memory, Service};

fn sandboxed(service: &Service) -> Override {
    Override::every::<Memory>([], Some(service.clone()), "the sandbox")
}

#[test]
fn every_provider_of_a_type_is_the_sandboxs_even_a_forgotten_one() {
    let (real, sandbox) = (Service::default(), Service::default());
    let world = World::of_real_services();
    let declare = |program: &dyn Fn(&mut Stack)| {
        let mut stack = Stack::new();
        stack.override_providers([sandboxed(&sandbox)]);
        program(&mut stack);
        stack
    };
    let engine = world.engine().knowing::<Memory>();
    let run = |stack: &Stack| {
        world.block_on(async {
            let plan = engine.plan(stack, Goal::Declared).await.unwrap();
            engine.apply(stack, &plan, &Stop::default()).await.unwrap()
        })
    };
    let stack = declare(&|stack| {
        stack.connect(Memory::at(&real));
        let far = stack.connect(Memory::at(&real).named("far"));
        stack.on(&far).add(Motd::new("greeting", "hello"));
    });
    let said: Vec<String> = stack.applied_overrides().iter().map(ToString::to_string).collect();
    assert_snapshot!(said.join("\n"), @"
    memory: settings and credentials (from the sandbox)
    memory/far: settings and credentials (from the sandbox)
    ");
    assert!(run(&stack).succeeded());
    assert_eq!((real.names().len(), sandbox.names().len()), (0, 1));

    // The program has forgotten the provider; what it made there is still looked after.
    assert!(run(&declare(&|_| {})).succeeded());
    assert_eq!(sandbox.names(), Vec::<String>::new());
}

#[test]
fn what_fits_no_provider_is_a_mistake_of_the_stack() {
    let mut stack = Stack::new();
    stack.override_providers([
        Override::setting("memory", "address", &json!("a"), "sprocket.toml:3"),
        Override::setting("memory/far", "address", &json!("a"), "sprocket.toml:5"),
    ]);
    stack.connect(Memory::at(&Service::default()));
    assert_snapshot!(stack.check().unwrap_err(), @"
    `memory`: has no setting `address`; it has none  (sprocket.toml:3)
    `memory/far`: is not connected by the program, which connects `memory`  (sprocket.toml:5)
    ");
}
