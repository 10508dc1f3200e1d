//! What the audit asks of the tables, on its own behalf: sessions whose statements are ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::compute::concat_batches;
use datafusion::common::ParamValues;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use schemas::roster::Entity;
use schemas::{Table, TenantId};

use super::mount::provider;
use super::{Sessions, ours, unavailable};
use crate::Principal;
use crate::audit::{Ask, Reads, SeenBy, Sightings};
use crate::catalog::{Catalog, Named};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::roster::Roster;
use crate::secure::{self, Source};

impl Sessions {
    /// The key by which the roster knows somebody. Of whom it knows nothing, or when it
    /// cannot be read, none: that keeps nobody from asking.
    pub(super) async fn subject_key(
        &self,
        principal: &Principal,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Option<String> {
        principal.subject.as_ref()?;
        let scope = self.scope(principal, runtime_env).await.ok()?;
        scope.subject_key.clone()
    }

    /// The keys by which events name users of the roster.
    pub(crate) async fn keys_of(
        &self,
        tenant: &TenantId,
        users: &BTreeSet<String>,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<BTreeSet<String>, Error> {
        let session = self.roster_session(tenant, runtime_env).await?;
        secure::keys_of(&session, users).await.map_err(ours)
    }

    /// To whom a learner was shown, as [`SeenBy`] asks.
    ///
    /// # Errors
    /// When somebody is named who is not theirs.
    pub(crate) async fn sightings(
        &self,
        principal: &Principal,
        asked: &SeenBy,
        runtime_env: &Arc<RuntimeEnv>,
        ask: &Ask,
    ) -> Result<Sightings, Error> {
        let tenant = &principal.tenant;
        let scope = self.scope(principal, runtime_env).await?;
        let roster = self.roster_session(tenant, runtime_env).await?;
        let keys = match &asked.student {
            None => scope.student_keys.clone(),
            Some(student) if !scope.users.contains(student) => {
                return Err(Error::Address {
                    code: "invalid_value",
                    detail: "student is the user_id of a child of yours, or your own.".to_owned(),
                });
            }
            Some(student) => {
                let one = BTreeSet::from([student.clone()]);
                secure::keys_of(&roster, &one).await.map_err(ours)?
            }
        };
        let named = Named::tables([Table::Audit]);
        let snapshot = self.snapshot(principal, &named).await?;
        let catalog = Catalog::new().map_err(ours)?;
        let state = self.state(&catalog, runtime_env, &Interrupt::default());
        let rows = provider(Table::Audit, snapshot.table(Table::Audit), &state).map_err(ours)?;
        catalog.mount(Table::Audit.as_str(), rows).map_err(ours)?;
        if let Some(key) = &scope.subject_key {
            ask.is_of(key);
        }
        let right = format!("role {}", principal.role.as_str());
        ask.begin(Reads::at(Source::Table(Table::Audit), &right));

        let (sql, parameters) = asked.statement(&keys, scope.subject_key.as_deref());
        let session = SessionContext::new_with_state(state);
        let plan = async {
            let rows = session.sql(&sql).await?;
            let rows = rows.with_param_values(ParamValues::from(parameters))?;
            let columns = Arc::new(rows.schema().as_arrow().clone());
            let batches = rows.collect().await?;
            Ok::<_, datafusion::error::DataFusionError>(concat_batches(&columns, &batches)?)
        };
        let rows = plan.await.map_err(crate::failure::explain)?;
        Ok(Sightings {
            rows,
            users: secure::users_of(&roster, &keys).await.map_err(ours)?,
            data_as_of: snapshot.as_of(&named),
        })
    }

    /// At most two of the users whose `column`, in small letters, is that name, and whether
    /// they are enabled.
    pub(crate) async fn users_called(
        &self,
        tenant: &TenantId,
        column: &'static str,
        name: &str,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<Vec<(String, bool)>, Error> {
        let tables = BTreeSet::from([Table::Roster(Entity::Users)]);
        let session = self.session_with(tenant, tables, runtime_env).await?;
        secure::users_called(&session, column, name)
            .await
            .map_err(crate::failure::explain)
    }

    /// A session that has the tables of the roster by which is told who is whose.
    pub(super) async fn roster_session(
        &self,
        tenant: &TenantId,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<SessionContext, Error> {
        let tables = secure::ROSTER.into_iter().collect();
        self.session_with(tenant, tables, runtime_env).await
    }

    /// A session that has these tables of the newest roster.
    async fn session_with(
        &self,
        tenant: &TenantId,
        tables: BTreeSet<Table>,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<SessionContext, Error> {
        let roster = Roster::take(tenant, &tables, &self.tables).await;
        let roster = roster.map_err(unavailable)?;
        let catalog = Catalog::new().map_err(ours)?;
        let state = self.state(&catalog, runtime_env, &Interrupt::default());
        for table in tables {
            let rows = provider(table, roster.table(table), &state).map_err(ours)?;
            catalog.mount(table.as_str(), rows).map_err(ours)?;
        }
        Ok(SessionContext::new_with_state(state))
    }
}
