//! Who asks: resolved once per request, never changed after.

use std::sync::Arc;

use chrono_tz::Tz;
use schemas::{AccessRules, Grant, Role, Tenant, TenantId};

/// The holder of a credential, as everything behind the door knows them. What a
/// session can name, and what it sees of that, is built from this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Whose data they may ask about.
    pub tenant: TenantId,
    /// Where that tenant's days begin.
    pub time_zone: Tz,
    /// What they are.
    pub role: Role,
    /// Who of the roster they are: the `user_id` there.
    pub subject: Option<String>,
    /// Within which bounds they see what their role sees.
    pub grant: Grant,
    /// The tenant's own rules about who sees what.
    pub rules: Arc<AccessRules>,
    /// Groups of fewer students are shown to no role that sees only aggregates.
    pub minimum_cell: u32,
    /// What they showed.
    pub credential: Shown,
    /// Which of that kind: an id that tells nothing else.
    pub token_id: String,
}

/// What somebody shows at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A query token.
    Token,
    /// An embed token.
    Embed {
        /// The id of the query token with which it was made.
        parent: String,
    },
    /// A token of an identity provider.
    Identity {
        /// The provider.
        issuer: String,
    },
}

impl Shown {
    /// Its kind, in logs and audit.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Embed { .. } => "embed",
            Self::Identity { .. } => "identity_provider",
        }
    }
}

/// What a credential says of its holder.
pub(crate) struct Holder {
    pub(crate) role: Role,
    pub(crate) subject: Option<String>,
    pub(crate) grant: Grant,
    pub(crate) credential: Shown,
    pub(crate) token_id: String,
}

impl Principal {
    /// The holder of a tenant's credential, under the rules of its document.
    pub(crate) fn of(tenant: &Tenant, holder: Holder) -> Self {
        Self {
            tenant: tenant.id.clone(),
            time_zone: tenant.time_zone,
            role: holder.role,
            subject: holder.subject,
            grant: holder.grant,
            rules: Arc::new(tenant.access.clone()),
            minimum_cell: tenant.minimum_cell,
            credential: holder.credential,
            token_id: holder.token_id,
        }
    }
}
