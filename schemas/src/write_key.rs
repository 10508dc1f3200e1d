//! What a write key may do, and from where.

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
            created_at: now,
            expires_at: None,
            revoked_at: None,
        }
    }
}
