//! Which tenants' tables have moved on since their reports were refreshed.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::TenantId;
use tokio::sync::Notify;

/// A set of tenants that one task fills and another empties: never larger than
/// there are tenants. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moved(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tenants: Mutex<Tenants>,
    some: Notify,
    /// Who is told as well.
    other: Option<Moved>,
}

/// Some tenants, or all there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tenants {
    pub some: BTreeSet<TenantId>,
    pub all: bool,
}

impl Moved {
    /// An empty set; what is put into it is put into the other, too.
    pub fn with(other: Self) -> Self {
        Self(Arc::new(Inner {
            other: Some(other),
            ..Inner::default()
        }))
    }

    /// Something was published for these tenants.
    pub fn add(&self, tenants: impl IntoIterator<Item = TenantId>) {
        let tenants: BTreeSet<_> = tenants.into_iter().collect();
        if let Some(other) = &self.0.other {
            other.add(tenants.iter().cloned());
        }
        self.lock().some.extend(tenants);
        self.0.some.notify_one();
    }

    /// Something was changed for a tenant by the one who is told as well.
    pub fn add_by_other(&self, tenant: TenantId) {
        self.lock().some.insert(tenant);
        self.0.some.notify_one();
    }

    /// Something may have been published for any tenant.
    pub fn add_all(&self) {
        if let Some(other) = &self.0.other {
            other.add_all();
        }
        self.lock().all = true;
        self.0.some.notify_one();
    }

    /// Waits until there are any.
    pub async fn any(&self) {
        while self.lock().is_empty() {
            self.0.some.notified().await;
        }
    }

    /// Takes those that there are.
    pub fn take(&self) -> Tenants {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Tenants> {
        let tenants = self.0.tenants.lock();
        tenants.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenants {
    fn is_empty(&self) -> bool {
        self.some.is_empty() && !self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_moved_is_told_once() {
        let other = Moved::default();
        let moved = Moved::with(other.clone());
        let tenant: TenantId = "demo".parse().expect("a tenant");
        moved.add([tenant.clone(), tenant.clone()]);
        moved.any().await;
        assert_eq!(moved.take().some, BTreeSet::from([tenant.clone()]));
        assert_eq!(other.take().some, BTreeSet::from([tenant.clone()]));
        assert_eq!(moved.take(), Tenants::default());
        moved.add_by_other(tenant.clone());
        moved.any().await;
        assert_eq!(moved.take().some, BTreeSet::from([tenant]));
        assert_eq!(other.take(), Tenants::default(), "it knows");
        moved.add_all();
        moved.any().await;
        assert!(moved.take().all);
    }
}
