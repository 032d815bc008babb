//! Cases: what is played, as plain data. A case says all that happens, and its Debug text is Rust.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use sprocket_core::program::{DraftExt as _, Output, Secret, Stack};

use super::features::Feature;
use super::ledger::Death;
use super::shed::{Call, Fault, How, Lamp, NOWHERE, Peek, Pipe, Post, Shed, Sign, Tag, Tap, Vat};

/// A life of a stack.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// How many calls are made at once.
    pub(crate) parallel: usize,
    pub(crate) continue_on_error: bool,
    /// What it has beyond the world that the oracle knows.
    pub(crate) world: Vec<Feature>,
    /// Who is overtaken by whom: how often the others have their turn before a call, the last first.
    pub(crate) turns: Vec<u8>,
    pub(crate) acts: Vec<Act>,
}

/// A program that is applied until it is done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Act {
    /// What others do before.
    pub(crate) others: Vec<Other>,
    pub(crate) program: Vec<Slot>,
    pub(crate) faults: Vec<Fault>,
    /// What becomes of the first run.
    pub(crate) death: Option<Death>,
    /// The program is edited again before it is done: there is no other run of it.
    pub(crate) given_up: bool,
}

/// A resource. Each has a slot of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) slot: u8,
    pub(crate) kind: KindName,
    pub(crate) text: u8,
    pub(crate) base: u64,
    /// What it mentions. What is not declared before it is not mentioned.
    pub(crate) uses: Vec<Use>,
    pub(crate) options: Vec<Opt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KindName {
    Post,
    Pipe,
    Vat,
    Lamp,
    Sign,
    Tag,
    Tap,
}

/// What one resource has to do with another, by its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Name(u8),
    Id(u8),
    Version(u8),
    /// Stands on it: if that is another, so must this be.
    On(u8),
    /// Is in it, and dies with it.
    Inside(u8),
    /// Comes after it.
    Behind(u8),
    /// Is in what has its name, and dies with it: it can be told that it is in another.
    Within(u8),
    /// Has a setting that is looked up there.
    Looked(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opt {
    Protect,
    Keep,
    /// Leaves its text to others.
    IgnoreText,
    Adopt,
    /// It has its other name.
    Renamed,
    /// It has the name of this slot in the program,
    Called(u8),
    /// had the name of this slot there,
    Was(u8),
    /// and has the name of this slot at the service.
    Named(u8),
    /// The first run leaves it out,
    LeftOut,
    /// or is for it and others like it.
    Alone,
    /// The stack has an output of it. There is none of a version that can't be divided by four without a remainder of three.
    Shown,
    /// It has a setting that is made of a secret.
    Secret,
    /// It is at the provider whose address comes from the first resource, if that is one of the first half: from its id or, of the third
    /// text, from what is looked up there.
    Far,
}

/// What others do to the things of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// Write another text,
    Text(u8),
    /// change a setting that can't be changed,
    Base(u8),
    /// take it away,
    Remove(u8),
    /// take its mark away,
    Unmark(u8),
    /// or put that of another stack on it.
    Steal(u8),
    /// Put one there that nobody owns, of the kind that is declared.
    Put(u8),
    /// Do by hand what the program says.
    Agree(u8),
    /// Have a stack of their own that declares the same,
    Neighbour(u8),
    /// or nothing any more.
    NeighbourGoes,
    /// Import what has its name.
    Import(u8),
    /// Accept what has been done by hand.
    Accept,
    /// Write into the stored state, at this place.
    Edit(u8),
}

impl Use {
    pub(crate) fn of(self) -> u8 {
        let (Self::Name(of)
        | Self::Id(of)
        | Self::Version(of)
        | Self::On(of)
        | Self::Inside(of)
        | Self::Behind(of)
        | Self::Within(of)
        | Self::Looked(of)) = self;
        of
    }
}

impl KindName {
    pub(crate) const ALL: [Self; 7] = [Self::Post, Self::Pipe, Self::Vat, Self::Lamp, Self::Sign, Self::Tag, Self::Tap];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "shed:post",
            Self::Pipe => "shed:pipe",
            Self::Vat => "shed:vat",
            Self::Lamp => "shed:lamp",
            Self::Sign => "shed:sign",
            Self::Tag => "shed:tag",
            Self::Tap => "shed:tap",
        }
    }
    /// Its name stays.
    pub(crate) fn is_fixed(self) -> bool {
        matches!(self, Self::Post | Self::Vat | Self::Tag)
    }
    /// What is made of it says whose it is.
    pub(crate) fn is_marked(self) -> bool {
        self != Self::Tag
    }
    pub(crate) fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).expect("a kind")
    }
}

