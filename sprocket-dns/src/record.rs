//! Records: `dns:record`.
//!
//! A resource is all records of one type at one name: what a server answers together. They are changed by one message
//! (RFC 2136), which holds what must be there for it to count, so nothing of anybody else's is ever overwritten, and a call that
//! was interrupted has had its whole effect or none. After each change the server is asked until it answers with what it was
//! sent: some accept what they then leave out.
//!
//! The mark is a TXT record beside them: that of `A` at `api` is at `_owner-a.api`. It is written and deleted in the same
//! message. An adopted set gets one. A set that has lost its mark is owned by state, and an apply puts it back; one that another
//! mark was put on is not changed any more. `verify` tells both. An interrupted step is settled by reading the set and its mark.

use std::time::Duration;

use hickory_proto::rr::Record;
use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CanonicalOf, CheckResult, Claim, ClaimsOf, CreateRequest, Deadline,
    Diagnostics, ErrorOf, FailureOf, Handle, Kind, Listing, Live, ObjectId, OwnerTag, PhysicalName, ReadRequest,
    ReadResult, Recorded, ResourceRef, Revision, Spec, UpdateRequest,
};
use sprocket_core::program::{DraftExt as _, Input, IntoInput, Mistake, Output};
use tokio::time::{Instant, sleep};

use crate::error::DnsError;
use crate::name;
use crate::owner_tag::{self, Marked};
use crate::provider::{Dns, DnsConfig};
use crate::update::Update;
use crate::value::{RecordType, RecordValue};
use crate::zone::{Place, Seen, is_unmet, parts, physical};

/// The records of one type at a name, and what other resources can use of them.
///
/// Names are relative to the zone (`api`), absolute with a dot at their end (`api.example.org.`), or `@`, the zone itself; `*` may
/// be the first label. In a [scope](sprocket_core::program::Stack::scope) a relative name is prefixed, `elo-api`, unless it begins with
/// `*`, `@` or `_`.
///
/// ```
/// # use std::net::Ipv4Addr;
/// # use sprocket_core::program::Stack;
/// # use sprocket_dns::{Dns, DnsRecord};
/// # let mut stack = Stack::new();
/// # stack.connect(Dns::zone("example.org", "ns1.example.org"));
/// let api = stack.add(DnsRecord::a("api", Ipv4Addr::new(192, 0, 2, 1)).value("192.0.2.2").ttl(60_u32));
/// stack.add(DnsRecord::aaaa("@", "2001:db8::1"));
/// stack.add(DnsRecord::cname("www", "@"));
/// stack.add(DnsRecord::cname("docs", "hosting.example.com."));
/// stack.add(DnsRecord::txt("@", "v=spf1 -all"));
/// stack.output("api", &api.fqdn);
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "dns:record", provider = Dns, naming = fixed)]
pub struct DnsRecord {
    /// The whole name, without a dot at its end: `api.example.org`.
    #[output(state.fqdn)]
    pub fqdn: Output<String>,
    this: ResourceRef<Self>,
}

impl DnsRecord {
    /// An IPv4 address for a name.
    #[track_caller]
    pub fn a(name: impl Into<String>, address: impl IntoInput<RecordValue>) -> DnsRecordDraft {
        DnsRecordDraft::of(name.into(), RecordType::A, address.into_input())
    }

    /// An IPv6 address for a name.
    #[track_caller]
    pub fn aaaa(name: impl Into<String>, address: impl IntoInput<RecordValue>) -> DnsRecordDraft {
        DnsRecordDraft::of(name.into(), RecordType::Aaaa, address.into_input())
    }

    /// Another name for a name, which then has no other records. The target is one label in the zone (`www`), the zone itself
    /// (`@`), or absolute: `lb.example.com.`, with a dot at its end.
    #[track_caller]
    pub fn cname(name: impl Into<String>, target: impl IntoInput<RecordValue>) -> DnsRecordDraft {
        DnsRecordDraft::of(name.into(), RecordType::Cname, target.into_input())
    }

    /// A text of at most 16,000 bytes, as it is: nothing in it needs quotes or backslashes. It is cut into strings of 255 bytes.
    #[track_caller]
    pub fn txt(name: impl Into<String>, text: impl IntoInput<RecordValue>) -> DnsRecordDraft {
        DnsRecordDraft::of(name.into(), RecordType::Txt, text.into_input())
    }
}

