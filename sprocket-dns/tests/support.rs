//! The name servers that tests run on, and a client of the tests' own: it lists a zone, and changes it behind our back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, TSigner};
use sprocket_core::program::Stack;
use sprocket_dns::{Dns, TsigKey};
use sprocket_sandbox::{DNS_KEY, DNS_SECRET, Sandbox};

/// A name server with zones that are the tests' own.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) key: TsigKey,
    pub(crate) secret: String,
    signer: TSigner,
    /// It ends with its last test.
    _sandbox: Option<Arc<Sandbox>>,
}

/// What `scripts/services up dns` starts.
const BIND: &str = "127.0.0.1:15353";

static NAMES: AtomicU32 = AtomicU32::new(0);

/// A label that no other test has.
pub(crate) fn unique() -> String {
    format!("t{}-{}", std::process::id(), NAMES.fetch_add(1, Ordering::Relaxed))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/dns")
}

/// The secret of a key of the server.
pub(crate) fn secret(key: &str) -> String {
    let path = folder().join(format!("{key}.secret"));
    let secret = std::fs::read_to_string(&path);
    secret.unwrap_or_else(|error| panic!("{}: {error}; run scripts/services up dns", path.display())).trim().to_owned()
}

impl Server {
    /// A sandbox of the test's own, and the real one if `SPROCKET_LIVE` is set.
    pub(crate) fn all() -> Vec<Self> {
        let sandbox = Sandbox::in_memory().unwrap();
        let address = sandbox.addresses().dns.to_string();
        let sandbox = Self { _sandbox: Some(Arc::new(sandbox)), ..Self::with_key(&address, DNS_KEY, DNS_SECRET) };
        std::iter::once(sandbox).chain(Self::live()).collect()
    }

    /// The real one, if `SPROCKET_LIVE` is set.
    pub(crate) fn live() -> Option<Self> {
        if std::env::var_os("SPROCKET_LIVE").is_none() {
            println!("skipped: set SPROCKET_LIVE to run it against the name server of scripts/services too");
            return None;
        }
        Some(Self::with_key(BIND, "sprocket", &secret("sprocket")))
    }

    fn with_key(address: &str, key: &str, secret: &str) -> Self {
        let bytes = STANDARD.decode(secret).unwrap();
        let signer = TSigner::new(bytes, TsigAlgorithm::HmacSha256, Name::from_ascii(key).unwrap(), 300).unwrap();
        let key = TsigKey::sha256(key, secret);
        Self { address: address.to_owned(), key, secret: secret.to_owned(), signer, _sandbox: None }
    }

    /// Text without what differs between servers and tests.
    pub(crate) fn plain(&self, text: &str, at: &str) -> String {
        let text = text.replace(&self.address, "SERVER").replace(&format!("`{}`", self.key.name()), "`KEY`");
        if at.is_empty() { text } else { text.replace(at, "AT") }
    }

    /// Connects a stack to one of its zones.
    pub(crate) fn connect(&self, stack: &mut Stack, zone: &str) {
        stack.connect(Dns::zone(zone, self.address.as_str()).credentials(self.key.clone()));
    }

    /// All records of a zone but those that it was made with: `api A 300 192.0.2.1`.
    pub(crate) fn records(&self, zone: &str) -> Vec<String> {
        // Some serve a zone once they have been asked about it.
        let mut message = Message::query();
        message.add_query(Query::query(name(zone), RecordType::SOA));
        receive(&mut self.send(message));
        let mut message = Message::query();
        message.add_query(Query::query(name(zone), RecordType::AXFR));
        let mut stream = self.send(message);
        let (mut lines, mut ends) = (Vec::new(), 0);
        // A zone begins and ends with its SOA record.
        while ends < 2 {
            for record in receive(&mut stream).answers {
                match record.record_type() {
                    RecordType::SOA => ends += 1,
                    RecordType::NS => {}
                    _ if record.name == name(&format!("ns1.{zone}")) => {}
                    _ => lines.push(line(&record, zone)),
                }
            }
        }
        lines.sort();
        lines
    }

    /// What of a zone has names with this in them.
    pub(crate) fn records_of(&self, zone: &str, part: &str) -> Vec<String> {
        let records = self.records(zone);
        records.into_iter().filter(|line| line.split(' ').next().unwrap().contains(part)).collect()
    }

    /// Puts records in place of what is there of their type.
    pub(crate) fn put(&self, at: &str, ttl: u32, data: Vec<RData>) {
        let mut changes = vec![empty(&name(at), DNSClass::ANY, data[0].record_type())];
        changes.extend(data.into_iter().map(|data| Record::from_rdata(name(at), ttl, data)));
        self.update(at, changes);
    }

    /// Deletes all records of a type.
    pub(crate) fn remove(&self, at: &str, record_type: RecordType) {
        self.update(at, vec![empty(&name(at), DNSClass::ANY, record_type)]);
    }

    /// Deletes everything in a zone but what it was made with.
    pub(crate) fn sweep(&self, zone: &str, part: &str) {
        for line in self.records_of(zone, part) {
            let (at, rest) = line.split_once(' ').unwrap();
            let record_type = rest.split(' ').next().unwrap().parse().unwrap();
            let at = if at == "@" { zone.to_owned() } else { format!("{at}.{zone}") };
            self.remove(&at, record_type);
        }
    }

    fn update(&self, at: &str, changes: Vec<Record>) {
        let zone = at.rsplitn(3, '.').take(2).collect::<Vec<_>>();
        let zone = format!("{}.{}", zone[1], zone[0]);
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.add_query(Query::query(name(&zone), RecordType::SOA));
        message.add_authorities(changes);
        let answer = receive(&mut self.send(message));
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{at}");
    }

    fn send(&self, mut message: Message) -> TcpStream {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        message.finalize(&self.signer, now).unwrap();
        let bytes = message.to_vec().unwrap();
        let mut stream = TcpStream::connect(&self.address).expect("scripts/services up dns started it");
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(&u16::try_from(bytes.len()).unwrap().to_be_bytes()).unwrap();
        stream.write_all(&bytes).unwrap();
        stream
    }
}

fn receive(stream: &mut TcpStream) -> Message {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes).unwrap();
    Message::from_vec(&bytes).unwrap()
}

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{}.", text.trim_end_matches('.'))).unwrap()
}

fn empty(name: &Name, class: DNSClass, record_type: RecordType) -> Record {
    let mut record = Record::update0(name.clone(), 0, record_type);
    record.dns_class = class;
    record.into_record_of_rdata()
}

fn line(record: &Record, zone: &str) -> String {
    let at = record.name.to_ascii();
    let at = at.strip_suffix(&format!("{zone}.")).unwrap().trim_end_matches('.');
    let at = if at.is_empty() { "@" } else { at };
    let value = match &record.data {
        RData::TXT(text) => String::from_utf8(text.txt_data.concat()).unwrap(),
        RData::CNAME(target) => target.0.to_ascii(),
        other => other.to_string(),
    };
    format!("{at} {} {} {value}", record.record_type(), record.ttl)
}
