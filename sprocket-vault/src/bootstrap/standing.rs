//! How things stand: what server and custody say together, and where they leave only one reading.
//!
//! Pure: everything that was read comes in, a decision or a [`BootstrapStop`] comes out.

use super::stop::BootstrapStop;
use crate::client::SealStatus;
use crate::custody::{Answer, Intent};

/// What server and custody say.
#[derive(Default)]
pub(super) struct Evidence {
    pub(super) address: String,
    /// Where custody is.
    pub(super) place: String,
    pub(super) server: SealStatus,
    pub(super) intent: Option<Intent>,
    pub(super) answer: Option<Answer>,
    /// Shares that are in custody.
    pub(super) delivered: Vec<u8>,
    /// State knows it as initialised by us.
    pub(super) recorded: bool,
}

/// Where a bootstrap stands.
pub(super) enum Standing {
    /// Neither the server nor custody has anything.
    Fresh,
    /// An intent, and nothing came of it: the call did not arrive.
    Unsent,
    /// Initialised by us, and the answer is in custody.
    Ours(Box<(Intent, Answer)>),
}

pub(super) fn standing(evidence: Evidence) -> Result<Standing, BootstrapStop> {
    let Evidence { address, place, server, intent, answer, delivered, recorded } = evidence;
    let keys = answer.is_some() || !delivered.is_empty();
    match (server.initialized, intent, answer) {
        (false, ..) if keys => Err(BootstrapStop::LostData { address, place }),
        (false, ..) if recorded => Err(BootstrapStop::LostAll { address, place }),
        (false, None, _) => Ok(Standing::Fresh),
        (false, Some(_), _) => Ok(Standing::Unsent),
        (true, Some(intent), Some(answer)) => {
            let (shares, threshold) = (u64::from(intent.shares), u64::from(intent.threshold));
            if (server.shares, server.threshold) == (shares, threshold) {
                return Ok(Standing::Ours(Box::new((intent, answer))));
            }
            let difference = format!(
                "it needs {} of {} shares, and custody is of one that needs {threshold} of {shares}",
                server.threshold, server.shares
            );
            Err(BootstrapStop::SplitBrain { address, place, difference })
        }
        (true, Some(intent), None) => {
            Err(BootstrapStop::OrphanInit { address, at: intent.at.strftime("%F %T UTC").to_string(), place })
        }
        (true, None, Some(_)) => {
            let difference = "custody has an answer without the intent that it belongs to".to_owned();
            Err(BootstrapStop::SplitBrain { address, place, difference })
        }
        (true, None, None) => Err(BootstrapStop::Foreign { address, place }),
    }
}

#[cfg(test)]
mod tests {
    use sprocket_core::kind::OwnerTag;

    use super::*;

    fn intent() -> Intent {
        Intent {
            nonce: "n".into(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            owner: OwnerTag { lineage: "l".into(), record: "r".into() },
            shares: 5,
            threshold: 3,
            storage: None,
            fingerprint_key: "k".into(),
            keys: Vec::new(),
        }
    }

    #[test]
    fn each_evidence_has_one_reading_or_stops() {
        let check = |initialized, (intended, answered), delivered: &[u8], recorded, expected: &str| {
            let server = SealStatus { initialized, shares: 5, threshold: 3, ..SealStatus::default() };
            let evidence = Evidence {
                server,
                intent: (intended == 1).then(intent),
                answer: (answered == 1).then(Answer::default),
                delivered: delivered.to_vec(),
                recorded,
                ..Evidence::default()
            };
            let name = match standing(evidence) {
                Ok(Standing::Fresh) => "fresh".to_owned(),
                Ok(Standing::Unsent) => "unsent".to_owned(),
                Ok(Standing::Ours(_)) => "ours".to_owned(),
                Err(stop) => format!("{stop:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
            };
            assert_eq!(name, expected, "{initialized} {intended} {answered} {delivered:?} {recorded}");
        };
        check(false, (0, 0), &[], false, "fresh");
        check(false, (1, 0), &[], false, "unsent");
        check(false, (1, 1), &[], false, "LostData");
        check(false, (0, 0), &[2], false, "LostData");
        check(false, (1, 1), &[1, 2, 3], true, "LostData");
        check(false, (0, 0), &[], true, "LostAll");
        check(false, (1, 0), &[], true, "LostAll");
        check(true, (1, 1), &[], false, "ours");
        check(true, (1, 1), &[1, 2, 3], true, "ours");
        check(true, (1, 0), &[], false, "OrphanInit");
        check(true, (0, 0), &[], false, "Foreign");
        check(true, (0, 0), &[], true, "Foreign");
        check(true, (0, 1), &[], true, "SplitBrain");
        let server = SealStatus { initialized: true, shares: 1, threshold: 1, ..SealStatus::default() };
        let evidence =
            Evidence { server, intent: Some(intent()), answer: Some(Answer::default()), ..Evidence::default() };
        assert!(matches!(standing(evidence), Err(BootstrapStop::SplitBrain { .. })));
    }
}