/// The settings of all records of one type at a name.
#[derive(Clone, Debug, Serialize, Deserialize, Spec)]
#[spec(resource = DnsRecord)]
pub struct DnsRecordSpec {
    /// Their type.
    #[spec(replaces)]
    pub record_type: RecordType,
    /// What they say, a value for each.
    pub values: Vec<RecordValue>,
    /// How long resolvers may keep them, in seconds: at most 2147483647 (RFC 2181, section 8).
    #[spec(default = 300_u32)]
    pub ttl: u32,
}

/// Sets are equal whatever the order and the spelling of their values.
impl PartialEq for DnsRecordSpec {
    fn eq(&self, other: &Self) -> bool {
        let Self { record_type, values: _, ttl } = self;
        *record_type == other.record_type && *ttl == other.ttl && self.canonical() == other.canonical()
    }
}

impl DnsRecordSpec {
    fn canonical(&self) -> Vec<RecordValue> {
        let one = |value: &RecordValue| value.canonical(self.record_type).unwrap_or_else(|_| value.clone());
        let mut values: Vec<_> = self.values.iter().map(one).collect();
        values.sort();
        values.dedup();
        values
    }
}

impl DnsRecordDraft {
    #[track_caller]
    fn of(name: String, record_type: RecordType, value: Input<RecordValue>) -> Self {
        let first = match declarable(&name, record_type) {
            Ok(()) => checked(record_type, value),
            Err(message) => Input::Mistake(Mistake::here(message)),
        };
        let name = name.to_lowercase();
        let physical = physical(&name, record_type);
        let draft = Self::new(&*physical, record_type).values([first]);
        // A prefix has no meaning for these.
        if name.ends_with('.') || name.starts_with(['*', '@', '_']) { draft.named(physical) } else { draft }
    }

    /// Adds a value.
    #[track_caller]
    pub fn value(self, value: impl IntoInput<RecordValue>) -> Self {
        let value = match &self.record_type {
            Input::Value(record_type) => checked(*record_type, value.into_input()),
            _ => value.into_input(),
        };
        self.values([value])
    }
}

/// Whether a record may be declared at this name.
fn declarable(text: &str, record_type: RecordType) -> Result<(), String> {
    let name = name::checked(text)?;
    if name == name::APEX && record_type == RecordType::Cname {
        return Err("the zone itself has other records, and a CNAME can't be beside them: use A and AAAA".into());
    }
    if name.starts_with(owner_tag::LABEL) {
        return Err(format!("`{name}` is not free: `{}…` says whose records are", owner_tag::LABEL));
    }
    if record_type == RecordType::Txt && (name == ACME || name.starts_with(&format!("{ACME}."))) {
        return Err(format!("`{name}` is not free: ACME clients write and delete it as they need it"));
    }
    Ok(())
}

const ACME: &str = "_acme-challenge";

#[track_caller]
fn checked(record_type: RecordType, value: Input<RecordValue>) -> Input<RecordValue> {
    match value {
        Input::Value(value) => Input::checked(value.canonical(record_type).map(|_| value)),
        Input::Output(output) => {
            Input::Output(output.try_map(move |value| value.canonical(record_type).map(|_| value)))
        }
        mistake @ Input::Mistake(_) => mistake,
    }
}

/// What the server tells of a set, and its settings don't.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DnsRecordState {
    /// The whole name, without a dot at its end.
    pub fqdn: String,
    /// The name with its dot, and the type.
    pub id: String,
}

impl DnsRecordState {
    fn of(place: &Place) -> Self {
        Self { fqdn: place.fqdn(), id: place.id() }
    }
}

/// How long a server may answer with what was before a change.
const STALE: Duration = Duration::from_secs(10);

/// How often the server is asked again.
const PACE: Duration = Duration::from_millis(250);

/// The largest time to live (RFC 2181, section 8).
const LONGEST: u32 = i32::MAX as u32;

/// The whole name, once the zone is known: `api` and `api.example.org.` are one.
fn canonical(name: &PhysicalName, config: Option<&DnsConfig>) -> PhysicalName {
    let place = config.and_then(|config| Place::of(name.as_str(), &config.zone).ok());
    place.map_or_else(|| name.clone(), |place| place.id().into())
}

