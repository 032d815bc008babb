//! Messages to a name server and back, over TCP (RFC 7766), updates signed with TSIG.
//!
//! The connection is ours and the messages are hickory's: its own client hides what a server says about a key, and whether a
//! connection was made. Several questions go over one connection at once; their answers come in any order.

use std::io;
use std::time::{Duration, SystemTime};

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigError;
use hickory_proto::rr::{Name, Record, RecordType as Wire, TSigner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use sprocket_core::kind::CallError;

use crate::error::{DnsError, SERVER, TsigRefusal, refused, unreadable};
use crate::name::ZoneName;
use crate::server::ServerAddress;
use crate::update::Update;

/// How long a connection may take to be made.
const CONNECTS: Duration = Duration::from_secs(10);

/// How long the answers to what was sent at once may take.
const ANSWERS: Duration = Duration::from_secs(20);

/// How many questions are sent before their answers are read: all of them fit into the buffers of a connection.
const AT_ONCE: usize = 64;

/// One zone's name server.
pub(crate) struct Client {
    pub(crate) server: ServerAddress,
    pub(crate) zone: ZoneName,
    pub(crate) signer: TSigner,
}

/// What is asked: a name and a type.
pub(crate) type Question = (Name, Wire);

impl Client {
    /// Asks the server, in its own words; the answers are in the order of the questions. What is not there has none.
    pub(crate) async fn ask(&self, what: &str, questions: &[Question]) -> Result<Vec<Vec<Record>>, DnsError> {
        let mut answers = Vec::with_capacity(questions.len());
        for questions in questions.chunks(AT_ONCE) {
            let mut sent = Vec::with_capacity(questions.len());
            for (id, (name, record_type)) in (1_u16..).zip(questions) {
                let mut message = Message::query();
                message.metadata.id = id;
                message.metadata.recursion_desired = false;
                message.add_query(Query::query(name.clone(), *record_type));
                sent.push(encode(what, &message)?);
            }
            let received = self.exchange(what, &sent).await?;
            for ((name, record_type), bytes) in questions.iter().zip(received) {
                let answer = decode(what, &bytes)?;
                answers.push(self.records(what, answer, name, *record_type)?);
            }
        }
        Ok(answers)
    }

    /// The records of an answer that are what was asked for: not those that an alias leads to.
    fn records(&self, what: &str, answer: Message, name: &Name, record_type: Wire) -> Result<Vec<Record>, DnsError> {
        match answer.metadata.response_code {
            // Some other server's word, or a pointer to another server.
            ResponseCode::NoError | ResponseCode::NXDomain if !answer.metadata.authoritative => {
                return Err(self.not_served());
            }
            ResponseCode::NoError | ResponseCode::NXDomain => {}
            ResponseCode::Refused | ResponseCode::NotAuth => return Err(self.not_served()),
            code => return Err(refused(what, code)),
        }
        let is_asked = |record: &Record| record.record_type() == record_type && record.name == *name;
        Ok(answer.answers.into_iter().filter(is_asked).collect())
    }

    /// Sends an update, and returns once the server says that it took it.
    pub(crate) async fn update(&self, what: &str, update: Update) -> Result<(), DnsError> {
        let mut message = update.message(self.zone.name());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let verifier = message.finalize(&self.signer, now).map_err(|error| unreadable(what, error))?;
        let received = self.exchange(what, &[encode(what, &message)?]).await?;
        let answer = decode(what, &received[0])?;
        if let Some(reason) = answer.signature.as_ref().and_then(|signature| signature.data.error) {
            let source = match reason {
                TsigError::BadSig => TsigRefusal::BadSecret,
                TsigError::BadKey => TsigRefusal::UnknownKey,
                TsigError::BadTime => TsigRefusal::Clock,
                other => TsigRefusal::Other(other.into()),
            };
            return Err(DnsError::Tsig { server: self.server.clone(), key: self.key(), source });
        }
        match answer.metadata.response_code {
            ResponseCode::NoError => {}
            ResponseCode::NotAuth => return Err(self.not_served()),
            code => return Err(refused(what, code)),
        }
        // A refusal is believed of anyone; a success only of who has the key.
        let mut verifier = verifier.expect("BUG: a signed message has a verifier");
        verifier.verify(&received[0]).map_err(|error| unreadable(what, error))?;
        Ok(())
    }

    /// The name of the key, as it is configured.
    fn key(&self) -> String {
        self.signer.signer_name().to_ascii().trim_end_matches('.').to_owned()
    }

    pub(crate) fn not_served(&self) -> DnsError {
        DnsError::ZoneNotServed { server: self.server.clone(), zone: self.zone.to_string() }
    }

    /// Sends messages over one connection; the answers are in the order of the messages.
    async fn exchange(&self, what: &str, messages: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, DnsError> {
        let ServerAddress { host, port } = &self.server;
        let connecting = timeout(CONNECTS, TcpStream::connect((host.as_str(), *port))).await;
        let connected = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|error| CallError::Connect {
            service: SERVER,
            address: self.server.to_string(),
            source: error.into(),
        })?;
        let exchanged = timeout(ANSWERS, talk(stream, messages)).await;
        exchanged.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
            let server = format!("{SERVER} at {}", self.server);
            CallError::NoAnswer { server, what: what.to_owned(), source: error.into() }.into()
        })
    }
}

/// Each message has its length before it (RFC 1035, section 4.2.2), and its id in its first two bytes.
async fn talk(mut stream: TcpStream, messages: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
    let mut sent = Vec::new();
    for message in messages {
        let length = u16::try_from(message.len()).map_err(|_| io::Error::other("the message is too long"))?;
        sent.extend(length.to_be_bytes());
        sent.extend(message);
    }
    stream.write_all(&sent).await?;
    let mut answers = vec![None; messages.len()];
    for _ in messages {
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        let place = messages.iter().position(|message| message.get(..2) == answer.get(..2));
        let place = place.ok_or_else(|| io::Error::other("it answered something that was not asked"))?;
        answers[place] = Some(answer);
    }
    answers.into_iter().map(|answer| answer.ok_or_else(|| io::Error::other("it answered one question twice"))).collect()
}

fn encode(what: &str, message: &Message) -> Result<Vec<u8>, DnsError> {
    message.to_vec().map_err(|error| DnsError::Name { what: what.to_owned(), problem: error.to_string() })
}

fn decode(what: &str, bytes: &[u8]) -> Result<Message, DnsError> {
    let message = Message::from_vec(bytes).map_err(|error| unreadable(what, error))?;
    if message.metadata.message_type != MessageType::Response || message.metadata.truncation {
        return Err(unreadable(what, "it is not a whole answer"));
    }
    Ok(message)
}
