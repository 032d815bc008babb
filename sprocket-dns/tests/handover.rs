//! Names that pass from one record to another in one run, and names in several spellings, on the sandbox's name server and on
//! the real one.

use sprocket_core::program::Stack;
use sprocket_core::testing::World;
use sprocket_dns::DnsRecord;

use crate::support::Server;

const ZONE: &str = "sprocket.test";
const COUNT: usize = 20;

/// A CNAME is alone at its name, so each record must be gone before its successor is made.
#[test]
fn twenty_names_turn_from_cname_to_a_and_back() {
    for server in Server::all() {
        for parallel in [1, 64] {
            turn(&server, parallel);
        }
    }
}

fn turn(server: &Server, parallel: usize) {
    let part = crate::support::unique();
    let name = |number: usize| format!("n{number}.{part}");
    let cnames = |stack: &mut Stack| {
        server.connect(stack, ZONE);
        (0..COUNT).for_each(|number| drop(stack.add(DnsRecord::cname(name(number), "lb.example.com."))));
    };
    let addresses = |stack: &mut Stack| {
        server.connect(stack, ZONE);
        (0..COUNT).for_each(|number| drop(stack.add(DnsRecord::a(name(number), "192.0.2.1"))));
    };
    let mut world = World::of_real_services();
    world.settings.parallel = parallel;
    let types = |wanted: &str| {
        let records = server.records_of(ZONE, &part);
        records.iter().filter(|line| line.split(' ').nth(1) == Some(wanted)).count()
    };
    world.apply(cnames);
    assert_eq!((types("CNAME"), types("A")), (COUNT, 0));
    world.apply(addresses);
    assert_eq!((types("CNAME"), types("A")), (0, COUNT), "with --parallel {parallel}");
    assert!(world.plan(addresses).is_empty());
    world.apply(cnames);
    assert_eq!((types("CNAME"), types("A")), (COUNT, 0), "with --parallel {parallel}");
    assert!(world.plan(cnames).is_empty());
    world.destroy(|stack| server.connect(stack, ZONE));
    assert_eq!(server.records_of(ZONE, &part), Vec::<String>::new());
}

#[test]
fn another_spelling_of_a_name_is_the_same_record() {
    for server in Server::all() {
        let part = crate::support::unique();
        let (short, whole) = (format!("www.{part}"), format!("www.{part}.{ZONE}."));
        let program = |name: &str| {
            let (server, name) = (server.clone(), name.to_owned());
            move |stack: &mut Stack| {
                server.connect(stack, ZONE);
                stack.add(DnsRecord::a(&*name, "192.0.2.1"));
            }
        };
        let mut world = World::of_real_services();
        world.apply(program(&short));
        let before = server.records_of(ZONE, &part);
        // The address has the spelling in it, so the record moves; the name server is not asked for anything.
        let plan = world.plan(program(&whole));
        assert!(plan.steps.is_empty() && plan.problems.is_empty() && plan.moved.len() == 1, "{plan}");
        world.apply(program(&whole));
        assert!(world.plan(program(&whole)).is_empty());
        assert_eq!(server.records_of(ZONE, &part), before);
        let both = |stack: &mut Stack| {
            program(&whole)(stack);
            stack.add(DnsRecord::a(&*short, "192.0.2.2"));
        };
        assert_eq!(world.plan(both).problems.len(), 1, "two spellings of one name");
        world.destroy(|stack| server.connect(stack, ZONE));
    }
}

/// A CNAME beside the whole-name address of the same name is refused, as it is with the short one.
#[test]
fn a_cname_is_alone_at_its_name_in_every_spelling() {
    let plan = sprocket_core::testing::world().plan(|stack| {
        stack.connect(sprocket_dns::Dns::zone("example.org", "ns1.example.org"));
        stack.add(DnsRecord::cname("www", "@"));
        stack.add(DnsRecord::a("www.example.org.", "192.0.2.1"));
    });
    assert_eq!(plan.problems.len(), 1, "{plan}");
    assert!(plan.problems[0].message.contains("a CNAME has no other records beside it"), "{plan}");
}