impl Slot {
    pub(crate) fn has(&self, option: Opt) -> bool {
        self.options.contains(&option)
    }
    /// Whose name it has in the program.
    pub(crate) fn called(&self) -> u8 {
        let called = |option: &Opt| if let Opt::Called(name) = option { Some(*name) } else { None };
        self.options.iter().find_map(called).unwrap_or(self.slot)
    }
    /// Whose name it has at the service.
    pub(crate) fn named(&self) -> u8 {
        let named = |option: &Opt| if let Opt::Named(name) = option { Some(*name) } else { None };
        self.options.iter().rev().find_map(named).unwrap_or(self.called())
    }
    /// Its name in the program, and the one that it may have had.
    pub(crate) fn names(&self) -> (String, String) {
        let (one, other) = (format!("s{}", self.called()), format!("t{}", self.called()));
        if self.has(Opt::Renamed) { (other, one) } else { (one, other) }
    }
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.kind.name(), self.names().0)
    }
    pub(crate) fn text(&self) -> String {
        format!("text {}", self.text)
    }
    /// What it mentions of what is declared before it; it stands on one at most, and is in one at most.
    pub(crate) fn mentions<'p>(&self, program: &'p [Slot]) -> Vec<(Use, &'p Slot)> {
        let mut mentions: Vec<(Use, &Slot)> = Vec::new();
        let before = program.iter().take_while(|other| other.slot != self.slot);
        let before: Vec<&Slot> = before.collect();
        for &using in &self.uses {
            let place = |using: &Use| match using {
                Use::On(_) => 1,
                Use::Inside(_) | Use::Within(_) => 2,
                _ => 0,
            };
            let is_there = place(&using) > 0 && mentions.iter().any(|(other, _)| place(other) == place(&using));
            if let Some(other) = before.iter().find(|other| other.slot == using.of()).filter(|_| !is_there) {
                mentions.push((using, *other));
            }
        }
        mentions
    }
}

enum Made {
    Post(Post),
    Pipe(Pipe),
    Vat(Vat),
    Lamp(Lamp),
    Sign(Sign),
    Tag(Tag),
    Tap(Tap),
}

macro_rules! with {
    ($made:expr, $it:ident => $result:expr) => {
        match $made {
            Made::Post($it) => $result,
            Made::Pipe($it) => $result,
            Made::Vat($it) => $result,
            Made::Lamp($it) => $result,
            Made::Sign($it) => $result,
            Made::Tag($it) => $result,
            Made::Tap($it) => $result,
        }
    };
}

impl Made {
    fn outputs(&self) -> (&Output<String>, &Output<String>, &Output<u64>) {
        with!(self, it => (&it.name, &it.id, &it.version))
    }
}

macro_rules! declare {
    ($kind:ident, $draft:ident, $stack:ident, $near:expr, $at:ident, $slot:ident, $program:ident, $made:ident) => {{
        let (name, other) = $slot.names();
        let mut draft = super::shed::$draft::new(&name).text($slot.text().as_str()).base($slot.base).moved_from(other);
        for (using, other) in $slot.mentions($program) {
            let at = $program.iter().position(|slot| slot.slot == other.slot).expect("it was declared");
            let (kind, (name, id, version)) = (other.kind.name(), $made[at].outputs());
            draft = match using {
                Use::Name(_) => draft.using(name),
                Use::Id(_) => draft.using(id),
                Use::Version(_) => draft.using(version.map(|version| version.to_string())),
                Use::On(_) => draft.on(id),
                Use::Inside(_) => with!(&$made[at], it => draft.inside(id).dies_with(it)),
                Use::Behind(_) => with!(&$made[at], it => draft.after(it)),
                Use::Within(_) => with!(&$made[at], it => draft.using(name.map(move |name| format!("{INSIDE}{kind} {name}"))).dies_with(it)),
                Use::Looked(_) => {
                    let peeked = $stack.on($near).look(id.zip(version).map(|(id, version)| Peek { id, version }));
                    match $slot.has(Opt::Secret) {
                        true => draft.using(peeked.map(|peeked| peeked.token.expose().clone())),
                        false => draft.using(peeked.map(|peeked| peeked.text)),
                    }
                }
            };
        }
        for option in &$slot.options {
            draft = match option {
                Opt::Protect => draft.protect(),
                Opt::Keep => draft.keep_on_delete(),
                Opt::IgnoreText => draft.ignore("text"),
                Opt::Adopt => draft.adopt(),
                Opt::Was(name) => draft.moved_from(format!("s{name}")),
                Opt::Named(name) => draft.named(format!("s{name}")),
                Opt::Secret => draft.using(secret($slot)),
                Opt::Renamed | Opt::Called(_) | Opt::LeftOut | Opt::Alone | Opt::Shown | Opt::Far => draft,
            };
        }
        let made = $stack.on($at).add(draft);
        if $slot.has(Opt::Shown) {
            $stack.output(format!("o{}", $slot.slot), &made.version.try_map(shown));
        }
        $made.push(Made::$kind(made));
    }};
}

