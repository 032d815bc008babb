//! Updates: what must be there, and what is changed, in one message that has its effect whole or not at all (RFC 2136).

use hickory_proto::op::{Message, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, Record, RecordType as Wire};

/// An update of one zone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Update {
    prerequisites: Vec<Record>,
    changes: Vec<Record>,
}

impl Update {
    /// Only if there are no records of this type at this name (section 2.4.3).
    pub(crate) fn if_absent(mut self, name: &Name, record_type: Wire) -> Self {
        self.prerequisites.push(empty(name, DNSClass::NONE, record_type));
        self
    }

    /// Only if there are no records at all at this name (section 2.4.5).
    pub(crate) fn if_unused(self, name: &Name) -> Self {
        self.if_absent(name, Wire::ANY)
    }

    /// Only if there are records of this type at this name, whatever they say (section 2.4.1).
    pub(crate) fn if_present(mut self, name: &Name, record_type: Wire) -> Self {
        self.prerequisites.push(empty(name, DNSClass::ANY, record_type));
        self
    }

    /// Only if these are all the records of their type at their name (section 2.4.2).
    pub(crate) fn if_exactly(mut self, records: &[Record]) -> Self {
        for record in records {
            let mut record = record.clone();
            record.ttl = 0;
            self.prerequisites.push(record);
        }
        self
    }

    /// Removes all records of this type at this name (section 2.5.2).
    pub(crate) fn remove(mut self, name: &Name, record_type: Wire) -> Self {
        self.changes.push(empty(name, DNSClass::ANY, record_type));
        self
    }

    /// Adds records (section 2.5.1).
    pub(crate) fn add(mut self, records: impl IntoIterator<Item = Record>) -> Self {
        self.changes.extend(records);
        self
    }

    pub(crate) fn message(self, zone: Name) -> Message {
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        message.add_query(Query::query(zone, Wire::SOA));
        message.add_answers(self.prerequisites);
        message.add_authorities(self.changes);
        message
    }
}

fn empty(name: &Name, class: DNSClass, record_type: Wire) -> Record {
    let mut record = Record::update0(name.clone(), 0, record_type);
    record.dns_class = class;
    record.into_record_of_rdata()
}
