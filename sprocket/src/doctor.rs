//! `doctor`: what would keep the program from working, each with its remedy. It changes nothing that is recorded.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use sprocket_core::{Events, Refused, Stack};

use crate::console::Look;
use crate::output::count;
use crate::program::Exit;
use crate::session::{Opening, Session};
use crate::trouble::Trouble;

/// One thing that `doctor` asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was asked: `Docker at unix:///var/run/docker.sock`.
    pub what: String,
    /// What was found, or what is wrong.
    pub answer: Result<String, Wrong>,
}

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// Something that a program lets `doctor` ask.
pub(crate) type Question = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Vec<Finding>>>>>;

impl Finding {
    /// It is as it should be.
    pub fn good(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), answer: Ok(found.into()) }
    }

    /// It is not.
    pub fn wrong(what: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), answer: Err(Wrong { problem: problem.into(), remedy: remedy.into() }) }
    }

    fn of(what: &str, trouble: Trouble) -> Self {
        Self::wrong(what, trouble.message, trouble.hint.unwrap_or_default())
    }
}

/// Asks everything, in the order in which a run needs it.
pub(crate) async fn doctor(mut opening: Opening<'_>) -> Result<Exit, Trouble> {
    let console = opening.console.clone();
    let questions = std::mem::take(&mut opening.program.questions);
    let mut findings = vec![clock(SystemTime::now())];
    match opening.declared().await {
        Err(trouble) => findings.push(Finding::of("configuration", trouble)),
        Ok((session, stack)) => {
            findings.push(Finding::good(
                "configuration",
                format!("{} of {}", session.title(), session.file.path.display()),
            ));
            findings.extend(state(&session).await);
            findings.extend(services(&session, &stack).await);
        }
    }
    for question in questions {
        findings.extend(question().await);
    }
    let mut text = String::new();
    for Finding { what, answer } in &findings {
        match answer {
            Ok(found) => text.push_str(&format!("✓ {what}: {found}\n")),
            Err(Wrong { problem, remedy }) => {
                text.push_str(&format!("✗ {what}: {problem}\n"));
                if !remedy.is_empty() {
                    text.push_str(&format!("  remedy: {remedy}\n"));
                }
            }
        }
    }
    let wrong = findings.iter().filter(|finding| finding.answer.is_err()).count();
    text.push_str(&if wrong == 0 { "All is well.".to_owned() } else { format!("{} to mend.", count(wrong, "thing")) });
    console.out_lines(&text, |line| match line.chars().next() {
        Some('✓') => Look::Good,
        Some('✗') => Look::Bad,
        _ => Look::Strong,
    });
    Ok(if wrong == 0 { Exit::Done } else { Exit::Failed })
}

/// Leases, certificates and tokens go wrong with the clock.
fn clock(now: SystemTime) -> Finding {
    // The first day of 2025: this program did not exist before.
    let earliest = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600);
    let shown =
        jiff::Timestamp::try_from(now).map_or_else(|_| "out of all bounds".to_owned(), |now| format!("{now:.0}"));
    if now < earliest {
        return Finding::wrong("clock", format!("it says {shown}"), "set this machine's clock, or let NTP do it");
    }
    Finding::good("clock", shown)
}

async fn state(session: &Session) -> Vec<Finding> {
    let what = "state";
    let mut findings = Vec::new();
    match session.store.load().await {
        Err(error) => findings.push(Finding::of(what, error.into())),
        Ok(None) => findings.push(Finding::good(what, format!("none yet in {}", session.store.place()))),
        Ok(Some(loaded)) => {
            let recorded = count(loaded.snapshot.records.len(), "resource");
            findings.push(Finding::good(what, format!("{recorded} in {}", session.store.place())));
            findings.extend(loaded.notes.into_iter().map(|note| Finding::good(what, note)));
        }
    }
    match session.store.holder().await {
        Err(error) => findings.push(Finding::of("lock", error.into())),
        Ok(None) => findings.push(Finding::good("lock", "free")),
        Ok(Some(holder)) => findings.push(Finding::wrong(
            "lock",
            format!("held by {} since {:.0} (`{}`)", holder.who, holder.since, holder.command),
            format!("wait until it has ended; if it is gone for good: `state unlock {}`", holder.id),
        )),
    }
    findings.push(writable(session));
    findings
}

/// The state's folder, or the one that it will be made in. What is written there is removed again.
fn writable(session: &Session) -> Finding {
    let what = "folder";
    let folder = session.file.folder();
    let folder = [folder.join(".sprocket"), folder.to_path_buf()].into_iter().find(|path| path.is_dir());
    let folder = folder.unwrap_or_default();
    let probe = folder.join(format!(".sprocket-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, "").and_then(|()| std::fs::metadata(&probe)?.modified());
    let _ = std::fs::remove_file(&probe);
    match written {
        Err(error) => Finding::wrong(
            what,
            format!("{} can't be written: {error}", folder.display()),
            "state is kept there: let your user write to it, or move sprocket.toml",
        ),
        Ok(time) => on_time(&folder, time, SystemTime::now()),
    }
}

/// A file server with another time makes locks look older or younger than they are.
fn on_time(folder: &Path, written: SystemTime, now: SystemTime) -> Finding {
    let apart = now.duration_since(written).or_else(|_| written.duration_since(now)).unwrap_or_default();
    if apart > Duration::from_secs(60) {
        return Finding::wrong(
            "folder",
            format!("the clock of {} is {}s apart from this machine's", folder.display(), apart.as_secs()),
            "set both clocks, or let NTP do it",
        );
    }
    Finding::good("folder", format!("{} can be written", folder.display()))
}

async fn services(session: &Session, stack: &Stack) -> Vec<Finding> {
    let engine = match session.looking(Events::default()).await {
        Ok(engine) => engine,
        Err(trouble) => return vec![Finding::of("key", trouble)],
    };
    match engine.reach(stack).await {
        Err(refused @ Refused::Key(_)) => vec![Finding::of("key", refused.into())],
        Err(refused) => vec![Finding::of("program", refused.into())],
        Ok(reached) => reached
            .into_iter()
            .map(|(provider, result)| match result {
                Ok(Some(identity)) => Finding::good(provider.as_str(), format!("reachable, as {identity}")),
                Ok(None) => Finding::good(provider.as_str(), "known once what it waits for is there"),
                Err(refused) => Finding::of(provider.as_str(), refused.into()),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_this_program_is_wrong() {
        assert!(clock(SystemTime::UNIX_EPOCH).answer.is_err());
        assert!(clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)).answer.is_ok());
    }

    #[test]
    fn a_folder_with_another_time_is_wrong() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        assert!(on_time(Path::new("."), now - Duration::from_secs(5), now).answer.is_ok());
        assert!(on_time(Path::new("."), now + Duration::from_secs(300), now).answer.is_err());
    }
}
