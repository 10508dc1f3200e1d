//! Who of several processes does the upkeep of a tenant's tables.
//!
//! A lease saves work, it protects nothing: two processes may both believe for a
//! moment that they hold it, and the log of each table settles what they do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use schemas::{TenantId, layout};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::registry::{create, in_time};
use crate::{RegistryError, Root};

/// Everybody who reads the tenants may read who works for them.
const MODE: u32 = 0o640;

/// The leases of one kind of work, as one process sees them. Clones share it.
///
/// A lease is a row of numbered objects, each made only if nobody made that
/// number first; the newest counts. Its holder makes the next one every third of
/// the lease's time. Who else wants it looks whether the number changes: when it
/// has seen the same one for the whole time on its own clock, the holder is gone.
/// No two clocks are ever compared.
#[derive(Clone)]
pub struct Leases(Arc<Inner>);

struct Inner {
    root: Root,
    work: &'static str,
    holder: String,
    time: Duration,
    now: Box<dyn Fn() -> Instant + Send + Sync>,
    known: Mutex<HashMap<TenantId, Known>>,
}

/// What is known of one tenant's lease.
#[derive(Debug, Clone, Copy)]
struct Known {
    epoch: u64,
    ours: bool,
    /// When this epoch was first seen; of ours, when it was about to be made.
    since: Instant,
}

/// The object.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    holder: String,
    /// Whether the holder needs it no more.
    released: bool,
}

/// The leases cannot be read or written now.
#[derive(Debug, thiserror::Error)]
#[error("the leases cannot be used now")]
pub struct LeaseError(#[from] RegistryError);

impl Leases {
    /// The leases for some work below `root`, for a process called `holder`.
    ///
    /// A process that alone can have a name, because it has something that no
    /// other can have at the same time, goes on at once after a restart; every
    /// other needs a new name each time, and waits until its former self's lease
    /// has run out.
    pub fn new(root: Root, work: &'static str, holder: String, time: Duration) -> Self {
        Self::with_clock(root, work, holder, time, Instant::now)
    }

    fn with_clock(
        root: Root,
        work: &'static str,
        holder: String,
        time: Duration,
        now: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            root,
            work,
            holder,
            time,
            now: Box::new(now),
            known: Mutex::default(),
        }))
    }

    /// How often at least to ask [`Leases::hold`] while the work lasts: a third of
    /// the lease's time.
    pub fn renewal(&self) -> Duration {
        self.0.time / 3
    }

    /// Whether this process holds the tenant's lease. Takes it if nobody else
    /// does, and renews it when it is time: ask again every
    /// [`Leases::renewal`] while the work lasts.
    ///
    /// # Errors
    /// [`LeaseError`] when the store does not answer.
    pub async fn hold(&self, tenant: &TenantId) -> Result<bool, LeaseError> {
        let inner = &*self.0;
        let mut known = inner.known.lock().await;
        let held = known.get(tenant).copied();
        if let Some(held) = held
            && held.ours
            && inner.age(held.since) < inner.time / 3
        {
            return Ok(true);
        }
        let began = (inner.now)();
        let newest = inner.newest(tenant).await?;
        let free = match (newest, held) {
            (None, _) => true,
            (Some(newest), Some(held)) if newest == held.epoch => {
                held.ours || inner.age(held.since) >= inner.time
            }
            (Some(newest), _) => inner.is_free(tenant, newest).await?,
        };
        let epoch = newest.unwrap_or(0);
        if free && inner.make(tenant, epoch + 1, false).await? {
            known.insert(tenant.clone(), Known::of(epoch + 1, true, began));
            inner.forget(tenant, epoch).await;
            return Ok(true);
        }
        let since = match held {
            Some(held) if held.epoch == epoch && !held.ours => held.since,
            _ => began,
        };
        known.insert(tenant.clone(), Known::of(epoch, false, since));
        Ok(false)
    }

    /// Takes the lease whoever holds it: they stop at their next question, and go
    /// on when it is released. For work that somebody waits for.
    ///
    /// # Errors
    /// [`LeaseError`] when the store does not answer.
    pub async fn take(&self, tenant: &TenantId) -> Result<(), LeaseError> {
        let inner = &*self.0;
        let mut known = inner.known.lock().await;
        loop {
            let began = (inner.now)();
            let epoch = inner.newest(tenant).await?.unwrap_or(0);
            if inner.make(tenant, epoch + 1, false).await? {
                known.insert(tenant.clone(), Known::of(epoch + 1, true, began));
                inner.forget(tenant, epoch).await;
                return Ok(());
            }
        }
    }

    /// Gives the lease back, if this process holds it: others need not wait.
    ///
    /// # Errors
    /// [`LeaseError`] when the store does not answer; it runs out by itself.
    pub async fn release(&self, tenant: &TenantId) -> Result<(), LeaseError> {
        let inner = &*self.0;
        let mut known = inner.known.lock().await;
        let Some(held) = known.remove(tenant).filter(|held| held.ours) else {
            return Ok(());
        };
        // If the number is taken somebody else holds it already.
        if inner.make(tenant, held.epoch + 1, true).await? {
            inner.forget(tenant, held.epoch).await;
        }
        Ok(())
    }

    /// Gives all leases back that this process holds.
    ///
    /// # Errors
    /// The first [`LeaseError`].
    pub async fn release_all(&self) -> Result<(), LeaseError> {
        let tenants: Vec<_> = self.0.known.lock().await.keys().cloned().collect();
        for tenant in tenants {
            self.release(&tenant).await?;
        }
        Ok(())
    }
}

