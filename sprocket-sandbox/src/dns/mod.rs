//! A name server: questions over UDP and TCP, and updates (RFC 2136) signed with the key [`DNS_KEY`].
//!
//! - [`zone`]: what is kept, and what is answered about it.
//! - [`update`]: what is changed.
//! - [`signed`]: keys and signatures.
//!
//! It serves any zone, from the first question about it on. A zone can be listed (AXFR) by who has the key, as far as it fits
//! into one message. Anything else is answered with NOTIMP.

mod signed;
mod update;
mod zone;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

pub use self::signed::{DNS_KEY, DNS_SECRET};
use self::signed::{Sender, sign};
use self::update::update;
use self::zone::{Kept as KeptRecord, Zones};
use crate::error::SandboxError;
use crate::faults::{Fault, Faults};
use crate::service::Service;
use crate::world::{Kept, World};

/// The name server.
#[derive(Debug)]
pub(crate) struct Dns {
    zones: Kept<Zones>,
    faults: Faults,
}

/// The longest answer over UDP to who does not say more (RFC 1035, section 4.2.1).
const DATAGRAM: u16 = 512;

impl Service for Dns {
    const NAME: &'static str = "dns";

    async fn start(world: &World, faults: &Faults) -> Result<SocketAddr, SandboxError> {
        let dns = Arc::new(Self { zones: world.kept(Self::NAME)?, faults: faults.clone() });
        let listener = world.listen(Self::NAME).await?;
        let failed = |source| SandboxError::Start { service: Self::NAME, source };
        let address = listener.local_addr().map_err(failed)?;
        let socket = UdpSocket::bind(address).await.map_err(failed)?;
        tokio::spawn(datagrams(Arc::clone(&dns), socket));
        tokio::spawn(connections(dns, listener));
        Ok(address)
    }
}

async fn connections(dns: Arc<Dns>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let dns = Arc::clone(&dns);
        tokio::spawn(async move {
            // A connection that was cut, by a client or by a fault, is nobody's error here.
            let _ = converse(&dns, stream).await;
        });
    }
}

async fn converse(dns: &Dns, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut message = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut message).await?;
        let answer = dns.respond(&message, u16::MAX).await.ok_or(io::ErrorKind::ConnectionAborted)?;
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), answer.as_slice()].concat()).await?;
    }
}

async fn datagrams(dns: Arc<Dns>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut message = vec![0; usize::from(u16::MAX)];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut message).await else { continue };
        let (dns, socket, message) = (Arc::clone(&dns), Arc::clone(&socket), message[..length].to_vec());
        tokio::spawn(async move {
            if let Some(answer) = dns.respond(&message, DATAGRAM).await {
                // Who does not hear it asks again.
                let _ = socket.send_to(&answer, peer).await;
            }
        });
    }
}

impl Dns {
    /// The answer to a message, with faults; `None` where there is none.
    async fn respond(&self, bytes: &[u8], limit: u16) -> Option<Vec<u8>> {
        let Ok(message) = Message::from_vec(bytes) else {
            let id = u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]);
            return Message::error_msg(id, OpCode::Query, ResponseCode::FormErr).to_vec().ok();
        };
        if message.metadata.message_type != MessageType::Query {
            return None;
        }
        let fault = self.faults.take(Self::NAME, &called(&message));
        let failed = Message::error_msg(message.metadata.id, message.metadata.op_code, ResponseCode::ServFail);
        match fault {
            Some(Fault::Cut) => return None,
            Some(Fault::Fail) => return failed.to_vec().ok(),
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::LoseAnswer) | None => {}
        }
        let sender = Sender::of(&message, bytes);
        let limit = match &message.edns {
            Some(edns) if limit == DATAGRAM => edns.max_payload().max(limit),
            _ => limit,
        };
        let answer = self.answer(&message, &sender);
        if fault == Some(Fault::LoseAnswer) {
            return None;
        }
        let whole = sign(answer.clone(), &sender)?;
        if whole.len() <= usize::from(limit) {
            return Some(whole);
        }
        // Over UDP it is to be asked for again over TCP.
        let mut truncated = answer;
        (truncated.answers, truncated.authorities) = (Vec::new(), Vec::new());
        truncated.metadata.truncation = true;
        sign(truncated, &sender)
    }

    fn answer(&self, message: &Message, sender: &Sender) -> Message {
        let mut answer = Message::response(message.metadata.id, message.metadata.op_code);
        answer.metadata.recursion_desired = message.metadata.recursion_desired;
        answer.queries.clone_from(&message.queries);
        let done = match (sender, message.metadata.op_code, message.queries.as_slice()) {
            (Sender::Rejected(_), ..) => Err(ResponseCode::NotAuth),
            (_, OpCode::Query | OpCode::Update, queries) if queries.len() != 1 => Err(ResponseCode::FormErr),
            (_, _, [asked]) if asked.query_class() != DNSClass::IN => Err(ResponseCode::NotImp),
            (Sender::Nobody, OpCode::Update, _) => Err(ResponseCode::Refused),
            (_, OpCode::Update, [asked]) => self.update(asked, message),
            (_, OpCode::Query, [asked]) => self.look_up(asked, sender, &mut answer),
            _ => Err(ResponseCode::NotImp),
        };
        if let Err(code) = done {
            answer.metadata.response_code = code;
        }
        answer
    }

    fn look_up(&self, asked: &Query, sender: &Sender, answer: &mut Message) -> Result<(), ResponseCode> {
        let (name, record_type) = (asked.name(), asked.query_type());
        if record_type == RecordType::SOA && self.zones.read(|zones| zones.may_have(name)) {
            self.zones.change(|zones| zones.open(name).is_some()).map_err(|_| ResponseCode::ServFail)?;
        }
        self.zones.read(|zones| {
            let zone = zones.of(name).ok_or(ResponseCode::Refused)?;
            match (record_type, sender) {
                (RecordType::AXFR, Sender::Known { .. }) if *name == zone.origin => {
                    answer.metadata.authoritative = true;
                    answer.add_answer(zone.soa());
                    answer.add_answers(zone.records.iter().map(|KeptRecord(record)| record.clone()));
                    answer.add_answer(zone.soa());
                }
                (RecordType::AXFR, _) => return Err(ResponseCode::Refused),
                (RecordType::ANY | RecordType::IXFR, _) => return Err(ResponseCode::NotImp),
                _ => zone.answer(name, record_type, answer),
            }
            Ok(())
        })
    }

    fn update(&self, asked: &Query, message: &Message) -> Result<(), ResponseCode> {
        if asked.query_type() != RecordType::SOA {
            return Err(ResponseCode::FormErr);
        }
        let updated = self.zones.change(|zones| {
            let zone = zones.open(asked.name()).ok_or(ResponseCode::NotAuth)?;
            update(zone, &message.answers, &message.authorities)
        });
        updated.unwrap_or(Err(ResponseCode::ServFail))
    }
}

/// What faults call a message: `UPDATE example.org`, `A api.example.org`.
fn called(message: &Message) -> String {
    let Some(asked) = message.queries.first() else { return String::new() };
    let name = asked.name().to_ascii().to_lowercase();
    let name = name.trim_end_matches('.');
    match message.metadata.op_code {
        OpCode::Query => format!("{} {name}", asked.query_type()),
        OpCode::Update => format!("UPDATE {name}"),
        other => format!("{other:?} {name}"),
    }
}
