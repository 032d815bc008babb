//! Ports that pass from one service to another in one run.

use std::time::Duration;

use sprocket_core::program::Stack;
use sprocket_core::testing::World;
use sprocket_docker::{Health, Port, Restart, Service, ServiceDraft, Update};

use crate::suite::Names;

/// Runs these tests in the sandbox, and on a real engine if `SPROCKET_LIVE` is set.
macro_rules! both {
    ($($test:ident = $port:literal),* $(,)?) => {
        mod sandbox {
            $(#[test]
            fn $test() {
                super::$test(&super::Names::of(crate::support::Engine::sandbox()), $port);
            })*
        }

        mod live {
            $(#[test]
            fn $test() {
                if let Some(engine) = crate::support::Engine::live() {
                    super::$test(&super::Names::of(engine), $port);
                }
            })*
        }
    };
}

both!(
    a_renamed_service_keeps_its_port = 18_711,
    a_port_moves_between_two_services_that_stay = 18_712,
    a_port_moves_where_calls_are_made_one_by_one = 18_714,
    two_services_that_swap_ports_are_refused = 18_713,
);

fn service(name: &str) -> ServiceDraft {
    let moment = Duration::from_millis(100);
    let restart = Restart::default().delay(moment);
    // What is healthy is ready sooner than what only runs, and an update waits for as long as it monitors its tasks.
    let health = Health::cmd(["true"]).interval(moment);
    let update = Update::default().monitor(moment);
    let service = Service::new(name, "sprocket-stand-in/busy:1").args(["sleep", "infinity"]);
    service.stop_grace_period("1s").restart(restart).health(health).update(update)
}

fn ports(names: &Names, name: &str) -> Vec<u64> {
    let found = names.engine.ask("GET", "/services", &serde_json::Value::Null);
    let services = found.as_array().cloned().unwrap_or_default();
    let service = services.iter().find(|service| service["Spec"]["Name"] == name);
    let ports = service.and_then(|service| service["Spec"]["EndpointSpec"]["Ports"].as_array().cloned());
    ports.unwrap_or_default().iter().filter_map(|port| port["PublishedPort"].as_u64()).collect()
}

fn a_renamed_service_keeps_its_port(names: &Names, port: u16) {
    let (old, new) = (format!("{}-web", names.name), format!("{}-site", names.name));
    let program = |name: &str| {
        let name = name.to_owned();
        move |stack: &mut Stack| {
            names.connect(stack).add(service(&name).publish(Port::ingress(port).to(80)));
        }
    };
    let mut world = World::of_real_services();
    world.apply(program(&old));
    world.apply(program(&new));
    assert_eq!((ports(names, &old), ports(names, &new)), (vec![], vec![u64::from(port)]));
    assert!(world.plan(program(&new)).is_empty());
    world.destroy(|stack| {
        names.connect(stack);
    });
}

fn a_port_moves_between_two_services_that_stay(names: &Names, port: u16) {
    a_port_moves(names, port, 64);
}

fn a_port_moves_where_calls_are_made_one_by_one(names: &Names, port: u16) {
    a_port_moves(names, port, 1);
}

fn a_port_moves(names: &Names, port: u16, parallel: usize) {
    let (a, b) = (format!("{}-a", names.name), format!("{}-b", names.name));
    let program = |first: &str, second: &str| {
        let (first, second) = (first.to_owned(), second.to_owned());
        // The first one has the port. They are declared in the order of their names, so that once the port moves
        // to the one declared later, and once to the one declared earlier.
        move |stack: &mut Stack| {
            let mut both = [(&first, true), (&second, false)];
            both.sort();
            names.connect(stack);
            for (name, has_port) in both {
                let draft = service(name);
                stack.add(if has_port { draft.publish(Port::ingress(port).to(80)) } else { draft });
            }
        }
    };
    let mut world = World::of_real_services();
    world.settings.parallel = parallel;
    for (from, to) in [(&a, &b), (&b, &a)] {
        world.apply(program(from, to));
        assert_eq!((ports(names, from), ports(names, to)), (vec![u64::from(port)], vec![]));
    }
    assert!(world.plan(program(&b, &a)).is_empty());
    world.destroy(|stack| {
        names.connect(stack);
    });
}

/// Each would have to give its port up first, so no order of two updates can do it.
fn two_services_that_swap_ports_are_refused(names: &Names, port: u16) {
    let (a, b) = (format!("{}-a", names.name), format!("{}-b", names.name));
    let program = |first: u16, second: u16| {
        let (a, b) = (a.clone(), b.clone());
        move |stack: &mut Stack| {
            names.connect(stack).add(service(&a).publish(Port::ingress(first).to(80)));
            stack.add(service(&b).publish(Port::ingress(second).to(80)));
        }
    };
    let mut world = World::of_real_services();
    let other = port + 10;
    world.apply(program(port, other));
    let plan = world.plan(program(other, port));
    assert!(!plan.problems.is_empty(), "{plan}");
    let told = plan.to_string();
    assert!(told.contains(&a) && told.contains(&b) && told.contains(&port.to_string()), "{told}");
    assert_eq!((ports(names, &a), ports(names, &b)), (vec![u64::from(port)], vec![u64::from(other)]));
    world.destroy(|stack| {
        names.connect(stack);
    });
}