/// What a guest says of the host that it knows by its name.
pub(crate) const INSIDE: &str = "inside ";

/// What is planted where it must not show. It is part of every secret.
pub(crate) const PLANTED: &str = "planted";

/// A secret of a slot, as the text that is sent.
pub(crate) fn secret_of(slot: &Slot) -> String {
    format!("{PLANTED}-{}-{}", slot.slot, slot.text)
}

/// A text that is made of a secret.
fn secret(slot: &Slot) -> Output<String> {
    Output::known(Secret::new(secret_of(slot))).map(|secret| secret.expose().clone())
}

/// What a stack shows of a version, if it can be shown.
pub(crate) fn shown(version: u64) -> Result<u64, String> {
    if version % 4 == 3 { Err("it can't be shown".to_owned()) } else { Ok(version * 10) }
}

/// Where the address of the far provider comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Street {
    /// From the id of the first resource of the program,
    Id,
    /// or from what is looked up at it.
    LookedUp,
}

/// What the address of the far provider comes from, if a resource of the program is there.
pub(crate) fn street(program: &[Slot]) -> Option<Street> {
    let first = program.first().filter(|first| first.slot < SLOTS / 2)?;
    program.iter().any(|slot| slot.has(Opt::Far)).then_some(if first.text == 2 { Street::LookedUp } else { Street::Id })
}

/// Declares the program of an act.
pub(crate) fn declare(stack: &mut Stack, shed: &Shed, program: &[Slot], has_far: bool) {
    let far_door = || shed.door().named("far");
    let near = stack.connect(shed.door());
    let mut far = None;
    let mut made: Vec<Made> = Vec::new();
    for slot in program {
        if let (Some(first), None, Some(from)) = (made.first(), &far, street(program)) {
            let (_, id, version) = first.outputs();
            let peek = || id.zip(version).map(|(id, version)| Peek { id, version });
            far = Some(match from {
                Street::LookedUp => {
                    let peeked = stack.on(&near).look(peek());
                    stack.connect(far_door().street(peeked.map(|peeked| peeked.text)))
                }
                Street::Id => stack.connect(far_door().street(id)),
            });
        }
        let at = far.as_ref().filter(|_| slot.has(Opt::Far)).unwrap_or(&near);
        match slot.kind {
            KindName::Post => declare!(Post, PostDraft, stack, &near, at, slot, program, made),
            KindName::Pipe => declare!(Pipe, PipeDraft, stack, &near, at, slot, program, made),
            KindName::Vat => declare!(Vat, VatDraft, stack, &near, at, slot, program, made),
            KindName::Lamp => declare!(Lamp, LampDraft, stack, &near, at, slot, program, made),
            KindName::Sign => declare!(Sign, SignDraft, stack, &near, at, slot, program, made),
            KindName::Tag => declare!(Tag, TagDraft, stack, &near, at, slot, program, made),
            KindName::Tap => declare!(Tap, TapDraft, stack, &near, at, slot, program, made),
        }
    }
    // Who has something there must connect to it.
    if has_far && far.is_none() {
        stack.connect(far_door().street(NOWHERE));
    }
}

const SLOTS: u8 = 6;

fn slots() -> impl Strategy<Value = u8> {
    0..SLOTS
}

