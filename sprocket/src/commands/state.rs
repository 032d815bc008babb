//! `state` and `outputs`: what is recorded. They need neither the program's configuration nor any service. To look needs no key
//! either, so that nobody has checked who wrote what is shown, which is said; to change something does.

use serde_json::{Value, json};
use sprocket_core::document;
use sprocket_core::engine::{Events, Refused};
use sprocket_core::kind::Address;
use sprocket_core::state::{Earlier, Snapshot};

use crate::cli::StateCommand;
use crate::config::meant_address;
use crate::console::Look;
use crate::output::count;
use crate::program::Exit;
use crate::session::{Need, Opening, Session};
use crate::trouble::Trouble;

/// Looks at the state, or mends it.
pub(super) async fn state(opening: Opening<'_>, command: StateCommand) -> Result<Exit, Trouble> {
    let writes = matches!(
        command,
        StateCommand::Forget { .. } | StateCommand::Mv { .. } | StateCommand::Unprotect { .. } | StateCommand::Claim
    );
    let session = opening.session(if writes { Need::Sealed } else { Need::Open }).await?;
    match command {
        StateCommand::List => list(&session).await,
        StateCommand::Show { address } => show(&session, &address).await,
        StateCommand::Forget { address } => forget(&session, &address).await,
        StateCommand::Mv { from, to } => {
            let engine = session.writing(Events::default(), false).await?;
            told(&session, &from, engine.rename(&from, &to).await).await?;
            session.console.out_lines(&format!("`{from}` is recorded as `{to}` now."), |_| Look::Strong);
            Ok(Exit::Done)
        }
        StateCommand::Unprotect { address } => {
            let engine = session.writing(Events::default(), false).await?;
            told(&session, &address, engine.unprotect(&address).await).await?;
            session.console.out_lines(&format!("`{address}` is not protected any more."), |_| Look::Strong);
            Ok(Exit::Done)
        }
        StateCommand::Claim => {
            let before = session.writing(Events::default(), false).await?.claim().await?;
            let before = before.map_or_else(|| "a stack without a name".to_owned(), |before| before.to_string());
            let line = format!("The state was of {before}, and is of {} now.", session.title());
            session.console.out_lines(&line, |_| Look::Strong);
            Ok(Exit::Done)
        }
        StateCommand::History => history(&session).await,
        StateCommand::Unlock { id } => {
            session.store.unlock(&id).await?;
            session.console.out_lines(&format!("The lock `{id}` is broken."), |_| Look::Strong);
            Ok(Exit::Done)
        }
    }
}

async fn snapshot(session: &Session) -> Result<Option<Snapshot>, Trouble> {
    Ok(session.looking(Events::default()).await?.snapshot().await?)
}

/// Says that nobody has checked who wrote what is shown.
fn unchecked(session: &Session) {
    if !session.console.is_json() {
        session.console.err_lines(UNCHECKED, |_| Look::Faint);
    }
}

const UNCHECKED: &str = "Not checked, as no key is asked for here: whoever can write the state may have written this.";

async fn list(session: &Session) -> Result<Exit, Trouble> {
    let Some(snapshot) = snapshot(session).await? else {
        session.console.out_lines(&format!("Nothing is recorded of {} yet.", session.title()), |_| Look::Plain);
        return Ok(Exit::Done);
    };
    unchecked(session);
    let mut text = String::new();
    for (address, record) in &snapshot.records {
        text.push_str(address.as_str());
        if let Some(object) = &record.object {
            text.push_str(&format!("  `{}`", object.name));
        }
        let notes = [
            (record.protect, "protected"),
            (record.keep_on_delete, "kept on delete"),
            (record.object.as_ref().is_some_and(|object| !object.ready), "not seen to work yet"),
            (!record.old.is_empty(), "an old one is not deleted yet"),
            (snapshot.pending.contains_key(address), "an interrupted run had begun something"),
        ];
        let notes: Vec<&str> = notes.into_iter().filter(|(is, _)| *is).map(|(_, note)| note).collect();
        if !notes.is_empty() {
            text.push_str(&format!("  ({})", notes.join(", ")));
        }
        text.push('\n');
    }
    for address in snapshot.pending.keys().filter(|address| !snapshot.records.contains_key(*address)) {
        text.push_str(&format!("{address}  (an interrupted run had begun to make it)\n"));
    }
    text.push_str(&format!(
        "{} in {}, serial {}.",
        count(snapshot.records.len(), "resource"),
        session.store.place(),
        snapshot.serial
    ));
    session.console.out_lines(&text, |_| Look::Plain);
    Ok(Exit::Done)
}

