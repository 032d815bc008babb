//! The sandbox's name server, asked by a client of the test's own. The suites of the kind are in `sprocket-dns`.

#![allow(clippy::unwrap_used, reason = "clippy takes the helpers of tests for a library")]

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::rdata::{A, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType, TSigner};
use sprocket_sandbox::{DNS_KEY, DNS_SECRET, Fault, Sandbox};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn question(at: &str, record_type: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(name(at), record_type));
    message
}

/// An update that adds a record.
fn adding(at: &str, data: RData) -> Message {
    let mut message = question("example.org.", RecordType::SOA);
    message.metadata.op_code = OpCode::Update;
    message.add_authority(Record::from_rdata(name(at), 60, data));
    message
}

fn signed(mut message: Message) -> Message {
    let secret = STANDARD.decode(DNS_SECRET).unwrap();
    let signer = TSigner::new(secret, TsigAlgorithm::HmacSha256, name(DNS_KEY), 300).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    message.finalize(&signer, now).unwrap();
    message
}

/// Over TCP; nothing if the connection is cut.
fn ask(sandbox: &Sandbox, message: &Message) -> Option<Message> {
    let bytes = message.to_vec().unwrap();
    let mut stream = TcpStream::connect(sandbox.addresses().dns).unwrap();
    stream.write_all(&u16::try_from(bytes.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&bytes).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).ok()?;
    Some(Message::from_vec(&answer).unwrap())
}

fn code(sandbox: &Sandbox, message: &Message) -> ResponseCode {
    ask(sandbox, message).unwrap().metadata.response_code
}

fn addresses(sandbox: &Sandbox, at: &str) -> usize {
    ask(sandbox, &question("example.org.", RecordType::SOA)).unwrap();
    ask(sandbox, &question(at, RecordType::A)).unwrap().answers.len()
}

#[test]
fn what_no_suite_asks_is_not_implemented() {
    let sandbox = Sandbox::in_memory().unwrap();
    let mut notify = question("example.org.", RecordType::SOA);
    notify.metadata.op_code = OpCode::Notify;
    assert_eq!(code(&sandbox, &notify), ResponseCode::NotImp);
    assert_eq!(code(&sandbox, &question("example.org.", RecordType::SOA)), ResponseCode::NoError);
    assert_eq!(code(&sandbox, &question("example.org.", RecordType::ANY)), ResponseCode::NotImp);
    // Nobody has this name.
    assert_eq!(code(&sandbox, &question("example.invalid.", RecordType::SOA)), ResponseCode::Refused);
}

#[test]
fn only_who_has_the_key_changes_or_lists_a_zone() {
    let sandbox = Sandbox::in_memory().unwrap();
    let update = adding("api.example.org.", RData::A(A::new(192, 0, 2, 1)));
    assert_eq!(code(&sandbox, &update), ResponseCode::Refused);
    assert_eq!(code(&sandbox, &question("example.org.", RecordType::SOA)), ResponseCode::NoError);
    assert_eq!(code(&sandbox, &question("example.org.", RecordType::AXFR)), ResponseCode::Refused);
    assert_eq!(addresses(&sandbox, "api.example.org."), 0);
    assert_eq!(code(&sandbox, &signed(update)), ResponseCode::NoError);
    assert_eq!(addresses(&sandbox, "api.example.org."), 1);
}

#[test]
fn a_long_answer_over_udp_is_to_be_asked_for_over_tcp() {
    let sandbox = Sandbox::in_memory().unwrap();
    for length in [10, 2_000] {
        let text = vec!["x".repeat(200); length / 10];
        let at = format!("t{length}.example.org.");
        assert_eq!(code(&sandbox, &signed(adding(&at, RData::TXT(TXT::new(text))))), ResponseCode::NoError);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked = question(&at, RecordType::TXT);
        socket.send_to(&asked.to_vec().unwrap(), sandbox.addresses().dns).unwrap();
        let mut answer = [0; 512];
        let length_of_answer = socket.recv(&mut answer).unwrap();
        let answer = Message::from_vec(&answer[..length_of_answer]).unwrap();
        assert_eq!(
            (answer.metadata.truncation, answer.answers.len()),
            if length > 512 { (true, 0) } else { (false, 1) }
        );
        assert_eq!(ask(&sandbox, &asked).unwrap().answers.len(), 1);
    }
}

#[test]
fn faults_have_their_effect_or_none() {
    let sandbox = Sandbox::in_memory().unwrap();
    let add = |label: &str| signed(adding(&format!("{label}.example.org."), RData::A(A::new(192, 0, 2, 1))));
    let hit = |fault| sandbox.faults().next("dns", "UPDATE example.org", fault);
    hit(Fault::Cut);
    assert_eq!((ask(&sandbox, &add("cut")), addresses(&sandbox, "cut.example.org.")), (None, 0));
    hit(Fault::LoseAnswer);
    assert_eq!((ask(&sandbox, &add("lost")), addresses(&sandbox, "lost.example.org.")), (None, 1));
    hit(Fault::Fail);
    assert_eq!((code(&sandbox, &add("fail")), addresses(&sandbox, "fail.example.org.")), (ResponseCode::ServFail, 0));
    assert_eq!((code(&sandbox, &add("fine")), addresses(&sandbox, "fine.example.org.")), (ResponseCode::NoError, 1));
}

#[test]
fn a_second_start_has_the_same_zones() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Sandbox::start(folder.path().join("world")).unwrap();
    let first = start();
    assert_eq!(
        code(&first, &signed(adding("api.example.org.", RData::A(A::new(192, 0, 2, 1))))),
        ResponseCode::NoError
    );
    let listed = |sandbox: &Sandbox| ask(sandbox, &signed(question("example.org.", RecordType::AXFR))).unwrap().answers;
    let before = listed(&first);
    drop(first);
    assert_eq!(listed(&start()), before);
    assert_eq!(before.len(), 5, "SOA, NS, two addresses, SOA");
}
