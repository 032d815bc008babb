//! Cases: what is played, as plain data. A case says all that happens, and its Debug text is Rust.

use proptest::collection::vec;
use proptest::prelude::*;
use sprocket_core::{DraftExt as _, Output, Stack};

use super::ledger::Death;
use super::shed::{Call, Fault, How, Lamp, Pipe, Post, Shed, Sign, Tag, Vat};

/// A life of a stack.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// How many calls are made at once.
    pub(crate) parallel: usize,
    pub(crate) continue_on_error: bool,
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
    pub(crate) kind: Kind,
    pub(crate) text: u8,
    pub(crate) base: u64,
    /// What it mentions. What is not declared before it is not mentioned.
    pub(crate) uses: Vec<Use>,
    pub(crate) options: Vec<Opt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Post,
    Pipe,
    Vat,
    Lamp,
    Sign,
    Tag,
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
}

impl Use {
    pub(crate) fn of(self) -> u8 {
        let (Self::Name(of) | Self::Id(of) | Self::Version(of) | Self::On(of) | Self::Inside(of) | Self::Behind(of)) =
            self;
        of
    }
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "shed:post",
            Self::Pipe => "shed:pipe",
            Self::Vat => "shed:vat",
            Self::Lamp => "shed:lamp",
            Self::Sign => "shed:sign",
            Self::Tag => "shed:tag",
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
        [Self::Post, Self::Pipe, Self::Vat, Self::Lamp, Self::Sign, Self::Tag]
            .into_iter()
            .find(|kind| kind.name() == name)
            .expect("a kind")
    }
}

impl Slot {
    pub(crate) fn has(&self, option: Opt) -> bool {
        self.options.contains(&option)
    }
    /// Its name in the program, and the one that it may have had.
    pub(crate) fn names(&self) -> (String, String) {
        let (one, other) = (format!("s{}", self.slot), format!("t{}", self.slot));
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
            let once = matches!(using, Use::On(_) | Use::Inside(_));
            let is_there = once
                && mentions.iter().any(|(other, _)| std::mem::discriminant(other) == std::mem::discriminant(&using));
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
        }
    };
}

impl Made {
    fn outputs(&self) -> (&Output<String>, &Output<String>, &Output<u64>) {
        with!(self, it => (&it.name, &it.id, &it.version))
    }
}

macro_rules! declare {
    ($kind:ident, $draft:ident, $stack:ident, $slot:ident, $program:ident, $made:ident) => {{
        let (name, other) = $slot.names();
        let mut draft = super::shed::$draft::new(&name).text($slot.text().as_str()).base($slot.base).moved_from(other);
        for (using, other) in $slot.mentions($program) {
            let at = $program.iter().position(|slot| slot.slot == other.slot).expect("it was declared");
            let (name, id, version) = $made[at].outputs();
            draft = match using {
                Use::Name(_) => draft.using(name),
                Use::Id(_) => draft.using(id),
                Use::Version(_) => draft.using(version.map(|version| version.to_string())),
                Use::On(_) => draft.on(id),
                Use::Inside(_) => with!(&$made[at], it => draft.inside(id).dies_with(it)),
                Use::Behind(_) => with!(&$made[at], it => draft.after(it)),
            };
        }
        for option in &$slot.options {
            draft = match option {
                Opt::Protect => draft.protect(),
                Opt::Keep => draft.keep_on_delete(),
                Opt::IgnoreText => draft.ignore("text"),
                Opt::Adopt => draft.adopt(),
                Opt::Renamed => draft,
            };
        }
        $made.push(Made::$kind($stack.add(draft)));
    }};
}

/// Declares the program of an act.
pub(crate) fn declare(stack: &mut Stack, shed: &Shed, program: &[Slot]) {
    stack.connect(shed.door());
    let mut made: Vec<Made> = Vec::new();
    for slot in program {
        match slot.kind {
            Kind::Post => declare!(Post, PostDraft, stack, slot, program, made),
            Kind::Pipe => declare!(Pipe, PipeDraft, stack, slot, program, made),
            Kind::Vat => declare!(Vat, VatDraft, stack, slot, program, made),
            Kind::Lamp => declare!(Lamp, LampDraft, stack, slot, program, made),
            Kind::Sign => declare!(Sign, SignDraft, stack, slot, program, made),
            Kind::Tag => declare!(Tag, TagDraft, stack, slot, program, made),
        }
    }
}

