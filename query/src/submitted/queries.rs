//! All queries that were submitted to this process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    most_of_asker: usize,
    concurrency: usize,
    kept_for: TimeDelta,
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
            most_of_asker: config.submitted_asker_queries,
            concurrency: config.submitted_concurrency,
            kept_for: i64::try_from(config.submitted_kept_seconds)
                .ok()
                .and_then(TimeDelta::try_seconds)
                .unwrap_or(TimeDelta::MAX),
            folder: folder.unwrap_or_else(std::env::temp_dir),
            disk: Disk::new(config.submitted_bytes, config.submitted_tenant_bytes),
            held: Mutex::default(),
        })
    }

    /// Takes a query; the one that came with the same key before, if there is one. Whether
    /// it is new.
    ///
    /// # Errors
    /// When the tenant or this asker has too many, or the key came with another query.
    pub(super) fn take(
        &self,
        principal: &Principal,
        ask: &Arc<Ask>,
        (key, digest): (Option<String>, [u8; 32]),
        sql: &str,
        now: DateTime<Utc>,
    ) -> Result<(Arc<Entry>, bool), Error> {
        let owner = Owner::of(principal);
        self.sweep(now);
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
        let of_asker = |entry: &&Arc<Entry>| entry.owner == owner;
        let held_of =
            |whose: &dyn Fn(&&Arc<Entry>) -> bool| held.entries.values().filter(whose).count();
        let too_many = if held_of(&of_asker) >= self.most_of_asker {
            Some(("One asker", self.most_of_asker))
        } else if held_of(&of_tenant) >= self.most_of_tenant {
            Some(("A tenant", self.most_of_tenant))
        } else {
            (held.entries.len() >= MOST).then_some(("A process", MOST))
        };
        if let Some((whose, most)) = too_many {
            return Err(Error::TooManySubmitted { whose, most });
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
    pub(super) fn known(&self, principal: &Principal, now: DateTime<Utc>) -> Vec<Arc<Entry>> {
        let owner = Owner::of(principal);
        let is_known =
            |entry: &&Arc<Entry>| may_know(principal, &owner, entry) && !entry.is_past(now);
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
    pub(super) fn find(
        &self,
        principal: &Principal,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<Entry>, Error> {
        let owner = Owner::of(principal);
        let entry = self.held().entries.get(id).cloned();
        entry
            .filter(|entry| may_know(principal, &owner, entry) && !entry.is_past(now))
            .ok_or_else(|| self.unknown(id))
    }

    /// One of somebody's own.
    ///
    /// # Errors
    /// [`Error::UnknownQuery`], also when it is somebody else's.
    pub(super) fn own(
        &self,
        principal: &Principal,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<Entry>, Error> {
        let owner = Owner::of(principal);
        let entry = self.held().entries.get(id).cloned();
        entry
            .filter(|entry| entry.owner == owner && !entry.is_past(now))
            .ok_or_else(|| self.unknown(id))
    }

    /// Notes what became of a query, which is known for a while from now on.
    pub(super) fn end(&self, entry: &Entry, state: State, now: DateTime<Utc>) {
        entry.end(state, now, self.kept_for);
    }

    /// Forgets the queries whose time is over, and their rows.
    pub(crate) fn sweep(&self, now: DateTime<Utc>) {
        let mut held = self.held();
        let past = held.entries.extract_if(|_, entry| entry.is_past(now));
        let past: Vec<_> = past.collect();
        drop(held);
        // Their files are given back here, while nobody waits for the lock.
        drop(past);
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
