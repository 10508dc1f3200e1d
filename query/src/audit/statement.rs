//! What was asked, without its values: each literal becomes a keyed hash.
//!
//! A statement can hold anybody's name, as text, as a number, in a comment or as the name
//! of a column. The same value becomes the same hash, so that questions can be compared,
//! and nobody who lacks the key can try out what it was.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Whitespace, Word};
use hmac::{Hmac, Mac};
use schemas::Grant;
use serde_json::Value;
use sha2::Sha256;

use crate::session::ENTRIES;

/// How many bytes of a hash are kept.
const BYTES: usize = 8;

/// How much of a statement is kept.
const LONGEST: usize = 32 * 1024;

/// For what the key serves that is made of the tenant's.
const PURPOSE: &[u8] = b"chalkline audit: values of statements";

/// Hashes the values of a tenant.
#[derive(Clone)]
pub(super) struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// By a key that is made of this one of the tenant's, and of no other use.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let own = mac(key).chain_update(PURPOSE).finalize().into_bytes();
        Self(mac(&own))
    }

    /// The hash of a value, in hexadecimal digits after a `#`.
    pub(super) fn hash(&self, value: &str) -> String {
        let digest = self.0.clone().chain_update(value).finalize().into_bytes();
        let mut text = "#".to_owned();
        for byte in &digest[..BYTES] {
            write!(text, "{byte:02x}").expect("a text takes everything");
        }
        text
    }

    /// A statement without its values and comments. What cannot be read is one value.
    pub(super) fn statement(&self, sql: &str) -> String {
        let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
            return self.hash(sql);
        };
        let mut shown = String::with_capacity(sql.len());
        for token in &tokens {
            self.push(&mut shown, token);
        }
        shortened(shown.trim().to_owned())
    }

    fn push(&self, shown: &mut String, token: &Token) {
        match token {
            Token::Word(word) if is_known(word) => shown.push_str(&word.to_string()),
            Token::Word(word) => shown.push_str(&self.hash(&word.value)),
            Token::Placeholder(name) if is_numbered(name) => shown.push_str(name),
            Token::Number(value, _) | Token::SingleQuotedString(value) => {
                shown.push_str(&self.hash(value));
            }
            Token::Whitespace(Whitespace::Newline) => shown.push('\n'),
            Token::Whitespace(_) => shown.push(' '),
            other => {
                let text = other.to_string();
                // Signs tell nothing; whatever has letters or digits is some literal.
                match text.chars().any(char::is_alphanumeric) {
                    true => shown.push_str(&self.hash(&text)),
                    false => shown.push_str(&text),
                }
            }
        }
    }

    /// The parameters of a statement.
    pub(super) fn parameters(&self, values: &[Value]) -> Vec<String> {
        let hash = |value: &Value| match value {
            Value::String(text) => self.hash(text),
            other => self.hash(&other.to_string()),
        };
        values.iter().map(hash).collect()
    }

    /// The bounds of a token, without the values of filters.
    pub(super) fn grant(&self, grant: &Grant) -> Grant {
        let hash = |texts: &BTreeSet<String>| -> BTreeSet<String> {
            texts.iter().map(|text| self.hash(text)).collect()
        };
        let name = |name: &String| match is_name_of_ours(name) {
            true => name.clone(),
            false => self.hash(name),
        };
        let filters = grant.filters.iter();
        let tables = grant.tables.as_ref();
        Grant {
            schools: hash(&grant.schools),
            filters: filters
                .map(|(column, values)| (name(column), hash(values)))
                .collect(),
            tables: tables.map(|tables| tables.iter().map(name).collect()),
            names: grant.names,
        }
    }

    /// The filters, order and page of an address, without the values of filters.
    pub(super) fn address(&self, query: &str) -> String {
        /// Members whose values are names of columns, or words.
        const PLAIN: [&str; 4] = ["order", "columns", "limit", "format"];
        let members = url::form_urlencoded::parse(query.as_bytes());
        let members = members.map(|(name, value)| {
            let names = value.split(',').map(|name| name.trim_start_matches('-'));
            let is_plain = PLAIN.contains(&name.as_ref())
                && (names.clone().all(is_name_of_ours) || name == "limit" && is_number(&value));
            let value = if is_plain {
                value.into_owned()
            } else {
                self.hash(&value)
            };
            // What is no filter of ours may be anything.
            let is_filter = is_name_of_ours(name.trim_end_matches("_from").trim_end_matches("_to"));
            match is_filter || is_plain || name == "cursor" || name == "student" {
                true => format!("{name}={value}"),
                false => format!("{}={value}", self.hash(&name)),
            }
        });
        shortened(members.collect::<Vec<_>>().join("&"))
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key may have any length")
}

