//! Which events are in the lake, whenever they came.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use lake::{Lake, LakeError, LakeTable, Sought};
use schemas::{Family, Table, TenantId};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

/// Tenants whose tables are held open at once.
const TENANTS: usize = 64;

/// An id of one tenant, short enough to keep many.
pub(crate) fn key(tenant: &TenantId, id: Uuid) -> u128 {
    id.as_u128() ^ u128::from(xxh3_64(tenant.as_str().as_bytes()))
}

/// The event tables as they were when each tenant was asked about first.
pub(crate) struct Stored {
    lake: Lake,
    tables: HashMap<TenantId, Vec<LakeTable>>,
}

impl Stored {
    /// Nobody was asked about yet.
    pub fn new(lake: Lake) -> Self {
        Self {
            lake,
            tables: HashMap::new(),
        }
    }

    /// The ids under which a tenant has an event, of whatever family.
    ///
    /// # Errors
    /// [`LakeError`].
    pub async fn among(
        &mut self,
        tenant: &TenantId,
        ids: HashSet<Uuid>,
    ) -> Result<HashSet<Uuid>, LakeError> {
        self.received(
            tenant,
            ids,
            DateTime::<Utc>::MIN_UTC..=DateTime::<Utc>::MAX_UTC,
        )
        .await
    }

    /// The same of events that were received then.
    ///
    /// # Errors
    /// [`LakeError`].
    pub async fn received(
        &mut self,
        tenant: &TenantId,
        mut ids: HashSet<Uuid>,
        received: RangeInclusive<DateTime<Utc>>,
    ) -> Result<HashSet<Uuid>, LakeError> {
        let mut stored = HashSet::new();
        for table in self.tables(tenant).await? {
            let sought = Sought {
                ids: &ids,
                received: received.clone(),
                terms: &BTreeSet::new(),
            };
            let found = table.find(&sought, |_| true).await?;
            for event in found.events {
                ids.remove(&event.id);
                stored.insert(event.id);
            }
        }
        Ok(stored)
    }

    async fn tables(&mut self, tenant: &TenantId) -> Result<&[LakeTable], LakeError> {
        if !self.tables.contains_key(tenant) {
            if self.tables.len() == TENANTS {
                self.tables.clear();
            }
            let mut tables = Vec::new();
            for family in Family::ALL {
                tables.extend(self.lake.open(tenant, Table::Events(family)).await?);
            }
            self.tables.insert(tenant.clone(), tables);
        }
        Ok(&self.tables[tenant])
    }
}
