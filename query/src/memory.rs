//! Memory, and the disk beside it: of both the process has so much, and each tenant a share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use crate::Config;
use crate::shares::{Share, Whole};
use crate::spill::Spill;

/// What all queries of the process share.
pub(crate) struct Memory {
    memory: Arc<Whole>,
    spill: Arc<Whole>,
    tenant_bytes: usize,
    /// Holds the disk, and what is known of files.
    base: RuntimeEnv,
}

impl Memory {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let mode = match &config.spill_directory {
            Some(directory) => DiskManagerMode::Directories(vec![directory.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default()
            .with_mode(mode)
            .with_max_temp_directory_size(config.spill_bytes);
        let base = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(disk)
            // Files never change under their names: what is known of one stays true.
            .with_metadata_cache_limit(config.metadata_bytes)
            .build()?;
        // A tenant's own pool bounds what it may have, and lets a query that begins have
        // its part for as long as another of the tenant's still holds it.
        let bytes = config.memory_bytes as u64;
        Ok(Self {
            memory: Whole::new(bytes, bytes),
            spill: Whole::new(
                config.spill_bytes,
                config.tenant_spill_bytes.min(config.spill_bytes),
            ),
            tenant_bytes: config.tenant_memory_bytes,
            base,
        })
    }

    /// What the queries of one more tenant share.
    pub(crate) fn tenant(&self) -> Result<Arc<RuntimeEnv>> {
        let pool = TenantPool {
            tenant: FairSpillPool::new(self.tenant_bytes),
            share: self.memory.share(),
        };
        let spill = Spill::new(&self.base.disk_manager, self.spill.share());
        let disk = DiskManagerBuilder::default().with_temp_file_factory(Arc::new(spill));
        RuntimeEnvBuilder::from_runtime_env(&self.base)
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(disk)
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

/// A tenant's pool, fair between its queries; what is taken from it is taken from the
/// tenant's share of the process as well.
#[derive(Debug)]
struct TenantPool {
    tenant: FairSpillPool,
    share: Share,
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
        self.share.take_anyway(additional as u64);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.tenant.shrink(reservation, shrink);
        self.share.give_back(shrink as u64);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.tenant.try_grow(reservation, additional)?;
        if self.share.take(additional as u64) {
            return Ok(());
        }
        self.tenant.shrink(reservation, additional);
        let consumer = reservation.consumer().name();
        Err(DataFusionError::ResourcesExhausted(format!(
            "{additional} bytes more for {consumer}: other tenants have them, or they are kept \
             for those that hold little"
        )))
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
    use std::io::Write;

    use datafusion::execution::spill_file::SpillFile;

    use super::*;

    /// Of 160 bytes 40 are kept for tenants that hold no more than 10.
    fn memory() -> Memory {
        let config = Config {
            memory_bytes: 160,
            tenant_memory_bytes: 100,
            spill_bytes: 160,
            tenant_spill_bytes: 100,
            ..Config::default()
        };
        Memory::new(&config).expect("a temporary folder")
    }

    fn tenants(memory: &Memory) -> [Arc<RuntimeEnv>; 3] {
        [(); 3].map(|()| memory.tenant().expect("a tenant"))
    }

    #[test]
    fn a_tenant_gets_its_share_and_no_more_than_is_left() {
        let tenants = tenants(&memory());
        let of =
            |tenant: &Arc<RuntimeEnv>| MemoryConsumer::new("a test").register(&tenant.memory_pool);
        let [first, second, third] = tenants.each_ref().map(of);

        assert!(first.try_grow(101).is_err());
        first.try_grow(100).expect("within the share");
        assert!(second.try_grow(21).is_err());
        assert_eq!(tenants[1].memory_pool.reserved(), 0);
        second.try_grow(20).expect("what is not kept");
        assert!(third.try_grow(11).is_err());
        third.try_grow(10).expect("a little");
        drop(first);
        second.try_grow(50).expect("what was given back");
    }

    #[test]
    fn a_tenant_spills_within_its_share_and_no_more_than_is_left() {
        let memory = memory();
        let [first, second, third] = tenants(&memory);
        let spill = |tenant: &RuntimeEnv, bytes: usize| -> Result<Arc<dyn SpillFile>> {
            let file = tenant.disk_manager.create_tmp_file("a test")?;
            let mut writer = file.open_writer()?;
            writer.write_all(&vec![0; bytes])?;
            Ok(file)
        };

        assert!(spill(&first, 101).is_err());
        let large = spill(&first, 100).expect("within the share");
        assert_eq!(large.size(), Some(100));
        assert!(spill(&first, 1).is_err());
        assert!(spill(&second, 21).is_err());
        let _small = spill(&second, 20).expect("what is not kept");
        assert!(spill(&third, 11).is_err());
        let _little = spill(&third, 10).expect("a little");
        assert_eq!(memory.base.disk_manager.used_disk_space(), 130);
        drop(large);
        let _more = spill(&second, 50).expect("what was given back");
        assert_eq!(memory.base.disk_manager.used_disk_space(), 80);
    }

    #[test]
    fn what_a_query_takes_is_counted_for_it_alone() {
        let tenant = memory().tenant().expect("a tenant");
        let (one, taken) = of_query(&tenant).expect("a query");
        let (two, other) = of_query(&tenant).expect("another");
        let first = MemoryConsumer::new("first").register(&one.memory_pool);
        let second = MemoryConsumer::new("second").register(&two.memory_pool);

        first.try_grow(60).expect("within the share");
        assert!(second.try_grow(50).is_err(), "the share is one");
        second.try_grow(10).expect("what is left");
        assert_eq!((taken.bytes(), other.bytes()), (60, 10));
        drop(first);
        assert_eq!((taken.bytes(), other.bytes()), (0, 10));
        assert_eq!(tenant.memory_pool.reserved(), 10);
    }
}