impl Known {
    fn of(epoch: u64, ours: bool, since: Instant) -> Self {
        Self { epoch, ours, since }
    }
}

impl Inner {
    fn age(&self, since: Instant) -> Duration {
        (self.now)().saturating_duration_since(since)
    }

    /// The newest number.
    async fn newest(&self, tenant: &TenantId) -> Result<Option<u64>, RegistryError> {
        let folder = Path::from(layout::leases(tenant, self.work));
        let store = self.root.store();
        let newest = store
            .list(Some(&folder))
            .try_fold(None, async |newest, object| {
                let number = object.location.filename();
                Ok(newest.max(number.and_then(layout::parse_lease)))
            });
        in_time(newest).await
    }

    /// Whether a lease that was not seen before is free: given back, or of a
    /// former life of this very process. One that was deleted meanwhile is not:
    /// there is a newer one.
    async fn is_free(&self, tenant: &TenantId, epoch: u64) -> Result<bool, RegistryError> {
        let path = Path::from(layout::lease(tenant, self.work, epoch));
        let store = self.root.store();
        let read = async {
            match store.get(&path).await {
                Ok(object) => Ok(Some(object.bytes().await?)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let document = in_time(read).await?;
        let document = document.and_then(|bytes| serde_json::from_slice::<Document>(&bytes).ok());
        Ok(document.is_some_and(|lease| lease.released || lease.holder == self.holder))
    }

    async fn make(
        &self,
        tenant: &TenantId,
        epoch: u64,
        released: bool,
    ) -> Result<bool, RegistryError> {
        let document = Document {
            holder: self.holder.clone(),
            released,
        };
        let content = serde_json::to_vec(&document).expect("a text and a flag are JSON");
        let path = layout::lease(tenant, self.work, epoch);
        create(&self.root, path, content, MODE).await
    }

    /// Deletes a number that does not count any more. One that stays behind does
    /// no harm.
    async fn forget(&self, tenant: &TenantId, epoch: u64) {
        let path = Path::from(layout::lease(tenant, self.work, epoch));
        let store = self.root.store();
        if let Err(error) = in_time(store.delete(&path)).await {
            let error: &dyn std::error::Error = &error;
            tracing::debug!(tenant.id = %tenant, error, "an old lease stays behind");
        }
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the root, which would show its store's keys.
        f.debug_struct("Leases")
            .field("work", &self.0.work)
            .field("holder", &self.0.holder)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::PoisonError;

    use super::*;

    const TIME: Duration = Duration::from_secs(30);

    /// Processes whose clocks run as told, each its own.
    struct Clock(Arc<std::sync::Mutex<Instant>>);

    impl Clock {
        fn new() -> Self {
            Self(Arc::new(std::sync::Mutex::new(Instant::now())))
        }

        fn pass(&self, time: Duration) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
        }

        fn process(&self, folder: &tempfile::TempDir, holder: &str) -> Leases {
            let root = folder.path().display().to_string();
            let root = Root::open(&root, HashMap::new()).expect("a root");
            let clock = Arc::clone(&self.0);
            let now = move || *clock.lock().unwrap_or_else(PoisonError::into_inner);
            Leases::with_clock(root, "maintenance", holder.to_owned(), TIME, now)
        }
    }

    fn demo() -> TenantId {
        "demo".parse().expect("a tenant")
    }

    async fn holds(leases: &Leases) -> bool {
        leases.hold(&demo()).await.expect("answers")
    }

    #[tokio::test]
    async fn one_holds_it_until_it_has_not_renewed_it_for_the_whole_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, there) = (Clock::new(), Clock::new());
        // However far apart their clocks are.
        there.pass(Duration::from_secs(1_000_000));
        let (one, two) = (here.process(&folder, "1"), there.process(&folder, "2"));
        assert!(holds(&one).await);
        assert!(!holds(&two).await);
        for _ in 0..10 {
            here.pass(TIME / 2);
            there.pass(TIME / 2);
            assert!(holds(&one).await, "it renews");
            assert!(!holds(&two).await);
        }
        there.pass(TIME - Duration::from_secs(1));
        assert!(!holds(&two).await);
        there.pass(Duration::from_secs(1));
        assert!(holds(&two).await, "the other is gone");
        here.pass(TIME);
        assert!(!holds(&one).await, "it wakes and is too late");
        assert!(holds(&two).await);
    }

    #[tokio::test]
    async fn what_is_given_back_is_free_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::new();
        let (one, two) = (clock.process(&folder, "1"), clock.process(&folder, "2"));
        assert!(holds(&one).await);
        assert!(!holds(&two).await);
        two.release(&demo()).await.expect("nothing to give");
        assert!(holds(&one).await);
        one.release_all().await.expect("given back");
        assert!(holds(&two).await);
        assert!(!holds(&one).await);
    }