fn program() -> impl Strategy<Value = Vec<Slot>> {
    let kind = prop_oneof![
        4 => Just(KindName::Post), 4 => Just(KindName::Pipe), 1 => Just(KindName::Vat), 2 => Just(KindName::Lamp), 3 => Just(KindName::Sign), 2 => Just(KindName::Tag),
        2 => Just(KindName::Tap),
    ];
    let using = (slots(), 0..16_u8).prop_map(|(of, how)| match how {
        0..=1 => Use::Name(of),
        2..=3 => Use::Id(of),
        4..=6 => Use::Version(of),
        7..=9 => Use::On(of),
        10 => Use::Inside(of),
        11 => Use::Behind(of),
        12..=13 => Use::Within(of),
        _ => Use::Looked(of),
    });
    let option = prop_oneof![
        1 => Just(Opt::Protect), 1 => Just(Opt::Keep), 1 => Just(Opt::IgnoreText), 1 => Just(Opt::Adopt),
        2 => Just(Opt::Renamed),
    ];
    // Of lives with features only.
    let more = prop_oneof![
        6 => slots().prop_map(Opt::Named), 2 => Just(Opt::LeftOut), 2 => Just(Opt::Alone), 4 => Just(Opt::Shown),
        4 => Just(Opt::Secret), 8 => Just(Opt::Far),
    ];
    let options = prop_oneof![3 => Just(Vec::new()), 1 => vec(option, 1..3)];
    let more = prop_oneof![2 => Just(Vec::new()), 1 => vec(more, 1..3)];
    let slot = (slots(), kind, 0..3_u8, 0..2_u64, vec(using, 0..3), options, more).prop_map(
        |(slot, kind, text, base, uses, mut options, more)| {
            options.extend(more);
            Slot { slot, kind, text, base, uses, options }
        },
    );
    vec(slot, 0..8).prop_map(|mut slots| {
        let mut seen = [false; SLOTS as usize];
        slots.retain(|slot| !std::mem::replace(&mut seen[usize::from(slot.slot)], true));
        slots.sort_by_key(|slot| slot.slot);
        slots
    })
}

fn other() -> impl Strategy<Value = Other> {
    let what = prop_oneof![
        3 => Just(Other::Text as fn(u8) -> Other), 2 => Just(Other::Base as fn(u8) -> Other),
        3 => Just(Other::Remove as fn(u8) -> Other), 2 => Just(Other::Unmark as fn(u8) -> Other),
        1 => Just(Other::Steal as fn(u8) -> Other), 1 => Just(Other::Put as fn(u8) -> Other),
        2 => Just(Other::Agree as fn(u8) -> Other), 2 => Just(Other::Neighbour as fn(u8) -> Other),
        1 => Just((|_| Other::NeighbourGoes) as fn(u8) -> Other), 2 => Just(Other::Import as fn(u8) -> Other),
        2 => Just((|_| Other::Accept) as fn(u8) -> Other), 1 => Just((|slot| Other::Edit(slot * 41 + 7)) as fn(u8) -> Other),
    ];
    (what, slots()).prop_map(|(what, slot)| what(slot))
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let call = prop_oneof![
        1 => Just(Call::Read), 4 => Just(Call::Create), 4 => Just(Call::Update), 1 => Just(Call::Ready), 4 => Just(Call::Delete),
        1 => Just(Call::List), 1 => Just(Call::Look),
    ];
    let how = prop_oneof![
        Just(How::Refused),
        Just(How::Unsent),
        Just(How::Unheard),
        Just(How::Hangs),
        Just(How::HangsAfter),
        Just(How::Panics),
        Just(How::PanicsAfter),
        Just(How::Half),
        Just(How::Late),
        Just(How::Jumps),
        Just(How::Overtaken),
        Just(How::Changed),
    ];
    let fault =
        (call, slots(), how, prop_oneof![3 => Just(1_usize), 1 => 2..7_usize]).prop_map(|(call, slot, how, times)| {
            let how = match (call, how) {
                (Call::Create, How::Overtaken | How::Changed) => How::Late,
                (Call::Create, how) | (Call::Read, how @ (How::Overtaken | How::Changed)) => how,
                (Call::List, How::Half | How::Late | How::Overtaken | How::Changed) => How::Half,
                (Call::List | Call::Look, How::Panics | How::PanicsAfter) => How::Hangs,
                (_, How::Half | How::Late | How::Overtaken | How::Changed) => How::Refused,
                (_, how) => how,
            };
            std::iter::repeat_n(Fault { call, slot, how }, times)
        });
    vec(fault, 0..4).prop_map(|faults| faults.into_iter().flatten().collect())
}

