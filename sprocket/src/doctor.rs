//! `doctor`: what would keep the program from working, each with its remedy. It changes nothing that is recorded.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use sprocket_core::engine::visible::{shell_word, visible};
use sprocket_core::engine::{Events, Reached, Refused};
use sprocket_core::kind::Provider as _;
use sprocket_core::program::{Random, Stack};

use crate::console::Look;
use crate::output::count;
use crate::program::Exit;
use crate::session::{Need, Opening, Session};
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
    match opening.declared(Need::Sealed).await {
        Err(trouble) => findings.push(Finding::of("configuration", trouble)),
        Ok((session, stack)) => {
            findings.push(Finding::good("configuration", "complete"));
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
            Ok(found) => text.push_str(&format!("✓ {}: {}\n", visible(what), visible(found))),
            Err(Wrong { problem, remedy }) => {
                text.push_str(&format!("✗ {}: {}\n", visible(what), visible(problem)));
                if !remedy.is_empty() {
                    text.push_str(&format!("  remedy: {}\n", visible(remedy)));
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
            format!("wait until it has ended; if it is gone for good: `state unlock {}`", shell_word(&holder.id)),
        )),
    }
    match session.store.try_out().await {
        Err(error) => findings.push(Finding::of("state's server", error.into())),
        Ok(Some(found)) => findings.push(Finding::good("state's server", found)),
        Ok(None) => findings.push(writable(session)),
    }
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
        Ok(reached) => {
            let mut findings = Vec::new();
            // Generated secrets have no server.
            for reached in reached.into_iter().filter(|reached| reached.provider.as_str() != Random::NAME) {
                findings.extend(service(reached).await);
            }
            findings
        }
    }
}

async fn service(reached: Reached) -> Vec<Finding> {
    let what = reached.provider.as_str();
    let mut findings = engine(&reached).await;
    match reached.server {
        Ok(Some(identity)) => findings.push(Finding::good(what, format!("is {identity}"))),
        Ok(None) => findings.push(Finding::good(what, "can be asked once what it waits for is there")),
        // The engine's own findings say it better.
        Err(Refused::Unreachable { .. }) if findings.iter().any(|finding| finding.answer.is_err()) => {}
        Err(refused) => findings.push(Finding::of(what, refused.into())),
    }
    findings
}

/// What a Docker engine is asked besides.
#[cfg(feature = "docker")]
async fn engine(reached: &Reached) -> Vec<Finding> {
    use sprocket_docker::{Docker, DockerConfig, EngineQuestion, check_engine};

    let is_docker = reached.provider.as_str().split('/').next() == Some(Docker::NAME);
    let config = reached.config.as_ref().filter(|_| is_docker);
    let Some(Ok(config)) = config.map(|config| serde_json::from_str::<DockerConfig>(config.text())) else {
        return Vec::new();
    };
    let checks = check_engine(&config).await.into_iter();
    checks
        .map(|check| {
            let what = match check.question {
                EngineQuestion::Reachable => "engine",
                EngineQuestion::InSwarm => "swarm",
                EngineQuestion::Manager => "manager",
                EngineQuestion::NodeReady => "nodes",
                _ => "also",
            };
            let answer = check.answer.map_err(|wrong| Wrong { problem: wrong.problem, remedy: wrong.remedy });
            Finding { what: format!("{}: {what}", reached.provider), answer }
        })
        .collect()
}

#[cfg(not(feature = "docker"))]
async fn engine(_: &Reached) -> Vec<Finding> {
    Vec::new()
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