/// The name: a CNAME has no other records beside it (RFC 1034, section 3.6.2).
fn claims(name: &PhysicalName, _: Option<&DnsRecordSpec>) -> Vec<Claim> {
    let Ok((name, record_type)) = parts(name.as_str()) else { return Vec::new() };
    let what = format!("the name `{name}`");
    vec![match record_type {
        RecordType::Cname => Claim::alone(what, "a CNAME has no other records beside it"),
        _ => Claim::shared(what),
    }]
}

impl Kind for DnsRecord {
    const CLAIMS: Option<ClaimsOf<Self>> = Some(claims);
    const CANONICAL: Option<CanonicalOf<Self>> = Some(canonical);

    async fn read(dns: &Dns, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = PhysicalName::from(find.name());
        let place = dns.place(&name)?;
        let seen = dns.look(&place).await?;
        Ok(Vec::from_iter(dns.live(&name, &place, &seen)))
    }

    /// Asks for all of them over one connection. What has our mark at a name that nobody mentions is not found: zones can
    /// mostly not be listed.
    async fn list(dns: &Dns, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let places = wanted.names.iter().map(|name| dns.place(name)).collect::<Result<Vec<_>, _>>()?;
        let seen = dns.client.look("read records", &places).await?;
        let lives = wanted.names.iter().zip(&places).zip(&seen);
        Ok(Some(lives.filter_map(|((name, place), seen)| dns.live(name, place, seen)).collect()))
    }

    async fn create(dns: &Dns, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let place = dns.place(make.name)?;
        dns.create(&place, make.spec, make.owner).await.map_err(CallFailure::from)
    }

    async fn update(dns: &Dns, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let place = dns.place(&change.live.name)?;
        dns.update(&place, change).await.map_err(CallFailure::from)
    }

    async fn delete(dns: &Dns, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let place = dns.place(&record.name)?;
        dns.delete(&place, record).await.map_err(CallFailure::from)
    }

    fn id(name: &PhysicalName, state: &DnsRecordState) -> ObjectId {
        let _ = name;
        state.id.as_str().into()
    }

    /// The mark counts as well: a set that lost it, or was given another, is not as it was.
    fn revision(live: &Live<Self>) -> Option<Revision> {
        Some(Revision::of(&live.id, &(live.spec.canonical(), live.spec.ttl, &live.owner)))
    }

    fn validate(spec: &DnsRecordSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        let DnsRecordSpec { record_type, values, ttl } = spec;
        let problems = values.iter().filter_map(|value| value.canonical(*record_type).err());
        findings.errors.extend(problems.map(Into::into));
        if findings.errors.is_empty() {
            let distinct = spec.canonical();
            if distinct.len() < values.len() {
                findings.errors.push("a value is given twice: a set has each once".into());
            } else if *record_type == RecordType::Cname && distinct.len() > 1 {
                findings.errors.push("a CNAME has one target".into());
            }
            let length: usize = distinct.iter().map(|value| value.0.len() + 12).sum();
            if length > LARGEST {
                let message = format!("its values have {length} bytes, and at most {LARGEST} fit into an update");
                findings.errors.push(message.into());
            }
        }
        if *ttl > LONGEST {
            findings.errors.push(format!("its time to live is at most {LONGEST} seconds").into());
        }
        findings
    }

    /// What depends on the zone is said once it is known.
    fn validate_name(name: &PhysicalName, spec: Option<&DnsRecordSpec>) -> Diagnostics {
        let mut findings = Diagnostics::default();
        match parts(name.as_str()).and_then(|(name, record_type)| declarable(name, record_type).map(|()| record_type)) {
            Ok(record_type) if spec.is_some_and(|spec| spec.record_type != record_type) => {
                findings.errors.push(format!("`{name}` is the name of records of another type than these").into());
            }
            Ok(_) => {}
            Err(problem) => findings.errors.push(problem.into()),
        }
        findings
    }