fn death() -> impl Strategy<Value = Option<Death>> {
    let write = || 1..12_u8;
    prop_oneof![
        20 => Just(None),
        12 => write().prop_map(|at| Some(Death::Before(at))),
        12 => write().prop_map(|at| Some(Death::After(at))),
        2 => write().prop_map(|at| Some(Death::Fails(at))),
        2 => write().prop_map(|at| Some(Death::FailsAfter(at))),
        2 => write().prop_map(|at| Some(Death::Full(at))),
        2 => write().prop_map(|at| Some(Death::Unlocked(at))),
        2 => write().prop_map(|at| Some(Death::UnlockedAfter(at))),
        2 => Just(Some(Death::Twice)),
        1 => (write(), any::<u8>()).prop_map(|(at, missing)| Some(Death::Torn(at, missing))),
    ]
}

/// What becomes of a slot from one program to the next. Most of what is there stays as it is.
fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Fresh), 6 => Just(Fate::Same), 3 => Just(Fate::Text), 3 => Just(Fate::Base),
        1 => Just(Fate::Uses), 1 => Just(Fate::Options), 2 => Just(Fate::Gone),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It is what chance says.
    Fresh,
    Same,
    Text,
    Base,
    Uses,
    Options,
    Gone,
}

impl Fate {
    fn of(self, before: Option<&Slot>, fresh: Option<Slot>) -> Option<Slot> {
        let Some(before) = before.cloned() else { return fresh };
        let other = fresh.clone();
        Some(match self {
            Self::Fresh => return fresh,
            Self::Gone => return None,
            Self::Same => before,
            Self::Text => Slot { text: (before.text + 1) % 3, ..before },
            Self::Base => Slot { base: 1 - before.base, ..before },
            Self::Uses => Slot { uses: other.map(|slot| slot.uses).unwrap_or_default(), ..before },
            Self::Options => Slot { options: other.map(|slot| slot.options).unwrap_or_default(), ..before },
        })
    }
}

/// Cases by chance, some of them with some of these features.
pub(crate) fn cases(wanted: Vec<Feature>) -> impl Strategy<Value = Case> {
    let others = prop_oneof![1 => Just(Vec::new()), 1 => vec(other(), 1..4)];
    let faults = prop_oneof![1 => Just(Vec::new()), 1 => faults()];
    let given_up = prop_oneof![3 => Just(false), 1 => Just(true)];
    let act = (others, program(), vec(fate(), usize::from(SLOTS)), faults, death(), given_up);
    let parallel = prop_oneof![Just(1_usize), Just(2), Just(64)];
    let most = wanted.len().min(3);
    let some = subsequence(wanted, most.min(1)..=most);
    let world = prop_oneof![2 => Just(Vec::new()), 3 => some];
    (parallel, any::<bool>(), world, vec(0..6_u8, 0..40), vec((act, 0..6_u8), 1..5)).prop_map(
        |(parallel, continue_on_error, world, turns, drawn)| {
            let mut acts: Vec<Act> = Vec::new();
            for ((others, fresh, fates, faults, death, given_up), shift) in drawn {
                let before = acts.last().map_or(&[][..], |act| &act.program);
                let of = |program: &[Slot], number: usize| {
                    program.iter().find(|slot| usize::from(slot.slot) == number).cloned()
                };
                let slots = (0..).zip(fates).map(|(at, fate)| fate.of(of(before, at).as_ref(), of(&fresh, at)));
                let mut program: Vec<Slot> = slots.flatten().collect();
                if world.contains(&Feature::Moves) {
                    moved(&mut program, before, shift);
                }
                acts.push(Act { others, program, faults, death, given_up });
            }
            // What could not be read after a change is not replaced for what others make of it later.
            let drifts =
                acts.iter().flat_map(|act| &act.others).any(|other| matches!(other, Other::Base(_) | Other::Agree(_)));
            let is_read = |fault: &Fault| fault.call == Call::Read;
            acts.iter_mut().for_each(|act| act.faults.retain(|fault| !(drifts && is_read(fault) && world.is_empty())));
            let mut case = Case { parallel, continue_on_error, world, turns, acts };
            case.keep_to_its_world();
            case
        },
    )
}