async fn history(session: &Session) -> Result<Exit, Trouble> {
    let now = snapshot(session).await?;
    let earlier = session.store.history().await?;
    let now = now.map(|snapshot| Earlier { place: "now".into(), written: None, snapshot: Ok(snapshot) });
    let mut before: Option<Snapshot> = None;
    let mut text = String::new();
    for Earlier { place, written, snapshot } in earlier.into_iter().chain(now) {
        let written = written.and_then(|time| jiff::Timestamp::try_from(time).ok());
        let written = written.map(|time| format!("{}  ", time.strftime("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default();
        match snapshot {
            Ok(snapshot) => {
                let resources = count(snapshot.records.len(), "resource");
                let since = before.as_ref().map(|before| since(before, &snapshot)).unwrap_or_default();
                text.push_str(&format!("serial {}  {written}{resources}{since}  {place}\n", snapshot.serial));
                before = Some(snapshot);
            }
            Err(error) => text.push_str(&format!("{written}{error}\n")),
        }
    }
    if text.is_empty() {
        text = format!("Nothing is recorded of {} yet.", session.title());
    }
    session.console.out_lines(text.trim_end(), |_| Look::Plain);
    Ok(Exit::Done)
}

/// What one state has otherwise than the one before it.
fn since(before: &Snapshot, after: &Snapshot) -> String {
    let is_in = |snapshot: &Snapshot, address: &Address| snapshot.records.contains_key(address);
    let new = after.records.keys().filter(|address| !is_in(before, address)).count();
    let gone = before.records.keys().filter(|address| !is_in(after, address)).count();
    let changed = after
        .records
        .iter()
        .filter(|(address, record)| before.records.get(*address).is_some_and(|before| before != *record));
    let counts = [(new, "new"), (changed.count(), "changed"), (gone, "gone")];
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

async fn show(session: &Session, address: &str) -> Result<Exit, Trouble> {
    let snapshot = snapshot(session).await?;
    let wanted = Address::from(address);
    let record = snapshot.as_ref().and_then(|snapshot| snapshot.records.get(&wanted));
    let Some(record) = record else { return Err(unknown(snapshot.as_ref(), address)) };
    let mut value = document::shown(record);
    value["address"] = address.into();
    unchecked(session);
    session.console.out(&format!("{}\n", pretty(&value)));
    Ok(Exit::Done)
}

async fn forget(session: &Session, address: &str) -> Result<Exit, Trouble> {
    let engine = session.writing(Events::default(), false).await?;
    let names = told(session, address, engine.forget(address).await).await?;
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let left = if names.is_empty() { String::new() } else { format!(" {} is still there.", names.join(", ")) };
    session.console.out_lines(&format!("`{address}` is no longer recorded.{left}"), |_| Look::Strong);
    Ok(Exit::Done)
}

/// What came of a change; of what is not recorded, what may be meant.
async fn told<T>(session: &Session, address: &str, result: Result<T, Refused>) -> Result<T, Trouble> {
    match result {
        Ok(done) => Ok(done),
        Err(Refused::NoSuchResource { .. }) => Err(unknown(snapshot(session).await?.as_ref(), address)),
        Err(refused) => Err(refused.into()),
    }
}

fn unknown(snapshot: Option<&Snapshot>, address: &str) -> Trouble {
    let known = snapshot.into_iter().flat_map(|snapshot| snapshot.records.keys()).map(Address::as_str);
    let meant = meant_address(address, known).map(|meant| format!("did you mean `{meant}`?"));
    Trouble::new(format!("`{address}` is not recorded"))
        .hint(meant.unwrap_or_else(|| "`state list` shows what is".into()))
}

/// Shows the outputs; secrets only if they are to be revealed.
pub(super) async fn outputs(opening: Opening<'_>, as_json: bool, reveal: bool) -> Result<Exit, Trouble> {
    let session = opening.session(if reveal { Need::Sealed } else { Need::Open }).await?;
    let outputs = session.looking(Events::default()).await?.outputs(reveal).await?;
    if !reveal && !as_json && !outputs.is_empty() {
        unchecked(&session);
    }
    if as_json {
        session.console.out(&format!("{}\n", pretty(&outputs.into_iter().collect())));
        return Ok(Exit::Done);
    }
    let width = outputs.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in &outputs {
        let text = match value {
            // A line of it is no output of its own.
            Value::String(text) => text.replace('\n', &format!("\n{:width$}   ", "")),
            value if *value == json!({ "$secret": true }) => "(secret)".to_owned(),
            value => value.to_string(),
        };
        session.console.out(&format!("{name:width$} = {text}\n"));
    }
    if outputs.is_empty() {
        session.console.out_lines(&format!("No outputs are recorded of {}.", session.title()), |_| Look::Plain);
    }
    Ok(Exit::Done)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("BUG: a JSON value has a text")
}
