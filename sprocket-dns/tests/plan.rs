//! What is decided before any name server is asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sprocket_core::__derive::Known;
use sprocket_core::kind::{Draft, Fields as _, Kind as _};
use sprocket_core::program::{DraftExt as _, Output, Stack};
use sprocket_dns::{Dns, DnsRecord, DnsRecordDraft};

fn found(draft: &DnsRecordDraft) -> String {
    let spec = draft.spec(&Known::default()).unwrap();
    let findings = DnsRecord::validate(&spec);
    findings.errors.iter().chain(&findings.warnings).map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn sets_that_can_not_be_are_refused() {
    insta::assert_snapshot!(found(&DnsRecord::a("api", "192.0.2.1").value("192.0.2.2")), @"");
    insta::assert_snapshot!(found(&DnsRecord::aaaa("api", "2001:db8::1").value("2001:DB8::1")), @"a value is given twice: a set has each once");
    insta::assert_snapshot!(found(&DnsRecord::cname("www", "@").value("api")), @"a CNAME has one target");
    insta::assert_snapshot!(found(&DnsRecord::a("api", "192.0.2.1").ttl(2_147_483_648_u32)), @"its time to live is at most 2147483647 seconds");
    insta::assert_snapshot!(found(&DnsRecord::txt("x", "a".repeat(16_000)).value("b".repeat(16_000))), @"its values have 32024 bytes, and at most 30000 fit into an update");
    insta::assert_snapshot!(found(&DnsRecord::txt("x", "")), @"");
    let host = Output::known(IpAddr::V6(Ipv6Addr::LOCALHOST));
    insta::assert_snapshot!(found(&DnsRecord::aaaa("api", &host)), @"");
}

#[test]
fn unknown_settings_cause_no_problems() {
    let mut findings = Vec::new();
    let drafts = [
        DnsRecord::a("api", "192.0.2.1").value("192.0.2.2").ttl(60_u32),
        DnsRecord::aaaa("*.api", "2001:db8::1"),
        DnsRecord::cname("www", "@"),
        DnsRecord::txt("_dmarc", "v=DMARC1"),
    ];
    drafts.into_iter().for_each(|draft| findings.extend(sprocket_core::testing::false_findings(draft)));
    assert_eq!(findings, Vec::<String>::new());
}

#[test]
fn mistakes_have_the_line_of_the_program() {
    let mut stack = Stack::new();
    stack.connect(Dns::zone("*.example.org", "ns1:x"));
    stack.add(DnsRecord::a("api", "2001:db8::1"));
    stack.add(DnsRecord::a("two", Ipv4Addr::LOCALHOST).value("localhost"));
    stack.add(DnsRecord::a("b ad", "192.0.2.1"));
    stack.add(DnsRecord::cname("@", "www"));
    stack.add(DnsRecord::cname("www", "lb.example.com"));
    stack.add(DnsRecord::txt("_acme-challenge", "token"));
    stack.add(DnsRecord::txt("_owner-a.api", "me"));
    let mistakes = stack.check().unwrap_err().to_string();
    let lines: Vec<_> = mistakes.lines().filter_map(|line| line.rsplit_once("  (")).collect();
    assert!(lines.iter().all(|(_, place)| place.contains("tests/plan.rs:")), "{mistakes}");
    insta::assert_snapshot!(lines.iter().map(|(message, _)| *message).collect::<Vec<_>>().join("\n"), @"
    `dns`: `*.example.org` is not the name of a zone, such as `example.org`
    `dns`: `ns1:x` is not a name server's address: expected `HOST` or `HOST:PORT`
    `dns:record/api:A`: `2001:db8::1` is not an IPv4 address, such as `192.0.2.1`
    `dns:record/two:A`: `localhost` is not an IPv4 address, such as `192.0.2.1`
    `dns:record/b ad:A`: needs a name without spaces
    `dns:record/b ad:A`: `b ad` is not a name in the DNS: labels have letters, digits, `-` and `_`, and no ` `
    `dns:record/@:CNAME`: the zone itself has other records, and a CNAME can't be beside them: use A and AAAA
    `dns:record/www:CNAME`: `lb.example.com` can be read in two ways: `lb.example.com.` is absolute; if it is in the zone, write it with the zone and a dot
    `dns:record/_acme-challenge:TXT`: `_acme-challenge` is not free: ACME clients write and delete it as they need it
    `dns:record/_owner-a.api:TXT`: `_owner-a.api` is not free: `_owner-…` says whose records are
    ");
}

#[test]
fn a_scope_prefixes_the_names_that_it_can() {
    let names = |draft: DnsRecordDraft| draft.name().to_owned();
    assert_eq!(names(DnsRecord::a("API", "192.0.2.1")), "api:A");
    let program = |stack: &mut Stack| {
        stack.connect(Dns::zone("example.org", "ns1.example.org"));
        stack.scope("elo", |stack| {
            stack.add(DnsRecord::a("api", "192.0.2.1"));
            stack.add(DnsRecord::a("*", "192.0.2.1"));
            stack.add(DnsRecord::txt("_dmarc", "v=DMARC1"));
            stack.add(DnsRecord::txt("@", "v=spf1 -all").protect());
            stack.add(DnsRecord::cname("www.example.org.", "@"));
        });
    };
    let mut world = sprocket_core::testing::world();
    let plan = world.plan(program);
    let names: Vec<_> = plan.steps.iter().map(|step| step.name.as_ref().unwrap().to_string()).collect();
    assert_eq!(names, ["elo-api:A", "*:A", "_dmarc:TXT", "@:TXT", "www.example.org.:CNAME"]);
    world.apply(program);
    assert!(world.plan(program).is_empty());
}

#[test]
fn names_that_no_records_can_have_are_refused() {
    let check = |physical: &str| {
        let spec = DnsRecord::a("x", "192.0.2.1").spec(&Known::default()).unwrap();
        DnsRecord::validate_name(&physical.into(), Some(&spec)).errors.join("\n")
    };
    insta::assert_snapshot!(check("api:A"), @"");
    insta::assert_snapshot!(check("api"), @"records are called by their name and their type: `api:A`");
    insta::assert_snapshot!(check("api:MX"), @"`MX` is none of the types A, AAAA, CNAME, TXT");
    insta::assert_snapshot!(check("api:TXT"), @"`api:TXT` is the name of records of another type than these");
    insta::assert_snapshot!(check("elo-*:A"), @"`elo-*` is not a name in the DNS: a `*` is the whole first label or none of it");
}

#[test]
fn what_means_the_same_is_no_change() {
    let mut world = sprocket_core::testing::world();
    let program = |values: [&'static str; 2]| {
        move |stack: &mut Stack| {
            stack.connect(Dns::zone("example.org", "ns1.example.org"));
            stack.add(DnsRecord::aaaa("api", values[0]).value(values[1]));
        }
    };
    world.apply(program(["2001:db8::1", "2001:db8::2"]));
    let plan = world.plan(program(["2001:DB8:0::2", "2001:db8::1"]));
    assert!(plan.is_empty(), "{plan}");
    insta::assert_snapshot!(world.plan(program(["2001:db8::1", "2001:db8::3"])), @"
    ~ dns:record/api:AAAA
        values[1]: 2001:db8::2 → 2001:db8::3
    1 to update.
    ");
}

#[test]
fn a_cname_is_alone_at_its_name() {
    let plan = |with: fn(&mut Stack)| {
        sprocket_core::testing::world().plan(|stack| {
            stack.connect(Dns::zone("example.org", "ns1.example.org"));
            stack.add(DnsRecord::txt("www", "hello"));
            with(stack);
        })
    };
    let beside = plan(|stack| {
        stack.add(DnsRecord::a("www", "192.0.2.1"));
    });
    assert!(beside.problems.is_empty(), "{beside}");
    let refused = plan(|stack| {
        stack.add(DnsRecord::cname("www", "@"));
    });
    let problem = &refused.problems[0];
    insta::assert_snapshot!(problem.message, @"needs the name `www.example.org.`, as `dns:record/www:TXT` does: a CNAME has no other records beside it");
    assert!(problem.at.as_ref().is_some_and(|place| place.file.ends_with("tests/plan.rs")));
    // However its name is written.
    let refused = plan(|stack| {
        stack.add(DnsRecord::cname("WWW.example.org.", "@"));
    });
    assert_eq!(refused.problems[0].message, problem.message);
}

#[test]
fn names_short_and_whole_are_one() {
    let record = |name: &'static str| {
        move |stack: &mut Stack| {
            stack.connect(Dns::zone("example.org", "ns1.example.org"));
            stack.add(DnsRecord::a(name, "192.0.2.1"));
        }
    };
    let mut world = sprocket_core::testing::world();
    world.apply(record("www"));
    world.calls();
    // Another spelling moves the record, and calls nobody.
    let whole = record("www.example.org.");
    insta::assert_snapshot!(world.plan(whole), @"
    > dns:record/www.example.org.:A was dns:record/www:A
    1 moved, 1 unchanged.
    ");
    world.apply(whole);
    assert_eq!(world.calls(), [""; 0]);
    insta::assert_snapshot!(world.plan(whole), @"Nothing to do: 1 resource is as declared.");
    world.apply(record("www"));
    assert_eq!(world.calls(), [""; 0]);
    // Both in one program are one name.
    let both = world.plan(|stack| {
        record("www")(stack);
        stack.add(DnsRecord::a("www.example.org.", "192.0.2.1"));
    });
    insta::assert_snapshot!(both.problems[0].message, @"has the name `www.example.org.:A` at its service, as `dns:record/www:A` has");
    // What somebody made is found under any spelling, and made once.
    let mut world = sprocket_core::testing::world();
    let spec = DnsRecord::a("www", "192.0.2.1").spec(&Known::default()).unwrap();
    world.put::<DnsRecord>("www.example.org.:A", spec);
    assert!(world.plan(record("www")).problems[0].message.contains("exists already"));
}
