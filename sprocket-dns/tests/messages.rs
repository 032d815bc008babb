//! What people read when a name server says no, or nothing.

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::{A, MX};
use sprocket_core::__derive::Known;
use sprocket_core::kind::{ErrorKind, Fields as _, Provider as _, ProviderError as _};
use sprocket_core::program::Stack;
use sprocket_core::testing::World;
use sprocket_dns::{Dns, DnsDraft, DnsError, DnsRecord, TsigAlgorithm, TsigKey};

use crate::support::{Server, secret, unique};

const ZONE: &str = "sprocket.test";

/// An error with its cause and what to do.
fn told(error: &DnsError) -> String {
    let cause = std::error::Error::source(error).map_or(String::new(), |source| format!("\n  cause: {source}"));
    let hint = error.hint().map_or(String::new(), |hint| format!("\n  hint: {hint}"));
    format!("{error}{cause}{hint}")
}

fn identity(draft: DnsDraft, key: TsigKey) -> Result<String, DnsError> {
    let config = draft.spec(&Known::default()).unwrap();
    World::of_real_services().block_on(async {
        let dns = Dns::connect(&config, key).await?;
        dns.identity().await.map(|identity| identity.to_string())
    })
}

fn key() -> TsigKey {
    TsigKey::sha256("sprocket", "c2VjcmV0")
}