/// Lets resources of a kind exchange or shift their names; each says what it was called before.
fn moved(program: &mut [Slot], before: &[Slot], shift: u8) {
    for slot in program.iter_mut() {
        // Names are as they were, but for what becomes of them below.
        let called = before.iter().find(|other| other.slot == slot.slot).map_or(slot.slot, Slot::called);
        slot.options.retain(|option| !matches!(option, Opt::Called(_) | Opt::Was(_) | Opt::Renamed));
        if called != slot.slot {
            slot.options.push(Opt::Called(called));
        }
    }
    for kind in KindName::ALL {
        let of_kind: Vec<usize> = (0..program.len()).filter(|&at| program[at].kind == kind).collect();
        let names: Vec<u8> = of_kind.iter().map(|&at| program[at].called()).collect();
        for (place, &at) in of_kind.iter().enumerate() {
            let name = match shift {
                // In a circle,
                1 => names[(place + 1) % names.len()],
                // or everyone takes the name of the next, and the last a new one;
                2 => names.get(place + 1).copied().unwrap_or(SLOTS + names[place]),
                // or just a new one.
                3 if place == 0 => SLOTS + names[place],
                _ => names[place],
            };
            let name = name % (4 * SLOTS);
            program[at].options.retain(|option| !matches!(option, Opt::Called(_)));
            if name != program[at].slot {
                program[at].options.push(Opt::Called(name));
            }
            let was =
                before.iter().find(|other| other.slot == program[at].slot && other.kind == kind).map(Slot::called);
            if let Some(was) = was.filter(|was| *was != name) {
                program[at].options.push(Opt::Was(was));
            }
        }
    }
}

impl Case {
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.world.contains(&feature)
    }

    /// Nothing of it belongs to a feature that it does not have.
    fn keep_to_its_world(&mut self) {
        let world = std::mem::take(&mut self.world);
        let has = |feature: Feature| world.contains(&feature);
        for act in &mut self.acts {
            act.others.retain(|other| match other {
                Other::Neighbour(_) | Other::NeighbourGoes => has(Feature::Neighbours),
                Other::Import(_) | Other::Accept => has(Feature::Imports),
                Other::Edit(_) => has(Feature::EditedStates),
                _ => true,
            });
            act.faults.retain(|fault| match (fault.call, fault.how) {
                (_, How::Jumps) => has(Feature::ClockJumps),
                (Call::List, How::Half) => has(Feature::ListsLeaveOut),
                (Call::List, _) => has(Feature::ListsFail),
                (Call::Look, _) => has(Feature::LookUps),
                (Call::Read, How::Hangs | How::HangsAfter) => has(Feature::ReadsHang),
                (_, How::Late) => has(Feature::LateEffects),
                (_, How::Overtaken | How::Changed) => has(Feature::Meddling),
                _ => true,
            });
            for slot in &mut act.program {
                if slot.kind == KindName::Tap && !has(Feature::Claims) {
                    slot.kind = KindName::Pipe;
                }
                slot.uses.retain(|using| match using {
                    Use::Within(_) => has(Feature::HostsByName),
                    Use::Looked(_) => has(Feature::LookUps),
                    _ => true,
                });
                slot.options.retain(|option| match option {
                    Opt::Named(_) => has(Feature::NamesHandedOver),
                    Opt::Called(_) | Opt::Was(_) => has(Feature::Moves),
                    Opt::LeftOut | Opt::Alone => has(Feature::Selections),
                    Opt::Shown => has(Feature::Outputs),
                    Opt::Secret => has(Feature::Secrets),
                    // What the address comes from never is at the provider itself. That two want one name or port is seen
                    // only once the address is known.
                    Opt::Far => {
                        let is_contested = has(Feature::NamesHandedOver) || has(Feature::Claims);
                        let may_be = has(Feature::DerivedProviders) && !has(Feature::Moves) && !is_contested;
                        may_be && slot.slot >= SLOTS / 2
                    }
                    _ => true,
                });
            }
            // No two of a program have one address.
            let mut seen = std::collections::BTreeSet::new();
            act.program.retain(|slot| seen.insert(slot.address()));
        }
        self.world = world;
    }
}