const SLOTS: u8 = 6;

fn slots() -> impl Strategy<Value = u8> {
    0..SLOTS
}

fn program() -> impl Strategy<Value = Vec<Slot>> {
    let kind = prop_oneof![
        4 => Just(Kind::Post), 4 => Just(Kind::Pipe), 1 => Just(Kind::Vat), 2 => Just(Kind::Lamp), 3 => Just(Kind::Sign), 2 => Just(Kind::Tag),
    ];
    let using = (slots(), 0..12_u8).prop_map(|(of, how)| match how {
        0..=1 => Use::Name(of),
        2..=3 => Use::Id(of),
        4..=6 => Use::Version(of),
        7..=9 => Use::On(of),
        10 => Use::Inside(of),
        _ => Use::Behind(of),
    });
    let option = prop_oneof![
        1 => Just(Opt::Protect), 1 => Just(Opt::Keep), 1 => Just(Opt::IgnoreText), 1 => Just(Opt::Adopt),
        2 => Just(Opt::Renamed),
    ];
    let options = prop_oneof![3 => Just(Vec::new()), 1 => vec(option, 1..3)];
    let slot = (slots(), kind, 0..3_u8, 0..2_u64, vec(using, 0..3), options)
        .prop_map(|(slot, kind, text, base, uses, options)| Slot { slot, kind, text, base, uses, options });
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
        2 => Just(Other::Agree as fn(u8) -> Other),
    ];
    (what, slots()).prop_map(|(what, slot)| what(slot))
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let call = prop_oneof![
        1 => Just(Call::Read), 4 => Just(Call::Create), 4 => Just(Call::Update), 1 => Just(Call::Ready), 4 => Just(Call::Delete),
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
    ];
    let fault =
        (call, slots(), how, prop_oneof![3 => Just(1_usize), 1 => 2..7_usize]).prop_map(|(call, slot, how, times)| {
            let how = match (call, how) {
                (Call::Create, how) => how,
                (_, How::Half) => How::Refused,
                (Call::Read, How::Hangs | How::HangsAfter) => How::Unsent,
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

/// Cases by chance.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let others = prop_oneof![1 => Just(Vec::new()), 1 => vec(other(), 1..4)];
    let faults = prop_oneof![1 => Just(Vec::new()), 1 => faults()];
    let given_up = prop_oneof![3 => Just(false), 1 => Just(true)];
    let act = (others, program(), vec(fate(), usize::from(SLOTS)), faults, death(), given_up);
    let parallel = prop_oneof![Just(1_usize), Just(2), Just(64)];
    (parallel, any::<bool>(), vec(0..6_u8, 0..40), vec(act, 1..5)).prop_map(
        |(parallel, continue_on_error, turns, drawn)| {
            let mut acts: Vec<Act> = Vec::new();
            for (others, fresh, fates, faults, death, given_up) in drawn {
                let before = acts.last().map_or(&[][..], |act| &act.program);
                let of = |program: &[Slot], number: usize| {
                    program.iter().find(|slot| usize::from(slot.slot) == number).cloned()
                };
                let slots = (0..).zip(fates).map(|(at, fate)| fate.of(of(before, at).as_ref(), of(&fresh, at)));
                let program = slots.flatten().collect();
                acts.push(Act { others, program, faults, death, given_up });
            }
            // What could not be read after a change is not replaced for what others make of it later.
            let drifts =
                acts.iter().flat_map(|act| &act.others).any(|other| matches!(other, Other::Base(_) | Other::Agree(_)));
            let is_read = |fault: &Fault| fault.call == Call::Read;
            acts.iter_mut().for_each(|act| act.faults.retain(|fault| !(drifts && is_read(fault))));
            Case { parallel, continue_on_error, turns, acts }
        },
    )
}
