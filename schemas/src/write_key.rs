//! What a write key may do, and from where.

use std::num::{NonZeroU32, NonZeroU64};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Credential, Family, Origin, SecretHash};

/// What one write key may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteKey {
    /// Its id, the third part of the key.
    pub id: String,
    /// SHA-256 of its secret.
    pub hash: SecretHash,
    /// What it is used for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where it may be kept.
    #[serde(default, skip_serializing_if = "KeyKind::is_secret")]
    pub kind: KeyKind,
    /// The families it may post; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<Family>,
    /// The sites whose pages may use it, of a public key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    /// How many events a second it may post to each process, and some seconds' worth
    /// of them at once. Absent: as many as come with a secret key, and what the front
    /// door is set to with a public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<NonZeroU32>,
    /// How many events it may post to each process on a day of UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_day: Option<NonZeroU64>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Where a write key may be kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// On servers, where nobody reads it.
    #[default]
    Secret,
    /// In pages, where everybody reads it: it posts from certain sites, and only
    /// what a student's browser has to say.
    Public,
}

impl KeyKind {
    /// The kind's name in documents and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Public => "public",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_secret(&self) -> bool {
        *self == Self::Secret
    }
}

impl WriteKey {
    /// A secret key that may post everything, made now.
    pub fn new(credential: &Credential, now: DateTime<Utc>) -> Self {
        Self {
            id: credential.id.clone(),
            hash: credential.hash(),
            label: None,
            kind: KeyKind::Secret,
            families: Vec::new(),
            origins: Vec::new(),
            events_per_second: None,
            events_per_day: None,
            created_at: now,
            expires_at: None,
            revoked_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CredentialKind, TenantId};

    #[test]
    fn limits_stand_in_the_document_of_a_key_that_has_some() {
        let tenant = TenantId::new("demo").expect("a slug");
        let credential = Credential::new(CredentialKind::Key, tenant, "a".to_owned(), [1; 32]);
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let mut key = WriteKey::new(&credential, now);
        let text = |key: &WriteKey| serde_json::to_string(key).expect("serialises");
        assert!(!text(&key).contains("events_per"), "{}", text(&key));
        let read: WriteKey = serde_json::from_str(&text(&key)).expect("parses");
        assert_eq!(read, key);

        key.events_per_second = NonZeroU32::new(200);
        key.events_per_day = NonZeroU64::new(5_000_000_000);
        assert!(text(&key).contains(r#""events_per_second":200,"events_per_day":5000000000"#));
        let read: WriteKey = serde_json::from_str(&text(&key)).expect("parses");
        assert_eq!(read, key);
        let none = text(&key).replace(":200,", ":0,");
        assert!(serde_json::from_str::<WriteKey>(&none).is_err());
    }
}
