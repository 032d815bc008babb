//! What a request names: each of its patterns must be the address of something, since a slip would plan too much or too little.

use super::Builder;
use crate::base::Address;
use crate::plan::{Pattern, Problem};

impl Builder<'_> {
    /// Tells of patterns that match nothing.
    pub(super) fn unmatched(&mut self) {
        let request = self.input.request;
        let all = request.only.iter().chain(&request.without).chain(&request.allow);
        let unmatched = all.filter(|pattern| !self.is_known(pattern));
        let mut problems: Vec<Problem> = unmatched
            .map(|pattern| self.unknown(pattern, "no resource has this address", "`state list` and `graph`"))
            .collect();
        for pattern in &request.replace {
            if !self.input.stack.nodes.iter().any(|node| self.input.is_meant(pattern, &node.address)) {
                let message = "is not declared: there is nothing that could take its place";
                problems.push(self.unknown(pattern, message, "`graph`"));
            }
        }
        self.problems.append(&mut problems);
    }

    /// Whether an address is declared or recorded, or was before a move.
    fn is_known(&self, pattern: &Pattern) -> bool {
        self.addresses().any(|address| pattern.matches(address))
            || self.input.moves.made.iter().any(|moved| pattern.matches(&moved.from))
    }

    fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.input.stack.nodes.iter().map(|node| &node.address).chain(self.input.snapshot.records.keys())
    }

    fn unknown(&self, pattern: &Pattern, message: &str, lists: &str) -> Problem {
        let hint = match nearest(pattern.as_str(), self.addresses()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("{lists} show the addresses that there are"),
        };
        Problem { address: Address::from(pattern.as_str()), message: message.to_owned(), hint: Some(hint), at: None }
    }
}

/// The address that was most likely meant: by its whole or by its last part, or by how it begins if the rest is left open.
fn nearest<'a>(text: &str, addresses: impl Iterator<Item = &'a Address>) -> Option<&'a Address> {
    let (beginning, is_open) = text.strip_suffix('*').map_or((text, false), |beginning| (beginning, true));
    let length = beginning.chars().count();
    let distance = |address: &Address| {
        let whole: String = address.as_str().chars().take(if is_open { length } else { usize::MAX }).collect();
        let name = address.as_str().rsplit('/').next().unwrap_or_default();
        strsim::damerau_levenshtein(beginning, &whole).min(strsim::damerau_levenshtein(beginning, name))
    };
    let near = addresses.map(|address| (distance(address), address)).min()?;
    (near.0 * 3 <= length.max(3)).then_some(near.1)
}
