//! Attachments: what a statement says of files.

use serde_json::Value;

use super::{Check, text};
use crate::outcome::Reason;

const MEMBERS: &[&str] = &[
    "usageType",
    "display",
    "description",
    "contentType",
    "length",
    "sha2",
    "fileUrl",
];

pub fn check(check: &mut Check<'_>, value: &Value) {
    let Some(attachment) = check.object(value, MEMBERS) else {
        return;
    };
    check.required(attachment, "usageType", Check::iri);
    check.required(attachment, "display", Check::language_map);
    check.member(attachment, "description", Check::language_map);
    check.required(attachment, "contentType", |check, value| {
        let detail = "Send a media type, for example text/plain.";
        check.format(value, text::is_media_type, detail);
    });
    check.required(attachment, "length", |check, value| {
        if !value.is_u64() {
            let detail = "Send the number of bytes as a whole number.";
            check.problem(Reason::WrongType, detail);
        }
    });
    check.required(attachment, "sha2", |check, value| {
        let detail = "Send a SHA-2 of the content as hexadecimal digits.";
        check.format(value, text::is_sha2, detail);
    });
    check.member(attachment, "fileUrl", Check::iri);
    let sha2 = attachment.get("sha2").and_then(Value::as_str);
    let beside = |sha2: &str| check.parts.contains(&sha2.to_ascii_lowercase());
    if !attachment.contains_key("fileUrl") && !sha2.is_some_and(beside) {
        let detail = "Add fileUrl, or send the content as a part of a multipart/mixed body.";
        check.problem_of("fileUrl", Reason::MissingMember, detail);
    }
}
