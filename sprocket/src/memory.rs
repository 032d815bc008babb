//! Memory: what this process knows stays in it.
//!
//! A core dump would have every secret of a run in it, and the stack's key. Where the system knows no such setting, nothing is
//! done, and a run is none the worse for it.

/// Turns core dumps off for this process, and for what it starts. Other processes of the same user can't read its memory
/// either.
pub(crate) fn keep_to_this_process() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn a_process_that_keeps_its_memory_leaves_no_core() {
        super::keep_to_this_process();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().ok(), Some(DumpableBehavior::NotDumpable));
    }
}
