//! The lake's tables as queries see them: each pinned to its newest version
//! at the moment a query begins.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lake::{AppId, Lake, LakeError, LakeTable};
use schemas::{Table, TenantId};

/// Keeps the state of the tables that were asked about last.
pub(crate) struct Tables {
    lake: Lake,
    capacity: usize,
    /// Orders arrivals and reads: a ticket is never handed out twice.
    tickets: AtomicU64,
    slots: Mutex<HashMap<(TenantId, Table), Slot>>,
}

struct Slot {
    /// When it was last asked for.
    used: u64,
    state: Arc<tokio::sync::Mutex<State>>,
}

#[derive(Default)]
struct State {
    table: Option<LakeTable>,
    /// The ticket at which the last successful read of its log began.
    read: u64,
}

impl Tables {
    pub(crate) fn new(lake: Lake, capacity: usize) -> Self {
        Self {
            lake,
            capacity,
            tickets: AtomicU64::new(1),
            slots: Mutex::default(),
        }
    }

    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// A table at a version that is at least as new as this call, or `None`
    /// when nothing was published to it yet.
    ///
    /// Callers that arrive while another's read is under way wait for the next
    /// read and share it. The positions of `apps` are looked up here, once per
    /// version: asking the table that is handed out costs nothing any more.
    pub(crate) async fn pin(
        &self,
        tenant: &TenantId,
        table: Table,
        apps: &[AppId],
    ) -> Result<Option<LakeTable>, LakeError> {
        let arrived = self.ticket();
        let state = self.slot(tenant, table, arrived);
        let mut state = state.lock().await;
        if state.read < arrived {
            let began = self.ticket();
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

    fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::SeqCst)
    }

    fn slot(&self, tenant: &TenantId, table: Table, now: u64) -> Arc<tokio::sync::Mutex<State>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), table);
        if !slots.contains_key(&key) && slots.len() >= self.capacity {
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                slots.remove(&oldest);
            }
        }
        let slot = slots.entry(key).or_insert_with(|| Slot {
            used: now,
            state: Arc::default(),
        });
        slot.used = now;
        Arc::clone(&slot.state)
    }
}
