//! The index of all forms of all secrets: it finds them in one pass over a text, and grows without being built again.

use std::collections::HashMap;
use std::ops::Range;

use zeroize::Zeroizing;

/// Shorter ones can't be told from ordinary words.
const LEAST: usize = 3;
/// The beginning of a longer text counts from here.
const LEAST_OF_CUT: usize = 12;

/// How a form of a secret is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// Only as a word of its own.
    pub(super) as_word: bool,
    /// It is looked for in settings too, and not in messages only.
    pub(super) in_settings: bool,
}

struct Form {
    text: Zeroizing<Vec<u8>>,
    manner: Manner,
}

/// All forms, by their first bytes.
#[derive(Default)]
pub(super) struct Index {
    forms: HashMap<[u8; LEAST], Vec<Form>>,
    /// A bit for each pair of bytes that a form begins with: at most places of a text none does.
    pairs: Option<Box<[u64; 1024]>>,
}

/// The place of a pair of bytes among those bits.
fn place(pair: [u8; 2]) -> (usize, u64) {
    let pair = u16::from_le_bytes(pair);
    (usize::from(pair / 64), 1 << (pair % 64))
}

impl Index {
    pub(super) fn add(&mut self, text: &[u8], manner: Manner) {
        let Some(start @ [one, other, _]) = text.first_chunk() else { return };
        let (word, bit) = place([*one, *other]);
        self.pairs.get_or_insert_with(|| Box::new([0; 1024]))[word] |= bit;
        self.forms.entry(*start).or_default().push(Form { text: Zeroizing::new(text.to_vec()), manner });
    }

    /// The places of a text where a form may begin, with the forms that begin with the three bytes there.
    fn candidates<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, &'t [Form])> {
        let starts = self.pairs.as_deref().into_iter().flat_map(|pairs| {
            text.windows(LEAST).enumerate().filter(|(_, start)| {
                let (word, bit) = place([start[0], start[1]]);
                pairs[word] & bit != 0
            })
        });
        starts.filter_map(|(at, start)| Some((at, &self.forms.get(start)?[..])))
    }

    /// Every place that has a form in it. Places that touch or overlap are one.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, forms) in self.candidates(bytes) {
            let longest = forms.iter().filter_map(|form| form.length_at(bytes, at)).max();
            let Some(length) = longest else { continue };
            let mut end = at + length;
            while !text.is_char_boundary(end) {
                end += 1;
            }
            match found.last_mut() {
                Some(last) if at <= last.end => last.end = last.end.max(end),
                _ if text.is_char_boundary(at) => found.push(at..end),
                _ => {}
            }
        }
        found
    }

    /// Whether a whole form that counts in settings is in it. A short word, such as `guest`, is in many settings that have
    /// nothing to do with it, so it counts only where it is all of one.
    pub(super) fn has_whole(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let counts = |form: &Form| form.manner.in_settings && (!form.is_word() || form.text.len() == bytes.len());
        self.candidates(bytes).any(|(at, forms)| forms.iter().any(|form| counts(form) && form.is_at(bytes, at)))
    }
}

impl Form {
    /// It could be a word of a language.
    fn is_word(&self) -> bool {
        self.text.len() < LEAST_OF_CUT && self.text.iter().all(u8::is_ascii_alphabetic)
    }

    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        text[at..].starts_with(&self.text)
            && !(self.manner.as_word
                && (is_word(at.checked_sub(1).and_then(|before| text.get(before)))
                    || is_word(text.get(at + self.text.len()))))
    }

    /// How much of it is there: all of it, or a beginning that is long enough.
    fn length_at(&self, text: &[u8], at: usize) -> Option<usize> {
        if self.is_at(text, at) {
            return Some(self.text.len());
        }
        if self.text.len() <= LEAST_OF_CUT || self.manner.as_word {
            return None;
        }
        let common = self.text.iter().zip(&text[at..]).take_while(|(one, other)| one == other).count();
        (common >= LEAST_OF_CUT).then_some(common)
    }
}
