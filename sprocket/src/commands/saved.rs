//! Plans in files: what `plan --out` writes and `apply --plan` reads.

use std::path::Path;

use sprocket_core::engine::{Events, Plan, SavedPlan};

use crate::console::Look;
use crate::session::Session;
use crate::trouble::Trouble;

/// Writes a plan that was shown.
pub(super) async fn write(session: &Session, plan: &Plan, path: &Path) -> Result<(), Trouble> {
    if !session.has_key().await? {
        return Err(Trouble::new(format!(
            "the first plan of {} can't be saved: its key is not made yet",
            session.title()
        ))
        .hint("the first `apply` makes it; or give one, with SPROCKET_PASSPHRASE"));
    }
    let saved = session.looking(Events::default()).await?.save(plan, session.title()).await?;
    let text = serde_json::to_string(&saved).expect("BUG: a saved plan has a JSON form");
    let path = session.path(path);
    std::fs::write(&path, text + "\n")
        .map_err(|error| Trouble::new(format!("could not write the plan to {}: {error}", path.display())))?;
    if !session.console.is_json() {
        let line = format!("Saved: `apply --plan {}` does exactly this, or refuses.", path.display());
        session.console.out_lines(&line, |_| Look::Strong);
    }
    Ok(())
}

/// Reads what was written.
pub(super) fn read(session: &Session, path: &Path) -> Result<SavedPlan, Trouble> {
    let path = session.path(path);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Trouble::new(format!("could not read the plan {}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| {
        Trouble::new(format!("{} is not a saved plan: {error}", path.display())).hint("`plan --out FILE` writes one")
    })
}
