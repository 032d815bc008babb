//! Drafts without their types.

use std::any::Any;
use std::io;

use serde_json::Value;

use super::fill;
use super::kind::guarded;
use crate::base::{Json, PhysicalName, may_have_marks, read_tree, to_tree, write_to};
use crate::kind::{Claim, Diagnostics, Draft, Field, Ignored, Kind, Spec};
use crate::value::{
    Deps, FINGERPRINT, Known, Mistake, NoValue, Partial, Path, SEALED, Sealed, Slot as _, StackKey, is_sealed, open_at,
    seal_at, sealing, single, watched,
};

/// A typed spec, for the call that needs it.
pub(crate) type TypedSpec = Box<dyn Any + Send + Sync>;

/// A draft, as far as its settings are known.
pub(crate) enum Evaluated {
    /// All of it is known.
    Whole { spec: Json, secrets: Vec<Path> },
    /// Some settings wait for other resources: they are `{"$after": […]}`.
    Partly { spec: Value, secrets: Vec<Path>, partial: Partial },
    /// Some settings can never be known.
    Never(Vec<Mistake>),
}

pub(crate) trait ErasedDraft: Send + Sync {
    /// Evaluates it. Of what was applied, the values win in the settings that are left to others.
    fn evaluate(
        &self,
        known: &Known,
        key: &StackKey,
        addresses: &dyn Fn(&Deps) -> Vec<String>,
        applied: Option<&Json>,
        ignored: &[Ignored],
    ) -> Evaluated;
    /// The spec itself, for the call; all must be known.
    fn typed(
        &self,
        known: &Known,
        key: &StackKey,
        keep: Option<(&[Ignored], &Json)>,
        secrets: &[Path],
    ) -> Result<TypedSpec, Mistake>;
    /// What can be said against its settings, as far as they are known, and against its name. `partial` are those settings, if
    /// not all of them are known.
    fn validate(&self, known: &Known, key: &StackKey, partial: Option<&Partial>, name: &PhysicalName) -> Diagnostics;
    /// What it takes at its service that not everybody can have.
    ///
    /// # Errors
    /// What to say of the kind, if it fails.
    fn claims(&self, known: &Known, key: &StackKey, name: &PhysicalName) -> Result<Vec<Claim>, String>;
    /// The settings that are as they would be if nobody had set them.
    fn defaults(&self, key: &StackKey) -> Vec<Path>;
}

pub(crate) struct DraftOf<D>(pub(crate) D);

impl<D: Draft> ErasedDraft for DraftOf<D>
where
    D::Handle: Kind,
{
    fn evaluate(
        &self,
        known: &Known,
        key: &StackKey,
        addresses: &dyn Fn(&Deps) -> Vec<String>,
        applied: Option<&Json>,
        ignored: &[Ignored],
    ) -> Evaluated {
        let fields = D::Spec::FIELDS;
        let (spec, tainted) = watched(|| self.0.spec(known));
        let spec = match spec {
            Ok(spec) => Some(spec),
            Err(NoValue::Yet) => None,
            Err(NoValue::Ever(mistake)) => return Evaluated::Never(vec![mistake]),
        };
        let keep = applied.filter(|_| !ignored.is_empty());
        if let (Some(spec), false, None) = (&spec, tainted, keep) {
            let (spec, tainted) = watched(|| match applied {
                Some(applied) if is_written(spec, applied, key) => applied.clone(),
                _ => write(spec, fields, &[], key),
            });
            // A type whose own code exposes a secret to write it is seen here, and what the program itself has exposed.
            if !tainted && !known.exposed.is_in(spec.text()) {
                return Evaluated::Whole { spec, secrets: Vec::new() };
            }
        }
        let partial = sealing(key, || self.0.partial(known));
        let rendered = sealing(key, || partial.render(key, &known.exposed, addresses));
        if !rendered.mistakes.is_empty() {
            return Evaluated::Never(rendered.mistakes);
        }
        let mut value = rendered.value;
        withhold(&mut value, fields);
        if let Some(others) = keep {
            overlay(&mut value, ignored, others);
        }
        match spec {
            Some(_) => Evaluated::Whole { spec: Json::from(&value), secrets: rendered.secrets },
            None => Evaluated::Partly { spec: value, secrets: rendered.secrets, partial },
        }
    }

    fn typed(
        &self,
        known: &Known,
        key: &StackKey,
        keep: Option<(&[Ignored], &Json)>,
        secrets: &[Path],
    ) -> Result<TypedSpec, Mistake> {
        let spec = self.0.spec(known).map_err(|no_value| match no_value {
            NoValue::Ever(mistake) => mistake,
            NoValue::Yet => Mistake::here("a value that a finished step should have given is missing"),
        })?;
        let Some((ignored, others)) = keep else { return Ok(Box::new(spec)) };
        let whole = (|| {
            let mut value = sealing(key, || to_tree(&spec)).map_err(|error| error.to_string())?;
            overlay(&mut value, ignored, others);
            open_at(&mut value, secrets, key)?;
            sealing(key, || read_tree::<D::Spec>(value)).map_err(|error| error.to_string())
        })();
        whole.map(|spec| Box::new(spec) as TypedSpec).map_err(Mistake::here)
    }

    fn defaults(&self, key: &StackKey) -> Vec<Path> {
        sealing(key, || self.0.defaults())
    }

    fn validate(&self, known: &Known, key: &StackKey, partial: Option<&Partial>, name: &PhysicalName) -> Diagnostics {
        let Some(partial) = partial else {
            return judged::<D>(name, self.0.spec(known).ok().as_ref())
                .unwrap_or_else(|panicked| Diagnostics { errors: vec![panicked.into()], ..Diagnostics::default() });
        };
        let judged = |spec: Option<&D::Spec>| judged::<D>(name, spec).unwrap_or_default();
        let find = |spec: &D::Spec| {
            let Diagnostics { errors, warnings } = judged(Some(spec));
            let errors = errors.into_iter().map(|message| (true, message));
            errors.chain(warnings.into_iter().map(|message| (false, message))).collect()
        };
        let common = sealing(key, || in_all_ways(partial, find));
        let Some(common) = common else { return judged(None) };
        let (errors, warnings): (Vec<_>, Vec<_>) = common.into_iter().partition(|(is_error, _)| *is_error);
        let messages = |findings: Vec<(bool, _)>| findings.into_iter().map(|(_, message)| message).collect();
        Diagnostics { errors: messages(errors), warnings: messages(warnings) }
    }

    fn claims(&self, known: &Known, key: &StackKey, name: &PhysicalName) -> Result<Vec<Claim>, String> {
        // Most kinds take nothing, and their settings need not be made for this.
        let Some(claims) = D::Handle::CLAIMS else { return Ok(Vec::new()) };
        let claims = |spec: Option<&D::Spec>| guarded("claims", || claims(name, spec));
        if let Ok(spec) = self.0.spec(known) {
            return claims(Some(&spec));
        }
        let find = |spec: &D::Spec| claims(Some(spec)).unwrap_or_default();
        let common = sealing(key, || in_all_ways(&self.0.partial(known), find));
        common.map_or_else(|| claims(None), Ok)
    }
}