    #[tokio::test]
    async fn who_has_its_name_alone_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::new();
        assert!(holds(&clock.process(&folder, "up")).await);
        assert!(!holds(&clock.process(&folder, "other")).await);
        assert!(holds(&clock.process(&folder, "up")).await);
    }

    #[tokio::test]
    async fn who_is_waited_for_takes_it_and_gives_it_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::new();
        let (service, by_hand) = (clock.process(&folder, "1"), clock.process(&folder, "2"));
        assert!(holds(&service).await);
        by_hand.take(&demo()).await.expect("taken");
        assert!(holds(&service).await, "it has not asked the store yet");
        clock.pass(TIME / 2);
        assert!(!holds(&service).await);
        assert!(holds(&by_hand).await);
        by_hand.release(&demo()).await.expect("given back");
        assert!(holds(&service).await);
        let store = by_hand.0.root.store();
        let left: Vec<_> = store.list(None).try_collect().await.expect("lists");
        assert_eq!(left.len(), 1, "old numbers are deleted");
    }

    #[tokio::test]
    async fn of_many_at_once_one_gets_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::new();
        let processes: Vec<_> = (0..8)
            .map(|number| clock.process(&folder, &number.to_string()))
            .collect();
        let answers = futures::future::join_all(processes.iter().map(holds)).await;
        assert_eq!(answers.iter().filter(|held| **held).count(), 1);
    }
}
