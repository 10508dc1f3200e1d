//! Cursors: where a page ended, for whoever asks the same question again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::value;

/// How much of a question's digest a cursor carries: enough to tell a mistake.
const DIGEST_BYTES: usize = 8;

/// What a cursor is bound to: another question has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question(String);

impl Question {
    pub(crate) fn new(canonical: &Value) -> Self {
        let digest = Sha256::digest(canonical.to_string());
        Self(URL_SAFE_NO_PAD.encode(&digest[..DIGEST_BYTES]))
    }

    /// The cursor of a page that ended at a row with these keys.
    pub(crate) fn seal(&self, keys: &[ScalarValue]) -> String {
        let keys: Vec<Value> = keys.iter().map(value::encode).collect();
        URL_SAFE_NO_PAD.encode(json!([self.0, keys]).to_string())
    }

    /// The keys in a cursor of this question.
    pub(crate) fn open<'a>(
        &self,
        cursor: &str,
        types: impl ExactSizeIterator<Item = &'a DataType>,
    ) -> Option<Vec<ScalarValue>> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (question, keys): (String, Vec<Value>) = serde_json::from_slice(&bytes).ok()?;
        if question != self.0 || keys.len() != types.len() {
            return None;
        }
        let keys = keys.iter().zip(types);
        keys.map(|(key, data_type)| value::decode(key, data_type))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const TYPES: [DataType; 2] = [DataType::Utf8, DataType::Int64];

    #[test]
    fn a_cursor_is_read_by_its_own_question_only() {
        let question = Question::new(&json!(["a"]));
        let keys = vec![ScalarValue::from("x"), ScalarValue::Int64(None)];
        let cursor = question.seal(&keys);
        assert_eq!(question.open(&cursor, TYPES.iter()), Some(keys));
        assert_eq!(question.open(&cursor, TYPES[..1].iter()), None);
        let swapped = [DataType::Int64, DataType::Int64];
        assert_eq!(question.open(&cursor, swapped.iter()), None);
        let other = Question::new(&json!(["b"]));
        assert_eq!(other.open(&cursor, TYPES.iter()), None);
    }

    #[rstest]
    #[case("")]
    #[case("!")]
    #[case("e30")]
    #[case("W10")]
    fn nonsense_is_no_cursor(#[case] cursor: &str) {
        let question = Question::new(&json!(["a"]));
        assert_eq!(question.open(cursor, TYPES.iter()), None);
    }
}
