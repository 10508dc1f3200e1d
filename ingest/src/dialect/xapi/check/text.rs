//! Texts of a certain format.

use serde_json::Value;

use super::Check;
use crate::dialect::xapi::Version;
use crate::dialect::xapi::{duration, language, timestamp};
use crate::outcome::Reason;

impl Check<'_> {
    /// Any text.
    pub fn text<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.problem(Reason::WrongType, "Send it as text.");
        }
        text
    }

    /// Text that `is` in its format.
    pub fn format(&mut self, value: &Value, is: impl Fn(&str) -> bool, detail: &str) {
        if self.text(value).is_some_and(|text| !is(text)) {
            self.problem(Reason::InvalidFormat, detail);
        }
    }

    pub fn iri(&mut self, value: &Value) {
        self.format(
            value,
            is_iri,
            "Send an IRI with its scheme, for example https://….",
        );
    }

    pub fn uuid(&mut self, value: &Value) {
        let detail = "Send a UUID: 32 hexadecimal digits in groups of 8-4-4-4-12.";
        self.format(value, is_uuid, detail);
    }

    pub fn language(&mut self, value: &Value) {
        let detail = "Send a language tag of RFC 5646, for example en-GB.";
        self.format(value, language::is_tag, detail);
    }

    pub fn duration(&mut self, value: &Value) {
        let detail = "Send an ISO 8601 duration, for example PT1M30.5S.";
        self.format(value, |text| duration::parse(text).is_some(), detail);
    }

    pub fn timestamp(&mut self, value: &Value) {
        // Version 2.0 wants RFC 3339, which has no times without offset.
        let needs_offset = self.version == Version::V2;
        let detail = "Send an ISO 8601 time with its offset, for example \
                      2026-09-14T10:00:00.123Z; -00:00 is none.";
        let is = |text: &str| {
            timestamp::parse(text).is_some_and(|time| time.has_offset || !needs_offset)
        };
        self.format(value, is, detail);
    }

    /// Text by language.
    pub fn language_map(&mut self, value: &Value) {
        let Some(texts) = self.any_object(value) else {
            return;
        };
        for (tag, text) in texts {
            if !language::is_tag(tag) {
                let detail = "Name the text by a language tag of RFC 5646, for example en-GB.";
                self.problem_of(tag, Reason::InvalidFormat, detail);
            }
            if !text.is_string() {
                self.problem_of(tag, Reason::WrongType, "Send it as text.");
            }
        }
    }
}

/// RFC 3987: a scheme, a colon and something that stands in no need of escapes.
pub fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(of_scheme)
        && !rest.is_empty()
        && !rest.chars().any(|c| match c {
            '<' | '>' | '"' | '{' | '}' | '|' | '\\' | '^' | '`' => true,
            c if c.is_ascii() => c <= ' ' || c == '\x7f',
            c => c.is_whitespace() || c.is_control(),
        })
}

/// The form of RFC 4122, and no other that libraries read.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

pub fn is_mbox(text: &str) -> bool {
    text.strip_prefix("mailto:")
        .and_then(|address| address.rsplit_once('@'))
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && is_iri(text)
}

pub fn is_sha1(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// SHA-224, 256, 384 or 512.
pub fn is_sha2(text: &str) -> bool {
    [56, 64, 96, 128].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub fn is_media_type(text: &str) -> bool {
    let token = |text: &str| {
        let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !text.is_empty() && text.bytes().all(of_token)
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://adlnet.gov/expapi/verbs/attended", true)]
    #[case("course-v1:FUN-MOOC+00001+session01", true)]
    #[case("urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", true)]
    #[case("https://schule.example/übung", true)]
    #[case("adlnet.gov/expapi", false)]
    #[case("ab=c://should.fail.com", false)]
    #[case("http://a b", false)]
    #[case("http:", false)]
    #[case(":x", false)]
    #[case("", false)]
    fn iris(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_iri(text), is);
    }

    #[rstest]
    #[case("mailto:ann@school.example", true)]
    #[case("mailto:ann", false)]
    #[case("ann@school.example", false)]
    #[case("mailto:@school.example", false)]
    #[case("mailto:a b@school.example", false)]
    fn mboxes(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_mbox(text), is);
    }

    #[test]
    fn uuids_have_one_form() {
        assert!(is_uuid("0197C3b2-8a5e-7c10-9d55-3f1f6f0c1a01"));
        assert!(!is_uuid("0197c3b28a5e7c109d553f1f6f0c1a01"));
        assert!(!is_uuid("{0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01}"));
    }

    #[test]
    fn media_types() {
        assert!(is_media_type("text/plain; charset=ascii"));
        assert!(is_media_type("application/vnd.x+json"));
        assert!(!is_media_type("plain"));
        assert!(!is_media_type("text/"));
    }
}
