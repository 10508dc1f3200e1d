//! All queries that were submitted to this process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::TenantId;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::disk::Disk;
use super::entry::{Entry, State};
use super::owner::Owner;
use crate::audit::Ask;
use crate::error::Error;
use crate::secure::sees_all;
use crate::{Config, Principal};

/// How many queries of all tenants are known at once.
const MOST: usize = 4_096;

/// The queries of this process: they are in its memory, and end with it.
pub(crate) struct Queries {
    /// Names this start of the process in the ids that it gives.
    start: String,
    most_of_tenant: usize,
    concurrency: usize,
    life: Duration,
    pub(super) folder: PathBuf,
    pub(super) disk: Arc<Disk>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    entries: HashMap<String, Arc<Entry>>,
    turns: HashMap<TenantId, Arc<Semaphore>>,
}

impl Queries {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        let folder = config.spill_directory.clone();
        Arc::new(Self {
            start: hex(rand::random()),
            most_of_tenant: config.submitted_queries,
            concurrency: config.submitted_concurrency,
            life: Duration::from_secs(config.submitted_kept_seconds),
            folder: folder.unwrap_or_else(std::env::temp_dir),
            disk: Disk::new(config.submitted_bytes, config.submitted_tenant_bytes),
            held: Mutex::default(),
        })
    }

    /// Takes a query; the one that came with the same key before, if there is one. Whether
    /// it is new.
    ///
    /// # Errors
    /// When the tenant has too many, or the key came with another query.
    pub(super) fn take(
        &self,
        principal: &Principal,
        ask: &Arc<Ask>,
        (key, digest): (Option<String>, [u8; 32]),
        sql: &str,
        now: DateTime<Utc>,
    ) -> Result<(Arc<Entry>, bool), Error> {
        let owner = Owner::of(principal);
        let mut held = self.held();
        if key.is_some() {
            let same = |entry: &&Arc<Entry>| entry.key == key && entry.owner == owner;
            match held.entries.values().find(same) {
                Some(entry) if entry.digest == digest => return Ok((Arc::clone(entry), false)),
                Some(_) => return Err(Error::Reused),
                None => {}
            }
        }
        let of_tenant = |entry: &&Arc<Entry>| entry.owner.tenant == owner.tenant;
        let most = self.most_of_tenant;
        if held.entries.values().filter(of_tenant).count() >= most || held.entries.len() >= MOST {
            return Err(Error::TooManySubmitted { most });
        }
        let id = format!("{}-{}", self.start, Uuid::now_v7().simple());
        let entry = Arc::new(Entry::new(
            id.clone(),
            principal,
            ask,
            (key, digest),
            sql,
            now,
        ));
        held.entries.insert(id, Arc::clone(&entry));
        Ok((entry, true))
    }

    /// What lets so many queries of a tenant work at once that others of it have room.
    pub(super) fn turns(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut held = self.held();
        held.turns.retain(|_, turns| Arc::strong_count(turns) > 1);
        let turns = held.turns.entry(tenant.clone());
        let turns = turns.or_insert_with(|| Arc::new(Semaphore::new(self.concurrency)));
        Arc::clone(turns)
    }

    /// What somebody may know of: their own, and to whom all is shown those of the tenant;
    /// the oldest first.
    pub(super) fn known(&self, principal: &Principal) -> Vec<Arc<Entry>> {
        let owner = Owner::of(principal);
        let is_known = |entry: &&Arc<Entry>| may_know(principal, &owner, entry);
        let held = self.held();
        let mut known: Vec<_> = held.entries.values().filter(is_known).cloned().collect();
        drop(held);
        known.sort_by(|one, other| one.id.cmp(&other.id));
        known
    }

    /// One that somebody may know of.
    ///
    /// # Errors
    /// [`Error::UnknownQuery`], also when it is somebody else's.
    pub(super) fn find(&self, principal: &Principal, id: &str) -> Result<Arc<Entry>, Error> {
        let owner = Owner::of(principal);
        let entry = self.held().entries.get(id).cloned();
        entry
            .filter(|entry| may_know(principal, &owner, entry))
            .ok_or_else(|| self.unknown(id))
    }

    /// One of somebody's own.
    ///
    /// # Errors
    /// [`Error::UnknownQuery`], also when it is somebody else's.
    pub(super) fn own(&self, principal: &Principal, id: &str) -> Result<Arc<Entry>, Error> {
        let owner = Owner::of(principal);
        let entry = self.held().entries.get(id).cloned();
        entry
            .filter(|entry| entry.owner == owner)
            .ok_or_else(|| self.unknown(id))
    }

    /// Notes what became of a query, and forgets it when its time is over.
    pub(super) fn end(self: &Arc<Self>, entry: &Arc<Entry>, state: State, now: DateTime<Utc>) {
        let kept_for = TimeDelta::from_std(self.life).unwrap_or(TimeDelta::MAX);
        if !entry.end(state, now, kept_for) {
            return;
        }
        let (queries, id, life) = (Arc::downgrade(self), entry.id.clone(), self.life);
        tokio::spawn(async move {
            tokio::time::sleep(life).await;
            if let Some(queries) = queries.upgrade() {
                queries.forget(&id);
            }
        });
    }

    /// Forgets a query that has ended, and its rows.
    pub(super) fn forget(&self, id: &str) {
        let forgotten = self.held().entries.remove(id);
        drop(forgotten);
    }

    /// Ends all work, since the process ends.
    pub(crate) fn close(&self) {
        let entries: Vec<_> = self.held().entries.drain().collect();
        for (_, entry) in entries {
            entry.abandon();
        }
    }

    fn unknown(&self, id: &str) -> Error {
        let detail = match id.starts_with(&format!("{}-", self.start)) {
            true => {
                "There is no such query of this credential; it may have expired or been deleted."
            }
            false => {
                "This process knows no such query: queries are known to the process that took \
                 them, until it ends; submit it again."
            }
        };
        Error::UnknownQuery {
            detail: detail.to_owned(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn may_know(principal: &Principal, owner: &Owner, entry: &Entry) -> bool {
    entry.owner == *owner || entry.owner.tenant == owner.tenant && sees_all(principal)
}

fn hex(bytes: [u8; 4]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
