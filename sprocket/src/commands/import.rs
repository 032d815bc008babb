//! `import`: records an object that exists as a resource of the program.

use sprocket_core::Events;

use crate::console::Look;
use crate::program::Exit;
use crate::session::{Need, Opening};
use crate::trouble::Trouble;

/// Imports one object.
pub(super) async fn import(opening: Opening<'_>, address: &str, id: &str) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let engine = session.writing(Events::default(), false).await?;
    let address = engine.import(&stack, address, id).await.map_err(|refused| match &refused {
        sprocket_core::Refused::NoSuchResource { .. } => {
            let known: Vec<_> = stack.resources().map(|resource| resource.address).collect();
            let meant = crate::config::meant_address(address, known.iter().map(|address| address.as_str()));
            let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
            let mut trouble = Trouble::from(refused);
            trouble.hint = hint.or(trouble.hint).or_else(|| Some("`graph` shows what is declared".into()));
            trouble
        }
        _ => refused.into(),
    })?;
    session.console.out_lines(
        &format!("`{address}` is recorded as `{id}`. Nothing was changed; `plan` shows how it differs."),
        |_| Look::Strong,
    );
    Ok(Exit::Done)
}
