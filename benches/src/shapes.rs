//! Graphs of resources, as programs declare them.

use sprocket_core::program::{Output, Stack};

use crate::memory::{Memory, Object, ObjectDraft, World};

/// How the resources of a program refer to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Not at all.
    Independent,
    /// In fifty layers: each refers to two of the layer above.
    Lanes,
    /// Each to the one before.
    Chain,
    /// The last one to all others.
    FanIn,
    /// All others to the first one.
    FanOut,
}

const LAYERS: usize = 50;

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 5] = [Self::Independent, Self::Lanes, Self::Chain, Self::FanIn, Self::FanOut];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Lanes => "lanes",
            Self::Chain => "chain",
            Self::FanIn => "fan-in",
            Self::FanOut => "fan-out",
        }
    }

    /// A program that declares that many resources.
    pub fn stack(self, world: &World, count: usize) -> Stack {
        self.declare(world, count, None)
    }

    /// The same program, in which one setting of one resource in the middle has changed.
    pub fn changed(self, world: &World, count: usize) -> Stack {
        self.declare(world, count, Some(count / 2))
    }

    fn declare(self, world: &World, count: usize, changed: Option<usize>) -> Stack {
        let mut stack = Stack::new();
        stack.connect(Memory::of(world));
        let mut ids: Vec<Output<String>> = Vec::with_capacity(count);
        let wide = count.div_ceil(LAYERS);
        for place in 0..count {
            let mut draft = object(place, changed == Some(place));
            match self {
                Self::Lanes if place >= wide => {
                    let above = (place / wide - 1) * wide;
                    let lane = place % wide;
                    draft = draft.left(&ids[above + lane]).right(&ids[above + (lane + 1) % wide]);
                }
                Self::Chain if place > 0 => draft = draft.left(&ids[place - 1]),
                Self::FanIn if place + 1 == count => {
                    for (other, id) in ids.iter().enumerate() {
                        draft = draft.label(format!("member-{other}"), id);
                    }
                }
                Self::FanOut if place > 0 => draft = draft.left(&ids[0]),
                _ => {}
            }
            ids.push(stack.add(draft).id);
        }
        stack
    }
}

/// What is not a reference to another resource is a text in its place.
fn object(place: usize, changed: bool) -> ObjectDraft {
    let title = if changed { "Another title".to_owned() } else { format!("The object number {place}") };
    Object::new(format!("object-{place}"), title)
        .size(1_000_000 + place as u64)
        .note("kept for the benches; nobody reads it")
        .allow("10.0.0.0/8")
        .allow("192.168.0.0/16")
        .left("object-none-left")
        .right("object-none-right")
        .base("object-none-base")
        .label("team", "engines")
        .label("cost", "none")
        .label("place", place.to_string())
}
