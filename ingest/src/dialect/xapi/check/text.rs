//! Texts of a certain format.

use std::net::Ipv6Addr;

use serde_json::Value;

use super::Check;
use crate::dialect::duration;
use crate::dialect::xapi::Version;
use crate::dialect::xapi::{language, timestamp};
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
        let strict = self.version == Version::V2;
        let detail = if strict {
            "Send an RFC 3339 time with its offset, for example 2026-09-14T10:00:00.123Z; -00:00 \
             is none."
        } else {
            "Send an ISO 8601 time with its offset, for example 2026-09-14T10:00:00.123Z; -00:00 \
             is none."
        };
        let is = |text: &str| timestamp::parse(text).is_some_and(|time| time.of_rfc3339 || !strict);
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

/// RFC 3987: a scheme, a colon and something that stands in no need of escapes;
/// with a host where the web has one.
pub fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let of_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    if of_web && !has_host(rest) {
        return false;
    }
    let escaped = |piece: &str| {
        piece
            .as_bytes()
            .get(..2)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(of_scheme)
        && !rest.is_empty()
        && rest.split('%').skip(1).all(escaped)
        && rest.matches('#').count() <= 1
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

/// Whether what follows the scheme begins with a host, a port of digits maybe.
fn has_host(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("//") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        // Inside brackets colons part an address of IPv6.
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let is_name = !name.is_empty() && !name.contains(['[', ']', ':']);
    let is_address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_address = is_address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    (is_name || is_address) && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// `mailto:` and one mailbox, not quoted, without what `mailto` can say besides.
pub fn is_mbox(text: &str) -> bool {
    /// What may stand in a user's name beside letters, digits and dots, and has
    /// no other meaning in an IRI.
    const OF_USER: &str = "!$%&'*+-/=_~";

    let of = |text: &str, others: &str| {
        text.split('.').all(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_alphanumeric() || others.contains(c))
        })
    };
    let is_host = |host: &str| {
        let mut labels = host.split('.');
        of(host, "-") && labels.all(|label| !label.starts_with('-') && !label.ends_with('-'))
    };
    let mailbox = text.strip_prefix("mailto:").filter(|_| is_iri(text));
    mailbox
        .and_then(|mailbox| mailbox.split_once('@'))
        .is_some_and(|(user, host)| of(user, OF_USER) && is_host(host))
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
    #[case("http://", false)]
    #[case("http:///x", false)]
    #[case("http://:80/x", false)]
    #[case("http://x:y/", false)]
    #[case("HTTP:x", false)]
    #[case("http://x/%4", false)]
    #[case("http://x/%zz", false)]
    #[case("http://x/%é", false)]
    #[case("http://x/a#b#c", false)]
    #[case("http://x/\u{7}", false)]
    #[case("http://x/\u{85}", false)]
    #[case("http://x/a\u{a0}b", false)]
    #[case("http://x/a\tb", false)]
    #[case("http://[::1", false)]
    #[case("http://[::1]:8080/x", true)]
    #[case("http://u:p@x:8080?q=%20#f", true)]
    #[case("tag:adlnet.gov,2013:expapi:0.9:activities:1", true)]
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
    #[case("mailto:ann@", false)]
    #[case("mailto: ann@school.example", false)]
    #[case("mailto:ann@school.example ", false)]
    #[case("mailto:ann@ben@school.example", false)]
    #[case("mailto:ann@school.example,ben@school.example", false)]
    #[case("mailto:ann@school.example?subject=x", false)]
    #[case("mailto:ann?subject=x@school.example", false)]
    #[case("mailto:ann%4@school.example", false)]
    #[case("mailto:Ann<ann@school.example>", false)]
    #[case("mailto:ann@school..example", false)]
    #[case("mailto:ann.@school.example", false)]
    #[case("mailto:ann@-school.example", false)]
    #[case("mailto:ann@school_1.example", false)]
    #[case("mailto:ann\u{7}@school.example", false)]
    #[case("mailto:Ann.O'Hara+lms@school.example", true)]
    #[case("mailto:jürgen@schüle.example", true)]
    #[case("mailto:ann@localhost", true)]
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
