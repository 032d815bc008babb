//! Refresh: what is there now. All I/O, no decisions.
//!
//! Everything that is recorded or claimed by name is read, in bulk where the API lists. An error while reading stops the
//! refresh: not found is not unreachable.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, FuturesOrdered, StreamExt as _, TryStreamExt as _};

use super::connections::Connections;
use super::recovery::recover;
use super::{Refused, orphans};
use crate::base::{Address, Identity, Lineage, ObjectId, PhysicalName, ProviderName};
use crate::erased::{Called, Config, ErasedLive, Evaluated, Fault, KindHandle, Target, Through, owner_tag};
use crate::kind::{Listing, Naming};
use crate::planner::{Name, Observed, Seen, name_of, next_name};
use crate::stack::{Configs, Node, Stack};
use crate::state::{Object, Record, Snapshot, Unanswered};
use crate::value::{Answered, Deps, Known, StackKey};

/// Reads everything that the plan of this stack needs to know. `snapshot` is corrected by what is found out about an
/// interrupted run; nothing is written.
pub(crate) async fn observe(
    stack: &Stack,
    snapshot: &mut Snapshot,
    key: &StackKey,
    connections: &Connections,
    configs: &Configs,
    known: &Known,
    beside_a_run: bool,
) -> Result<Observed, Refused> {
    let mut observed = Observed { deferred: connections.unknown(), shut: connections.shut(), ..Observed::default() };
    observed.settled = recover(snapshot, key, connections, beside_a_run).await?;
    let content_name = |node: &Node, record: Option<&Record>| content_name(stack, node, record, known, key);
    let groups = group(stack, snapshot, connections, configs, &content_name)?;
    // In boxes: of a closure that makes futures of references, rustc can't tell that they may go to another thread.
    let (recorded, mut reads) = (&*snapshot, Vec::<BoxFuture<'_, _>>::new());
    reads.extend(groups.into_iter().map(|group| group.read(recorded, key, connections).boxed()));
    // In order, here and below: of several failures the same one is reported each time.
    let mut reads = stream::iter(reads).buffered(64);
    while let Some((objects, strays)) = reads.try_next().await? {
        observed.objects.extend(objects);
        observed.strays.extend(strays);
    }
    drop(reads);
    drop_recorded_elsewhere(&mut observed, snapshot, connections);
    let kind = |record: &Record, address: &Address| connections.kind(&record.provider, address).ok();
    let recovered = orphans::recover(snapshot, &mut observed, key, &kind);
    if !recovered.is_empty() {
        drop_recorded_elsewhere(&mut observed, snapshot, connections);
    }
    observed.settled.extend(recovered);
    Ok(observed)
}

/// Removes unrecorded objects that another provider of the same server has recorded.
fn drop_recorded_elsewhere(observed: &mut Observed, snapshot: &Snapshot, connections: &Connections) {
    let servers = connections.shared();
    if servers.is_empty() {
        return;
    }
    let mut recorded: HashSet<(&Identity, &str, &ObjectId)> = HashSet::new();
    for (address, seen) in &observed.objects {
        let server = snapshot.records.get(address).and_then(|record| servers.get(&record.provider));
        let lives = seen.current.iter().chain(seen.old.iter().flatten());
        recorded.extend(
            server.into_iter().flat_map(|server| lives.clone().map(move |live| (*server, address.kind(), &live.id))),
        );
    }
    for ((provider, kind, _), strays) in &mut observed.strays {
        if let Some(server) = servers.get(provider) {
            strays.retain(|live| !recorded.contains(&(*server, *kind, &live.id)));
        }
    }
    observed.strays.retain(|_, strays| !strays.is_empty());
}

/// Asks what is not answered yet and can be asked now, until nothing more becomes known. What has become another question
/// is asked again.
pub(crate) async fn look_up(stack: &Stack, known: &mut Known, connections: &Connections) -> Result<(), Refused> {
    known.answers.resize_with(stack.lookups.len(), || None);
    loop {
        let mut asking = Vec::new();
        for (place, lookup) in stack.lookups.iter().enumerate() {
            let provider = &stack.providers[lookup.provider].name;
            // A question that has a mistake gives it to whoever uses the answer.
            let Ok(question) = lookup.erased.question(known) else { continue };
            let is_answered = known.answers[place].as_ref().is_some_and(|given| given.question == question);
            if is_answered || connections.is_deferred(provider) {
                continue;
            }
            let open = connections.open(provider)?;
            let Ok(asked) = lookup.erased.ask(Arc::clone(&open.instance), known) else { continue };
            asking.push(async move {
                let answer = connections
                    .ask(asked)
                    .await
                    .map_err(|fault| Refused::unreadable(provider, lookup.erased.what(), fault))?;
                Ok::<_, Refused>((place, Answered { question, answer }))
            });
        }
        if asking.is_empty() {
            return Ok(());
        }
        let answers: Vec<_> = FuturesOrdered::from_iter(asking).try_collect().await?;
        for (place, answer) in answers {
            known.answers[place] = Some(answer);
        }
    }
}

/// What is asked of one provider about one kind.
struct Group<'a> {
    provider: ProviderName,
    kind: KindHandle,
    config: Option<&'a Config>,
    records: Vec<(&'a Address, &'a Record)>,
    /// The records of the kind at other providers that are the same server.
    elsewhere: Vec<&'a Record>,
    /// Names that resources without an object would get.
    claimed: Vec<PhysicalName>,
    /// Names that the successors of recorded objects would get: whoever lists can look for them too, at no cost.
    next: Vec<PhysicalName>,
}

