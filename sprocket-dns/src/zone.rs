//! Sets of records in a zone: where each is with its mark, and what is there.
//!
//! The server is asked ordinary questions. One answer is ambiguous: below a wildcard it is the same whether a name has records
//! of its own or the wildcard's. A mark decides it, for it makes the name exist; without one, an update that changes nothing is
//! sent, whose prerequisite counts only records of the name's own (RFC 2136, section 3.2).

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record, RecordType as Wire};

use sprocket_core::kind::CallError;

use crate::client::{Client, Question};
use crate::error::{DnsError, ServerAnswer};
use crate::name::ZoneName;
use crate::owner_tag::{self, Marked};
use crate::update::Update;
use crate::value::RecordType;

/// Where a set of records is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: Name,
    pub(crate) record_type: RecordType,
    /// The name of the record that has its owner tag.
    pub(crate) tag: Name,
}

/// What separates a name from a type.
const COLON: char = ':';

/// What the set of this name and type is called: `api:A`.
pub(crate) fn physical(name: &str, record_type: RecordType) -> String {
    format!("{name}{COLON}{record_type}")
}

/// The name and the type of a set that is called this.
///
/// # Errors
/// A message, if none can be called so.
pub(crate) fn parts(physical: &str) -> Result<(&str, RecordType), String> {
    let parts = physical.rsplit_once(COLON);
    let (name, record_type) = parts.ok_or("records are called by their name and their type: `api:A`")?;
    Ok((name, record_type.parse()?))
}

impl Place {
    /// The place of a set that is called this.
    pub(crate) fn of(physical: &str, zone: &ZoneName) -> Result<Self, DnsError> {
        let failed = |problem| DnsError::Name { what: format!("find the record `{physical}`"), problem };
        let (name, record_type) = parts(physical).map_err(failed)?;
        let name = zone.absolute(name).map_err(failed)?;
        if record_type == RecordType::Cname && name == zone.name() {
            let problem = "the zone itself has other records, and a CNAME can't be beside them: use A and AAAA";
            return Err(failed(problem.to_owned()));
        }
        let tag = owner_tag::place(&name, record_type).map_err(failed)?;
        Ok(Self { name, record_type, tag })
    }

    /// The place of another type at the same name.
    fn beside(&self, record_type: RecordType) -> Result<Self, String> {
        let tag = owner_tag::place(&self.name, record_type)?;
        Ok(Self { name: self.name.clone(), record_type, tag })
    }

    /// Its id: `api.example.org.:A`. It can be told again as what it is called.
    pub(crate) fn id(&self) -> String {
        physical(&self.name.to_ascii().to_lowercase(), self.record_type)
    }

    /// The name without the dot at its end.
    pub(crate) fn fqdn(&self) -> String {
        self.name.to_ascii().to_lowercase().trim_end_matches('.').to_owned()
    }

    /// An attempt at something with it, for messages.
    pub(crate) fn what(&self, attempt: &str) -> String {
        format!("{attempt} {} of `{}`", self.record_type, self.fqdn())
    }

    pub(crate) fn wire(&self) -> Wire {
        self.record_type.wire()
    }
}

/// What is at a place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The records.
    pub(crate) records: Vec<Record>,
    /// The records where the mark is.
    pub(crate) marks: Vec<Record>,
}

impl Seen {
    pub(crate) fn marked(&self) -> Marked {
        owner_tag::read(&self.marks)
    }
}

/// Types that a name with records has mostly one of.
const COMMON: [Wire; 10] =
    [Wire::A, Wire::AAAA, Wire::CNAME, Wire::TXT, Wire::MX, Wire::NS, Wire::SRV, Wire::CAA, Wire::PTR, Wire::HTTPS];

impl Client {
    /// What is at these places, in their order.
    pub(crate) async fn look(&self, what: &str, places: &[Place]) -> Result<Vec<Seen>, DnsError> {
        let questions: Vec<Question> = places
            .iter()
            .flat_map(|place| [(place.name.clone(), place.wire()), (place.tag.clone(), Wire::TXT)])
            .collect();
        let mut answers = self.ask(what, &questions).await?.into_iter();
        let mut seen = Vec::with_capacity(places.len());
        while let (Some(records), Some(marks)) = (answers.next(), answers.next()) {
            seen.push(Seen { records, marks });
        }
        self.without_wildcards(what, places, &mut seen).await?;
        Ok(seen)
    }

    /// Takes out what a wildcard answered in place of a name.
    async fn without_wildcards(&self, what: &str, places: &[Place], seen: &mut [Seen]) -> Result<(), DnsError> {
        for (place, seen) in places.iter().zip(seen) {
            if seen.marked() == Marked::Strangely && !self.has(what, &place.tag, Wire::TXT).await? {
                seen.marks.clear();
            }
            let is_open = seen.marked() == Marked::Not && !seen.records.is_empty();
            if is_open && !self.has(what, &place.name, place.wire()).await? {
                seen.records.clear();
            }
        }
        Ok(())
    }

    /// Whether a name has records of its own of this type.
    async fn has(&self, what: &str, name: &Name, record_type: Wire) -> Result<bool, DnsError> {
        match self.update(what, Update::default().if_present(name, record_type)).await {
            Ok(()) => Ok(true),
            Err(error) if is_unmet(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Which other records a name has that can't be beside ones of this type.
    pub(crate) async fn in_the_way(&self, what: &str, place: &Place) -> Result<Vec<Wire>, DnsError> {
        let is_alias = place.record_type == RecordType::Cname;
        let others = COMMON.into_iter().filter(|other| *other != place.wire() && (is_alias || *other == Wire::CNAME));
        let questions: Vec<Question> = others.map(|other| (place.name.clone(), other)).collect();
        let answers = self.ask(what, &questions).await?;
        let mut found = Vec::new();
        for ((_, other), _) in questions.iter().zip(answers).filter(|(_, answer)| !answer.is_empty()) {
            // Others are of types that no stack declares.
            let Ok(record_type) = other.to_string().parse() else {
                found.push(*other);
                continue;
            };
            let beside = place.beside(record_type);
            let beside = beside.map_err(|problem| DnsError::Name { what: what.to_owned(), problem })?;
            let seen = self.look(what, &[beside]).await?.remove(0);
            // It may have gone meanwhile, or have been a wildcard's.
            if !seen.records.is_empty() {
                found.push(*other);
            }
        }
        Ok(found)
    }
}

/// Whether an update was refused because something is there, or not there, that its prerequisites name.
pub(crate) fn is_unmet(error: &DnsError) -> bool {
    let DnsError::Call(CallError::Refused { source: ServerAnswer(code), .. }) = error else { return false };
    matches!(code, ResponseCode::YXDomain | ResponseCode::YXRRSet | ResponseCode::NXRRSet | ResponseCode::NXDomain)
}
