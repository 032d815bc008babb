//! Where a bootstrap stops: each time nothing was changed, and the message says which ways on there are.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use insta::assert_snapshot;
use sprocket_core::engine::{Goal, Report};
use sprocket_core::kind::ProviderError as _;
use sprocket_core::program::Stack;
use sprocket_core::testing::World;

use super::support::free_port;
use super::{Place, declare};

fn refusal(world: &mut World, program: impl Fn(&mut Stack)) -> String {
    match world.try_plan(program, Goal::Declared) {
        Ok(plan) => panic!("it was planned:\n{plan}"),
        Err(refused) => format!("{refused}\nhint: {}", refused.hint().unwrap_or_default()),
    }
}

/// Why a step failed.
fn failure(report: &Report) -> String {
    let (step, failure) = report.failures().next().expect("a step failed");
    format!("{}: {}\nhint: {}", step.address, failure.message, failure.hint.as_deref().unwrap_or_default())
}

/// Hands requests on to a server, and the answers back, but for one.
struct Between {
    address: String,
}

impl Between {
    /// Loses the answer to the first request whose first line has this in it; `effect` says whether the server gets it.
    fn losing(server: &str, request: &'static str, effect: bool) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let server = server.strip_prefix("http://").unwrap().to_owned();
        std::thread::spawn(move || {
            let mut lost = false;
            for stream in listener.incoming() {
                let mut client = stream.unwrap();
                let asked = head_and_body(&mut client);
                let first = asked.lines().next().unwrap_or_default();
                let lose = !lost && first.contains(request);
                lost |= lose;
                if lose && !effect {
                    continue;
                }
                // One request for each connection, so that none is mistaken for another.
                let asked = asked.replacen("\r\n", "\r\nConnection: close\r\n", 1);
                let mut upstream = TcpStream::connect(&server).unwrap();
                upstream.write_all(asked.as_bytes()).unwrap();
                let mut answer = Vec::new();
                upstream.read_to_end(&mut answer).unwrap();
                if !lose {
                    client.write_all(&answer).unwrap();
                }
            }
        });
        Self { address: format!("http://127.0.0.1:{port}") }
    }
}

fn head_and_body(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
        text.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&text).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    text.extend(body);
    String::from_utf8(text).unwrap()
}