fn group<'a>(
    stack: &'a Stack,
    snapshot: &'a Snapshot,
    connections: &Connections,
    configs: &'a Configs,
    content_name: &dyn Fn(&Node, Option<&Record>) -> Option<PhysicalName>,
) -> Result<Vec<Group<'a>>, Refused> {
    let config = |provider: &ProviderName| {
        let place = stack.providers.iter().position(|declared| declared.name == *provider)?;
        configs.of(place)
    };
    let mut groups: BTreeMap<(&ProviderName, &str), Group<'a>> = BTreeMap::new();
    for (address, record) in &snapshot.records {
        if connections.is_deferred(&record.provider) {
            continue;
        }
        let group = match groups.entry((&record.provider, address.kind())) {
            Entry::Occupied(group) => group.into_mut(),
            Entry::Vacant(place) => {
                let kind = connections.kind(&record.provider, address)?;
                place.insert(Group::of(&record.provider, kind, config(&record.provider)))
            }
        };
        group.records.push((address, record));
    }
    for (node, record) in stack.nodes.iter().zip(stack.recorded(snapshot).0) {
        let provider = &stack.providers[node.provider].name;
        let with_object = record.filter(|record| record.object.is_some());
        if connections.is_deferred(provider) {
            continue;
        }
        let naming = node.kind.facts().naming;
        let is_content = naming == Naming::Content;
        let content = if is_content { content_name(node, with_object) } else { None };
        // What it is made with now is asked for its names: that may be another provider of the server than it was made with.
        let group = groups
            .entry((provider, node.address.kind()))
            .or_insert_with(|| Group::of(provider, node.kind.clone(), configs.of(node.provider)));
        let Some(record) = with_object else {
            group.claimed.extend(if is_content { content } else { Some(node.name.clone()) });
            continue;
        };
        // What has moved has its old name. Should it have gone, it is made again under its new one.
        let again = |object: &Object| name_of(node, object.generation, &serde_json::Value::Null);
        let name = match naming {
            Naming::Content => content,
            Naming::Fixed | Naming::Generation => record.object.as_ref().and_then(again),
            Naming::None => None,
        };
        if let Some(name) = name.filter(|name| !record.objects().any(|object| group.are_one(&object.name, name))) {
            group.claimed.push(name);
        }
        if naming == Naming::Generation {
            group.next.extend(next_name(node, record));
        }
    }
    for Unanswered { provider, kind, name } in &snapshot.unanswered {
        let Ok(open) = connections.open(provider) else { continue };
        let Some(handle) = open.provider_type.kind(kind) else { continue };
        let group = groups.entry((provider, kind)).or_insert_with(|| Group::of(provider, handle, config(provider)));
        group.claimed.push(name.clone());
    }
    let servers = connections.shared();
    for ((provider, kind), group) in &mut groups {
        let Some(server) = servers.get(*provider) else { continue };
        let is_elsewhere = |(address, record): &(&Address, &Record)| {
            address.kind() == *kind && record.provider != **provider && servers.get(&record.provider) == Some(server)
        };
        group.elsewhere = snapshot.records.iter().filter(is_elsewhere).map(|(_, record)| record).collect();
    }
    Ok(groups.into_values().collect())
}

