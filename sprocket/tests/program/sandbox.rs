//! The environment `sandbox`: the services are inside of the program, so that nothing has to be there, and nobody is asked.
#![cfg(all(feature = "sandbox", feature = "dns", feature = "docker", feature = "s3", feature = "vault"))]

use insta::assert_snapshot;
use sprocket::prelude::*;
use sprocket::s3::{S3, S3Credentials};

use super::kit::{Place, ShelfDraft, ThingDraft};

const FILE: &str = "default = 'sandbox'\n[sandbox]\n";

/// Of services that are all elsewhere.
fn shop(stack: &mut Stack, (): &()) {
    stack.connect(Docker::at("unix:///nowhere/docker.sock"));
    stack.connect(Dns::zone("shop.example", "ns1.shop.example"));
    let keys = S3Credentials::keys("robot", Secret::new("of the real account".to_owned()));
    stack.connect(S3::at("https://s3.example").credentials(keys));
    let network = stack.add(Network::overlay("edge"));
    stack.add(Volume::new("data").after(&network));
    stack.add(DnsRecord::a("www", "192.0.2.1".parse::<std::net::Ipv4Addr>().unwrap()));
    stack.add(Bucket::new("shop-uploads"));
}

fn told(place: &Place, args: &str, declare: impl FnOnce(&mut Stack, &())) -> String {
    let (exit, text, _) = place.start(args, declare);
    format!("{text}exit {}", exit.code())
}

#[test]
fn a_first_run_asks_nobody_and_a_destroy_leaves_nothing() {
    let place = Place::new("sandbox", FILE);
    let text = told(&place, "", shop);
    let end = text.split_once("4 created.").map(|(_, end)| end).unwrap_or(&text);
    assert_snapshot!(end, @"

    Verified: 3 checks passed.
    The sandbox ends with this command, and its world stays beside the state: the next command finds it.
    Look at `outputs`, `state list` and `graph`; change the program and run it again; `destroy` ends the world.
    exit 0
    ");
    assert_snapshot!(told(&place, "plan --detailed-exit-code", shop), @"
    pantry/sandbox of sprocket.toml
    Nothing to do: 4 resources are as declared.
    exit 0
    ");
    // What holds data goes too: nobody would miss it.
    let text = told(&place, "destroy", shop);
    assert_snapshot!(text.lines().rev().take(2).collect::<Vec<_>>().join("\n"), @"
    exit 0
    4 deleted.
    ");
    assert!(!place.folder.path().join(".sprocket/pantry/sandbox/world").exists());
    assert!(told(&place, "plan", shop).contains("4 to create."));
}

/// A shelf is no service of the sandbox: what is on it is as real as anywhere.
#[test]
fn where_another_provider_takes_part_people_are_asked() {
    let place = Place::new("sandbox-and-shelf", FILE);
    let both = |stack: &mut Stack, (): &()| {
        stack.connect(ShelfDraft::new("sandbox-and-shelf"));
        stack.add(ThingDraft::new("jar"));
        shop(stack, &());
    };
    assert!(told(&place, "apply", both).contains("nothing was changed: there is no terminal to ask on"));
    assert_eq!(place.things(), Vec::<String>::new());
    assert!(told(&place, "apply --yes", both).contains("5 created."));
    assert!(told(&place, "destroy", both).contains("nothing was changed: there is no terminal to ask on"));
    assert_eq!(place.things(), ["jar"]);
    assert!(told(&place, "destroy --yes", both).contains("stays as `data`: it holds data"));
    assert!(place.folder.path().join(".sprocket/pantry/sandbox/world").exists(), "with the data");
}

#[test]
fn two_commands_at_once_don_t_share_a_world() {
    let place = Place::new("sandbox", FILE);
    let mut other = String::new();
    told(&place, "plan", |stack, ()| {
        shop(stack, &());
        other = std::thread::scope(|scope| scope.spawn(|| told(&place, "plan", shop)).join().unwrap());
    });
    assert_snapshot!(other, @"
    error: the sandbox in .sprocket/pantry/sandbox/world is in use by another process
      hint: wait until that command has ended
    exit 1
    ");
}

#[test]
fn a_vault_outside_of_the_program_is_the_sandbox_s_and_not_yet_open() {
    let place = Place::new("sandbox", FILE);
    let text = told(&place, "plan", |stack, ()| {
        stack.connect(Vault::at("https://vault.example:8200").credentials(Secret::new("of the real one".to_owned())));
        stack.add(VaultMount::kv2("apps"));
    });
    let (before, after) = text.split_once("http://127.0.0.1:").unwrap();
    let text = format!("{before}ADDRESS{}", after.trim_start_matches(|c: char| c.is_ascii_digit()));
    assert_snapshot!(text, @"
    pantry/sandbox of sprocket.toml
    problem: `vault`: serves nothing, and nothing in this plan opens it: the Vault at ADDRESS is not initialised  (sprocket/tests/program/sandbox.rs:LINE)
      hint: initialise it, or declare its bootstrap in the program, which initialises and unseals it
    1 problem: nothing can be applied until it is solved.
    error: the plan has 1 problem, and can't be applied; nothing was changed
    exit 1
    ");
}
