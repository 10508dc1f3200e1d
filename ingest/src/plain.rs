//! Text with its escapes read: as people see it, whatever it is part of.

use std::borrow::Cow;
use std::ops::Range;

/// A text in which percent-encoding (`%C3%BC`, in any case and more than once),
/// the `+` of a URL's query and the escapes of JSON (`\"`, `\u00fc`) are read,
/// and blanks that follow each other are one.
#[derive(Debug)]
pub struct Plain<'t> {
    source: &'t str,
    /// What it reads as.
    pub text: Cow<'t, str>,
    /// For each byte of `text`, where in the source stands what it was made of;
    /// empty when the two are the same.
    starts: Vec<usize>,
}

impl<'t> Plain<'t> {
    /// Reads a text.
    pub fn of(source: &'t str) -> Self {
        if is_plain(source) {
            return Self {
                source,
                text: Cow::Borrowed(source),
                starts: Vec::new(),
            };
        }
        let mut text = String::with_capacity(source.len());
        let mut starts = Vec::with_capacity(source.len());
        let mut rest = source;
        while let Some((c, length)) = next(rest) {
            let c = if c.is_whitespace() { ' ' } else { c };
            if c != ' ' || !text.ends_with(' ') {
                text.push(c);
                starts.resize(text.len(), source.len() - rest.len());
            }
            rest = &rest[length..];
        }
        Self {
            source,
            text: Cow::Owned(text),
            starts,
        }
    }

    /// Where in the source stands what whole characters of the text were made of.
    pub fn place(&self, of: Range<usize>) -> Range<usize> {
        if self.starts.is_empty() {
            return of;
        }
        let start = |at: usize| self.starts.get(at).copied().unwrap_or(self.source.len());
        start(of.start)..start(of.end)
    }
}

/// Whether there is nothing to read in a text.
fn is_plain(text: &str) -> bool {
    let mut before = 0;
    !text.bytes().any(|byte| {
        let last = std::mem::replace(&mut before, byte);
        match byte {
            b' ' => last == b' ',
            NO_BREAK => false,
            0xa0 => last == NO_BREAK,
            byte => may_be_read(byte),
        }
    })
}

/// With this byte begins the no-break blank, as other characters do.
const NO_BREAK: u8 = 0xc2;

/// Whether a byte other than a blank may be part of what is read as something else.
pub fn may_be_read(byte: u8) -> bool {
    matches!(byte, b'%' | b'+' | b'\\' | b'\t'..=b'\r' | NO_BREAK)
}

/// Text in which blanks that follow each other are one, and nothing else is read.
pub fn single_blanks(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

/// The first character of a text, and how many bytes say it.
fn next(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let escaped = match first {
        '%' => percent_encoded(text),
        '\\' => escaped(text),
        '+' => Some((' ', 1)),
        _ => None,
    };
    Some(escaped.unwrap_or((first, first.len_utf8())))
}

/// A character that percent-encoding says, one to four bytes of UTF-8.
fn percent_encoded(text: &str) -> Option<(char, usize)> {
    let (first, mut length) = byte(text.as_bytes())?;
    let count = match first {
        0x00..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let mut bytes = [first, 0, 0, 0];
    for place in &mut bytes[1..count] {
        let (byte, more) = byte(&text.as_bytes()[length..])?;
        *place = byte;
        length += more;
    }
    let c = std::str::from_utf8(&bytes[..count]).ok()?.chars().next()?;
    Some((c, length))
}

/// `%40` is a byte, and so is `%2540`, in which `%40` was encoded again.
fn byte(text: &[u8]) -> Option<(u8, usize)> {
    let hex = |at: usize| -> Option<u8> {
        let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
        u8::try_from(digit(at)? << 4 | digit(at + 1)?).ok()
    };
    let mut at = (*text.first()? == b'%').then_some(1)?;
    while text[at..].starts_with(b"25") && hex(at + 2).is_some() {
        at += 2;
    }
    Some((hex(at)?, at + 2))
}

/// A character that an escape of JSON says.
fn escaped(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| hex)
    };
    match text.as_bytes().get(1)? {
        c @ (b'"' | b'\\' | b'/') => Some((char::from(*c), 2)),
        b'b' | b'f' | b'n' | b'r' | b't' => Some((' ', 2)),
        b'u' => {
            let first = unit(0)?;
            let units = [first, unit(6).unwrap_or_default()];
            let c = char::decode_utf16(units).next()?.ok()?;
            Some((c, 6 * c.len_utf16()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Anna Berg", "Anna Berg")]
    #[case("Anna \t\u{a0} Berg", "Anna Berg")]
    #[case("Anna+Berg", "Anna Berg")]
    #[case("Anna%20%20Berg", "Anna Berg")]
    #[case("ann%40x.org ann%2540x.org", "ann@x.org ann@x.org")]
    #[case("J%C3%bcrgen J\\u00fcrgen", "Jürgen Jürgen")]
    #[case("\\ud83d\\ude00 \\ud83d \\\"x\\\\", "😀 \\ud83d \"x\\")]
    #[case("%C3x %ff %4 % \\x", "%C3x %ff %4 % \\x")]
    fn escapes_are_read(#[case] source: &str, #[case] text: &str) {
        assert_eq!(Plain::of(source).text, text);
    }

    #[test]
    fn a_part_has_its_place() {
        let source = "?u=J%C3%BCrgen++B&v=1";
        let plain = Plain::of(source);
        let at = plain.text.find("ürgen B").expect("is there");
        let place = plain.place(at..at + "ürgen B".len());
        assert_eq!(&source[place], "%C3%BCrgen++B");
    }

    proptest! {
        #[test]
        fn every_part_has_a_place(source in r#"[a+ %25\\u0fCüé"\t]{0,40}"#) {
            let plain = Plain::of(&source);
            let mut pieces = String::new();
            for (at, c) in plain.text.char_indices() {
                pieces.push_str(&source[plain.place(at..at + c.len_utf8())]);
            }
            prop_assert_eq!(pieces, source);
        }
    }
}
