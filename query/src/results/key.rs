//! What decides the rows of an answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::catalog::Named;
use crate::secure::Sight;
use crate::snapshot::Snapshot;

/// How much of a digest tells one page of a report from all others of it.
const TAG_BYTES: usize = 16;

/// A digest of who asks, as far as that decides what they see, of what they ask, and of the
/// version of all that is read. Two questions of one key have the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key of a question; `None` where something is named that has no version.
    pub(crate) fn of(
        sight: &Sight,
        named: &Named,
        snapshot: &Snapshot,
        question: &Value,
    ) -> Option<Self> {
        let has_versions = named.listings.is_empty() && !named.information_schema;
        has_versions.then(|| {
            let sees = sight.fingerprint();
            Self::digest(&json!([sees, snapshot.versions(named), question]))
        })
    }

    fn digest(parts: &Value) -> Self {
        // Texts in JSON have an end: no two lists of parts are one text.
        Self(Sha256::digest(parts.to_string()).into())
    }

    /// An entity tag of the rows in a format. Weak: what an answer says besides its rows,
    /// up to when they are complete, changes while they stay.
    pub(crate) fn tag(&self, format: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(format)
            .finalize();
        format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..TAG_BYTES]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_counts_and_so_does_where_it_ends() {
        let parts = [
            json!(["a", "b"]),
            json!(["a", "c"]),
            json!(["ab", ""]),
            json!(["a\",\"b", ""]),
            json!(["a", ["b"]]),
        ];
        let keys: std::collections::HashSet<Key> = parts.iter().map(Key::digest).collect();
        assert_eq!(keys.len(), parts.len());
    }

    #[test]
    fn another_format_has_another_tag() {
        let key = Key::digest(&json!([]));
        assert_eq!(key.tag("json"), key.tag("json"));
        assert_ne!(key.tag("json"), key.tag("csv"));
        assert!(key.tag("json").starts_with("W/\""));
    }
}
