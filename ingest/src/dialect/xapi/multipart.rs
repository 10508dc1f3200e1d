//! `multipart/mixed`: statements in the first part, attachments in the others.
//! Attachments are checked against the statements and dropped.

use std::collections::HashSet;

use memchr::memmem;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::Refusal;

/// The parts of a body.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The JSON of the statements.
    pub statements: &'a [u8],
    /// The hashes of the attachments, in small letters. One that came twice is
    /// the same attachment.
    pub hashes: HashSet<String>,
}

/// The boundary that a content type names.
pub fn boundary(content_type: &str) -> Option<String> {
    let (_, mut rest) = content_type.split_once(';')?;
    loop {
        let (name, value) = rest.split_once('=')?;
        let (value, after) = parameter(value.trim_start())?;
        if name.trim().eq_ignore_ascii_case("boundary") {
            // RFC 2046 has no longer one, no empty one, and none that ends in a blank.
            let is = (1..=70).contains(&value.len()) && !value.ends_with(' ');
            return is.then_some(value);
        }
        rest = after;
    }
}

/// The value of a parameter, a token or a quoted string, and what follows it.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
    let rest = chars.as_str().trim_start();
    Some((value, rest.strip_prefix(';').unwrap_or(rest)))
}

/// Reads the parts, in the order of the specification.
///
/// # Errors
/// [`Refusal::Multipart`], with what to do.
pub fn read<'a>(body: &'a [u8], boundary: &str) -> Result<Parts<'a>, Refusal> {
    let (line_break, parts) = cut(body, boundary)?;
    let mut parts = parts.into_iter().map(|part| Part::of(part, line_break));
    let Some(first) = parts.next().transpose()? else {
        return Err(Refusal::Multipart("Send the statements as the first part."));
    };
    let json = first
        .header("content-type")
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/json"));
    if !json {
        let detail = "Send the statements as the first part, with Content-Type application/json.";
        return Err(Refusal::Multipart(detail));
    }
    let told = hashes_in(first.content);
    let mut hashes = HashSet::new();
    for part in parts {
        let part = part?;
        let binary = part
            .header("content-transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("binary"));
        if !binary {
            let detail = "Send each attachment with Content-Transfer-Encoding: binary.";
            return Err(Refusal::Multipart(detail));
        }
        let Some(hash) = part.header("x-experience-api-hash") else {
            let detail = "Send each attachment with its X-Experience-API-Hash.";
            return Err(Refusal::Multipart(detail));
        };
        let hash = hash.to_ascii_lowercase();
        if !told.contains(&hash) {
            let detail = "Send only attachments whose hash stands as sha2 in a statement.";
            return Err(Refusal::Multipart(detail));
        }
        if !is_hash_of(&hash, part.content) {
            let detail = "Send the SHA-2 of the attachment's own bytes as its hash.";
            return Err(Refusal::Multipart(detail));
        }
        hashes.insert(hash);
    }
    Ok(Parts {
        statements: first.content,
        hashes,
    })
}

/// All that may be a hash in the JSON of statements, in small letters.
fn hashes_in(json: &[u8]) -> HashSet<String> {
    json.split(|byte| !byte.is_ascii_hexdigit())
        .filter(|run| [56, 64, 96, 128].contains(&run.len()))
        .map(|run| run.iter().map(|byte| char::from(byte.to_ascii_lowercase())))
        .map(String::from_iter)
        .collect()
}

/// One part of a body.
struct Part<'a> {
    headers: &'a str,
    content: &'a [u8],
}

impl<'a> Part<'a> {
    fn of(bytes: &'a [u8], line_break: &str) -> Result<Self, Refusal> {
        let empty_line = line_break.repeat(2);
        let end = memmem::find(bytes, empty_line.as_bytes());
        let headers = end.and_then(|end| std::str::from_utf8(&bytes[..end]).ok());
        match (headers, end) {
            (Some(headers), Some(end)) => Ok(Self {
                headers,
                content: &bytes[end + empty_line.len()..],
            }),
            _ => Err(Refusal::Multipart(
                "Send each part with its headers and an empty line after them, all lines ending \
                 like that of the first boundary.",
            )),
        }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Cuts a body at its boundary, in one pass. Each part begins with the line
/// break that ends the boundary's line.
///
/// Lines end as that of the first boundary does: in CRLF, as RFC 2046 has it,
/// or in LF alone, as many senders do. What ends in the other way is content.
fn cut<'a>(body: &'a [u8], boundary: &str) -> Result<(&'static str, Vec<&'a [u8]>), Refusal> {
    let mark = format!("--{boundary}");
    let mut line_break = None;
    let mut parts = Vec::new();
    let mut part = None;
    for at in memmem::find_iter(body, mark.as_bytes()) {
        let before = &body[..at];
        let begins_line = match line_break {
            Some(line_break) => before.ends_with(str::as_bytes(line_break)),
            None => before.is_empty() || before.ends_with(b"\n"),
        };
        let after = &body[at + mark.len()..];
        let closes = after.starts_with(b"--");
        let rest = if closes { &after[2..] } else { after };
        let rest = without_blanks(rest);
        let ending = ["\r\n", "\n"]
            .into_iter()
            .find(|ending| rest.starts_with(ending.as_bytes()));
        let ends_line = match ending {
            Some(ending) => closes || line_break.is_none_or(|known| known == ending),
            None => closes && rest.is_empty(),
        };
        if !begins_line || !ends_line {
            continue;
        }
        if let (Some(start), Some(line_break)) = (part, line_break) {
            parts.push(&body[start..at - line_break.len()]);
        }
        if closes {
            return Ok((line_break.unwrap_or("\r\n"), parts));
        }
        line_break = ending;
        part = Some(body.len() - rest.len());
    }
    Err(Refusal::Multipart(match part {
        None => "Part the body with its boundary, each time on a line of its own.",
        Some(_) => "Close the body with its boundary and --, on a line of its own.",
    }))
}

/// What follows the blanks that may end a boundary's line.
fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| b" \t".contains(byte));
    &text[blanks.count()..]
}

