//! Memory: one pool for the process, in it a share for each tenant.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

/// What all queries of the process share.
pub(crate) struct Memory {
    process: Arc<GreedyMemoryPool>,
    tenant_bytes: usize,
    /// Holds the disk manager: what is spilled is bounded over all tenants.
    base: RuntimeEnv,
}

impl Memory {
    pub(crate) fn new(
        bytes: usize,
        tenant_bytes: usize,
        spill_directory: Option<&Path>,
        spill_bytes: u64,
        metadata_bytes: usize,
    ) -> Result<Self> {
        let mode = match spill_directory {
            Some(directory) => DiskManagerMode::Directories(vec![directory.to_owned()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default()
            .with_mode(mode)
            .with_max_temp_directory_size(spill_bytes);
        let base = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(disk)
            // Files never change under their names: what is known of one stays true.
            .with_metadata_cache_limit(metadata_bytes)
            .build()?;
        Ok(Self {
            process: Arc::new(GreedyMemoryPool::new(bytes)),
            tenant_bytes,
            base,
        })
    }

    /// What the queries of one more tenant share.
    pub(crate) fn tenant(&self) -> Result<Arc<RuntimeEnv>> {
        let pool = TenantPool {
            tenant: FairSpillPool::new(self.tenant_bytes),
            process: Arc::clone(&self.process),
        };
        RuntimeEnvBuilder::from_runtime_env(&self.base)
            .with_memory_pool(Arc::new(pool))
            .build_arc()
    }
}

/// What one query of a tenant takes of its share, in bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(Arc<AtomicUsize>);

impl Taken {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The share of a tenant as one query uses it, and how much that is.
pub(crate) fn of_query(tenant: &RuntimeEnv) -> Result<(Arc<RuntimeEnv>, Taken)> {
    let taken = Taken::default();
    let pool = QueryPool {
        tenant: Arc::clone(&tenant.memory_pool),
        taken: taken.clone(),
    };
    let runtime_env = RuntimeEnvBuilder::from_runtime_env(tenant)
        .with_memory_pool(Arc::new(pool))
        .build_arc()?;
    Ok((runtime_env, taken))
}

/// A tenant's share, of which is counted what one query takes.
#[derive(Debug)]
struct QueryPool {
    tenant: Arc<dyn MemoryPool>,
    taken: Taken,
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        self.tenant.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.tenant.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.tenant.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.tenant.grow(reservation, additional);
        self.taken.0.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.tenant.shrink(reservation, shrink);
        self.taken.0.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.tenant.try_grow(reservation, additional)?;
        self.taken.0.fetch_add(additional, Ordering::Relaxed);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.tenant.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.tenant.memory_limit()
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tenant.fmt(f)
    }
}

/// A tenant's share, fair between its queries; what is taken from it is taken
/// from the process as well.
#[derive(Debug)]
struct TenantPool {
    tenant: FairSpillPool,
    process: Arc<GreedyMemoryPool>,
}

impl MemoryPool for TenantPool {
    fn name(&self) -> &str {
        "tenant"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.tenant.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.tenant.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.tenant.grow(reservation, additional);
        self.process.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.tenant.shrink(reservation, shrink);
        self.process.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.tenant.try_grow(reservation, additional)?;
        self.process
            .try_grow(reservation, additional)
            .inspect_err(|_| self.tenant.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.tenant.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.tenant.memory_limit()
    }
}

impl fmt::Display for TenantPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tenant({})", self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_gets_its_share_and_no_more_than_is_left() {
        let memory = Memory::new(100, 80, None, 1, 1).expect("a temporary folder");
        let (one, two) = (memory.tenant().expect("one"), memory.tenant().expect("two"));
        let first = MemoryConsumer::new("first").register(&one.memory_pool);
        let second = MemoryConsumer::new("second").register(&two.memory_pool);

        assert!(first.try_grow(81).is_err());
        first.try_grow(70).expect("within the share");
        assert!(second.try_grow(40).is_err());
        assert_eq!(two.memory_pool.reserved(), 0);
        second.try_grow(30).expect("what is left");
        drop(first);
        second.try_grow(50).expect("what was given back");
    }

    #[test]
    fn what_a_query_takes_is_counted_for_it_alone() {
        let memory = Memory::new(100, 80, None, 1, 1).expect("a temporary folder");
        let tenant = memory.tenant().expect("a tenant");
        let (one, taken) = of_query(&tenant).expect("a query");
        let (two, other) = of_query(&tenant).expect("another");
        let first = MemoryConsumer::new("first").register(&one.memory_pool);
        let second = MemoryConsumer::new("second").register(&two.memory_pool);

        first.try_grow(60).expect("within the share");
        assert!(second.try_grow(30).is_err(), "the share is one");
        second.try_grow(10).expect("what is left");
        assert_eq!((taken.bytes(), other.bytes()), (60, 10));
        drop(first);
        assert_eq!((taken.bytes(), other.bytes()), (0, 10));
        assert_eq!(tenant.memory_pool.reserved(), 10);
    }
}