/// What an object of a content-named kind would be called, as far as what is recorded says that.
fn content_name(
    stack: &Stack,
    node: &Node,
    record: Option<&Record>,
    known: &Known,
    key: &StackKey,
) -> Option<PhysicalName> {
    let applied = record.and_then(|record| record.object.as_ref()).map(|object| &object.applied);
    let addresses = |deps: &Deps| stack.addresses(deps);
    match node.draft.evaluate(known, key, &addresses, applied, &node.options.ignore) {
        Evaluated::Whole { spec, .. } => name_of(node, 1, &spec.value()),
        // Other settings may be unknown than those that make the name.
        Evaluated::Partly { spec, .. } => name_of(node, 1, &spec),
        Evaluated::Never(_) => None,
    }
}

type Read = (Vec<(Address, Seen)>, HashMap<Name, Vec<ErasedLive>>);

impl<'a> Group<'a> {
    fn of(provider: &ProviderName, kind: KindHandle, config: Option<&'a Config>) -> Self {
        let provider = provider.clone();
        Self {
            provider,
            kind,
            config,
            records: Vec::new(),
            elsewhere: Vec::new(),
            claimed: Vec::new(),
            next: Vec::new(),
        }
    }

    async fn read(self, snapshot: &Snapshot, key: &StackKey, connections: &Connections) -> Result<Read, Refused> {
        let open = connections.open(&self.provider)?;
        let through = Through { provider: &open.instance, key, secrets: &[] };
        let failed = |fault| Refused::unreadable(&self.provider, self.kind.facts().kind, fault);
        let names = self.claimed.iter().chain(self.objects().map(|(_, object)| &object.name)).cloned();
        tracing::debug!(provider = %self.provider, kind = self.kind.facts().kind, "reading");
        let names = names.chain(self.next.iter().cloned()).collect();
        let listing = Listing { lineage: snapshot.lineage.clone(), names };
        let limit = open.provider_type.parallel();
        let kind = &self.kind;
        if let Some(lives) = connections.ask(self.kind.calls.list(through, &listing)).await.map_err(failed)? {
            let mut found = by_id(lives);
            // A list may lag behind, or leave something out: an object has gone only if a read of it says so.
            let mut reads: Vec<Called<'_, Vec<ErasedLive>>> = Vec::new();
            reads.extend(self.objects().filter(|(_, object)| !found.contains_key(&object.id)).map(
                |(record, object)| {
                    let owner = owner_tag(key, &snapshot.lineage, self.kind.facts().kind, &record.id);
                    async move { connections.ask(kind.calls.read(through, Target::Recorded(object, &owner))).await }
                        .boxed()
                },
            ));
            let mut reads = stream::iter(reads).buffered(limit.max(1));
            while let Some(lives) = reads.try_next().await.map_err(failed)? {
                found.extend(by_id(lives));
            }
            let (seen, mut strays) = self.sort(found, &snapshot.lineage);
            self.confirm(&mut strays, through, connections, &snapshot.lineage).await.map_err(failed)?;
            return Ok((seen, strays));
        }
        // A kind that can't be listed is read one by one.
        let mut reads: Vec<Called<'_, Vec<ErasedLive>>> = Vec::new(); // in boxes, as above
        reads.extend(self.objects().map(|(record, object)| {
            let owner = owner_tag(key, &snapshot.lineage, self.kind.facts().kind, &record.id);
            async move {
                let mut lives = connections.ask(kind.calls.read(through, Target::Recorded(object, &owner))).await?;
                if lives.is_empty() && kind.facts().naming != Naming::None {
                    // It has gone. Another may have its name by now.
                    lives = connections.ask(kind.calls.read(through, Target::Named(&object.name))).await?;
                    lives.retain(|live| live.id != object.id);
                }
                Ok(lives)
            }
            .boxed()
        }));
        reads.extend(
            self.claimed.iter().map(|name| connections.ask(kind.calls.read(through, Target::Named(name))).boxed()),
        );
        let lives: Vec<Vec<ErasedLive>> = stream::iter(reads).buffered(limit).try_collect().await.map_err(failed)?;
        Ok(self.sort(by_id(lives.into_iter().flatten()), &snapshot.lineage))
    }

