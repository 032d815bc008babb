//! Features: what a life may have beyond the world that the oracle knows. A life without any is foretold step by step; one
//! with some is held against the laws alone.

/// Something that a service, a program or other people do in some lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Feature {
    /// The id of an object with a fixed name is made of its name: what is made again has the id of what had gone.
    NamesAreIds,
    /// The id of what was deleted is given to what is made next.
    IdsComeBack,
    /// A list shows what was there two lists ago.
    ListsLag,
    /// A list shows everything twice, as pages do that overlap.
    ListsRepeat,
    /// A list leaves something out.
    ListsLeaveOut,
    /// A list is refused, has no answer or hangs.
    ListsFail,
    /// A read hangs until its time is over.
    ReadsHang,
    /// Objects with numbered names may have the same name.
    Namesakes,
    /// The effect of a create appears after it was looked for.
    LateEffects,
    /// Somebody else changes an object in the middle of a run.
    Meddling,
    /// The clock jumps ahead in the middle of a call.
    ClockJumps,
    /// Resources have names at the service that other resources had, or will have.
    NamesHandedOver,
    /// Resources change their names in the program: one takes that of another, in chains and in circles.
    Moves,
    /// A run is for some resources only.
    Selections,
    /// Outputs of the stack, some of which can't be made.
    Outputs,
    /// Settings that come from look-ups.
    LookUps,
    /// Guests know their host by its name, which a new host has too.
    HostsByName,
    /// Another stack with a state of its own works in the same world.
    Neighbours,
    /// Objects are imported, and what others did is accepted.
    Imports,
    /// Objects take a port that nobody else can have.
    Claims,
    /// Settings that are made of secrets.
    Secrets,
    /// Somebody writes into the stored state.
    EditedStates,
    /// Nothing is sent after the lock was lost.
    LostLocks,
    /// A provider has a setting that comes from what the same stack makes.
    DerivedProviders,
}

use Feature::*;

impl Feature {
    pub(crate) const ALL: [Self; 24] = [
        NamesAreIds,
        IdsComeBack,
        ListsLag,
        ListsRepeat,
        ListsLeaveOut,
        ListsFail,
        ReadsHang,
        Namesakes,
        LateEffects,
        Meddling,
        ClockJumps,
        NamesHandedOver,
        Moves,
        Selections,
        Outputs,
        LookUps,
        HostsByName,
        Neighbours,
        Imports,
        Claims,
        Secrets,
        EditedStates,
        LostLocks,
        DerivedProviders,
    ];

    /// Those that lives may have: all of them, or those that `SPROCKET_CHANCES_FEATURES` names.
    pub(crate) fn wanted() -> Vec<Self> {
        match std::env::var("SPROCKET_CHANCES_FEATURES") {
            Ok(names) => {
                let named = |name: &str| Self::ALL.into_iter().find(|feature| format!("{feature:?}") == name);
                names.split(',').filter(|name| !name.is_empty()).map(|name| named(name).expect("a feature")).collect()
            }
            Err(_) => Self::ALL.to_vec(),
        }
    }
}
