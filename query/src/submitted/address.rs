//! Which page of a result an address asks for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::form_urlencoded;

use crate::answer::Format;
use crate::error::Error;

/// The rows of a page when nothing is said.
pub(crate) const ROWS: usize = 1_000;

/// A page that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The number of its first row.
    pub(super) first: usize,
    pub(super) limit: usize,
    /// The format, when the address says it.
    pub(super) format: Option<Format>,
}

impl Address {
    /// Reads a query string that asks for a page of this query's rows, at most `most`.
    ///
    /// # Errors
    /// When a parameter is none, or has no value that it may have.
    pub(super) fn parse(query: &str, id: &str, most: usize) -> Result<Self, Error> {
        let mut address = Self {
            first: 0,
            limit: ROWS.min(most),
            format: None,
        };
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "cursor" => address.first = opened(&value, id).ok_or_else(foreign)?,
                "limit" => {
                    let limit = value.parse().ok();
                    let limit = limit.filter(|limit| (1..=most).contains(limit));
                    address.limit = limit.ok_or_else(|| {
                        invalid(format!("limit takes a whole number from 1 to {most}."))
                    })?;
                }
                "format" => {
                    let format = Format::named(&value).ok_or_else(|| {
                        let names = Format::ALL.map(Format::name).join(", ");
                        invalid(format!("format takes one of {names}."))
                    })?;
                    address.format = Some(format);
                }
                _ => {
                    return Err(Error::Address {
                        code: "unknown_parameter",
                        detail: "Rows are asked for with cursor, limit and format.".to_owned(),
                    });
                }
            }
            if seen.contains(&name) {
                return Err(invalid(format!("Send {name} once.")));
            }
            seen.push(name);
        }
        Ok(address)
    }

    /// The cursor of the page after this one, and its address; none after the last row.
    pub(super) fn next(&self, id: &str, rows: usize) -> Option<(String, String)> {
        let first = self.first.saturating_add(self.limit);
        if first >= rows {
            return None;
        }
        let cursor = URL_SAFE_NO_PAD.encode(json!([id, first]).to_string());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &self.limit.to_string());
        if let Some(format) = self.format {
            query.append_pair("format", format.name());
        }
        query.append_pair("cursor", &cursor);
        let address = format!("/v1/queries/{id}/rows?{}", query.finish());
        Some((cursor, address))
    }
}

/// The row at which a page begins, by a cursor of this query.
fn opened(cursor: &str, id: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (of, first): (String, usize) = serde_json::from_slice(&bytes).ok()?;
    (of == id).then_some(first)
}

fn foreign() -> Error {
    Error::Address {
        code: "invalid_cursor",
        detail: "This cursor belongs to another query; send the next_cursor of the page before, \
                 or ask for the first page without one."
            .to_owned(),
    }
}

fn invalid(detail: String) -> Error {
    Error::Address {
        code: "invalid_value",
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn pages_follow_each_other_to_the_last_row() {
        let first = Address::parse("limit=10&format=csv", "a", 100).expect("an address");
        let (cursor, address) = first.next("a", 21).expect("another page");
        assert_eq!(
            address,
            format!("/v1/queries/a/rows?limit=10&format=csv&cursor={cursor}")
        );
        let query = address.split_once('?').map_or("", |(_, query)| query);
        let second = Address::parse(query, "a", 100).expect("an address");
        assert_eq!((second.first, second.limit), (10, 10));
        assert_eq!(second.format, Some(Format::Csv));
        assert_eq!(second.next("a", 20), None);
        let refused = Address::parse(query, "b", 100).expect_err("another query's");
        assert_eq!(refused.code(), "invalid_cursor");
    }

    #[rstest]
    #[case("limit=0", "invalid_value")]
    #[case("limit=101", "invalid_value")]
    #[case("limit=x", "invalid_value")]
    #[case("limit=1&limit=2", "invalid_value")]
    #[case("format=xml", "invalid_value")]
    #[case("cursor=x", "invalid_cursor")]
    #[case("offset=1", "unknown_parameter")]
    fn others_are_refused(#[case] query: &str, #[case] code: &str) {
        let refused = Address::parse(query, "a", 100).expect_err("refused");
        assert_eq!(refused.code(), code);
    }
}
