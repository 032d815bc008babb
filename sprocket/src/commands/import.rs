//! `import`: records objects that exist as resources of the program, one by its id, or all that Pulumi made.

use std::collections::BTreeMap;
use std::path::Path;

use sprocket_core::engine::Events;
use sprocket_core::program::{Secret, Stack};

use super::apply::{confirm, is_yes};
use crate::cli::{ImportArgs, ImportCommand, PulumiArgs};
use crate::console::Look;
use crate::output::{count, plan as plans};
use crate::program::Exit;
use crate::pulumi::{Adoption, Checkpoint, Recorded, Report, Wanted, Wishes, Word};
use crate::session::{Need, Opening, Session};
use crate::trouble::{Trouble, indented};

/// Imports one object, or what a checkpoint knows.
pub(super) async fn import(opening: Opening<'_>, args: ImportArgs) -> Result<Exit, Trouble> {
    match args {
        ImportArgs { from: Some(ImportCommand::Pulumi(args)), .. } => pulumi(opening, &args).await,
        ImportArgs { address, id, .. } => one(opening, &address.unwrap_or_default(), &id.unwrap_or_default()).await,
    }
}

async fn one(opening: Opening<'_>, address: &str, id: &str) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let engine = session.writing(Events::default(), false).await?;
    let address = engine.import(&stack, address, id).await.map_err(|refused| match &refused {
        sprocket_core::engine::Refused::NoSuchResource { .. } => {
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

async fn pulumi(opening: Opening<'_>, args: &PulumiArgs) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let name = args.checkpoint.display().to_string();
    let checkpoint = read(&session, &args.checkpoint)?;
    refuse_pending(&name, &checkpoint)?;
    let engine = session.looking(Events::default()).await?;
    let recorded = engine.snapshot().await?.as_ref().map(Recorded::from).unwrap_or_default();
    let declared: Vec<_> = stack.resources().filter(|resource| !recorded.has(resource.address)).collect();
    let wanted: Vec<Wanted> = declared.iter().map(Wanted::from).collect();
    let wishes = wishes(&session, &stack, args)?;
    let adoption = Adoption::of(&checkpoint, wanted, &recorded, &wishes).map_err(|wrong| {
        Trouble::new(format!("what is said of {name} can't be meant\n{}", indented(&wrong.join("\n"))))
            .hint("nothing was recorded; without these options, what would be is shown")
    })?;
    let survey = engine.survey(&stack, adoption.imports.clone()).await?;
    let report = Report::of(&name, &checkpoint, &adoption, &survey.found).to_string();
    session.console.out_lines(&report, |line| if line.starts_with(' ') { Look::Plain } else { Look::Strong });
    let recordable = survey.found.iter().filter(|imported| imported.object.is_ok()).count();
    if recordable == 0 {
        session.console.out_lines("Nothing is to be recorded.", |_| Look::Strong);
        return Ok(Exit::Done);
    }
    session.console.out_lines("The plan that follows:", |_| Look::Strong);
    plans::show(&session.console, &survey.plan);
    if !args.yes && !session.is_sandboxed() {
        let question = format!("Record {} of {}? [y/N] ", count(recordable, "resource"), session.title());
        confirm(&session, &question, is_yes)?;
    }
    let imported = session.writing(Events::default(), false).await?.import_all(&stack, &survey).await?;
    let told = format!("Recorded: {}. Nothing was changed.", count(imported.len(), "resource"));
    session.console.out_lines(&told, |_| Look::Strong);
    Ok(Exit::Done)
}

fn read(session: &Session, path: &Path) -> Result<Checkpoint, Trouble> {
    let shown = path.display();
    let bytes = std::fs::read(session.path(path))
        .map_err(|error| Trouble::new(format!("could not read the checkpoint {shown}: {error}")))?;
    Checkpoint::read(&bytes).map_err(|error| {
        Trouble::new(format!("{shown} can't be read as a checkpoint of Pulumi: {error}"))
            .hint("`pulumi stack export --file FILE` writes one; nothing was recorded")
    })
}

/// Of these not even Pulumi knows whether they are there: what it was making would be made a second time, under another name.
fn refuse_pending(name: &str, checkpoint: &Checkpoint) -> Result<(), Trouble> {
    if checkpoint.pending.is_empty() {
        return Ok(());
    }
    let pending: Vec<String> =
        checkpoint.pending.iter().map(|pending| format!("{} {}", pending.operation, pending.urn)).collect();
    let count = count(pending.len(), "operation");
    Err(Trouble::new(format!("Pulumi has not seen the end of {count} in {name}\n{}", indented(&pending.join("\n"))))
        .hint("`pulumi refresh` finds out how they ended; then export again. Nothing was recorded"))
}

/// What the command line says of the checkpoint.
fn wishes(session: &Session, stack: &Stack, args: &PulumiArgs) -> Result<Wishes, Trouble> {
    let known: Vec<_> = stack.resources().map(|resource| resource.address).collect();
    let address = |option: &str, text: &str| match known.iter().find(|known| known.as_str() == text) {
        Some(known) => Ok((*known).clone()),
        None => {
            let meant = crate::config::meant_address(text, known.iter().map(|known| known.as_str()));
            let hint = meant.map_or_else(
                || "`graph` shows what is declared".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            );
            Err(Trouble::new(format!("{option}: `{text}` is not declared")).hint(hint))
        }
    };
    let two = |option: &str, text: &str, what: &str| match text.split_once('=') {
        Some((left, right)) if !right.is_empty() => Ok((address(option, left)?, right.to_owned())),
        _ => Err(Trouble::new(format!("{option} takes ADDRESS={what}, and `{text}` is none"))),
    };
    let mut secrets = BTreeMap::new();
    for given in &args.secret {
        let (address, file) = two("--secret", given, "FILE")?;
        let bytes = std::fs::read(session.path(Path::new(&file)))
            .map_err(|error| Trouble::new(format!("--secret {address}: could not read {file}: {error}")))?;
        if secrets.insert(address.clone(), Secret::new(bytes)).is_some() {
            return Err(Trouble::new(format!("--secret {address}: it is said twice")));
        }
    }
    let pairs = args.pairs.iter().map(|pair| two("--as", pair, "URN")).collect::<Result<_, _>>()?;
    let same = args.same.iter().map(|text| address("--same", text)).collect::<Result<_, _>>()?;
    Ok(Wishes { pairs, word: Word { secrets, same } })
}
