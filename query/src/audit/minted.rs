//! A token that is asked for and made: what its record says of it, never the token.

use chrono::{DateTime, Utc};
use schemas::{Grant, Role};
use serde_json::json;

use super::statement::{Hasher, shortened};
use crate::answer::rfc3339;

/// What a token lets its holder do.
pub(crate) struct Minted<'a> {
    /// Its id, by which its holder's own questions name it; `None` while it is only asked
    /// for.
    pub(crate) token_id: Option<&'a str>,
    pub(crate) role: Role,
    pub(crate) subject: Option<&'a str>,
    pub(crate) grant: &'a Grant,
    /// When it ends.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl Minted<'_> {
    /// As JSON, with a keyed hash in the place of each value.
    pub(super) fn statement(&self, hasher: &Hasher) -> String {
        let told = json!({
            "token_id": self.token_id,
            "role": self.role.as_str(),
            "subject": self.subject.map(|subject| hasher.hash(subject)),
            "grant": hasher.grant(self.grant),
            "expires_at": self.expires_at.map(rfc3339),
        });
        shortened(told.to_string())
    }
}
