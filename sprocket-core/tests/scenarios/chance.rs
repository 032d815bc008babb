//! Programs by chance, with kills, lost answers, failures and panics by chance: the same command always finishes, with
//! nothing leaked, doubled or forgotten.
//!
//! A case that fails says its number: `check(number)` is that case.

use std::collections::BTreeMap;

use sprocket_core::testing::{Crash, Fail};
use sprocket_core::{ErrorKind, Goal, Output, Stack};

use super::yard::{Base, Pipe, Post, Trouble};
use super::{Story, told};

/// Numbers by chance, the same from the same beginning.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// What others can be made from.
struct Made {
    name: Output<String>,
    id: Output<String>,
    version: Output<u64>,
}

const SLOTS: u64 = 8;

macro_rules! declare {
    ($kind:ident, $stack:ident, $dice:ident, $made:ident, $slot:ident, $text:expr) => {{
        let mut draft = $kind::new(&format!("s{}", $slot)).text($text);
        draft = draft.base(Base::default().width($dice.below(2)));
        for _ in 0..$dice.below(3) {
            if $made.is_empty() {
                break;
            }
            let other: &Made = &$made[usize::try_from($dice.below($made.len() as u64)).unwrap()];
            draft = match $dice.below(4) {
                0 => draft.on(&other.id),
                1 => draft.beside(&other.id),
                2 => draft.beside(other.version.map(|version| version.to_string())),
                _ => draft.beside(&other.name),
            };
        }
        let added = $stack.add(draft);
        $made.push(Made { name: added.name, id: added.id, version: added.version });
    }};
}

/// A program by chance. What it declares, with the text of each, is told by `texts`.
fn program(stack: &mut Stack, number: u64) {
    let (mut dice, mut made) = (Dice(number), Vec::new());
    for (slot, text) in texts(number) {
        if slot % 2 == 0 {
            declare!(Post, stack, dice, made, slot, text);
        } else {
            declare!(Pipe, stack, dice, made, slot, text);
        }
    }
}

fn texts(number: u64) -> BTreeMap<u64, String> {
    let mut dice = Dice(number ^ 0x5eed);
    let mut texts = BTreeMap::new();
    for slot in 0..SLOTS {
        let (is_declared, text) = (dice.below(4) > 0, dice.below(3));
        if is_declared {
            texts.insert(slot, text.to_string());
        }
    }
    texts
}

/// Lets something go wrong with the next run.
fn mischief(story: &mut Story, dice: &mut Dice) -> String {
    let name = format!("s{}{}", dice.below(SLOTS), dice.of(&["", "-2", "-3"]));
    let call = dice.of(&["create", "update", "delete"]);
    match dice.below(5) {
        0 => "nothing".into(),
        1 => {
            let (boundary, crash) = (dice.below(14), dice.of(&[Crash::Before, Crash::After]));
            story.world.crash_at(usize::try_from(boundary).unwrap(), crash);
            format!("a kill {crash:?} boundary {boundary}")
        }
        2 => {
            story.yard.trouble(call, &name, Trouble::Panic);
            format!("a panic in `{call}` of {name}")
        }
        3 => {
            let half = dice.of(&[Trouble::Half, Trouble::HalfUnheard]);
            story.yard.trouble("create", &name, half);
            format!("{half:?} of {name}")
        }
        _ => {
            let fail = dice.of(&[Fail::Before(ErrorKind::Conflict), Fail::AfterEffect, Fail::NoAnswer]);
            (0..dice.below(7)).for_each(|_| story.world.fail(call, &name, fail));
            format!("{fail:?} in `{call}` of {name}")
        }
    }
}

fn check(number: u64) {
    let mut dice = Dice(number);
    let mut story = Story::in_yard();
    story.world.settings.parallel = dice.of(&[1, 2, 64]);
    story.world.settings.continue_on_error = dice.below(2) == 0;
    story.yard.inside().turns = (0..100).map(|_| usize::try_from(dice.below(6)).unwrap()).collect();
    let mut history = Vec::new();
    for change in 0..5 {
        let seed = number * 100 + change;
        history.push(format!("{:?} with {}", texts(seed), mischief(&mut story, &mut dice)));
        let declare = |stack: &mut Stack| program(stack, seed);
        let when = || format!("check({number}) after\n{}", history.join("\n"));
        let first = story.world.run(story.connected(&declare), Goal::Declared);
        first.unwrap_or_else(|refused| panic!("{refused}: {}", when()));
        // What was to go wrong may wait for a call that comes only now.
        let mut tries = 0;
        loop {
            let report = story.run(declare).unwrap_or_else(|refused| panic!("{refused}: {}", when()));
            tries += 1;
            if report.succeeded() {
                break;
            }
            assert!(tries < 10, "{}\n{}", told(&report), when());
        }
        let plan = story.plan(declare);
        assert!(plan.starts_with("Nothing to do"), "{plan}\n{}", when());
        let state = story.world.snapshot().unwrap();
        let expected = texts(seed);
        assert!(state.pending.is_empty() && state.records.len() == expected.len(), "{}", when());
        assert_eq!(story.objects().len(), expected.len(), "{:?}\n{}", story.objects(), when());
        for (slot, text) in expected {
            let kind = if slot % 2 == 0 { "yard:post" } else { "yard:pipe" };
            let record = &state.records[&format!("{kind}/s{slot}").as_str().into()];
            let name = record.object.as_ref().unwrap().name.as_str();
            let there =
                if slot % 2 == 0 { story.yard.spec::<Post>(name).text } else { story.yard.spec::<Pipe>(name).text };
            assert_eq!(there, text, "{name}: {}", when());
            assert!(record.old.is_empty(), "{}", when());
        }
    }
    story.yard.inside().turns.clear();
    let mut left = 0;
    while story.world.run(story.connected(&|_| ()), Goal::Destroyed { include_kept: false }).unwrap().is_some()
        && !story.objects().is_empty()
    {
        left += 1;
        assert!(left < 10, "check({number}): it can't be destroyed");
    }
    assert!(story.world.snapshot().unwrap().records.is_empty(), "check({number})");
}

#[test]
fn whatever_goes_wrong_the_same_command_finishes() {
    let cases = std::env::var("SPROCKET_CHANCES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20);
    (0..cases).for_each(check);
}
