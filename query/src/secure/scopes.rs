//! What the roster says is whose, kept as long as the roster is the same.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use schemas::{Role, TenantId};
use sha2::{Digest, Sha256};

use super::scope::{Roster, Scope};
use crate::Principal;
use crate::slots::Slots;

/// What decides a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    role: Role,
    subject: Option<String>,
    schools: Vec<String>,
    /// The number of the import, and the first day that still counts.
    import: u64,
    since: NaiveDate,
}

/// The scopes of those who asked last.
pub(crate) struct Scopes(Slots<Key, Option<Arc<Scope>>>);

impl Scopes {
    /// Keeps so many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Slots::new(capacity))
    }

    /// Whether what somebody sees depends on the roster.
    pub(crate) fn depend(principal: &Principal) -> bool {
        is_by_roster(principal.role)
    }

    /// What is somebody's by the roster of an import. `session` gives one that has its
    /// tables as they are stored, when they must be read.
    ///
    /// # Errors
    /// When they cannot be.
    pub(crate) async fn get<E>(
        &self,
        principal: &Principal,
        import: u64,
        now: DateTime<Utc>,
        session: impl AsyncFnOnce() -> std::result::Result<SessionContext, E>,
        failed: impl FnOnce(datafusion::error::DataFusionError) -> E,
    ) -> std::result::Result<Arc<Scope>, E> {
        let since = since(principal, now);
        let key = Key {
            tenant: principal.tenant.clone(),
            role: principal.role,
            subject: principal.subject.clone(),
            schools: principal.grant.schools.iter().cloned().collect(),
            import,
            since,
        };
        let slot = self.0.get(&key, now.timestamp_micros().unsigned_abs());
        let mut slot = slot.lock().await;
        if let Some(scope) = &*slot {
            return Ok(Arc::clone(scope));
        }
        let session = session().await?;
        let scope: Result<Scope> = Roster {
            session: &session,
            since,
        }
        .scope(principal)
        .await;
        let mut scope = scope.map_err(failed)?;
        scope.digest = Sha256::digest(format!("{scope:?}")).into();
        let scope = Arc::new(scope);
        *slot = Some(Arc::clone(&scope));
        Ok(scope)
    }
}

/// Whether what a role sees depends on who somebody is in the roster.
pub(crate) fn is_by_roster(role: Role) -> bool {
    role.is_somebody() || role == Role::SchoolAdmin
}

/// The first day that still counts: today, where the tenant is, and for those who teach
/// some days before.
fn since(principal: &Principal, now: DateTime<Utc>) -> NaiveDate {
    let today = now.with_timezone(&principal.time_zone).date_naive();
    let days = match principal.role {
        Role::Teacher => u64::from(principal.rules.former_sections_days),
        _ => 0,
    };
    today
        .checked_sub_days(Days::new(days))
        .unwrap_or(NaiveDate::MIN)
}
