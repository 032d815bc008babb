//! Texts of others, as they are shown: nothing in them acts on a terminal, hides, or makes a line read as another.
//!
//! Names, labels, settings and error messages come from services and from states that others can write. A cursor movement, a
//! change of the direction of text or an invisible character in one could forge a line of a plan.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

/// Whether a character has an effect other than to be seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether all of a text is seen, as nearly all texts are: then its characters need not be looked at one by one.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn escaped(text: &str, keeps: impl Fn(char) -> bool) -> Cow<'_, str> {
    let escapes = |c: char| acts(c) && !keeps(c);
    if is_plain(text) || !text.contains(escapes) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if escapes(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// A text on one line: control characters, changes of direction and invisible characters are escaped, such as `\u{202e}`.
///
/// ```
/// # use sprocket_core::engine::visible::visible;
/// assert_eq!(visible("web\u{1b}[2J\n"), "web\\u{1b}[2J\\n");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same for a text of several lines: ends of lines and tabs stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// The same for a line of JSON, which says the same afterwards: such characters are only inside of its texts.
pub fn visible_json(line: &str) -> Cow<'_, str> {
    if is_plain(line) || !line.contains(acts) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 8);
    for c in line.chars() {
        if acts(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A text as one word of a POSIX shell, for commands that a person may paste.
///
/// ```
/// # use sprocket_core::engine::visible::shell_word;
/// assert_eq!(shell_word("docker:service/web"), "docker:service/web");
/// assert_eq!(shell_word("x; rm -rf y"), "'x; rm -rf y'");
/// ```
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,#".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) && !text.starts_with(['-', '#', '=']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", visible(text).replace('\'', r"'\''")))
}

/// Shows something on one line.
pub(crate) struct Visible<T>(pub(crate) T);

impl<T: Display> Display for Visible<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.0.to_string()))
    }
}

/// Shows a message: lines after its first are indented, so that none of them reads as a line of the engine's.
pub(crate) struct Message<T>(pub(crate) T);

impl<T: Display> Display for Message<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible_lines(&self.0.to_string().replace('\n', "\n    ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        let text = "a\u{1b}[2J\r\u{7}\u{202e}b\u{200b}\u{9b}c ü 日本 😀";
        assert_eq!(visible(text), r"a\u{1b}[2J\r\u{7}\u{202e}b\u{200b}\u{9b}c ü 日本 😀");
        assert_eq!(visible_lines("a\nb\tc\r"), "a\nb\tc\\r");
        assert!(matches!(visible("plain ü"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_says_the_same_afterwards() {
        let value = serde_json::json!({"a\u{202e}": "\u{1b}\u{7f}\u{e0041}x"});
        let line = value.to_string();
        let shown = visible_json(&line);
        assert!(!shown.contains(acts), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).ok(), Some(value));
    }

    #[test]
    fn a_message_has_no_line_at_the_margin() {
        assert_eq!(Message("no\n+ docker:service/x").to_string(), "no\n    + docker:service/x");
    }
}
