//! `verify`: asks what is applied whether it works.

use sprocket_core::engine::Events;
use sprocket_core::kind::Address;
use sprocket_core::program::Stack;

use crate::console::Look;
use crate::output::{failure, report as reports};
use crate::program::Exit;
use crate::session::{Need, Opening, Session};
use crate::trouble::Trouble;

/// Asks, as a command of its own.
pub(super) async fn verify(opening: Opening<'_>) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let verdict = session.looking(Events::default()).await?.verify(&stack).await?;
    reports::verdict(&session.console, &verdict, true);
    Ok(if verdict.passed() { Exit::Done } else { Exit::Unverified })
}

/// Asks at the end of an apply: whatever goes wrong now, it was applied. Says nothing if there is nothing to ask, and nothing of
/// what was left out.
pub(super) async fn after_apply(session: &Session, stack: &Stack, left_out: &[Address]) -> Result<Exit, Trouble> {
    let engine = session.looking(Events::default()).await?;
    let result = tokio::select! {
        biased;
        () = session.stop.requested() => {
            if !session.console.is_json() {
                let line = "Interrupted: everything is applied, but was not asked whether it works; `verify` asks.";
                session.console.out_lines(line, |_| Look::Strong);
            }
            return Ok(Exit::Interrupted);
        }
        result = engine.verify(stack) => result,
    };
    match result {
        Ok(mut verdict) => {
            verdict.checks.retain(|(address, _)| !left_out.contains(address));
            if !verdict.checks.is_empty() || session.console.is_json() {
                reports::verdict(&session.console, &verdict, false);
            }
            Ok(if verdict.passed() { Exit::Done } else { Exit::Unverified })
        }
        Err(refused) => {
            let mut trouble = Trouble::from(refused);
            trouble.message = format!("everything is applied, but could not be verified: {}", trouble.message);
            failure::trouble(&session.console, &trouble);
            Ok(Exit::Unverified)
        }
    }
}
