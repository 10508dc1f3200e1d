//! `multipart/mixed`: statements in the first part, attachments in the others.
//! Attachments are checked against the statements and dropped.

use memchr::memmem;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::Refusal;

/// The parts of a body.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The JSON of the statements.
    pub statements: &'a [u8],
    /// The hashes of the attachments, as their senders spell them.
    pub hashes: Vec<String>,
}

/// The boundary that a content type names.
pub fn boundary(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        // RFC 2046 has no longer one, and no empty one.
        let is = name.trim().eq_ignore_ascii_case("boundary") && (1..=70).contains(&value.len());
        is.then(|| value.to_owned())
    })
}

/// Reads the parts, in the order of the specification.
///
/// # Errors
/// [`Refusal::Multipart`], with what to do.
pub fn read<'a>(body: &'a [u8], boundary: &str) -> Result<Parts<'a>, Refusal> {
    let mut parts = cut(body, boundary)?.into_iter();
    let Some(first) = parts.next().map(Part::of).transpose()? else {
        return Err(Refusal::Multipart("Send the statements as the first part."));
    };
    let json = first
        .header("content-type")
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/json"));
    if !json {
        let detail = "Send the statements as the first part, with Content-Type application/json.";
        return Err(Refusal::Multipart(detail));
    }
    let mut hashes = Vec::new();
    for part in parts {
        let part = Part::of(part)?;
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
        if memmem::find(first.content, hash.as_bytes()).is_none() {
            let detail = "Send only attachments whose hash stands as sha2 in a statement.";
            return Err(Refusal::Multipart(detail));
        }
        if !is_hash_of(hash, part.content) {
            let detail = "Send the SHA-2 of the attachment's own bytes as its hash.";
            return Err(Refusal::Multipart(detail));
        }
        hashes.push(hash.to_owned());
    }
    Ok(Parts {
        statements: first.content,
        hashes,
    })
}

/// One part of a body.
struct Part<'a> {
    headers: &'a str,
    content: &'a [u8],
}

impl<'a> Part<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let end = memmem::find(bytes, b"\r\n\r\n");
        let headers = end.and_then(|end| std::str::from_utf8(&bytes[..end]).ok());
        match (headers, end) {
            (Some(headers), Some(end)) => Ok(Self {
                headers,
                content: &bytes[end + 4..],
            }),
            _ => Err(Refusal::Multipart(
                "Send each part with its headers and an empty line after them.",
            )),
        }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Cuts a body at its boundary. Each part begins with the line break that ends
/// the boundary's line.
fn cut<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, Refusal> {
    let delimiter = format!("\r\n--{boundary}");
    let opening = &delimiter.as_bytes()[2..];
    // The first boundary may be the first line.
    let mut rest = if body.starts_with(opening) {
        &body[opening.len()..]
    } else {
        let start = memmem::find(body, delimiter.as_bytes());
        let start = start.ok_or(Refusal::Multipart("Part the body with its boundary."))?;
        &body[start + delimiter.len()..]
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let end = memmem::find(rest, delimiter.as_bytes());
        let end = end.ok_or(Refusal::Multipart(
            "Close the body with its boundary and --.",
        ))?;
        parts.push(&rest[..end]);
        rest = &rest[end + delimiter.len()..];
    }
    Ok(parts)
}

fn is_hash_of(hash: &str, content: &[u8]) -> bool {
    let digest = match hash.len() {
        56 => Sha224::digest(content).to_vec(),
        64 => Sha256::digest(content).to_vec(),
        96 => Sha384::digest(content).to_vec(),
        128 => Sha512::digest(content).to_vec(),
        _ => return false,
    };
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hash.eq_ignore_ascii_case(&hex)
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
        assert_eq!(parts.hashes, [HASH]);
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
        assert_eq!(boundary("multipart/mixed"), None);
    }
}
