//! The one document that says everything about a tenant.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    AccessRules, Calendar, Credential, CustomType, Grant, IdentityProvider, Origin, Role,
    SecretHash, TenantId, WriteKey,
};

/// A tenant's document, stored in versions under `<root>/_tenants/<tenant>/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// The time zone in which its days begin.
    #[serde(default = "utc")]
    pub time_zone: Tz,
    /// Its terms.
    #[serde(default)]
    pub calendar: Calendar,
    /// What is cut from the front of actors before they are hashed.
    #[serde(default)]
    pub actor_prefixes: Vec<String>,
    /// What is cut from the front of course, section and content ids.
    #[serde(default)]
    pub id_prefixes: Vec<String>,
    /// Groups of fewer students are not shown to roles that see only aggregates.
    #[serde(default = "default_minimum_cell")]
    pub minimum_cell: u32,
    /// Who sees what, beside what their roles say.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub access: AccessRules,
    /// Types of events of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_types: Vec<CustomType>,
    /// Who may post.
    #[serde(default)]
    pub keys: Vec<WriteKey>,
    /// Who may ask.
    #[serde(default)]
    pub tokens: Vec<QueryToken>,
    /// Who else says who somebody is, by tokens of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_providers: Vec<IdentityProvider>,
    /// The sites whose pages may ask with embed tokens; none unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embed_origins: Vec<Origin>,
    /// Who wrote this version of it, as `user@host`; not known of older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
}

/// What one query token may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryToken {
    /// Its id, the third part of the token.
    pub id: String,
    /// SHA-256 of its secret.
    pub hash: SecretHash,
    /// What it is used for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What its holder is.
    pub role: Role,
    /// Who of the roster its holder is: the `user_id` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Within which bounds it sees what the role sees.
    #[serde(default, skip_serializing_if = "Grant::is_empty")]
    pub grant: Grant,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl QueryToken {
    /// A token of a role, which works from now on and does not end.
    pub fn new(credential: &Credential, role: Role, now: DateTime<Utc>) -> Self {
        Self {
            id: credential.id.clone(),
            hash: credential.hash(),
            label: None,
            role,
            subject: None,
            grant: Grant::default(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
        }
    }

    /// Whether it works at `now`.
    ///
    /// # Errors
    /// [`Refusal::Revoked`] and [`Refusal::Expired`].
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        check_life(self.revoked_at, self.expires_at, now)
    }
}

/// Why a known credential does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such id, or another secret.
    #[error("it is not known")]
    Unknown,
    /// It was revoked.
    #[error("it was revoked")]
    Revoked,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
}

impl Tenant {
    /// A tenant with defaults: UTC, school years, no keys.
    pub fn new(id: TenantId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            time_zone: utc(),
            calendar: Calendar::default(),
            actor_prefixes: Vec::new(),
            id_prefixes: Vec::new(),
            minimum_cell: default_minimum_cell(),
            access: AccessRules::default(),
            custom_types: Vec::new(),
            keys: Vec::new(),
            tokens: Vec::new(),
            identity_providers: Vec::new(),
            embed_origins: Vec::new(),
            changed_by: None,
        }
    }

    /// The write key that this credential is, if it works at `now`.
    ///
    /// # Errors
    /// [`Refusal`]: a wrong secret answers like an unknown id.
    pub fn write_key(
        &self,
        credential: &Credential,
        now: DateTime<Utc>,
    ) -> Result<&WriteKey, Refusal> {
        let key = self
            .keys
            .iter()
            .find(|key| key.id == credential.id && key.hash.verify(credential))
            .ok_or(Refusal::Unknown)?;
        check_life(key.revoked_at, key.expires_at, now)?;
        Ok(key)
    }

    /// The query token that this credential is, if it works at `now`.
    ///
    /// # Errors
    /// [`Refusal`]: a wrong secret answers like an unknown id.
    pub fn query_token(
        &self,
        credential: &Credential,
        now: DateTime<Utc>,
    ) -> Result<&QueryToken, Refusal> {
        let token = self
            .tokens
            .iter()
            .find(|token| token.id == credential.id && token.hash.verify(credential))
            .ok_or(Refusal::Unknown)?;
        token.check(now)?;
        Ok(token)
    }
}

fn check_life(
    revoked_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if revoked_at.is_some_and(|at| at <= now) {
        return Err(Refusal::Revoked);
    }
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::Expired);
    }
    Ok(())
}

fn is_usual(rules: &AccessRules) -> bool {
    *rules == AccessRules::default()
}

fn utc() -> Tz {
    Tz::UTC
}

fn default_minimum_cell() -> u32 {
    10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CredentialKind;

    #[test]
    fn revoked_and_expired_keys_say_so_and_a_wrong_secret_does_not_help() {
        let id = TenantId::new("demo").expect("a slug");
        let good = Credential::new(CredentialKind::Key, id.clone(), "a".to_owned(), [1; 32]);
        let wrong = Credential::new(CredentialKind::Key, id.clone(), "a".to_owned(), [2; 32]);
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let mut tenant = Tenant::new(id, "Demo");
        tenant.keys.push(WriteKey::new(&good, now));

        assert!(tenant.write_key(&good, now).is_ok());
        assert_eq!(tenant.write_key(&wrong, now), Err(Refusal::Unknown));
        tenant.keys[0].expires_at = Some(now);
        assert_eq!(tenant.write_key(&good, now), Err(Refusal::Expired));
        tenant.keys[0].revoked_at = Some(now);
        assert_eq!(tenant.write_key(&good, now), Err(Refusal::Revoked));
        assert_eq!(tenant.write_key(&wrong, now), Err(Refusal::Unknown));
    }

    #[test]
    fn a_document_round_trips_and_refuses_unknown_fields() {
        let tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
        let text = serde_json::to_string(&tenant).expect("serialises");
        assert_eq!(
            serde_json::from_str::<Tenant>(&text).expect("parses"),
            tenant
        );
        assert!(serde_json::from_str::<Tenant>(r#"{"id":"a","name":"A","colour":1}"#).is_err());
    }
}
