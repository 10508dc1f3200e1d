//! Who asks: resolved once per request, never changed after.

use std::sync::Arc;

use chrono_tz::Tz;
use schemas::{AccessRules, Grant, Role, TenantId};

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
    /// Which token they showed.
    pub token_id: String,
}