/// Whether a word tells nothing by itself: it is one of SQL's, or names what every
/// tenant has. What an asker calls a column without quotes is shown too, for it joins
/// the parts of a statement; in quotes it could be any text.
fn is_known(word: &Word) -> bool {
    word.quote_style.is_none() || word.keyword != Keyword::NoKeyword || is_name_of_ours(&word.value)
}

fn is_name_of_ours(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let names = ENTRIES.iter().flat_map(|entry| {
            let columns = entry.columns().iter().map(|column| column.name.as_str());
            columns.chain([entry.name()])
        });
        names.chain(["json", "csv", "ndjson", "arrow"]).collect()
    });
    NAMES.contains(name)
}

fn is_numbered(placeholder: &str) -> bool {
    placeholder.strip_prefix('$').is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text of which the end is left out where it is very long.
pub(super) fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn hasher() -> Hasher {
        Hasher::new(&[7; 32])
    }

    #[rstest]
    #[case("SELECT 'SECRET'")]
    #[case("SELECT 'it''s SECRET', U&'SECRET', N'SECRET', E'SECRET\\n', X'5EC2E7', B'SECRET'")]
    #[case("SELECT 1 -- SECRET\n")]
    #[case("SELECT 1 /* SECRET */")]
    #[case("SELECT score AS \"Ann SECRET\" FROM assessment")]
    #[case("SELECT $SECRET$ SECRET $SECRET$")]
    #[case("SELECT $SECRET")]
    #[case("SELECT 'SECRET")]
    #[case("SELECT 5EC2E7.5")]
    fn no_value_is_left(#[case] sql: &str) {
        let shown = hasher().statement(sql);
        assert!(
            !shown.contains("SECRET") && !shown.contains("5EC2E7"),
            "{shown}"
        );
    }

    #[test]
    fn all_else_is_left() {
        let hash = hasher().hash("bio-101");
        let sql = "SELECT content_id, count(*) AS n\nFROM \"video\" WHERE course_id = 'bio-101' \
                   AND term <> $1 -- said Ann";
        let expected = format!(
            "SELECT content_id, count(*) AS n\nFROM \"video\" WHERE course_id = {hash} \
             AND term <> $1"
        );
        assert_eq!(hasher().statement(sql), expected);
        let parameters = hasher().parameters(&[json!("bio-101"), json!(["bio-101"])]);
        assert_eq!(parameters[0], hash);
        assert_ne!(parameters[1], hash);
    }

    #[test]
    fn the_same_value_has_one_hash_under_one_key() {
        let hash = hasher().hash("5");
        assert_eq!(
            hasher().statement("SELECT 5, '5'"),
            format!("SELECT {hash}, {hash}")
        );
        assert_ne!(Hasher::new(&[8; 32]).hash("5"), hash);
    }

    #[test]
    fn of_an_address_names_are_left_that_are_ours() {
        let (bio, ann) = (hasher().hash("bio-1"), hasher().hash("ann"));
        let query = "section_id=bio-1&order=-day&limit=10&ann=ann&day_from=bio-1&columns=ann";
        assert_eq!(
            hasher().address(query),
            format!(
                "section_id={bio}&order=-day&limit=10&{ann}={ann}&day_from={bio}&columns={ann}"
            )
        );
    }

    #[test]
    fn of_a_token_names_are_left_that_are_ours() {
        let grant = json!({
            "schools": ["SECRET"], "filters": {"course_id": ["SECRET"], "SECRET": ["SECRET"]},
            "tables": ["video", "SECRET"], "names": true,
        });
        let hash = hasher().hash("SECRET");
        let grant: Grant = serde_json::from_value(grant).expect("a grant");
        let shown = serde_json::to_value(hasher().grant(&grant)).expect("JSON");
        let mut filters = json!({"course_id": [hash]});
        filters[hash.as_str()] = json!([hash]);
        let expected = json!({
            "schools": [hash], "filters": filters, "tables": [hash, "video"], "names": true,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn long_statements_are_cut() {
        let sql = format!("SELECT {}1", "count(*), ".repeat(10_000));
        let shown = hasher().statement(&sql);
        assert!(shown.len() < LONGEST + 8 && shown.ends_with('…'));
    }
}