/// What is found in all specs that a partial one can become, as far as values can be made up; none if they can't be.
pub(crate) fn in_all_ways<S: Spec, T: PartialEq>(partial: &Partial, find: impl Fn(&S) -> Vec<T>) -> Option<Vec<T>> {
    let partial = fill::as_written(partial);
    let mut filled = (0..fill::WAYS).filter_map(|way| fill::fill::<S>(&partial, way));
    let mut common = find(&filled.next()?);
    let mut ways = 1;
    // Mostly nothing is found, and then nothing can be in all.
    while !common.is_empty()
        && let Some(spec) = filled.next()
    {
        let mut found = find(&spec);
        common.retain(|one| {
            let place = found.iter().position(|other| other == one);
            place.map(|place| found.swap_remove(place)).is_some()
        });
        ways += 1;
    }
    (common.is_empty() || ways > 1).then_some(common)
}

/// What a kind says against settings and a name.
///
/// # Errors
/// What to say of the kind, if it fails.
pub(crate) fn judged<D: Draft>(name: &PhysicalName, spec: Option<&D::Spec>) -> Result<Diagnostics, String>
where
    D::Handle: Kind,
{
    let mut findings =
        spec.map_or_else(|| Ok(Diagnostics::default()), |spec| guarded("validate", || D::Handle::validate(spec)))?;
    let named = guarded("validate_name", || D::Handle::validate_name(name, spec))?;
    findings.errors.extend(named.errors);
    findings.warnings.extend(named.warnings);
    Ok(findings)
}

/// A spec as text: secrets sealed, also the plain ones at `secrets`; of write-only settings the fingerprint.
pub(super) fn write<S: Spec>(spec: &S, fields: &[Field], secrets: &[Path], key: &StackKey) -> Json {
    if secrets.is_empty() && !fields.iter().any(|field| field.write_only) {
        return sealing(key, || Json::of(spec)).expect("BUG: a spec serialises");
    }
    let mut value = sealing(key, || to_tree(spec)).expect("BUG: a spec serialises");
    seal_at(&mut value, secrets, key);
    withhold(&mut value, fields);
    Json::from(&value)
}

/// Whether this is the text of the spec. Most specs are what was applied: finding that out costs no memory.
fn is_written(spec: &impl Spec, text: &Json, key: &StackKey) -> bool {
    let mut rest = Same(text.text().as_bytes());
    // Few texts have a mark in them, and the others are written as serde does it.
    let has_marks = may_have_marks(text.text());
    let write = || if has_marks { write_to(&mut rest, spec) } else { serde_json::to_writer(&mut rest, spec) };
    sealing(key, write).is_ok() && rest.0.is_empty()
}

/// Takes what it expects, and nothing else.
struct Same<'a>(&'a [u8]);

impl io::Write for Same<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(written).ok_or(io::ErrorKind::InvalidData)?;
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Of write-only settings, keeps the fingerprint only.
fn withhold(value: &mut Value, fields: &[Field]) {
    for field in fields.iter().filter(|field| field.write_only) {
        if let Some(setting) = value.get_mut(field.name)
            && is_sealed(setting)
        {
            let sealed = Sealed(setting[SEALED].as_str().unwrap_or_default().to_owned());
            *setting = single(FINGERPRINT, Value::from(sealed.fingerprint().0));
        }
    }
}

fn overlay(value: &mut Value, ignored: &[Ignored], others: &Json) {
    let others = others.value();
    ignored.iter().for_each(|ignored| ignored.take_over(value, &others));
}
