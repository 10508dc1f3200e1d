//! What is known of the tenants, for how long, and of how many.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use schemas::{TenantId, TenantSecret};
use tokio::sync::OnceCell;

use super::documents::Version;
use super::error::RegistryError;
use super::secrets::SigningKey;

/// The age up to which what is known of a tenant is not asked again: a revocation holds
/// everywhere within this.
pub const FRESH: Duration = Duration::from_secs(5);

/// How old an answer may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    /// The age up to which the store is not asked again.
    pub(super) fresh: Duration,
    /// The age up to which an answer is good enough while the store fails.
    pub(super) good_enough: Duration,
    /// How long a store that failed is left alone, per tenant: otherwise every
    /// request in turn would wait for it.
    pub(super) pause: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            fresh: FRESH,
            good_enough: Duration::from_secs(60),
            pause: Duration::from_secs(1),
        }
    }
}

/// Tenants that are remembered, unknown ones included: a sender who makes up
/// tenants must not fill the memory.
const CAPACITY: usize = 8192;

pub(super) struct Cache {
    freshness: Freshness,
    now: Box<dyn Fn() -> Instant + Send + Sync>,
    slots: Mutex<HashMap<TenantId, Arc<Slot>>>,
    /// Counts look-ups, to tell which slot was used last.
    uses: AtomicU64,
}

/// What is known of one tenant.
#[derive(Debug, Default)]
pub(super) struct Slot {
    known: RwLock<Known>,
    /// Held by the one caller who asks the store.
    asking: tokio::sync::Mutex<()>,
    pub(super) secret: OnceCell<Arc<TenantSecret>>,
    pub(super) signing_key: OnceCell<Arc<SigningKey>>,
    used: AtomicU64,
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// The newest version seen; `None` is no such tenant, or not asked yet.
    version: Option<Version>,
    /// When the store last confirmed that.
    confirmed: Option<Instant>,
    /// When and how the store last failed, if it did after confirming.
    failed: Option<(Instant, RegistryError)>,
}

impl Cache {
    pub(super) fn new(freshness: Freshness) -> Self {
        Self::with_clock(freshness, Instant::now)
    }

    fn with_clock(freshness: Freshness, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self {
            freshness,
            now: Box::new(now),
            slots: Mutex::default(),
            uses: AtomicU64::new(0),
        }
    }

    /// The tenant's version, asking the store through `read` (which gets the
    /// version known so far) when what is known is too old. One caller asks,
    /// the others wait for its answer.
    pub(super) async fn get<F>(
        &self,
        id: &TenantId,
        read: impl FnOnce(Option<Version>) -> F,
    ) -> Result<Option<Version>, RegistryError>
    where
        F: Future<Output = Result<Option<Version>, RegistryError>>,
    {
        let slot = self.slot(id);
        if let Some(answer) = slot.known().answer(self.freshness, (self.now)()) {
            return answer;
        }
        let _asking = slot.asking.lock().await;
        let known = slot.known();
        if let Some(answer) = known.answer(self.freshness, (self.now)()) {
            return answer;
        }
        // What is written between the question and the answer may be missing
        // from it: the answer is as old as the question.
        let asked = (self.now)();
        match read(known.version).await {
            Ok(version) => {
                slot.confirm(version.clone(), asked);
                Ok(version)
            }
            Err(error) => {
                tracing::warn!(
                    tenant.id = %id,
                    error = &error as &dyn std::error::Error,
                    "cannot read the tenant"
                );
                slot.fail(error, self.freshness, (self.now)())
            }
        }
    }

    /// Remembers a version that this process has just written.
    pub(super) fn put(&self, id: &TenantId, version: Version) {
        self.slot(id).confirm(Some(version), (self.now)());
    }

    /// The slot of a tenant, marked as used now.
    pub(super) fn slot(&self, id: &TenantId) -> Arc<Slot> {
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(id) {
            slot.used.store(now, Ordering::Relaxed);
            return Arc::clone(slot);
        }
        if slots.len() >= CAPACITY {
            forget_an_eighth(&mut slots);
        }
        let slot = Arc::new(Slot::default());
        slot.used.store(now, Ordering::Relaxed);
        slots.insert(id.clone(), Arc::clone(&slot));
        slot
    }
}

/// Drops the least recently used, those of no tenant first.
fn forget_an_eighth(slots: &mut HashMap<TenantId, Arc<Slot>>) {
    let mut order: Vec<_> = slots
        .iter()
        .map(|(id, slot)| {
            let exists = slot.known().version.is_some();
            (exists, slot.used.load(Ordering::Relaxed), id.clone())
        })
        .collect();
    order.sort_unstable();
    for (_, _, id) in order.into_iter().take(CAPACITY / 8) {
        slots.remove(&id);
    }
}

impl Slot {
    fn known(&self) -> Known {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn confirm(&self, version: Option<Version>, at: Instant) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // An answer that set out before a newer version was written here may
        // arrive after it.
        let number = |version: &Option<Version>| version.as_ref().map(|v| v.number);
        if number(&version) >= number(&known.version) {
            *known = Known {
                version,
                confirmed: Some(at),
                failed: None,
            };
        }
    }

    /// Notes the failure, and answers what is still good enough.
    fn fail(
        &self,
        error: RegistryError,
        freshness: Freshness,
        now: Instant,
    ) -> Result<Option<Version>, RegistryError> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.failed = Some((now, error.clone()));
        known.last_resort(&error, freshness, now)
    }
}

impl Known {
    /// The answer that needs no question to the store, if there is one.
    fn answer(
        &self,
        freshness: Freshness,
        now: Instant,
    ) -> Option<Result<Option<Version>, RegistryError>> {
        if self.confirmed_within(freshness.fresh, now) {
            return Some(Ok(self.version.clone()));
        }
        let (failed, error) = self.failed.as_ref()?;
        let rests = now.saturating_duration_since(*failed) < freshness.pause;
        rests.then(|| self.last_resort(error, freshness, now))
    }

    /// What to answer while the store fails with `error`.
    fn last_resort(
        &self,
        error: &RegistryError,
        freshness: Freshness,
        now: Instant,
    ) -> Result<Option<Version>, RegistryError> {
        if self.confirmed_within(freshness.good_enough, now) {
            Ok(self.version.clone())
        } else {
            Err(error.clone())
        }
    }

    fn confirmed_within(&self, age: Duration, now: Instant) -> bool {
        let confirmed = self.confirmed;
        confirmed.is_some_and(|at| now.saturating_duration_since(at) < age)
    }
}

#[cfg(test)]
mod tests;
