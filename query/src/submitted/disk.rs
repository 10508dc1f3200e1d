//! How much the kept results take, of each tenant and in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemas::TenantId;

use crate::error::Error;

/// The room for kept results, in bytes.
pub(super) struct Disk {
    all: u64,
    each: u64,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    all: u64,
    tenants: HashMap<TenantId, u64>,
}

/// Room that a result takes; given back when this is dropped.
pub(super) struct Room {
    disk: Arc<Disk>,
    tenant: TenantId,
    bytes: u64,
}

impl Disk {
    /// So much for all results, and for those of each tenant.
    pub(super) fn new(all: u64, each: u64) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            used: Mutex::default(),
        })
    }

    /// No room yet, for a result of this tenant.
    pub(super) fn room(self: &Arc<Self>, tenant: &TenantId) -> Room {
        Room {
            disk: Arc::clone(self),
            tenant: tenant.clone(),
            bytes: 0,
        }
    }
}

impl Room {
    /// How much it is.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes so much more.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when there is not so much.
    pub(super) fn grow(&mut self, bytes: u64) -> Result<(), Error> {
        let mut used = self.disk.used();
        let of_tenant = used.tenants.get(&self.tenant).copied().unwrap_or(0);
        if of_tenant + bytes > self.disk.each {
            return Err(full("of this tenant", self.disk.each));
        }
        if used.all + bytes > self.disk.all {
            return Err(full("of all tenants", self.disk.all));
        }
        used.all += bytes;
        used.tenants.insert(self.tenant.clone(), of_tenant + bytes);
        self.bytes += bytes;
        metrics::gauge!("chalkline_query_submitted_bytes").set(used.all as f64);
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut used = self.disk.used();
        used.all = used.all.saturating_sub(self.bytes);
        if let Some(of_tenant) = used.tenants.get_mut(&self.tenant) {
            *of_tenant = of_tenant.saturating_sub(self.bytes);
            if *of_tenant == 0 {
                used.tenants.remove(&self.tenant);
            }
        }
        metrics::gauge!("chalkline_query_submitted_bytes").set(used.all as f64);
    }
}

impl Disk {
    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn full(whose: &str, bytes: u64) -> Error {
    Error::TooLarge {
        detail: format!(
            "The kept results {whose} would take more than {bytes} bytes; delete some with DELETE \
             /v1/queries/{{id}}, or ask for fewer rows or columns."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_takes_its_share_and_no_more_than_is_left() {
        let tenant = |id| TenantId::new(id).expect("a slug");
        let disk = Disk::new(100, 80);
        let mut first = disk.room(&tenant("a"));
        let mut second = disk.room(&tenant("b"));
        first.grow(50).expect("within the share");
        let refused = first.grow(31).expect_err("beyond the share");
        assert_eq!(refused.code(), "result_too_large");
        assert!(second.grow(51).is_err(), "more than is left");
        second.grow(50).expect("what is left");
        assert_eq!((first.bytes(), second.bytes()), (50, 50));
        drop(first);
        second.grow(30).expect("what was given back");
        drop(second);
        assert!(disk.used().tenants.is_empty());
        assert_eq!(disk.used().all, 0);
    }
}
