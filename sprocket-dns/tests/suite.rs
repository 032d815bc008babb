//! The engine's own suite for kinds, on name servers: lives, drift, lost answers, kills at every boundary of the
//! journal. After each of them, plan again: nothing to do; in the end, nothing is left.

use hickory_proto::rr::rdata::{A, TXT};
use hickory_proto::rr::{RData, RecordType};
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::{KindSuite, Variant, World};
use sprocket_dns::{DnsRecord, DnsRecordDraft};

use crate::support::{Server, unique};

const ZONE: &str = "sprocket.test";

/// One set of records: how it is declared at a name, how it is changed, and what somebody else does to it.
fn lives(
    record_type: RecordType,
    declare: fn(&str) -> DnsRecordDraft,
    change: fn(&str) -> DnsRecordDraft,
    drift: RData,
) {
    for server in Server::all() {
        lives_on(&server, record_type, declare, change, &drift);
    }
}

fn lives_on(
    server: &Server,
    record_type: RecordType,
    declare: fn(&str) -> DnsRecordDraft,
    change: fn(&str) -> DnsRecordDraft,
    drift: &RData,
) {
    let at = unique();
    let (whole, physical) = (format!("{at}.{ZONE}"), format!("{at}:{record_type}"));
    KindSuite {
        address: &format!("dns:record/{physical}"),
        program: Box::new(|stack, variant| {
            server.connect(stack, ZONE);
            match variant {
                Variant::First | Variant::Replaced => stack.add(declare(&at)),
                Variant::Updated => stack.add(change(&at)),
                Variant::Moved => stack.add(declare("moved").moved_from(physical.as_str()).named(physical.as_str())),
            };
        }),
        inventory: Box::new(|| server.records_of(ZONE, &at)),
        drift: Some(Box::new(|| server.put(&whole, 60, vec![drift.clone()]))),
        remove: Some(Box::new(|| server.remove(&whole, record_type))),
        updates: true,
        replaces: false,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

#[test]
fn addresses() {
    let drift = RData::A(A::new(192, 0, 2, 99));
    lives(RecordType::A, |at| DnsRecord::a(at, "192.0.2.1"), |at| DnsRecord::a(at, "192.0.2.2"), drift);
}

#[test]
fn addresses_of_version_6() {
    let drift = RData::AAAA("2001:db8::99".parse().unwrap());
    lives(
        RecordType::AAAA,
        |at| DnsRecord::aaaa(at, "2001:db8::1"),
        |at| DnsRecord::aaaa(at, "2001:db8::1").ttl(60_u32),
        drift,
    );
}

#[test]
fn aliases() {
    let drift = RData::CNAME(hickory_proto::rr::rdata::CNAME("elsewhere.example.".parse().unwrap()));
    lives(RecordType::CNAME, |at| DnsRecord::cname(at, "@"), |at| DnsRecord::cname(at, "ns1"), drift);
}

#[test]
fn texts() {
    let drift = RData::TXT(TXT::new(vec!["by hand".to_owned()]));
    lives(RecordType::TXT, |at| DnsRecord::txt(at, "first"), |at| DnsRecord::txt(at, r#"a "b\c"; d"#), drift);
}

/// What `verify` says about the only set, without its label.
fn verified(world: &mut World, program: impl Fn(&mut Stack)) -> String {
    let stack = world.stack(program);
    let engine = world.engine();
    let verdict = world.block_on(engine.verify(&stack)).unwrap();
    let lines = verdict.checks.iter().map(|(_, check)| match &check.failure {
        None => format!("ok: {}", check.what),
        Some(failure) => format!("failed: {}: {failure}", check.what),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn failures(world: &mut World, program: impl Fn(&mut Stack)) -> String {
    let report = world.try_apply(program).unwrap();
    report.failures().map(|(_, failure)| failure.message.clone()).collect::<Vec<_>>().join("\n")
}

/// What becomes of sets whose mark was lost, or changed, or left behind.
#[test]
fn marks() {
    for server in Server::all() {
        insta::allow_duplicates!(marks_on(&server));
    }
}

fn marks_on(server: &Server) {
    let at = unique();
    let (whole, owner) = (format!("{at}.{ZONE}"), format!("_owner-a.{at}.{ZONE}"));
    let declared = |address: &'static str| {
        let at = &at;
        move |stack: &mut Stack| {
            server.connect(stack, ZONE);
            stack.add(DnsRecord::a(&**at, address));
        }
    };
    let text = |text: &str| vec![RData::TXT(TXT::new(vec![text.to_owned()]))];
    let mut world = World::of_real_services();
    world.apply(declared("192.0.2.1"));
    let before = server.records_of(ZONE, &at);
    assert_eq!(before.len(), 2, "{before:?}");
    let ours = before[0].strip_prefix(&format!("_owner-a.{at} TXT 300 ")).unwrap();
    assert!(ours.starts_with("sprocket lineage="), "{ours}");
    insta::assert_snapshot!(server.plain(&verified(&mut world, declared("192.0.2.1")), &at), @"
    ok: SERVER answers AT.sprocket.test A with 192.0.2.1
    ok: its mark says that it is this stack's
    ");

    // Another stack wants the name.
    let plan = World::of_real_services().plan(declared("192.0.2.1")).to_string();
    assert!(plan.contains("another stack owns it"), "{plan}");

    // A mark that was lost is drift, and put back.
    server.remove(&owner, RecordType::TXT);
    insta::assert_snapshot!(server.plain(&verified(&mut world, declared("192.0.2.1")), &at), @"
    ok: SERVER answers AT.sprocket.test A with 192.0.2.1
    failed: its mark says that it is this stack's: it has none any more: an apply puts it back
    ");
    insta::assert_snapshot!(server.plain(&world.plan(declared("192.0.2.1")).to_string(), &at), @"
    ~ dns:record/AT:A  (changed by somebody else)
        owner tag: (none) → this stack's
    1 to update.
    ");
    world.apply(declared("192.0.2.1"));
    assert_eq!(server.records_of(ZONE, &at), before);

    // What another took over is not changed, and not deleted.
    server.put(&owner, 300, text("sprocket lineage=other record=r1"));
    insta::assert_snapshot!(server.plain(&verified(&mut world, declared("192.0.2.1")), &at), @"
    ok: SERVER answers AT.sprocket.test A with 192.0.2.1
    failed: its mark says that it is this stack's: it says that another stack owns it
    ");
    insta::assert_snapshot!(server.plain(&world.plan(declared("192.0.2.2")).to_string(), &at), @"
    problem: `dns:record/AT:A`: another stack has marked `AT:A` as its own  (sprocket-dns/tests/suite.rs:118)
      hint: leave it to that stack with `state forget dns:record/AT:A`; or forget it in both, and `import` it here; `--exclude dns:record/AT:A` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    insta::assert_snapshot!(server.plain(&world.plan(|stack| server.connect(stack, ZONE)).to_string(), &at), @"
    problem: `dns:record/AT:A`: another stack has marked `AT:A` as its own
      hint: leave it to that stack with `state forget dns:record/AT:A`; or forget it in both, and `import` it here; `--exclude dns:record/AT:A` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    server.put(&owner, 300, text(ours));
    assert!(world.plan(declared("192.0.2.1")).is_empty());

    // The record is deleted by hand, and its mark stays: it is made again.
    server.remove(&whole, RecordType::A);
    world.apply(declared("192.0.2.1"));
    assert_eq!(server.records_of(ZONE, &at), before);
    world.destroy(declared("192.0.2.1"));
    assert!(server.records_of(ZONE, &at).is_empty());

    // A mark of somebody else's is left alone, though nothing is beside it.
    server.put(&owner, 300, text("heritage=external-dns"));
    insta::assert_snapshot!(server.plain(&failures(&mut world, declared("192.0.2.1")), &at), @"could not create A of `AT.sprocket.test`: the mark at `_owner-a.AT.sprocket.test` says that it belongs to something else");
    server.sweep(ZONE, &at);
}

/// What is there and unmarked is taken over when the program says so.
#[test]
fn adoption() {
    Server::all().iter().for_each(adoption_on);
}

fn adoption_on(server: &Server) {
    let at = unique();
    let whole = format!("{at}.{ZONE}");
    server.put(&whole, 60, vec![RData::A(A::new(192, 0, 2, 1))]);
    let program = |stack: &mut Stack| {
        server.connect(stack, ZONE);
        stack.add(DnsRecord::a(&*at, "192.0.2.1").ttl(60_u32));
    };
    let adopting = |stack: &mut Stack| {
        server.connect(stack, ZONE);
        stack.add(DnsRecord::a(&*at, "192.0.2.1").ttl(60_u32).adopt());
    };
    let mut world = World::of_real_services();
    let plan = world.plan(program).to_string();
    assert!(plan.contains("this stack does not own it"), "{plan}");
    world.apply(adopting);
    assert!(world.plan(program).is_empty());
    assert_eq!(server.records_of(ZONE, &at).len(), 2, "it has a mark now");
    world.destroy(program);
    assert!(server.records_of(ZONE, &at).is_empty());
}
