//! What a person reads about a checkpoint before anything is recorded. No value of a checkpoint is in it.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use sprocket_core::engine::{Imported, Refused};

use super::checkpoint::Entry;
use super::{Adoption, Candidate, Checkpoint, Missing};

/// Each part has a title and lines of two columns.
pub(crate) struct Report {
    head: String,
    parts: Vec<(String, Vec<Line>)>,
}

type Line = (String, String);

/// How many of many are named.
const FEW: usize = 3;

/// The left column is no wider than this: what is longer pushes its own line only.
const WIDE: usize = 48;

impl Report {
    /// Of what was found in the checkpoint, and at the services.
    pub(crate) fn of(name: &str, checkpoint: &Checkpoint, adoption: &Adoption<'_>, found: &[Imported]) -> Self {
        let Checkpoint { written, version, entries, .. } = checkpoint;
        let by = version.as_ref().map(|version| format!(", written by Pulumi {version}")).unwrap_or_default();
        let on = written.as_ref().map(|written| format!(", {written}")).unwrap_or_default();
        let head = format!("{name}: {}{by}{on}", count(entries.len(), "entry", "entries"));
        let mut report = Self { head, parts: Vec::new() };
        report.found(adoption, found);
        report.unmatched(adoption);
        report.oddities(adoption);
        report
    }

    fn part(&mut self, title: impl Into<String>, lines: impl IntoIterator<Item = Line>) {
        let lines: Vec<Line> = lines.into_iter().collect();
        if !lines.is_empty() {
            self.parts.push((title.into(), lines));
        }
    }

    /// What is to be recorded, what is not, and what is to be thought of before.
    fn found(&mut self, adoption: &Adoption<'_>, found: &[Imported]) {
        let Adoption { wanted, sorted, matching, missing, .. } = adoption;
        let address = |resource: usize| wanted[resource].address.to_string();
        let recorded = found.iter().filter_map(|imported| {
            imported.object.as_ref().ok().map(|name| (imported.address.to_string(), format!("`{name}`")))
        });
        self.part("To be recorded, as it is:", recorded);

        let mut not: Vec<Line> = Vec::new();
        for imported in found {
            if let Err(refused) = &imported.object {
                let why = match refused {
                    Refused::Import { message, .. } => message.clone(),
                    other => other.message(),
                };
                not.push((imported.address.to_string(), why));
            }
        }
        for (address, _) in missing.iter().filter(|(_, missing)| *missing == Missing::Itself) {
            let why = format!(
                "its value is not in the checkpoint in clear, and the next plan draws another; \
                 --secret {address}=FILE says what it is"
            );
            not.push((address.to_string(), why));
        }
        for (resource, candidates) in &matching.unclear {
            let address = address(*resource);
            let is_twice = |place: &usize| sorted.candidates[*place].entries.iter().any(|entry| sorted.is_twice(entry));
            let way = match candidates.iter().any(is_twice) {
                true => format!("`import {address} ID`"),
                false => format!("--as {address}=URN"),
            };
            let what = if candidates.len() > 1 { "each of these" } else { "this, and so could another resource" };
            not.push((address, format!("could be {what}; {way} says which")));
            not.extend(candidates.iter().flat_map(|&place| urns(&sorted.candidates[place])));
        }
        self.part("Not to be recorded:", not);

        let is_found =
            |address: &str| found.iter().any(|found| found.object.is_ok() && found.address.as_str() == address);
        let unsaid =
            missing.iter().filter(|(address, _)| is_found(address.as_str())).filter_map(|(address, missing)| {
                let does = match missing {
                    Missing::Content => "replaces it",
                    Missing::Fields => "writes its fields again",
                    Missing::Itself => return None,
                };
                Some((address.to_string(), format!("the next plan {does}")))
            });
        let unsaid: Vec<Line> = unsaid.collect();
        self.part("Hidden by its service, and not in the checkpoint in clear:", unsaid);

        let unguarded = matching.pairs.iter().flat_map(|&(resource, candidate)| {
            let (wanted, entries) = (&wanted[resource], &sorted.candidates[candidate].entries);
            let protect = entries.iter().any(|entry| entry.protect) && !wanted.is_protected;
            let retain = entries.iter().any(|entry| entry.retain) && !wanted.is_kept;
            let line = |option: &str| (wanted.address.to_string(), format!("`{option}` says the same here"));
            [protect.then(|| line(".protect()")), retain.then(|| line(".keep_on_delete()"))]
        });
        self.part("Guarded in Pulumi, and not in the program:", unguarded.flatten());
    }