    async fn verify(dns: &Dns, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let (DnsRecordState { fqdn, .. }, server) = (&record.state, &dns.client.server);
        let wanted = shown(&record.spec);
        let answered = format!("{server} answers {fqdn} {} with {wanted}", record.spec.record_type);
        let marked = "its mark says that it is this stack's".to_owned();
        match dns.answered(record).await {
            Ok((spec, owner)) => {
                let found = shown(&spec);
                let failure = (spec.canonical() != record.spec.canonical()).then(|| match found.as_str() {
                    "" => "it answers that there is none".to_owned(),
                    found => format!("it answers {found}"),
                });
                let lost = match owner {
                    Marked::By(owner) if owner == record.owner => None,
                    Marked::Not => Some("it has none any more: an apply puts it back".to_owned()),
                    Marked::By(_) => Some("it says that another stack owns it".to_owned()),
                    Marked::Strangely => Some("it says something else".to_owned()),
                };
                vec![CheckResult { what: answered, failure }, CheckResult { what: marked, failure: lost }]
            }
            Err(error) => vec![CheckResult { what: answered, failure: Some(error.to_string()) }],
        }
    }
}

/// The values, for people.
fn shown(spec: &DnsRecordSpec) -> String {
    spec.canonical().iter().map(|value| value.0.as_str()).collect::<Vec<_>>().join(", ")
}

/// An update holds the old values and the new ones.
const LARGEST: usize = 30_000;

impl Dns {
    fn place(&self, name: &PhysicalName) -> Result<Place, DnsError> {
        Place::of(name.as_str(), &self.client.zone)
    }

    async fn look(&self, place: &Place) -> Result<Seen, DnsError> {
        let mut seen = self.client.look(&place.what("read"), std::slice::from_ref(place)).await?;
        Ok(seen.remove(0))
    }

    fn spec(&self, place: &Place, records: &[Record]) -> DnsRecordSpec {
        let zone = &self.client.zone;
        let mut values: Vec<_> = records.iter().filter_map(|record| RecordValue::of(&record.data, zone)).collect();
        values.sort();
        let ttl = records.first().map_or(0, |record| record.ttl);
        DnsRecordSpec { record_type: place.record_type, values, ttl }
    }

    fn live(&self, name: &PhysicalName, place: &Place, seen: &Seen) -> Option<Live<DnsRecord>> {
        let (state, spec) = (DnsRecordState::of(place), self.spec(place, &seen.records));
        let owner = match seen.marked() {
            Marked::By(owner) => Some(owner),
            Marked::Not | Marked::Strangely => None,
        };
        let live = Live { id: state.id.as_str().into(), name: name.clone(), spec, state, owner };
        (!seen.records.is_empty()).then_some(live)
    }

    /// The records that a spec stands for.
    fn records(&self, place: &Place, spec: &DnsRecordSpec) -> Result<Vec<Record>, DnsError> {
        let failed = |problem| DnsError::Name { what: place.what("write"), problem };
        if spec.record_type != place.record_type {
            return Err(failed(format!("its settings are those of a record of type {}", spec.record_type)));
        }
        let data = spec.canonical().into_iter().map(|value| value.wire(spec.record_type, &self.client.zone));
        let data = data.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        Ok(data.into_iter().map(|data| Record::from_rdata(place.name.clone(), spec.ttl, data)).collect())
    }

