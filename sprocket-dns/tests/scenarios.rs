//! What others have got wrong, on name servers: each group begins with an empty zone, and each line of it is a whole
//! desired zone. It is applied, the zone is looked at, and planning again must find nothing to do.

use sprocket_core::program::Stack;
use sprocket_core::testing::World;
use sprocket_dns::{DnsRecord, DnsRecordDraft};

use crate::support::Server;

const ZONE: &str = "apex.test";

/// A set: `api A 300 192.0.2.1|192.0.2.2`.
#[derive(Clone, Debug)]
struct Set(String);

impl Set {
    fn parts(&self) -> (&str, &str, u32, Vec<&str>) {
        let mut parts = self.0.splitn(4, ' ');
        let mut next = || parts.next().unwrap();
        (next(), next(), next().parse().unwrap(), next().split('|').collect())
    }

    fn draft(&self) -> DnsRecordDraft {
        let (at, record_type, ttl, values) = self.parts();
        let draft = match record_type {
            "A" => DnsRecord::a(at, values[0]),
            "AAAA" => DnsRecord::aaaa(at, values[0]),
            "CNAME" => DnsRecord::cname(at, values[0]),
            _ => DnsRecord::txt(at, values[0]),
        };
        values[1..].iter().fold(draft.ttl(ttl), |draft, value| draft.value(*value))
    }

    /// As a zone shows it.
    fn lines(&self) -> Vec<String> {
        let (at, record_type, ttl, values) = self.parts();
        let whole = |value: &str| match value {
            "@" => format!("{ZONE}."),
            label if record_type == "CNAME" && !label.ends_with('.') => format!("{label}.{ZONE}."),
            other => other.to_owned(),
        };
        values.into_iter().map(|value| format!("{at} {record_type} {ttl} {}", whole(value)).to_lowercase()).collect()
    }
}

fn text(text: &str) -> Vec<Set> {
    vec![Set(format!("x TXT 300 {text}"))]
}

fn sets(lines: &str) -> Vec<Set> {
    lines.split(';').map(str::trim).filter(|line| !line.is_empty()).map(|line| Set(line.to_owned())).collect()
}

