//! Zones: the records that are kept, and what is answered to questions about them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// All zones, by their names. One is there from the moment that it is first asked about: a program says which it has.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Zones(BTreeMap<String, Zone>);

/// The records of a zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Zone {
    #[serde(with = "wire")]
    pub(super) origin: Name,
    serial: u32,
    pub(super) records: Vec<Kept>,
}

/// A record, as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept(pub(super) Record);

/// How long what is not there may be remembered, in seconds, and what the zone's own records have.
const TTL: u32 = 60;

/// How far a chain of aliases is followed.
const ALIASES: usize = 8;

impl Zones {
    /// The zone that this name is in.
    pub(super) fn of(&self, name: &Name) -> Option<&Zone> {
        let zones = self.0.values().filter(|zone| zone.origin.zone_of(name));
        zones.max_by_key(|zone| zone.origin.num_labels())
    }

    /// Whether this can become a zone: it is in none, and has a name that somebody may have (RFC 2606, section 2).
    pub(super) fn may_have(&self, origin: &Name) -> bool {
        let top = origin.iter().next_back().unwrap_or_default();
        self.of(origin).is_none() && origin.num_labels() > 1 && !top.eq_ignore_ascii_case(b"invalid")
    }

    /// The zone of this name, made if it can be.
    pub(super) fn open(&mut self, origin: &Name) -> Option<&mut Zone> {
        let key = origin.to_ascii().to_lowercase();
        if self.may_have(origin) {
            self.0.insert(key.clone(), Zone::new(origin.to_lowercase()));
        }
        self.0.get_mut(&key)
    }
}

impl Zone {
    fn new(origin: Name) -> Self {
        let server = origin.prepend_label("ns1").unwrap_or_else(|_| origin.clone());
        let own = |name: &Name, data| Kept(Record::from_rdata(name.clone(), TTL, data));
        let records = vec![own(&origin, RData::NS(NS(server.clone()))), own(&server, RData::A(A::new(127, 0, 0, 1)))];
        Self { origin, serial: 1, records }
    }

    /// Says that it has changed.
    pub(super) fn touch(&mut self) {
        self.serial = self.serial.wrapping_add(1);
    }

    pub(super) fn soa(&self) -> Record {
        let server = self.origin.prepend_label("ns1").unwrap_or_else(|_| self.origin.clone());
        let contact = self.origin.prepend_label("hostmaster").unwrap_or_else(|_| self.origin.clone());
        let soa = SOA::new(server, contact, self.serial, 3600, 600, 86_400, TTL);
        Record::from_rdata(self.origin.clone(), TTL, RData::SOA(soa))
    }

    pub(super) fn at<'z>(&'z self, name: &'z Name) -> impl Iterator<Item = &'z Record> {
        self.records.iter().map(|Kept(record)| record).filter(move |record| record.name == *name)
    }

    pub(super) fn set<'z>(&'z self, name: &'z Name, record_type: RecordType) -> impl Iterator<Item = &'z Record> {
        self.at(name).filter(move |record| record.record_type() == record_type)
    }

    /// Answers a question about a name in this zone (RFC 1034, section 4.3.2; wildcards as in RFC 4592).
    pub(super) fn answer(&self, name: &Name, record_type: RecordType, answer: &mut Message) {
        answer.metadata.authoritative = true;
        let mut name = name.clone();
        for _ in 0..ALIASES {
            let Some(owner) = self.owner(&name) else {
                answer.metadata.response_code = ResponseCode::NXDomain;
                break;
            };
            if record_type == RecordType::SOA && owner == self.origin {
                answer.add_answer(self.soa());
                return;
            }
            // A wildcard's records are answered under the name that was asked for.
            let named = |record: &Record| {
                let mut record = record.clone();
                record.name = name.clone();
                record
            };
            let found: Vec<_> = self.set(&owner, record_type).map(named).collect();
            if !found.is_empty() {
                answer.add_answers(found);
                return;
            }
            let Some(alias) = self.set(&owner, RecordType::CNAME).next() else { break };
            answer.add_answer(named(alias));
            match &alias.data {
                RData::CNAME(target) if self.origin.zone_of(&target.0) => name = target.0.clone(),
                _ => return,
            }
        }
        if answer.answers.is_empty() {
            answer.add_authority(self.soa());
        }
    }

    /// Whose records answer for this name: its own, if it exists, or those of the closest wildcard.
    fn owner(&self, name: &Name) -> Option<Name> {
        let exists =
            |name: &Name| *name == self.origin || self.records.iter().any(|Kept(record)| name.zone_of(&record.name));
        if exists(name) {
            return Some(name.clone());
        }
        let mut above = name.base_name();
        while !exists(&above) {
            above = above.base_name();
        }
        let wildcard = above.prepend_label("*").ok()?;
        let has_records = self.at(&wildcard).next().is_some();
        has_records.then_some(wildcard)
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.0.to_bytes().map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let bytes = STANDARD.decode(String::deserialize(input)?).map_err(de::Error::custom)?;
        Record::from_bytes(&bytes).map(Self).map_err(de::Error::custom)
    }
}

/// Names as text.
mod wire {
    use super::{Deserialize, Deserializer, Name, Serializer, de};

    pub(super) fn serialize<S: Serializer>(name: &Name, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&name.to_ascii())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Name, D::Error> {
        Name::from_ascii(String::deserialize(input)?).map_err(de::Error::custom)
    }
}