/// Whether this is, in small letters, a SHA-2 of the content.
fn is_hash_of(hash: &str, content: &[u8]) -> bool {
    let digest = match hash.len() {
        56 => Sha224::digest(content).to_vec(),
        64 => Sha256::digest(content).to_vec(),
        96 => Sha384::digest(content).to_vec(),
        128 => Sha512::digest(content).to_vec(),
        _ => return false,
    };
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hash == hex
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn body(json: &str, headers: &str, content: &str) -> String {
        format!(
            "--b\r\nContent-Type: application/json\r\n\r\n{json}\r\n--b\r\n{headers}\r\n\r\n\
             {content}\r\n--b--\r\n"
        )
    }

    fn headers(hash: &str) -> String {
        format!("Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {hash}")
    }

    #[test]
    fn statements_and_attachments_are_told_apart() {
        let json = format!(r#"{{"sha2":"{HASH}"}}"#);
        let body = body(&json, &headers(HASH), "abc");
        let parts = read(body.as_bytes(), "b").expect("reads");
        assert_eq!(parts.statements, json.as_bytes());
        assert_eq!(parts.hashes, [HASH.to_owned()].into());
    }

    #[rstest]
    #[case("{}", &headers(HASH), "abc")]
    #[case(HASH, &headers(HASH), "abd")]
    #[case(HASH, "Content-Transfer-Encoding: binary", "abc")]
    #[case(HASH, "X-Experience-API-Hash: 1", "abc")]
    fn others_are_refused(#[case] json: &str, #[case] headers: &str, #[case] content: &str) {
        let body = body(json, headers, content);
        assert!(matches!(
            read(body.as_bytes(), "b"),
            Err(Refusal::Multipart(_))
        ));
    }

    #[rstest]
    #[case::preamble("This is MIME.\r\n--bc\r\n", "\r\n", "abc")]
    #[case::lines_end_in_lf("", "\n", "abc")]
    #[case::preamble_in_lf("This is\nMIME.\n", "\n", "abc")]
    #[case::crlf_in_lf("", "\n", "a\r\n--b\r\n")]
    #[case::lf_in_crlf("", "\r\n", "a\n--b\n")]
    #[case::inside_a_line("", "\r\n", "a --b\r\n --b--")]
    #[case::longer_boundary("", "\r\n", "a\r\n--bc\r\n")]
    #[case::empty("", "\n", "")]
    #[case::cr_at_its_end("", "\n", "a\r")]
    fn content_is_what_stands_between_lines(
        #[case] preamble: &str,
        #[case] line_break: &str,
        #[case] content: &str,
    ) {
        let hash: String = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let json = format!(r#"{{"sha2":"{}"}}"#, hash.to_uppercase());
        let lines = [
            "--b \t",
            "Content-Type: application/json",
            "",
            &json,
            "--b",
            "Content-Transfer-Encoding: binary",
            &format!("X-Experience-API-Hash: {hash}"),
            "",
            content,
            "--b--",
            "epilogue",
        ];
        let body = format!("{preamble}{}", lines.join(line_break));
        let parts = read(body.as_bytes(), "b").expect("reads");
        assert_eq!(parts.statements, json.as_bytes());
        assert_eq!(parts.hashes, [hash].into());
    }

    #[test]
    fn an_attachment_may_come_twice() {
        let json = format!(r#"{{"sha2":"{HASH}"}}"#);
        let twice = format!("abc\r\n--b\r\n{}\r\n\r\nabc", headers(HASH));
        let body = body(&json, &headers(HASH), &twice);
        assert_eq!(read(body.as_bytes(), "b").expect("reads").hashes.len(), 1);
    }

    #[rstest]
    #[case("")]
    #[case("--b")]
    #[case("--b\r\nContent-Type: application/json\r\n\r\n{}")]
    #[case("--b--")]
    #[case("--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n--b--")]
    #[case("--b\r\n{}\r\n--b--")]
    fn broken_bodies_are_refused(#[case] body: &str) {
        assert!(read(body.as_bytes(), "b").is_err());
    }

    #[test]
    fn boundaries_may_be_quoted() {
        let named = boundary("multipart/mixed; charset=x; Boundary=\"a b\"");
        assert_eq!(named.as_deref(), Some("a b"));
        let named = boundary("multipart/mixed; x=\"a;boundary=b\"; boundary=\"a;\\\"=b\" ; y=z");
        assert_eq!(named.as_deref(), Some("a;\"=b"));
        for other in [
            "",
            ";",
            "; boundary",
            "; boundary=",
            "; boundary=\"a",
            "; boundary=\"a \"",
        ] {
            assert_eq!(
                boundary(&format!("multipart/mixed{other}")),
                None,
                "{other}"
            );
        }
    }
}
