//! Who asks: resolved once per request, never changed after.

use chrono_tz::Tz;
use schemas::{Role, TenantId};

/// The holder of a token, as everything behind the door knows them. What a
/// session can name is built from this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Whose data they may ask about.
    pub tenant: TenantId,
    /// Where that tenant's days begin.
    pub time_zone: Tz,
    /// What they are.
    pub role: Role,
    /// Which token they showed.
    pub token_id: String,
}