    async fn create(&self, place: &Place, spec: &DnsRecordSpec, owner: &OwnerTag) -> Result<DnsRecordState, DnsError> {
        let what = place.what("create");
        let records = self.records(place, spec)?;
        let seen = self.look(place).await?;
        if !seen.records.is_empty() {
            return Err(DnsError::Exists { what });
        }
        let update = Update::default().if_absent(&place.name, place.wire());
        let update = match seen.marked() {
            Marked::Not => update.if_absent(&place.tag, MARKS),
            // The records were deleted by hand, and their mark was left.
            Marked::By(old) if old.lineage == owner.lineage => update.if_exactly(&seen.marks).remove(&place.tag, MARKS),
            other => return Err(foreign(&what, place, &other)),
        };
        // What this stack has of another type at a CNAME's name is released before, since both are claims.
        let update = match place.record_type {
            RecordType::Cname => update.if_unused(&place.name),
            _ => update.if_absent(&place.name, hickory_proto::rr::RecordType::CNAME),
        };
        let update = update.add(records).add([owner_tag::record(&place.tag, owner)]);
        match self.client.update(&what, update).await {
            Ok(()) => self.taken(place, spec, owner, &what).await,
            Err(error) if is_unmet(&error) => {
                let others = self.client.in_the_way(&what, place).await?;
                if others.is_empty() {
                    return Err(error);
                }
                let others: Vec<_> = others.iter().map(ToString::to_string).collect();
                Err(DnsError::CnameConflict { what, others: others.join(", ") })
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, place: &Place, change: &UpdateRequest<'_, DnsRecord>) -> Result<DnsRecordState, DnsError> {
        let (what, UpdateRequest { live, spec, owner, .. }) = (place.what("update"), change);
        let records = self.records(place, spec)?;
        let seen = self.look(place).await?;
        let marked = seen.marked();
        let is_moved = self.spec(place, &seen.records) != live.spec;
        if is_moved || matches!(&marked, Marked::By(owner) if Some(owner) != live.owner.as_ref()) {
            return Err(CallError::Changed { what }.into());
        }
        let update = Update::default().if_exactly(&seen.records);
        let update = match &marked {
            Marked::Not => update.if_absent(&place.tag, MARKS),
            Marked::By(old) if old.lineage == owner.lineage => update.if_exactly(&seen.marks),
            other => return Err(foreign(&what, place, other)),
        };
        let update = update.remove(&place.name, place.wire()).add(records);
        let update = update.remove(&place.tag, MARKS).add([owner_tag::record(&place.tag, owner)]);
        self.client.update(&what, update).await.map_err(|error| changed(error, &what))?;
        self.taken(place, spec, owner, &what).await
    }

    async fn delete(&self, place: &Place, record: &Recorded<DnsRecord>) -> Result<(), DnsError> {
        let what = place.what("delete");
        let seen = self.look(place).await?;
        let update = Update::default().if_exactly(&seen.records).remove(&place.name, place.wire());
        let update = match seen.marked() {
            Marked::By(owner) if owner == record.owner => update.if_exactly(&seen.marks).remove(&place.tag, MARKS),
            // It has gone, and what is there now is somebody else's mark.
            _ if seen.records.is_empty() => return Ok(()),
            Marked::Not if self.spec(place, &seen.records) == record.spec => update.if_absent(&place.tag, MARKS),
            Marked::Not => return Err(DnsError::NotOurs { what, place: dotless(&place.tag) }),
            other => return Err(foreign(&what, place, &other)),
        };
        self.client.update(&what, update).await.map_err(|error| changed(error, &what))?;
        self.until(place, &what, |seen| seen.records.is_empty() && seen.marks.is_empty()).await
    }

    /// Returns once the server answers with what it was sent.
    async fn taken(
        &self,
        place: &Place,
        spec: &DnsRecordSpec,
        owner: &OwnerTag,
        what: &str,
    ) -> Result<DnsRecordState, DnsError> {
        let is_taken = |seen: &Seen| {
            self.spec(place, &seen.records) == *spec
                && matches!(seen.marked(), Marked::By(written) if written == *owner)
        };
        self.until(place, what, is_taken).await?;
        Ok(DnsRecordState::of(place))
    }

    async fn until(&self, place: &Place, what: &str, is_so: impl Fn(&Seen) -> bool) -> Result<(), DnsError> {
        let end = Instant::now() + STALE;
        loop {
            if is_so(&self.look(place).await?) {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(DnsError::NotTaken { what: what.to_owned(), seconds: STALE.as_secs() });
            }
            sleep(PACE).await;
        }
    }

    /// What the server answers to everybody, wildcards and all.
    async fn answered(&self, record: &Recorded<DnsRecord>) -> Result<(DnsRecordSpec, Marked), DnsError> {
        let place = self.place(&record.name)?;
        let questions = [(place.name.clone(), place.wire()), (place.tag.clone(), MARKS)];
        let answers = self.client.ask(&place.what("read"), &questions).await?;
        Ok((self.spec(&place, &answers[0]), owner_tag::read(&answers[1])))
    }
}

/// Marks are texts.
const MARKS: hickory_proto::rr::RecordType = hickory_proto::rr::RecordType::TXT;

fn foreign(what: &str, place: &Place, marked: &Marked) -> DnsError {
    let owner = match marked {
        Marked::By(owner) => format!("another stack, of lineage {}", owner.lineage),
        _ => "something else".to_owned(),
    };
    DnsError::Foreign { what: what.to_owned(), place: dotless(&place.tag), owner }
}

fn dotless(name: &hickory_proto::rr::Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}

/// What was there when it was looked at a moment ago is there no more.
fn changed(error: DnsError, what: &str) -> DnsError {
    if is_unmet(&error) { CallError::Changed { what: what.to_owned() }.into() } else { error }
}
