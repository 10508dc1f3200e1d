//! The lake's tables as queries see them: each pinned to its newest version
//! at the moment a query begins; those of rosters to the one that the newest import
//! names.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lake::imports::{Import, Imports};
use lake::{AppId, Lake, LakeError, LakeTable};
use schemas::{Table, TenantId};

use crate::slots::Slots;

/// A moment, before all that are taken later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// Keeps the state of the tables that were asked about last.
pub(crate) struct Tables {
    lake: Lake,
    /// Orders arrivals and reads: a ticket is never handed out twice.
    tickets: AtomicU64,
    open: Slots<(TenantId, Table), State>,
    imports: Slots<TenantId, Newest>,
}

#[derive(Default)]
struct State {
    table: Option<LakeTable>,
    /// When the last successful read of its log began.
    read: Ticket,
}

/// The newest import of a tenant.
#[derive(Default)]
struct Newest {
    import: Option<Arc<Import>>,
    /// When the last successful look for it began.
    read: Ticket,
}

impl Tables {
    pub(crate) fn new(lake: Lake, capacity: usize) -> Self {
        Self {
            lake,
            tickets: AtomicU64::new(1),
            open: Slots::new(capacity),
            imports: Slots::new(capacity),
        }
    }

    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// A table at a version that is at least as new as `since`, or `None` when nothing was
    /// published to it yet.
    ///
    /// Callers with a ticket from while another's read is under way wait for the next
    /// read and share it. The positions of `apps` are looked up here, once per
    /// version: asking the table that is handed out costs nothing any more.
    pub(crate) async fn pin(
        &self,
        tenant: &TenantId,
        table: Table,
        apps: &[AppId],
        since: Ticket,
    ) -> Result<Option<LakeTable>, LakeError> {
        let state = self.open.get(&(tenant.clone(), table), self.ticket().0);
        let mut state = state.lock().await;
        if state.read < since {
            let began = self.ticket();
            // A look that fails or is given up leaves no table behind: the next must not take
            // that for one that nobody has made.
            state.read = Ticket::default();
            let known = state.table.take();
            state.table = self.lake.reopen(tenant, table, known).await?;
            state.read = began;
        }
        if let Some(open) = &mut state.table {
            for app in apps {
                open.next_position(app).await?;
            }
        }
        Ok(state.table.clone())
    }

    /// The newest import of a roster, at least as new as this call; `None` before the
    /// first. Reads are shared as those of [`Tables::pin`].
    pub(crate) async fn newest_import(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<Arc<Import>>, LakeError> {
        let arrived = self.ticket();
        let state = self.imports.get(tenant, arrived.0);
        let mut state = state.lock().await;
        if state.read < arrived {
            let began = self.ticket();
            let imports = Imports::new(self.lake.clone(), tenant.clone());
            let since = match &state.import {
                Some(known) => imports.newest_since(known).await?,
                None => None,
            };
            let found = match since {
                Some(found) => Some(found),
                None => {
                    // Perhaps the tenant's folder was made anew: versions of before say
                    // nothing then.
                    self.open.forget(|(whose, _)| whose == tenant);
                    imports.newest().await?
                }
            };
            state.import = found.map(Arc::new);
            state.read = began;
        }
        Ok(state.import.clone())
    }

    /// A table at a version, which is opened once as long as the same is asked for;
    /// `None` when nobody made the table.
    pub(crate) async fn pin_at(
        &self,
        tenant: &TenantId,
        table: Table,
        version: u64,
    ) -> Result<Option<LakeTable>, LakeError> {
        let state = self.open.get(&(tenant.clone(), table), self.ticket().0);
        let mut state = state.lock().await;
        if state.table.as_ref().map(LakeTable::version) != Some(version) {
            state.table = self.lake.open_at(tenant, table, version).await?;
        }
        Ok(state.table.clone())
    }

    /// This moment.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.tickets.fetch_add(1, Ordering::SeqCst))
    }
}