#[test]
fn no_server() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = identity(Dns::zone(ZONE, nobody.to_string()), key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let port = nobody.port().to_string();
    insta::assert_snapshot!(told(&error).replace(&port, "PORT"), @"
    could not connect to the name server at 127.0.0.1:PORT
      cause: Connection refused (os error 111)
      hint: does the server listen there, for TCP too? `dig +tcp @127.0.0.1 -p PORT SOA ZONE` asks the same
    ");
    let name = identity(Dns::zone(ZONE, "nowhere.invalid"), key()).unwrap_err();
    assert_eq!(name.kind(), ErrorKind::Unavailable);
}

#[test]
fn keys_that_can_not_be_used() {
    let draft = || Dns::zone(ZONE, "127.0.0.1:9");
    let secret = || sprocket_core::program::Secret::new("no base64!".to_owned());
    let error = identity(draft(), TsigKey::new("deploy", TsigAlgorithm::Sha512, secret())).unwrap_err();
    insta::assert_snapshot!(told(&error), @"could not use the TSIG key `deploy`: its secret is not base64");
    let error = identity(draft(), TsigKey::sha256("deploy", "")).unwrap_err();
    insta::assert_snapshot!(told(&error), @"could not use the TSIG key `deploy`: its secret is empty");
    insta::assert_snapshot!("hmac-md5".parse::<TsigAlgorithm>().unwrap_err(), @"`hmac-md5` is none of hmac-sha256, hmac-sha384, hmac-sha512");
    insta::assert_snapshot!(told(&DnsError::NoKey), @"
    no TSIG key was given for the updates
      hint: give it with `.credentials(TsigKey::…)`, or set `RFC2136_TSIG_KEY` and `RFC2136_TSIG_SECRET`
    ");
}

#[test]
fn the_zone_is_who_the_server_says_it_is() {
    for server in Server::all() {
        insta::allow_duplicates!(identity_on(&server));
    }
}

fn identity_on(server: &Server) {
    let address = || server.address.as_str();
    assert_eq!(identity(Dns::zone(ZONE, address()), key()).unwrap(), "sprocket.test of ns1.sprocket.test");
    let error = identity(Dns::zone("nowhere.invalid", address()), key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    insta::assert_snapshot!(server.plain(&told(&error), ""), @"
    the name server at SERVER does not serve the zone `nowhere.invalid`
      hint: give the address of the zone's primary server, the first name in its SOA record
    ");
    // Below a zone, not one itself.
    let error = identity(Dns::zone("x.sprocket.test", address()), key()).unwrap_err();
    insta::assert_snapshot!(server.plain(&told(&error), ""), @"
    the name server at SERVER does not serve the zone `x.sprocket.test`
      hint: give the address of the zone's primary server, the first name in its SOA record
    ");
}

/// Why the only step of a run failed, with what to do.
fn failure(program: impl Fn(&mut Stack)) -> String {
    let report = World::of_real_services().try_apply(program).unwrap();
    let told = report.failures().map(|(_, failure)| {
        let hint = failure.hint.as_ref().map_or(String::new(), |hint| format!("\n  hint: {hint}"));
        format!("{}{hint}", failure.message)
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn rejected_keys() {
    for server in Server::all() {
        insta::allow_duplicates!(rejected_by(&server));
    }
}

fn rejected_by(server: &Server) {
    let at = unique();
    let with = |key: TsigKey| {
        let program = |stack: &mut Stack| {
            stack.connect(Dns::zone(ZONE, server.address.as_str()).credentials(key.clone()));
            stack.add(DnsRecord::a(&*at, "192.0.2.1"));
        };
        server.plain(&failure(program), &at)
    };
    insta::assert_snapshot!(with(TsigKey::sha256(server.key.name(), "c2VjcmV0")), @"
    TSIG rejected: the name server at SERVER does not accept the key `KEY`: BADSIG: the secret is not the one that the server has
      hint: compare name, algorithm and secret of the key with those in the server's settings
    ");
    insta::assert_snapshot!(with(TsigKey::sha256("nobody", "c2VjcmV0")), @"
    TSIG rejected: the name server at SERVER does not accept the key `nobody`: BADKEY: the server knows no key of this name and algorithm, or none that may do this
      hint: compare name, algorithm and secret of the key with those in the server's settings
    ");
    let secret = sprocket_core::program::Secret::new(server.secret.clone());
    insta::assert_snapshot!(with(TsigKey::new(server.key.name(), TsigAlgorithm::Sha512, secret)), @"
    TSIG rejected: the name server at SERVER does not accept the key `KEY`: BADKEY: the server knows no key of this name and algorithm, or none that may do this
      hint: compare name, algorithm and secret of the key with those in the server's settings
    ");
    assert!(server.records_of(ZONE, &at).is_empty());
}

/// A key that the server knows, and that may change nothing.
#[test]
fn a_key_without_rights() {
    let Some(server) = Server::live() else { return };
    let program = |stack: &mut Stack| {
        let key = TsigKey::sha256("stranger", secret("stranger"));
        stack.connect(Dns::zone(ZONE, server.address.as_str()).credentials(key));
        stack.add(DnsRecord::a("stranger", "192.0.2.1"));
    };
    insta::assert_snapshot!(failure(program), @"
    could not create A of `stranger.sprocket.test`: REFUSED: the server does not allow it
      hint: what the key may change is in the server's settings: in bind, the zone's `update-policy`; some servers say the same to a wrong secret
    ");
}

#[test]
fn what_is_in_the_way() {
    for server in Server::all() {
        insta::allow_duplicates!(in_the_way_on(&server));
    }
}

fn in_the_way_on(server: &Server) {
    let at = unique();
    let whole = format!("{at}.{ZONE}");
    let mx = RData::MX(MX::new(10, "mail.example.org.".parse().unwrap()));
    server.put(&whole, 60, vec![RData::A(A::new(192, 0, 2, 1))]);
    server.put(&whole, 60, vec![mx]);
    let declared = |draft: fn(&str) -> sprocket_dns::DnsRecordDraft| {
        let program = |stack: &mut Stack| {
            server.connect(stack, ZONE);
            stack.add(draft(&at));
        };
        failure(program).replace(&at, "AT")
    };
    insta::assert_snapshot!(declared(|at| DnsRecord::cname(at, "www")), @"
    could not create CNAME of `AT.sprocket.test`: a CNAME can't be beside other records, and there is A, MX
      hint: delete the one or the other, or choose another name
    ");
    server.sweep(ZONE, &at);
    server.put(&whole, 60, vec![RData::CNAME(hickory_proto::rr::rdata::CNAME("a.example.".parse().unwrap()))]);
    insta::assert_snapshot!(declared(|at| DnsRecord::txt(at, "t")), @"
    could not create TXT of `AT.sprocket.test`: a CNAME can't be beside other records, and there is CNAME
      hint: delete the one or the other, or choose another name
    ");
    server.sweep(ZONE, &at);
}

#[test]
fn names_that_can_not_be_in_the_zone_are_refused_by_the_plan() {
    for server in Server::all() {
        insta::allow_duplicates!(refused_on(&server));
    }
}

fn refused_on(server: &Server) {
    let refused = |name: &'static str| {
        let program = |stack: &mut Stack| {
            server.connect(stack, ZONE);
            stack.add(DnsRecord::cname(name, "www"));
        };
        let refused = World::of_real_services().try_plan(program, sprocket_core::engine::Goal::Declared).unwrap_err();
        let source = std::error::Error::source(&refused).map_or(String::new(), |source| format!(": {source}"));
        format!("{refused}{source}")
    };
    insta::assert_snapshot!(refused("api.sprocket.test"), @"could not read dns:record from `dns`: could not find the record `api.sprocket.test:CNAME`: `api.sprocket.test` would be `api.sprocket.test.sprocket.test`: leave out the zone, or end the name with a dot to make it absolute");
    insta::assert_snapshot!(refused("api.example.org."), @"could not read dns:record from `dns`: could not find the record `api.example.org.:CNAME`: `api.example.org.` is not in the zone `sprocket.test`");
    insta::assert_snapshot!(refused("sprocket.test."), @"could not read dns:record from `dns`: could not find the record `sprocket.test.:CNAME`: the zone itself has other records, and a CNAME can't be beside them: use A and AAAA");
}