    /// Whether two names are spellings of one.
    fn are_one(&self, one: &PhysicalName, other: &PhysicalName) -> bool {
        one == other || self.kind.canonical(one, self.config) == self.kind.canonical(other, self.config)
    }

    fn objects(&self) -> impl Iterator<Item = (&Record, &Object)> {
        self.records
            .iter()
            .flat_map(|(_, record)| record.object.iter().chain(&record.old).map(move |object| (*record, object)))
    }

    /// Gives each record its objects, by their ids; the rest are strays.
    fn sort(&self, mut found: HashMap<ObjectId, ErasedLive>, lineage: &Lineage) -> Read {
        let mut seen = Vec::with_capacity(self.records.len());
        let mut take = |record: &Record, object: &Object| {
            let (id, live) = found.remove_entry(&object.id)?;
            if self.is_of_another(record, object, &live, lineage) {
                found.insert(id, live);
                return None;
            }
            Some(live)
        };
        for (address, record) in &self.records {
            let current = record.object.as_ref().and_then(|object| take(record, object));
            let old = record.old.iter().map(|object| take(record, object)).collect();
            seen.push(((*address).clone(), Seen { current, old }));
        }
        let mut strays: HashMap<Name, Vec<ErasedLive>> = HashMap::new();
        for live in found.into_values() {
            let name = self.kind.canonical(&live.name, self.config);
            let name = (self.provider.clone(), self.kind.facts().kind, name);
            strays.entry(name).or_default().push(live);
        }
        strays.values_mut().for_each(|strays| strays.sort_by(|one, other| one.id.cmp(&other.id)));
        (seen, strays)
    }

    /// Nor is an object ours that only a list shows, since it may have been deleted long ago.
    async fn confirm(
        &self,
        strays: &mut HashMap<Name, Vec<ErasedLive>>,
        through: Through<'_>,
        connections: &Connections,
        lineage: &Lineage,
    ) -> Result<(), Fault> {
        let is_ours = |live: &ErasedLive| live.is_own(lineage);
        // In the order of their names, so that the same world is asked the same each time.
        let mut ours: Vec<_> = strays.iter_mut().filter(|(_, found)| found.iter().any(is_ours)).collect();
        ours.sort_by_key(|(name, _)| *name);
        for (_, found) in ours {
            let name = found[0].name.clone();
            let there = connections.ask(self.kind.calls.read(through, Target::Named(&name))).await?;
            let (listed, mut known): (Vec<_>, Vec<_>) = found.drain(..).partition(is_ours);
            // It counts as it is read: it may have lost its mark since.
            known.extend(there.into_iter().filter(|other| listed.iter().any(|live| live.id == other.id)));
            *found = known;
        }
        strays.retain(|_, found| !found.is_empty());
        Ok(())
    }

    /// A service may give the id of what had gone to a new object: that bears the mark of the record that it was made for, or
    /// has the name that only that record knows.
    fn is_of_another(&self, record: &Record, object: &Object, live: &ErasedLive, lineage: &Lineage) -> bool {
        let others = self.records.iter().map(|(_, other)| *other).chain(self.elsewhere.iter().copied());
        let others = others.filter(|other| other.id != record.id);
        let mut others = others.flat_map(|other| other.objects().map(move |object| (other, object)));
        let mut has_it = |is_its: &dyn Fn(&Record, &Object) -> bool| {
            others.any(|(other, object)| object.id == live.id && is_its(other, object))
        };
        match live.record(lineage) {
            Some(tagged) => *tagged != record.id && has_it(&|other, _| other.id == *tagged),
            None => object.name != live.name && has_it(&|_, other| other.name == live.name),
        }
    }
}

fn by_id(lives: impl IntoIterator<Item = ErasedLive>) -> HashMap<ObjectId, ErasedLive> {
    lives.into_iter().map(|live| (live.id.clone(), live)).collect()
}
