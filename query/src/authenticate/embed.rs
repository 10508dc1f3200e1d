//! Tokens for pages, `ce_<tenant>_<jwt>`: signed with a key of the tenant's, short-lived,
//! and no wider than the query token with which they were made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;
use runtime::SigningKey;
use schemas::{Grant, QueryToken, Role, Tenant, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jws::{Jws, unsigned};
use super::narrow::{Shape, TooWide, narrowed};
use crate::error::Unauthorised;
use crate::principal::{Holder, Shown};

/// What embed tokens begin with.
pub(super) const PREFIX: &str = "ce_";

/// What somebody wishes a token to be.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) role: Role,
    pub(crate) subject: Option<String>,
    pub(crate) grant: Grant,
    /// How long it shall work.
    pub(crate) life: TimeDelta,
}

/// A token that was made.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) token: String,
    pub(crate) claims: Claims,
}

/// What an embed token says. It is its own document: nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    tenant: TenantId,
    jti: String,
    /// The id of the token with which it was made.
    parent: String,
    iat: i64,
    exp: i64,
    pub(crate) role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(default, skip_serializing_if = "Grant::is_empty")]
    pub(crate) grant: Grant,
}

/// What a new token of `parent` says. It ends with its parent at the latest.
pub(super) fn claims(
    tenant: &TenantId,
    parent: &QueryToken,
    wish: Wish,
    now: DateTime<Utc>,
) -> Result<Claims, TooWide> {
    let shape = Shape {
        role: wish.role,
        subject: wish.subject,
        grant: wish.grant,
    };
    let shape = narrowed(parent, shape)?;
    let ends = now + wish.life;
    let ends = parent.expires_at.map_or(ends, |end| end.min(ends));
    Ok(Claims {
        tenant: tenant.clone(),
        jti: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>()),
        parent: parent.id.clone(),
        iat: now.timestamp(),
        exp: ends.timestamp(),
        role: shape.role,
        subject: shape.subject,
        grant: shape.grant,
    })
}

/// What a token says, whoever made it.
pub(super) fn read(token: &Jws) -> Result<Claims, Unauthorised> {
    let claims = Value::Object(token.claims.clone());
    serde_json::from_value(claims).map_err(|_| Unauthorised::Malformed)
}

/// Who holds a token, if it is one of ours and its time.
pub(super) fn open(
    token: &Jws,
    key: &SigningKey,
    tenant: &Tenant,
    now: DateTime<Utc>,
) -> Result<Holder, Unauthorised> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    if !token.is_hs256() || hmac::verify(&key, token.signed(), token.signature()).is_err() {
        return Err(Unauthorised::Unknown);
    }
    let claims = read(token)?;
    if claims.tenant != tenant.id {
        return Err(Unauthorised::Unknown);
    }
    if claims.exp <= now.timestamp() {
        return Err(Unauthorised::Over);
    }
    let parent = claims.parent(tenant, now)?;
    let shape = Shape {
        role: claims.role,
        subject: claims.subject,
        grant: claims.grant,
    };
    // Whoever bounds a token bounds those that were made with it.
    let shape = narrowed(parent, shape).map_err(|_| Unauthorised::Parent)?;
    Ok(Holder {
        role: shape.role,
        subject: shape.subject,
        grant: shape.grant,
        credential: Shown::Embed {
            parent: claims.parent,
        },
        token_id: claims.jti,
    })
}

impl Claims {
    /// The token with which it was made, which works still.
    pub(super) fn parent<'a>(
        &self,
        tenant: &'a Tenant,
        now: DateTime<Utc>,
    ) -> Result<&'a QueryToken, Unauthorised> {
        let parent = tenant.tokens.iter().find(|token| token.id == self.parent);
        let parent = parent.ok_or(Unauthorised::Parent)?;
        parent.check(now).map_err(|_| Unauthorised::Parent)?;
        Ok(parent)
    }

    /// Which token it is: an id that opens nothing.
    pub(crate) fn id(&self) -> &str {
        &self.jti
    }

    /// When it ends.
    pub(crate) fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or_default()
    }

    pub(super) fn sign(self, key: &SigningKey) -> Embedded {
        let unsigned = unsigned(&self);
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, unsigned.as_bytes()));
        Embedded {
            token: format!("{PREFIX}{}_{unsigned}.{signature}", self.tenant),
            claims: self,
        }
    }
}
