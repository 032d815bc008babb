//! Whose a set of records is: a companion TXT record.
//!
//! Records have no place for a mark. The one of `A` at `api` is a TXT record at `_owner-a.api`, and the one of `A` at `*.eu` at
//! `_owner-a-wildcard.eu`; it says `sprocket lineage=… record=…`. It is written and removed in the same message as the records,
//! so neither is ever there without the other. Its name is one label more, not two: a further level, `a.api`, would be a name
//! that exists, and what a wildcard at `*.api` answers for it would change.

use hickory_proto::rr::{Name, RData, Record, RecordType as Wire};
use sprocket_core::kind::OwnerTag;

use crate::value::{RecordType, text_data, text_of};

/// What the first label of a mark begins with; no record may be declared there.
pub(crate) const LABEL: &str = "_owner-";

/// How long resolvers may keep a mark, in seconds. Nobody asks them for one.
const TTL: u32 = 300;

/// Where the mark of the records of this type at this name is.
///
/// # Errors
/// A message, if that name would be too long.
pub(crate) fn place(name: &Name, record_type: RecordType) -> Result<Name, String> {
    let kind = record_type.to_string().to_lowercase();
    let (label, below) = if name.is_wildcard() {
        (format!("{LABEL}{kind}-wildcard"), name.base_name())
    } else {
        (format!("{LABEL}{kind}"), name.clone())
    };
    below.prepend_label(label.as_str()).map_err(|_| {
        format!("`{name}` is too long: with `{label}`, where its mark is, a name has more than the 255 bytes that it may have")
    })
}

/// The record that says so.
pub(crate) fn record(place: &Name, owner: &OwnerTag) -> Record {
    let text = format!("sprocket lineage={} record={}", owner.lineage, owner.record);
    Record::from_rdata(place.clone(), TTL, RData::TXT(text_data(&text)))
}

/// What the records at a mark's place say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marked {
    /// There is no mark.
    Not,
    /// This one.
    By(OwnerTag),
    /// Something that is none of ours.
    Strangely,
}

/// Reads a mark. What has no meaning, or several, is not guessed.
pub(crate) fn read(records: &[Record]) -> Marked {
    match records {
        [] => Marked::Not,
        [one] if one.record_type() == Wire::TXT => parse(&one.data).map_or(Marked::Strangely, Marked::By),
        _ => Marked::Strangely,
    }
}

fn parse(data: &RData) -> Option<OwnerTag> {
    let RData::TXT(text) = data else { return None };
    let text = text_of(text);
    let (lineage, record) = text.strip_prefix("sprocket lineage=")?.split_once(" record=")?;
    Some(OwnerTag { lineage: lineage.into(), record: record.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_beside_what_it_marks_and_says_whose_it_is() {
        let check = |name: &str, record_type, expect: &str| {
            let place = place(&Name::from_ascii(name).unwrap(), record_type).unwrap();
            assert_eq!(place.to_ascii(), expect);
        };
        check("api.example.org.", RecordType::A, "_owner-a.api.example.org.");
        check("example.org.", RecordType::Txt, "_owner-txt.example.org.");
        check("*.eu.example.org.", RecordType::Cname, "_owner-cname-wildcard.eu.example.org.");
        let owner = OwnerTag { lineage: "l1".into(), record: "r1".into() };
        let record = record(&Name::root(), &owner);
        assert_eq!(read(std::slice::from_ref(&record)), Marked::By(owner));
        assert_eq!(read(&[]), Marked::Not);
        assert_eq!(read(&[record.clone(), record]), Marked::Strangely);
        let other = Record::from_rdata(Name::root(), 0, RData::TXT(text_data("heritage=external-dns")));
        assert_eq!(read(&[other]), Marked::Strangely);
    }
}