    /// What only one of the two knows.
    fn unmatched(&mut self, adoption: &Adoption<'_>) {
        let Adoption { wanted, sorted, matching, .. } = adoption;
        if !sorted.recorded.is_empty() {
            let recorded = count(sorted.recorded.len(), "object", "objects");
            self.part("Recorded already:", [(recorded, String::new())]);
        }
        let (mut resources, mut objects): (BTreeSet<usize>, BTreeSet<usize>) = matching.pairs.iter().copied().unzip();
        for (resource, candidates) in &matching.unclear {
            resources.insert(*resource);
            objects.extend(candidates);
        }
        let others = (0..wanted.len()).filter(|resource| !resources.contains(resource));
        let others = others.map(|resource| (wanted[resource].address.to_string(), String::new()));
        self.part("Declared, and not in the checkpoint:", others);
        let others = (0..sorted.candidates.len()).filter(|object| !objects.contains(object));
        let (external, own): (Vec<_>, Vec<_>) =
            others.map(|object| &sorted.candidates[object]).partition(|candidate| candidate.is_external);
        let line = |candidate: &Candidate<'_>| {
            let urn = candidate.entries.first().map(|entry| entry.urn.to_string()).unwrap_or_default();
            (format!("{} `{}`", candidate.row.kind, candidate.name), urn)
        };
        self.part("In the checkpoint, and not declared (left alone):", own.into_iter().map(line));
        self.part("Only read by Pulumi, which did not make it (left alone):", external.into_iter().map(line));
        let strange = sorted.strange.iter().map(|(token, names)| ((*token).to_owned(), few(names)));
        self.part("Of a type that no kind is for (left alone):", strange);
    }

    /// What is odd about the checkpoint itself.
    fn oddities(&mut self, adoption: &Adoption<'_>) {
        let sorted = &adoption.sorted;
        let deleted = sorted.deleted.iter().map(|entry| {
            let id = if entry.id.is_empty() { "without an id".to_owned() } else { format!("id `{}`", entry.id) };
            (format!("{} {}", entry.token, entry.urn.name()), id)
        });
        self.part("Pulumi still wanted to delete (left alone; see whether it is there):", deleted);
        let mut odd: Vec<Line> = Vec::new();
        for urn in &sorted.twice {
            odd.push(("one URN twice".into(), format!("{urn}: `import ADDRESS ID` says which is meant")));
        }
        for candidate in sorted.candidates.iter().filter(|candidate| candidate.entries.len() > 1) {
            let urns: Vec<&str> = candidate.entries.iter().map(|entry| entry.urn.as_str()).collect();
            odd.push(("one object of several URNs".into(), format!("`{}`: {}", candidate.name, urns.join(", "))));
        }
        for entry in &sorted.unwell {
            let errors = count(entry.init_errors, "error", "errors");
            odd.push(("did not start well".into(), format!("{}: {errors}", entry.urn)));
        }
        let gone: Vec<&str> = sorted.dangling.gone.iter().copied().collect();
        if !gone.is_empty() {
            let parents = count(sorted.dangling.parents, "parent", "parents");
            let dependencies = count(sorted.dangling.dependencies, "dependency", "dependencies");
            odd.push(("lead nowhere".into(), format!("{parents} and {dependencies}: {}", few(&gone))));
        }
        self.part("Odd in the checkpoint, and of no consequence here:", odd);
        let own: Vec<String> = sorted
            .own
            .iter()
            .map(|(what, number)| match *what {
                "stack reference" => count(*number, what, "stack references"),
                what => count(*number, what, &format!("{what}s")),
            })
            .collect();
        if !own.is_empty() {
            self.part("Pulumi's own:", [(own.join(", "), String::new())]);
        }
    }
}

/// The URNs of an object, each on a line of its own, with what its service calls it.
fn urns(candidate: &Candidate<'_>) -> Vec<Line> {
    let line = |entry: &&Entry| (String::new(), format!("{}  id `{}`", entry.urn, candidate.id()));
    candidate.entries.iter().map(line).collect()
}

fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// The first of them, and how many more there are.
fn few(names: &[&str]) -> String {
    let shown = names.iter().take(FEW).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(FEW) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        for (title, lines) in &self.parts {
            write!(f, "\n{title}")?;
            let width = lines.iter().map(|(left, _)| left.chars().count()).filter(|width| *width <= WIDE).max();
            let width = width.unwrap_or_default();
            for (left, right) in lines {
                // Names are whatever somebody wrote into the file.
                let line = format!("  {left:width$}  {right}").replace(char::is_control, "\u{fffd}");
                write!(f, "\n{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}
