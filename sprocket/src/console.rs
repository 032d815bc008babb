//! The console: the one place that prints.
//!
//! What a person or a program asked for goes to `out`; progress, questions and errors go to `err`. A reader that has gone
//! away (`… | head`) stops no run: what can't be written is lost.
//!
//! **Contract:** nothing in a text acts on a terminal but the colours that are added here: names, errors and settings come from
//! services and from files that others can write.

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use owo_colors::{OwoColorize as _, Style};
use serde::Serialize;
use sprocket_core::document::Document;
use sprocket_core::engine::visible::{visible_json, visible_lines};

/// Where a run prints, and whom it asks. Clones are one console.
#[derive(Clone)]
pub(crate) struct Console(Arc<Mutex<Inner>>);

struct Inner {
    out: Channel,
    err: Channel,
    input: Box<dyn BufRead + Send>,
    terminal: bool,
    tree: bool,
    json: bool,
}

struct Channel {
    to: Box<dyn Write + Send>,
    colour: bool,
}

impl Channel {
    fn write(&mut self, text: &str) {
        let _ = self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush());
    }
}

/// How a piece of text looks. Nothing is told by a look alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Good,
    Bad,
    Change,
    Faint,
    Strong,
}

impl Look {
    /// The text with this look.
    pub(crate) fn paint(self, text: &str, colour: bool) -> String {
        let style = match self {
            Self::Plain => return text.to_owned(),
            _ if !colour => return text.to_owned(),
            Self::Good => Style::new().green(),
            Self::Bad => Style::new().red(),
            Self::Change => Style::new().yellow(),
            Self::Faint => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        };
        text.style(style).to_string()
    }
}

impl Console {
    pub(crate) fn new(
        out: (Box<dyn Write + Send>, bool),
        err: (Box<dyn Write + Send>, bool),
        input: Box<dyn BufRead + Send>,
        (terminal, tree): (bool, bool),
    ) -> Self {
        let channel = |(to, colour)| Channel { to, colour };
        Self(Arc::new(Mutex::new(Inner { out: channel(out), err: channel(err), input, terminal, tree, json: false })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on `out` is a stream of JSON objects, one a line, and nobody is asked.
    pub(crate) fn speak_json(&self) {
        self.inner().json = true;
    }

    pub(crate) fn is_json(&self) -> bool {
        self.inner().json
    }

    pub(crate) fn is_terminal(&self) -> bool {
        let inner = self.inner();
        inner.terminal && !inner.json
    }

    pub(crate) fn is_tree(&self) -> bool {
        let inner = self.inner();
        inner.tree && !inner.json
    }

    pub(crate) fn colours_err(&self) -> bool {
        self.inner().err.colour
    }

    /// Text that was asked for, each line with the look that a function gives it.
    pub(crate) fn out_lines(&self, text: &str, look: impl Fn(&str) -> Look) {
        let mut inner = self.inner();
        let colour = inner.out.colour;
        inner.out.write(&painted(text, colour, look));
    }

    /// Text that was asked for, without colours.
    pub(crate) fn out(&self, text: &str) {
        self.inner().out.write(&visible_lines(text));
    }

    /// Progress, a note or an error, each line with the look that a function gives it.
    pub(crate) fn err_lines(&self, text: &str, look: impl Fn(&str) -> Look) {
        let mut inner = self.inner();
        let colour = inner.err.colour;
        inner.err.write(&painted(text, colour, look));
    }

    /// A line of the JSON stream.
    pub(crate) fn document(&self, document: &impl Serialize) {
        let line = serde_json::to_string(document).expect("BUG: what is told has a JSON form");
        self.inner().out.write(&format!("{}\n", visible_json(&line)));
    }

    /// A line of the JSON stream that is not the engine's.
    pub(crate) fn object(&self, kind: &'static str, content: &impl Serialize) {
        self.document(&Document::new(kind, content));
    }

    /// Asks, and waits for a line. `None` if nobody answers.
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        let mut inner = self.inner();
        inner.err.write(&visible_lines(question));
        let mut answer = String::new();
        match inner.input.read_line(&mut answer) {
            Ok(read) if read > 0 => Some(answer.trim().to_owned()),
            _ => {
                inner.err.write("\n");
                None
            }
        }
    }
}

fn painted(text: &str, colour: bool, look: impl Fn(&str) -> Look) -> String {
    visible_lines(text).lines().map(|line| look(line).paint(line, colour) + "\n").collect()
}

/// A writer whose text can be read while it is written to: for tests of a program. Clones share the text.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    /// What was written, and forgets it.
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTS: &str = "a\u{1b}[2J\r\u{7}\u{202e}\u{200b}b\n+ c";

    #[test]
    fn no_text_of_others_moves_the_cursor() {
        let (out, err) = (Shared::default(), Shared::default());
        let boxed = |shared: &Shared| Box::new(shared.clone()) as Box<dyn Write + Send>;
        let console =
            Console::new((boxed(&out), true), (boxed(&err), true), Box::new(io::Cursor::new(b"")), (true, false));
        console.out(ACTS);
        console.out_lines(ACTS, |_| Look::Plain);
        console.err_lines(ACTS, |_| Look::Strong);
        console.ask(ACTS);
        console.document(&serde_json::json!({ "a": ACTS }));
        let text = out.take() + &err.take();
        let ours = text.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
        assert!(!ours.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(!ours.contains(['\u{202e}', '\u{200b}']), "{text:?}");
        assert!(text.contains("\u{1b}[1m"), "our own colours stay: {text:?}");
    }
}
