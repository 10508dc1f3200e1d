//! How many rosters come at the same time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::TenantId;

use crate::error::Error;

/// Places for rosters on their way: some, and one for each tenant.
#[derive(Debug)]
pub struct Slots {
    most: usize,
    taken: Arc<Mutex<HashSet<TenantId>>>,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
pub struct Slot {
    tenant: TenantId,
    taken: Arc<Mutex<HashSet<TenantId>>>,
}

impl Slots {
    /// So many places.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// A place for a tenant.
    ///
    /// # Errors
    /// [`Error::TooManyUploads`] when all are taken, or the tenant's.
    pub fn take(&self, tenant: &TenantId) -> Result<Slot, Error> {
        let mut taken = lock(&self.taken);
        if taken.len() >= self.most || !taken.insert(tenant.clone()) {
            return Err(Error::TooManyUploads);
        }
        Ok(Slot {
            tenant: tenant.clone(),
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.taken).remove(&self.tenant);
    }
}

fn lock(taken: &Mutex<HashSet<TenantId>>) -> MutexGuard<'_, HashSet<TenantId>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_one_place_and_all_have_some() {
        let tenant = |name: &str| -> TenantId { name.parse().expect("a tenant") };
        let slots = Slots::new(2);
        let one = slots.take(&tenant("one")).expect("a place");
        assert!(slots.take(&tenant("one")).is_err());
        let _two = slots.take(&tenant("two")).expect("a place");
        assert!(slots.take(&tenant("three")).is_err());
        drop(one);
        slots.take(&tenant("three")).expect("a place");
    }
}
