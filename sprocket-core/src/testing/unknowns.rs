//! Whether what a kind says of settings holds when some of them are not known yet.

use crate::base::PhysicalName;
use crate::erased::{in_all_ways, judged};
use crate::kind::{Claim, Diagnostics, Draft, Kind};
use crate::value::{Deps, Known, NodeId, Partial, Path, PathPart, Slot as _, StackKey, sealing};

/// What a kind's [`validate`](Kind::validate), [`validate_name`](Kind::validate_name) and [`CLAIMS`](Kind::CLAIMS) say
/// of a draft if one of its settings, or one item or entry of one, is not known, and do not say if all are. There should be
/// nothing: before anything is made, settings are often not known, and a plan is refused for what is said of them.
pub fn false_findings<D: Draft>(draft: D) -> Vec<String>
where
    D::Handle: Kind,
{
    let key = StackKey::from_bytes([7; 64]);
    let known = Known::default();
    let name = PhysicalName::from(draft.name().to_owned());
    let whole = sealing(&key, || draft.partial(&known));
    let in_all = |partial: Partial| {
        let common = sealing(&key, || in_all_ways::<D::Spec, _>(&partial, |spec| found::<D>(&name, spec)));
        common.unwrap_or_default()
    };
    let said = draft.spec(&known).map_or_else(|_| in_all(whole.clone()), |spec| found::<D>(&name, &spec));
    let mut places = Vec::new();
    gaps(&whole, &Path::default(), &mut places);
    let mut all = Vec::new();
    for place in places {
        let common = in_all(without(&whole, &place.0));
        let made_up = common.into_iter().filter(|one| !said.contains(one));
        all.extend(made_up.map(|one| format!("`{place}` is not known: {one}")));
    }
    all
}

fn found<D: Draft>(name: &PhysicalName, spec: &D::Spec) -> Vec<String>
where
    D::Handle: Kind,
{
    let Diagnostics { errors, warnings } = judged::<D>(name, Some(spec))
        .unwrap_or_else(|panicked| Diagnostics { errors: vec![panicked.into()], ..Diagnostics::default() });
    let claims = D::Handle::CLAIMS.map(|claims| claims(name, Some(spec)));
    let claims = claims.into_iter().flatten().map(|Claim { what, alone }| format!("claims {what} ({alone:?})"));
    errors.into_iter().chain(warnings).map(|message| message.to_string()).chain(claims).collect()
}

/// Every place that may be unknown. How many items a list has, and what a map has entries for, is always known.
fn gaps(partial: &Partial, at: &Path, into: &mut Vec<Path>) {
    match partial {
        Partial::Secret(inner) => gaps(inner, at, into),
        Partial::List(items) => {
            for (place, item) in items.iter().enumerate() {
                gaps(item, &at.join(PathPart::Index(place)), into);
            }
        }
        Partial::Map(fields) => {
            for (name, field) in fields {
                gaps(field, &at.join(PathPart::Key(name.clone())), into);
            }
        }
        _ => into.push(at.clone()),
    }
}

/// The same, without what is at a place.
fn without(partial: &Partial, place: &[PathPart]) -> Partial {
    let Some((first, rest)) = place.split_first() else {
        return Partial::After(Deps::on(NodeId { stack: 0, index: 0 }));
    };
    match (partial, first) {
        (Partial::Secret(inner), _) => Partial::Secret(Box::new(without(inner, place))),
        (Partial::List(items), PathPart::Index(index)) => {
            let mut items = items.clone();
            items[*index] = without(&items[*index], rest);
            Partial::List(items)
        }
        (Partial::Map(fields), PathPart::Key(key)) => {
            let mut fields = fields.clone();
            let field = without(&fields[key], rest);
            fields.insert(key.clone(), field);
            Partial::Map(fields)
        }
        (other, _) => other.clone(),
    }
}
