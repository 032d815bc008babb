//! Updates of a zone: prerequisites, then changes, all or nothing (RFC 2136, section 3).

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, Name, Record, RecordData as _, RecordType};

use super::zone::{Kept, Zone};

/// Does an update to a zone, if its prerequisites hold.
pub(super) fn update(zone: &mut Zone, prerequisites: &[Record], changes: &[Record]) -> Result<(), ResponseCode> {
    if prerequisites.iter().chain(changes).any(|record| !zone.origin.zone_of(&record.name)) {
        return Err(ResponseCode::NotZone);
    }
    check(zone, prerequisites)?;
    let is_known = |record: &Record| match record.dns_class {
        DNSClass::IN => !record.data.is_update(),
        DNSClass::ANY => record.data.is_update() && record.ttl == 0,
        DNSClass::NONE => !record.data.is_update() && record.ttl == 0,
        _ => false,
    };
    if !changes.iter().all(is_known) {
        return Err(ResponseCode::FormErr);
    }
    for change in changes {
        apply(zone, change);
    }
    if !changes.is_empty() {
        zone.touch();
    }
    Ok(())
}

/// Section 3.2.
fn check(zone: &Zone, prerequisites: &[Record]) -> Result<(), ResponseCode> {
    for wanted in prerequisites {
        let (name, record_type) = (&wanted.name, wanted.record_type());
        let is_any = record_type == RecordType::ANY;
        let is_there = if is_any {
            *name == zone.origin || zone.at(name).next().is_some()
        } else {
            zone.set(name, record_type).next().is_some()
        };
        match (wanted.dns_class, wanted.data.is_update()) {
            _ if wanted.ttl != 0 => return Err(ResponseCode::FormErr),
            (DNSClass::ANY, true) if is_any && !is_there => return Err(ResponseCode::NXDomain),
            (DNSClass::ANY, true) if !is_there => return Err(ResponseCode::NXRRSet),
            (DNSClass::NONE, true) if is_any && is_there => return Err(ResponseCode::YXDomain),
            (DNSClass::NONE, true) if is_there => return Err(ResponseCode::YXRRSet),
            (DNSClass::ANY | DNSClass::NONE, true) => {}
            (DNSClass::IN, false) if is_exactly(zone, name, record_type, prerequisites) => {}
            (DNSClass::IN, false) => return Err(ResponseCode::NXRRSet),
            _ => return Err(ResponseCode::FormErr),
        }
    }
    Ok(())
}

/// Whether the records of this type at this name are those of the prerequisites, and no others.
fn is_exactly(zone: &Zone, name: &Name, record_type: RecordType, prerequisites: &[Record]) -> bool {
    let is_of_set = |record: &&Record| {
        record.dns_class == DNSClass::IN && record.name == *name && record.record_type() == record_type
    };
    let wanted: Vec<_> = prerequisites.iter().filter(is_of_set).map(|record| &record.data).collect();
    let there: Vec<_> = zone.set(name, record_type).map(|record| &record.data).collect();
    wanted.iter().all(|data| there.contains(data)) && there.iter().all(|data| wanted.contains(data))
}

/// Section 3.4.2. Where a CNAME would be beside other records, the change is left out without a word.
fn apply(zone: &mut Zone, change: &Record) {
    let (name, record_type) = (change.name.clone(), change.record_type());
    let is_apex = name == zone.origin;
    let same_set = |record: &Record| record.name == name && record.record_type() == record_type;
    let is_own = |record_type| matches!(record_type, RecordType::SOA | RecordType::NS);
    match change.dns_class {
        DNSClass::ANY => zone.records.retain(|Kept(record)| {
            let is_meant =
                record.name == name && (record_type == RecordType::ANY || record.record_type() == record_type);
            !is_meant || (is_apex && is_own(record.record_type()))
        }),
        DNSClass::NONE => zone.records.retain(|Kept(record)| !same_set(record) || record.data != change.data),
        _ => {
            let is_alias = record_type == RecordType::CNAME;
            let clashes = |record: &Record| (record.record_type() == RecordType::CNAME) != is_alias;
            if record_type == RecordType::SOA || (is_alias && is_apex) || zone.at(&name).any(clashes) {
                return;
            }
            // A name has one alias, and a set one time to live (RFC 2181, section 5.2).
            zone.records.retain(|Kept(record)| !same_set(record) || (record.data != change.data && !is_alias));
            for Kept(record) in zone.records.iter_mut().filter(|Kept(record)| same_set(record)) {
                record.ttl = change.ttl;
            }
            zone.records.push(Kept(change.clone()));
        }
    }
}
