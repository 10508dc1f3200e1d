//! The directories of the tenants that have events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lake::Lake;
use lake::imports::Imports;
use runtime::Registry;
use schemas::{Tenant, TenantId};
use tokio::time::Instant;

use super::directory::Directory;
use super::load::load;
use crate::error::chain;
use crate::roster::RosterError;

/// Keeps the directories that were asked for last. Clones share what they keep.
#[derive(Clone)]
pub(crate) struct Directories {
    lake: Lake,
    registry: Registry,
    /// How old an answer may be.
    refresh: Duration,
    memory_bytes: usize,
    kept: Arc<Mutex<HashMap<TenantId, Kept>>>,
    /// One is loaded at a time.
    loading: Arc<tokio::sync::Mutex<()>>,
}

struct Kept {
    directory: Arc<Directory>,
    used_at: Instant,
    looked_at: Instant,
}

impl Directories {
    /// Of a lake, with directories of about so many bytes kept in all, and of the
    /// newest one at least.
    pub fn new(lake: Lake, registry: Registry, refresh: Duration, memory_bytes: usize) -> Self {
        Self {
            lake,
            registry,
            refresh,
            memory_bytes,
            kept: Arc::default(),
            loading: Arc::default(),
        }
    }

    /// The tenant's directory as it was a little while ago. Only the first time it is
    /// waited for; later a newer one is loaded beside, and rows that were placed by the
    /// old one are put right by upkeep. While it cannot be read there is none.
    pub async fn of(&self, tenant: &Arc<Tenant>) -> Arc<Directory> {
        let now = Instant::now();
        let known = {
            let mut kept = self.kept();
            kept.get_mut(&tenant.id).map(|kept| {
                kept.used_at = now;
                let is_old = now.duration_since(kept.looked_at) >= self.refresh;
                if is_old {
                    kept.looked_at = now;
                }
                (Arc::clone(&kept.directory), is_old)
            })
        };
        match known {
            Some((directory, false)) => directory,
            Some((directory, true)) => {
                let (this, tenant) = (self.clone(), Arc::clone(tenant));
                tokio::spawn(async move { this.try_newest(&tenant).await });
                directory
            }
            None => self.try_newest(tenant).await,
        }
    }

    /// The tenant's directory by its newest import.
    ///
    /// # Errors
    /// When the roster cannot be read.
    pub async fn newest(&self, tenant: &Tenant) -> Result<Arc<Directory>, RosterError> {
        let imports = Imports::new(self.lake.clone(), tenant.id.clone());
        let _turn = self.loading.lock().await;
        let newest = imports.newest().await?;
        let number = newest.as_ref().map_or(0, |newest| newest.number);
        let known = self
            .kept()
            .get(&tenant.id)
            .map(|kept| Arc::clone(&kept.directory));
        let directory = match (known, newest) {
            (Some(known), _) if known.import == number => known,
            (_, None) => Arc::default(),
            (_, Some(newest)) => {
                let secret = self.registry.secret(&tenant.id).await?;
                let loaded = load(&self.lake, tenant, &secret, &newest).await?;
                tracing::info!(
                    tenant.id = %tenant.id,
                    import = loaded.import,
                    bytes = loaded.bytes(),
                    "the roster is known"
                );
                Arc::new(loaded)
            }
        };
        self.keep(tenant.id.clone(), Arc::clone(&directory));
        Ok(directory)
    }

    async fn try_newest(&self, tenant: &Tenant) -> Arc<Directory> {
        match self.newest(tenant).await {
            Ok(directory) => directory,
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(tenant.id = %tenant.id, error, "the roster cannot be read now");
                let directory = {
                    let kept = self.kept();
                    let kept = kept.get(&tenant.id);
                    kept.map(|kept| Arc::clone(&kept.directory))
                };
                let directory = directory.unwrap_or_default();
                // Not asked for again before the next time.
                self.keep(tenant.id.clone(), Arc::clone(&directory));
                directory
            }
        }
    }

    fn keep(&self, tenant: TenantId, directory: Arc<Directory>) {
        let now = Instant::now();
        let mut kept = self.kept();
        kept.insert(
            tenant.clone(),
            Kept {
                directory,
                used_at: now,
                looked_at: now,
            },
        );
        let bytes = |kept: &HashMap<TenantId, Kept>| -> usize {
            kept.values().map(|kept| kept.directory.bytes()).sum()
        };
        while kept.len() > 1 && bytes(&kept) > self.memory_bytes {
            let others = kept.iter().filter(|(id, _)| **id != tenant);
            let oldest = others.min_by_key(|(_, kept)| kept.used_at);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            kept.remove(&oldest);
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("chalkline_transform_directory_bytes").set(bytes(&kept) as f64);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
