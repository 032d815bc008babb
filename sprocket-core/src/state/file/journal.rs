//! The journal's file: which of its lines count.
//!
//! A crash while a line is written leaves one that has no end, or, on some file systems, zeros in it. It is the last, and
//! nobody was told that it is durable: it is ignored. Any other line that is not as it was written is damage, and
//! refused: to leave out an entry that counts would be to forget an object.

use crate::base::Lineage;
use crate::state::format::{Batch, Reading, Unreadable};
use crate::state::store::StoreError;

/// A journal as it was read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Journal {
    /// How many of its lines are good.
    pub(super) lines: usize,
    /// Up to where it is good.
    pub(super) good: usize,
    /// A last line that was torn.
    pub(super) torn: Option<usize>,
    /// Whose it is, if not the snapshot's.
    pub(super) foreign: Option<Lineage>,
}

impl Journal {
    /// Takes all that counts into the state that it belongs to.
    pub(super) fn replay(bytes: &[u8], state: &mut Reading, place: &str) -> Result<Self, StoreError> {
        let mut journal = Self::default();
        while journal.good < bytes.len() {
            let number = journal.lines + 1;
            let rest = &bytes[journal.good..];
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                journal.torn = Some(number);
                break;
            };
            let batch = match Batch::read(&rest[..end]) {
                Ok(batch) => batch,
                Err(_) if end + 1 == rest.len() && rest.contains(&0) => {
                    journal.torn = Some(number);
                    break;
                }
                Err(error) => return Err(refused(error, number, place)),
            };
            let ours = batch.lineage == state.snapshot.lineage;
            if journal.lines > 0 && ours == journal.foreign.is_some() {
                let what = "it belongs to another state than the one before".into();
                return Err(refused(Unreadable::Damaged { what }, number, place));
            }
            if ours {
                state.take(batch).map_err(|error| refused(error, number, place))?;
            } else {
                journal.foreign = Some(batch.lineage);
            }
            journal.good += end + 1;
            journal.lines = number;
        }
        Ok(journal)
    }

    /// What people should know of it.
    pub(super) fn notes(&self, place: &str) -> Vec<String> {
        let torn = self.torn.map(|line| {
            format!(
                "line {line} of {place}, the last, was cut off while it was written, and is ignored; what it was to say \
                 is found out again"
            )
        });
        let foreign = |lineage| format!("{place} belongs to another state, of lineage {lineage}, and is not replayed");
        let foreign = self.foreign.as_ref().map(foreign);
        torn.into_iter().chain(foreign).collect()
    }
}

fn refused(error: Unreadable, line: usize, place: &str) -> StoreError {
    let good = line - 1;
    let error = match error {
        Unreadable::Damaged { what } => Unreadable::Damaged { what: format!("line {line}: {what}") },
        newer => newer,
    };
    error.at(
        place,
        format!(
            "keep a copy, and put a good one in its place. Without one, cut it off: `head -n {good} {place} > good && mv \
             good {place}`; what the lost lines made exists, and the next plan may find it by its mark or its name"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Json;
    use crate::state::format::write_snapshot;
    use crate::state::journal::{Entry, JournalEvent};
    use crate::state::{Mac, Signer, Snapshot};
    use crate::value::StackKey;

    fn signer() -> Signer {
        Signer::of(&StackKey::from_bytes([7; 64]))
    }

    fn line(lineage: &str, serial: u64) -> Vec<u8> {
        let outputs = [("serial".to_owned(), Json::from(&serial.into()))].into();
        let entry = Entry { address: "outputs".into(), event: JournalEvent::Outputs { outputs } };
        Batch::new(lineage.into(), serial, &[entry]).line(&signer(), Mac::default()).0
    }

    /// Replays lines on a snapshot of lineage `ours` and serial 10, and tells what came of it.
    fn check(journal: &[u8]) -> String {
        let mut snapshot = Snapshot::new("ours".into());
        snapshot.serial = 10;
        let mut bytes = Vec::new();
        write_snapshot(&snapshot, &signer(), &mut bytes).unwrap();
        let mut state = Reading::begin(&bytes).unwrap();
        match Journal::replay(journal, &mut state, "journal") {
            Ok(read) => {
                let left = journal.len() - read.good;
                let notes = read.notes("journal").join("; ");
                format!("serial {}, {left} bytes left; {notes}", state.snapshot.serial)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_journal_is_replayed_from_where_the_snapshot_ends() {
        assert_eq!(check(b""), "serial 10, 0 bytes left; ");
        assert_eq!(check(&[line("ours", 11), line("ours", 12)].concat()), "serial 12, 0 bytes left; ");
        // A crash between the new snapshot and the new journal leaves lines that it has.
        assert_eq!(check(&[line("ours", 9), line("ours", 10), line("ours", 11)].concat()), "serial 11, 0 bytes left; ");
    }

    #[test]
    fn a_hole_is_refused() {
        insta::assert_snapshot!(check(&line("ours", 12)), @"the state in journal is damaged: line 1: it goes on at entry 12, after entry 10");
        insta::assert_snapshot!(check(&[line("ours", 11), line("ours", 11)].concat()), @"the state in journal is damaged: line 2: it goes on at entry 11, after entry 11");
    }

    #[test]
    fn another_lineage_is_not_replayed() {
        insta::assert_snapshot!(check(&[line("theirs", 11), line("theirs", 12)].concat()), @"serial 10, 0 bytes left; journal belongs to another state, of lineage theirs, and is not replayed");
        insta::assert_snapshot!(check(&[line("theirs", 11), line("ours", 11)].concat()), @"the state in journal is damaged: line 2: it belongs to another state than the one before");
        insta::assert_snapshot!(check(&[line("ours", 11), line("theirs", 11)].concat()), @"the state in journal is damaged: line 2: it belongs to another state than the one before");
    }

    #[test]
    fn a_torn_last_line_is_ignored_wherever_it_was_torn() {
        let (first, last) = (line("ours", 11), line("ours", 12));
        for kept in 1..last.len() {
            let state = check(&[&first, &last[..kept]].concat());
            assert!(state.starts_with(&format!("serial 11, {kept} bytes left; line 2 of journal")), "{kept}: {state}");
        }
        // Its length was written, its bytes were not.
        let zeros = [0; 100];
        assert!(check(&[&first, &zeros[..]].concat()).starts_with("serial 11, 100 bytes left"));
        assert!(check(&[&first, &zeros[..], &last[20..]].concat()).starts_with("serial 11, "));
    }

    #[test]
    fn a_changed_line_is_damage_also_if_it_is_the_last() {
        let mut journal = [line("ours", 11), line("ours", 12)].concat();
        let last = journal.len() - 3;
        journal[last] ^= 1;
        insta::assert_snapshot!(check(&journal), @"the state in journal is damaged: line 2: its checksum is wrong");
        journal[30] = 0;
        insta::assert_snapshot!(check(&journal), @"the state in journal is damaged: line 1: its checksum is wrong");
    }
}