#[test]
fn an_answer_that_never_arrived_stops_the_run_and_every_run_after_it() {
    let Some(mut place) = Place::live() else { return };
    let between = Between::losing(&place.bao.address, "/sys/init", true);
    let custody = place.custody();
    let mut world = World::of_real_services();
    let report = world.try_apply(|stack| declare(stack, &between.address, &custody)).unwrap();
    assert_snapshot!(place.plain(&failure(&report).replace(&between.address, "http://VAULT")), @"
    vault:init/vault: the Vault at http://VAULT was asked to initialise, and there was no answer: connection closed before message completed
    hint: it is not asked again before it is known what became of it: run the same command again
    ");
    let text = refusal(&mut world, place.program());
    assert_eq!(refusal(&mut world, place.program()), text, "and it stays so");
    let at = world.block_on(place.keeper().intent()).unwrap().unwrap().at.strftime("%F %T UTC").to_string();
    assert_snapshot!(place.plain(&text).replace(&at, "TIME"), @"
    could not read vault:init from `vault-server/vault`: the Vault at http://VAULT is initialised, and its keys never arrived: a call to initialise it was begun at TIME, and its answer is not in custody
    hint: if nobody else initialised it, nobody has its keys, nothing can be in it, and it is safe to empty its storage: do so, and run the same command again. If somebody else did, put FOLDER/custody aside and connect to it with a token of theirs. Nothing was changed
    ");
    // The way on: nobody can have opened it, so its storage is emptied, and the same command goes on.
    place.empty();
    world.apply(place.program());
    assert!(world.plan(place.program()).is_empty());
}

#[test]
fn a_call_that_never_arrived_is_made_again() {
    let Some(place) = Place::live() else { return };
    let between = Between::losing(&place.bao.address, "/sys/init", false);
    let custody = place.custody();
    let mut world = World::of_real_services();
    let report = world.try_apply(|stack| declare(stack, &between.address, &custody)).unwrap();
    assert!(!report.succeeded(), "it is not made again in the same run");
    world.apply(place.program());
}

#[test]
fn emptied_storage_is_not_initialised_over() {
    let Some(mut place) = Place::live() else { return };
    let mut world = World::of_real_services();
    world.apply(place.program());
    place.empty();
    assert_snapshot!(place.plain(&refusal(&mut world, place.program())), @"
    could not read vault:init from `vault-server/vault`: the Vault at http://VAULT is not initialised, but FOLDER/custody has the keys of one that was
    hint: is its storage mounted? Bring it back. If it was emptied on purpose, put FOLDER/custody aside, `state forget` the resources of the bootstrap, and run the same command again. Nothing was changed
    ");
    // The same with a state that knows nothing: custody alone stops it.
    assert_snapshot!(place.plain(&refusal(&mut World::of_real_services(), place.program())), @"
    could not read vault:init from `vault-server/vault`: the Vault at http://VAULT is not initialised, but FOLDER/custody has the keys of one that was
    hint: is its storage mounted? Bring it back. If it was emptied on purpose, put FOLDER/custody aside, `state forget` the resources of the bootstrap, and run the same command again. Nothing was changed
    ");
    // And with a custody that has gone as well.
    fs::remove_dir_all(place.custody()).unwrap();
    assert_snapshot!(place.plain(&refusal(&mut world, place.program())), @"
    could not read vault:init from `vault-server/vault`: the Vault at http://VAULT is not initialised, though this stack has initialised it, and FOLDER/custody is empty
    hint: are storage and custody mounted? Bring them back. If both were emptied on purpose, `state forget` the resources of the bootstrap, and run the same command again. Nothing was changed
    ");
}

#[test]
fn somebody_elses_vault_is_left_alone() {
    let Some(place) = Place::live() else { return };
    place.bao.must("POST", "sys/init", r#"{"secret_shares": 1, "secret_threshold": 1}"#);
    assert_snapshot!(place.plain(&refusal(&mut World::of_real_services(), place.program())), @"
    could not read vault:init from `vault-server/vault`: the Vault at http://VAULT is initialised, and FOLDER/custody has no keys of it
    hint: bring its custody back; or, if it is somebody else's, leave the bootstrap out and connect to it with a token of theirs. Nothing was changed
    ");
    assert!(!place.custody().exists());
}

#[test]
fn shares_that_are_not_the_ones_that_were_given() {
    let Some(mut place) = Place::live() else { return };
    let mut world = World::of_real_services();
    world.apply(place.program());
    place.restart();
    let (keeper, custody) = (place.keeper(), place.custody());
    let whole = world.block_on(keeper.share(1)).unwrap().unwrap();

    // Swapped.
    fs::rename(custody.join("share-1.age"), custody.join("aside")).unwrap();
    fs::rename(custody.join("share-2.age"), custody.join("share-1.age")).unwrap();
    fs::rename(custody.join("aside"), custody.join("share-2.age")).unwrap();
    assert_snapshot!(place.plain(&refusal(&mut world, place.program())), @"
    could not read vault:share from `vault-server/vault`: share 1 in FOLDER/custody is not the one that the Vault gave
    hint: bring the share back from a copy; with enough other shares, `vault operator rekey` makes new ones
    ");

    // Gone: the others are still enough to unseal, but the plan says so.
    fs::rename(custody.join("share-1.age"), custody.join("aside")).unwrap();
    fs::rename(custody.join("share-2.age"), custody.join("share-1.age")).unwrap();
    fs::rename(custody.join("aside"), custody.join("share-2.age")).unwrap();
    fs::rename(custody.join("share-3.age"), custody.join("aside")).unwrap();
    let report = world.try_apply(place.program()).unwrap();
    assert_snapshot!(place.plain(&failure(&report)), @"
    vault:share/vault-3: share 3 has gone from FOLDER/custody, and can't be delivered a second time
    hint: bring the share back from a copy; with enough other shares, `vault operator rekey` makes new ones
    ");
    fs::rename(custody.join("aside"), custody.join("share-3.age")).unwrap();
    world.apply(place.program());

    // Wrong, with custody wrong as a whole: only the server can tell.
    place.restart();
    world.block_on(async {
        let (intent, answer) = (keeper.intent().await.unwrap().unwrap(), keeper.answer().await.unwrap().unwrap());
        let mut fingerprints = answer.fingerprints.clone();
        for number in 1..=3 {
            let share = format!("{}{number:02}", &whole.share[..whole.share.len() - 2]);
            fingerprints[usize::from(number) - 1] = intent.fingerprint(&share);
            let held = crate::custody::HeldShare { share, ..whole.clone() };
            keeper.put_share(number, &held).await.unwrap();
        }
        keeper.put_answer(&crate::custody::Answer { fingerprints, ..answer }).await.unwrap();
        let custody = keeper.clone();
        let client = crate::client::Client::new(&place.bao.address.parse().unwrap(), None).unwrap();
        let error = crate::bootstrap::unseal::unseal(&super::super::VaultServer { client, custody }).await.unwrap_err();
        let text = format!("{error}\nhint: {}", error.hint().unwrap());
        assert_snapshot!(place.plain(&text), @"
        the shares from FOLDER/custody do not open the Vault at http://VAULT
        hint: they are another Vault's, or were replaced by `vault operator rekey`
        ");
    });
}

/// A killed run may have begun it.
#[test]
fn a_server_in_the_midst_of_its_initialisation_is_waited_for() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let unsure = r#"{"errors": ["core: barrier reports initialized but no seal configuration found"]}"#;
        let sealed = r#"{"initialized": true, "sealed": true, "t": 2, "n": 3}"#;
        for (status, body) in [("500 Internal Server Error", unsure), ("200 OK", sealed)] {
            let (mut client, _) = listener.accept().unwrap();
            head_and_body(&mut client);
            let length = body.len();
            write!(client, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        }
    });
    let client = crate::client::Client::new(&address.parse().unwrap(), None).unwrap();
    let status = World::of_real_services().block_on(client.first_seal_status()).unwrap();
    assert!(status.initialized && status.sealed);
}

#[test]
fn a_server_that_ignores_our_keys_is_found_out_and_its_keys_are_kept() {
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        let mut initialized = false;
        for stream in listener.incoming() {
            let mut client = stream.unwrap();
            let asked = head_and_body(&mut client);
            let body = if asked.contains("/sys/init") {
                initialized = true;
                r#"{"keys": ["aa01", "aa02", "aa03"], "keys_base64": [], "root_token": "s.hunter2"}"#.to_owned()
            } else {
                format!(
                    r#"{{"initialized": {initialized}, "sealed": true, "t": {0}, "n": {1}}}"#,
                    2 * u8::from(initialized),
                    3 * u8::from(initialized)
                )
            };
            let length = body.len();
            write!(client, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (address, custody) = (format!("http://127.0.0.1:{port}"), folder.path().join("custody"));
    let plain =
        |text: String| text.replace(&address, "http://VAULT").replace(folder.path().to_str().unwrap(), "FOLDER");
    let mut world = World::of_real_services();
    let report = world.try_apply(|stack| declare(stack, &address, &custody)).unwrap();
    assert!(!format!("{report:?}").contains("hunter2"));
    assert_snapshot!(plain(failure(&report)), @"
    vault:init/vault: the Vault at http://VAULT ignored our OpenPGP keys: what it answered is not encrypted to them
    hint: its keys went over the network in clear; they are kept, sealed, in the answer in FOLDER/custody. Use a server that knows `pgp_keys`, and empty the storage of this one
    ");
    let text = refusal(&mut world, |stack| declare(stack, &address, &custody));
    assert_snapshot!(plain(text), @"
    could not read vault:init from `vault-server/vault`: the Vault at http://VAULT ignored our OpenPGP keys: what it answered is not encrypted to them
    hint: its keys went over the network in clear; they are kept, sealed, in the answer in FOLDER/custody. Use a server that knows `pgp_keys`, and empty the storage of this one
    ");
    let keeper = crate::custody::Keeper::folder(custody.to_str().unwrap(), &super::passphrase());
    assert_eq!(world.block_on(keeper.answer()).unwrap().unwrap().shares, ["aa01", "aa02", "aa03"], "no key is lost");
}
