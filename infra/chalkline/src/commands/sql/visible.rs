//! Text of others on a terminal: whatever would steer the terminal, or make text look like
//! something else, is written out instead.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Whether a terminal does something else with a character than to show it.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            // Marks without a width, and those that turn the direction of writing.
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text of one line in which nothing steers a terminal: `\n`, `\t`, `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, |_| false)
}

/// The same, whose lines stay lines.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    written_out(text, |c| c == '\n')
}

fn written_out(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let changes = |c: char| steers(c) && !stays(c);
    if !text.chars().any(changes) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !changes(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c => {
                // A String takes everything.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(shown)
}

/// Writes bytes of text, as they come in pieces, so that nothing in them steers a
/// terminal. Line ends and tabs stay; what is no UTF-8 becomes `�`.
#[derive(Debug)]
pub struct Visible<W> {
    to: W,
    /// The beginning of a character, or a `\r` whose `\n` may follow.
    held: Vec<u8>,
}

impl<W: Write> Visible<W> {
    /// Writes there.
    pub fn new(to: W) -> Self {
        Self {
            to,
            held: Vec::new(),
        }
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// Those of what it writes to.
    pub fn finish(mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        self.show(&String::from_utf8_lossy(&held))?;
        self.to.flush()
    }

    fn show(&mut self, text: &str) -> io::Result<()> {
        for line in text.split_inclusive('\n') {
            let (line, end) = match (line.strip_suffix("\r\n"), line.strip_suffix('\n')) {
                (Some(line), _) => (line, "\r\n"),
                (None, Some(line)) => (line, "\n"),
                (None, None) => (line, ""),
            };
            let shown = written_out(line, |c| c == '\t');
            self.to.write_all(shown.as_bytes())?;
            self.to.write_all(end.as_bytes())?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        let mut whole = match std::str::from_utf8(&self.held) {
            Ok(_) => self.held.len(),
            // Cut in the midst of a character, whose rest comes.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.held.len(),
        };
        if self.held[..whole].ends_with(b"\r") {
            whole -= 1;
        }
        let rest = self.held.split_off(whole);
        let whole = std::mem::replace(&mut self.held, rest);
        self.show(&String::from_utf8_lossy(&whole))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Zoë 漢字 👩‍🎓", "Zoë 漢字 👩‍🎓")]
    #[case("two\nlines\r\n\tin", "two\\nlines\\r\\n\\tin")]
    #[case("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u{1b}[2J\\u{1b}]0;title\\u{7}")]
    #[case("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}")]
    #[case("a\u{202e}cba\u{2066}", "a\\u{202e}cba\\u{2066}")]
    #[case("\u{feff}x\u{200b}", "\\u{feff}x\\u{200b}")]
    fn nothing_steers_the_terminal(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(visible(text), expected);
    }

    #[test]
    fn lines_may_stay() {
        assert_eq!(visible_lines("a\nb\u{1b}c"), "a\nb\\u{1b}c");
    }

    #[test]
    fn however_a_text_is_cut_it_is_shown_the_same() {
        let text = "a,b\r\n\"Zoë 漢\u{1b}[31m\",\t\r \u{9b}x\n\r".as_bytes();
        let expected = "a,b\r\n\"Zoë 漢\\u{1b}[31m\",\t\\r \\u{9b}x\n\\r";
        for size in 1..text.len() {
            let mut shown = Vec::new();
            let mut writer = Visible::new(&mut shown);
            for piece in text.chunks(size) {
                writer.write_all(piece).expect("memory");
            }
            writer.finish().expect("memory");
            assert_eq!(String::from_utf8_lossy(&shown), expected, "{size}");
        }
    }

    #[test]
    fn what_is_no_text_is_not_sent_on() {
        let mut shown = Vec::new();
        let mut writer = Visible::new(&mut shown);
        writer.write_all(b"\xff\x9b31m\xc3").expect("memory");
        writer.finish().expect("memory");
        let shown = String::from_utf8(shown).expect("text");
        assert!(
            !shown.contains('\u{9b}') && shown.contains("31m"),
            "{shown}"
        );
    }
}
