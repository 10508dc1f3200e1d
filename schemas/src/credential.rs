//! Write keys and query tokens: `ck_<tenant>_<id>_<secret>`, `ct_…`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{IdError, TenantId};

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// Posting events: `ck_`.
    Key,
    /// Asking questions: `ct_`.
    Token,
}

impl CredentialKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Key => "ck",
            Self::Token => "ct",
        }
    }
}

/// A credential as its holder presents it. Only its holder has the secret: we
/// store a [`SecretHash`].
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is for.
    pub kind: CredentialKind,
    /// Whose data it opens.
    pub tenant: TenantId,
    /// Its name inside the tenant: letters, digits and `-`.
    pub id: String,
    secret: String,
}

impl Credential {
    /// Puts a new credential together from 32 random bytes.
    pub fn new(kind: CredentialKind, tenant: TenantId, id: String, random: [u8; 32]) -> Self {
        Self {
            kind,
            tenant,
            id,
            secret: hex::encode(random),
        }
    }

    /// Reads a credential from the text after `Bearer`.
    ///
    /// # Errors
    /// [`CredentialError`] when the text has another shape; the text itself is
    /// never part of the error.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let mut parts = text.split('_');
        let kind = match parts.next() {
            Some("ck") => CredentialKind::Key,
            Some("ct") => CredentialKind::Token,
            _ => return Err(CredentialError::Prefix),
        };
        let (Some(tenant), Some(id), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(CredentialError::Shape);
        };
        if id.is_empty() || secret.is_empty() {
            return Err(CredentialError::Shape);
        }
        Ok(Self {
            kind,
            tenant: TenantId::new(tenant).map_err(CredentialError::Tenant)?,
            id: id.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// What is stored of the secret.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.secret.as_bytes()).into())
    }

    /// The whole credential, to be shown once to its holder.
    pub fn reveal(&self) -> String {
        format!(
            "{}_{}_{}_{}",
            self.kind.prefix(),
            self.tenant,
            self.id,
            self.secret
        )
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}_{}_…", self.kind.prefix(), self.tenant, self.id)
    }
}

/// Why a text is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It starts with neither `ck_` nor `ct_`.
    #[error("a write key starts with ck_, a query token with ct_")]
    Prefix,
    /// It has not four parts.
    #[error("a credential has four parts: kind, tenant, id and secret, joined by _")]
    Shape,
    /// Its tenant is not a tenant id.
    #[error("its second part is not a tenant id")]
    Tenant(#[source] IdError),
}

/// SHA-256 of a credential's secret. 256 random bits need no slow hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Whether the credential holds the secret, in constant time.
    pub fn verify(&self, credential: &Credential) -> bool {
        let difference = self
            .0
            .iter()
            .zip(credential.hash().0)
            .fold(0_u8, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

impl TryFrom<String> for SecretHash {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> String {
        hex::encode(hash.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Credential {
        let tenant = TenantId::new("demo-school").expect("a slug");
        Credential::new(CredentialKind::Key, tenant, "web1".to_owned(), [7; 32])
    }

    #[test]
    fn what_is_issued_parses_and_verifies() {
        let parsed = Credential::parse(&key().reveal()).expect("parses");
        assert_eq!(parsed, key());
        assert!(key().hash().verify(&parsed));
    }

    #[test]
    fn another_secret_does_not_verify_and_debug_hides_it() {
        let tenant = TenantId::new("demo-school").expect("a slug");
        let other = Credential::new(CredentialKind::Key, tenant, "web1".to_owned(), [8; 32]);
        assert!(!key().hash().verify(&other));
        assert_eq!(format!("{other:?}"), "ck_demo-school_web1_…");
    }

    #[test]
    fn other_shapes_are_refused() {
        for (text, error) in [
            ("", CredentialError::Prefix),
            ("sk_demo_a_b", CredentialError::Prefix),
            ("ck_demo_a", CredentialError::Shape),
            ("ck_demo_a_b_c", CredentialError::Shape),
            ("ck_demo__b", CredentialError::Shape),
        ] {
            assert_eq!(Credential::parse(text), Err(error), "{text}");
        }
        assert!(matches!(
            Credential::parse("ck_Demo_a_b"),
            Err(CredentialError::Tenant(_))
        ));
    }
}