/// Each group is a life of a zone, from empty to empty; `;` separates sets.
fn groups() -> Vec<(&'static str, Vec<Vec<Set>>)> {
    let zones = |lines: &[&str]| lines.iter().map(|line| sets(line)).collect::<Vec<_>>();
    let many = |count: usize, address: &str| -> Vec<Set> {
        (0..count).map(|number| Set(format!("n{number} A 300 {address}"))).collect()
    };
    let texts = |all: &[&str]| all.iter().map(|one| text(one)).collect::<Vec<_>>();
    let long = |lengths: &[usize]| lengths.iter().map(|length| text(&"x".repeat(*length))).collect::<Vec<_>>();
    vec![
        ("A: create, change", zones(&["a A 300 192.0.2.1", "a A 300 192.0.2.2"])),
        ("A at the apex", zones(&["@ A 300 192.0.2.1", "@ A 300 192.0.2.2; www A 300 192.0.2.3"])),
        (
            "a wildcard beside www",
            zones(&[
                "* A 300 192.0.2.1; www A 300 192.0.2.1",
                "* A 300 192.0.2.2; www A 300 192.0.2.1",
                "www A 300 192.0.2.1",
                "* A 300 192.0.2.1",
                "* A 300 192.0.2.1; other A 300 192.0.2.1; www TXT 300 t",
                "* TXT 300 t; www A 300 192.0.2.1; www TXT 300 t",
                "* CNAME 300 www; www A 300 192.0.2.1; api A 300 192.0.2.2",
                "*.eu A 300 192.0.2.1; * A 300 192.0.2.1; a.eu A 300 192.0.2.1",
            ]),
        ),
        ("AAAA", zones(&["a AAAA 300 2001:db8::1", "a AAAA 300 2001:db8::2", "a AAAA 300 2001:db8:0:0::3"])),
        (
            "CNAME: short target, the zone as target, another zone",
            zones(&["c CNAME 300 www", "c CNAME 300 @", "c CNAME 300 www.example.com.", "c CNAME 300 w.eu.apex.test."]),
        ),
        ("TXT: create, change", texts(&["first", "second"])),
        (
            "many at one label, at once and one by one",
            zones(&[
                "a A 300 192.0.2.1|192.0.2.2|192.0.2.3",
                "a A 300 192.0.2.1",
                "a A 300 192.0.2.2|192.0.2.1",
                "a A 300 192.0.2.4|192.0.2.2|192.0.2.1",
                "a A 300 192.0.2.9",
            ]),
        ),
        (
            "many types at once, one more",
            zones(&[
                "a A 300 192.0.2.1; a AAAA 300 2001:db8::1; a TXT 300 t",
                "a A 300 192.0.2.1; a TXT 300 t|u",
                "a A 300 192.0.2.1; a AAAA 300 2001:db8::1; a TXT 300 t|u; b CNAME 300 a",
            ]),
        ),
        (
            "TTLs: alone, of one set, with a value",
            zones(&[
                "a A 300 192.0.2.1; a TXT 300 t",
                "a A 60 192.0.2.1; a TXT 300 t",
                "a A 60 192.0.2.1; a TXT 60 t",
                "a A 120 192.0.2.1|192.0.2.2; a TXT 60 t",
                "a A 0 192.0.2.1",
                "a A 2147483647 192.0.2.1",
            ]),
        ),
        ("one type for another", zones(&["a A 300 192.0.2.1", "a TXT 300 t", "a A 300 192.0.2.1"])),
        (
            "A for CNAME and back",
            zones(&[
                "a A 300 192.0.2.1",
                "a CNAME 300 www",
                "a A 300 192.0.2.1; a AAAA 300 2001:db8::1; a TXT 300 t",
                "a CNAME 300 www",
                "a A 300 192.0.2.1",
            ]),
        ),
        ("TXT lengths", long(&[0, 1, 254, 255, 256, 509, 510, 511, 764, 765, 766, 4_000, 16_000])),
        (
            "TXT signs",
            texts(&[
                r#"a"b"#,
                r#""quoted""#,
                "back`tick",
                "v=DKIM1; k=rsa; p=MIGf",
                "in  ner",
                "trailing ",
                " leading",
                "v=spf1 ip4:192.0.2.0/24 include:example.com -all",
                "é ü 🦀",
                "tab\there",
                "$(not a shell) %s @",
            ]),
        ),
        ("backslashes", texts(&[r"1\2", r"1\\2", r"1\\\2", r"1\\\\2", r"\", r#"\""#])),
        (
            "case of label and target, with a decoy",
            zones(&[
                "a CNAME 300 www; d A 300 192.0.2.1",
                "A CNAME 300 WWW; d A 300 192.0.2.2",
                "a CNAME 300 WwW.Example.COM.; d A 300 192.0.2.1",
            ]),
        ),
        (
            "change, delete and add one of a label",
            zones(&[
                "a A 300 192.0.2.1; a TXT 300 t; b A 300 192.0.2.1",
                "a A 300 192.0.2.2; a TXT 300 t; b A 300 192.0.2.1",
                "a TXT 300 t; b A 300 192.0.2.1",
                "a TXT 300 t; a AAAA 300 2001:db8::1; b A 300 192.0.2.1",
            ]),
        ),
        ("IDNA", zones(&["xn--bcher-kva A 300 192.0.2.1; c CNAME 300 xn--bcher-kva.example."])),
        ("underscores, depth, length", {
            let label = "l".repeat(63);
            vec![
                sets("_sip._tcp TXT 300 t; a.b.c.d.e A 300 192.0.2.1; b.c.d.e A 300 192.0.2.2"),
                vec![Set(format!("{label} A 300 192.0.2.1")), Set(format!("{label}.{label}.{label} TXT 300 t"))],
            ]
        }),
        ("99, 100, 101 sets", vec![many(99, "192.0.2.1"), many(100, "192.0.2.1"), many(101, "192.0.2.1")]),
        (
            "creates, updates and deletes of many",
            vec![many(40, "192.0.2.1"), many(20, "192.0.2.2"), many(60, "192.0.2.1")],
        ),
    ]
}

#[test]
fn zones_become_what_is_desired_and_stay_so() {
    Server::all().iter().for_each(zones_on);
}

fn zones_on(server: &Server) {
    server.sweep(ZONE, "");
    let mut cases = 0;
    for (group, zones) in groups() {
        let mut world = World::of_real_services();
        for zone in &zones {
            let program = |stack: &mut Stack| {
                server.connect(stack, ZONE);
                for set in zone {
                    stack.add(set.draft());
                }
            };
            let report = world.try_apply(program).unwrap_or_else(|refused| panic!("{group}: {refused}"));
            assert!(report.succeeded(), "{group}: {zone:?}\n{:#?}", report.failures().collect::<Vec<_>>());
            let mut wanted: Vec<_> = zone.iter().flat_map(Set::lines).collect();
            let mut there = server.records(ZONE);
            let marks = there.extract_if(.., |line| line.starts_with("_owner-")).count();
            there.iter_mut().for_each(|line| *line = line.replace("2001:db8:0:0::", "2001:db8::").to_lowercase());
            wanted.iter_mut().for_each(|line| *line = line.replace("2001:db8:0:0::", "2001:db8::"));
            there.sort();
            wanted.sort();
            assert_eq!(there, wanted, "{group}");
            assert_eq!(marks, zone.len(), "{group}: a mark for each set");
            let plan = world.plan(program);
            assert!(plan.is_empty() && plan.problems.is_empty(), "{group}: {zone:?}\n{plan}");
            cases += 1;
        }
        world.destroy(|stack| server.connect(stack, ZONE));
        assert_eq!(server.records(ZONE), Vec::<String>::new(), "{group}");
    }
    println!("{cases} zones");
}

#[test]
fn names_turn_from_cname_to_a_and_back_at_any_parallelism() {
    Server::all().iter().for_each(turning_names_on);
}

fn turning_names_on(server: &Server) {
    const OWN: &str = "sprocket.test";
    let part = crate::support::unique();
    for parallel in [1, 64] {
        let mut world = World::of_real_services();
        world.settings.parallel = parallel;
        for is_alias in [true, false, true] {
            let program = |stack: &mut Stack| {
                server.connect(stack, OWN);
                for number in 0..20 {
                    let at = format!("n{number}.{part}");
                    let alias = DnsRecord::cname(&at, "lb.example.com.");
                    stack.add(if is_alias { alias } else { DnsRecord::a(&at, "192.0.2.1") });
                }
            };
            let report = world.try_apply(program).unwrap();
            assert!(report.succeeded(), "{parallel} at once\n{:#?}", report.failures().collect::<Vec<_>>());
            assert!(world.plan(program).is_empty(), "{}", world.plan(program));
        }
        world.destroy(|stack| server.connect(stack, OWN));
        assert!(server.records_of(OWN, &part).is_empty());
    }
}

/// Random zones, one after the other: whatever was there before, planning again finds nothing to do.
#[test]
fn random_zones_cause_no_perpetual_difference() {
    Server::all().iter().for_each(random_zones_on);
}

fn random_zones_on(server: &Server) {
    const OWN: &str = "sprocket.test";
    let part = crate::support::unique();
    let mut world = World::of_real_services();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..20 {
        let mut zone = Vec::new();
        for label in 0..6 {
            let at = format!("r{label}.{part}");
            let ttl = [0, 60, 300][random(3) as usize];
            match random(4) {
                0 => zone.push(Set(format!("{at} CNAME {ttl} t{}", random(3)))),
                1 => zone.push(Set(format!("{at} A {ttl} 192.0.2.{}|192.0.2.{}", random(9), 10 + random(9)))),
                2 => {
                    zone.push(Set(format!("{at} AAAA {ttl} 2001:db8::{}", 1 + random(3))));
                    zone.push(Set(format!("{at} TXT {ttl} {}", "\"\\ ;x".repeat(random(80) as usize))));
                }
                _ => {}
            }
        }
        let program = |stack: &mut Stack| {
            server.connect(stack, OWN);
            for set in &zone {
                stack.add(set.draft());
            }
        };
        let report = world.try_apply(program).unwrap();
        assert!(report.succeeded(), "{zone:?}\n{:#?}", report.failures().collect::<Vec<_>>());
        let plan = world.plan(program);
        assert!(plan.is_empty() && plan.problems.is_empty(), "{zone:?}\n{plan}");
    }
    world.destroy(|stack| server.connect(stack, OWN));
    assert!(server.records_of(OWN, &part).is_empty());
}
