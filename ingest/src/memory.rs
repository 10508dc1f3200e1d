//! How much all requests together may hold: admission by bytes, fair between tenants
//! and between the keys of each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemas::TenantId;

use crate::share::Held;

/// What a byte of a body costs until it is answered: the byte, its place in the
/// record made of it, and its copy in the log's buffer.
pub const COST: usize = 3;

/// Memory is counted in units of this many bytes.
const UNIT: usize = 1024;

/// The units that a body of `bytes` takes.
fn units(bytes: usize) -> usize {
    bytes.saturating_mul(COST).div_ceil(UNIT)
}

/// How far back it is looked how fast memory empties.
const LOOK_BACK: Duration = Duration::from_secs(10);

/// The memory for bodies, shared by all requests. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    units: usize,
    in_use: Mutex<InUse>,
}

/// What is held now.
#[derive(Debug, Default)]
struct InUse {
    units: usize,
    by_tenant: HashMap<TenantId, OfTenant>,
    given_back: GivenBack,
}

/// What a tenant holds that holds something.
#[derive(Debug, Default)]
struct OfTenant {
    units: usize,
    by_key: HashMap<String, usize>,
}

/// How many times what it leaves of its tenant's share a key may hold: a tenant's pages,
/// whose key everybody can read, cannot shut out its servers.
const KEY_TIMES: usize = 3;

/// The units that came back in the last seconds, a second each.
#[derive(Debug, Default)]
struct GivenBack(VecDeque<(Instant, usize)>);

impl GivenBack {
    fn note(&mut self, now: Instant, units: usize) {
        match self.0.back_mut() {
            Some((second, sum)) if now < *second + Duration::from_secs(1) => *sum += units,
            _ => self.0.push_back((now, units)),
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Instant) {
        while self
            .0
            .front()
            .is_some_and(|(second, _)| *second + LOOK_BACK < now)
        {
            self.0.pop_front();
        }
    }

    /// Units a second; `None` when nothing came back lately.
    fn rate(&mut self, now: Instant) -> Option<f64> {
        self.forget(now);
        let (first, _) = self.0.front()?;
        let seconds = (now - *first).as_secs_f64().max(1.0);
        let units: usize = self.0.iter().map(|(_, units)| units).sum();
        Some(units as f64 / seconds)
    }
}

/// The memory is full, or the share of the tenant or of the key is; it empties as requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Memory {
    /// Memory of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared {
            units: bytes / UNIT,
            in_use: Mutex::default(),
        }))
    }

    /// How long what is held will take to come back, as fast as it did in the last
    /// seconds; `None` while nothing does.
    pub fn time_to_empty(&self) -> Option<Duration> {
        self.time_to_empty_at(Instant::now())
    }

    fn time_to_empty_at(&self, now: Instant) -> Option<Duration> {
        let mut in_use = self.in_use();
        if in_use.units == 0 {
            return Some(Duration::ZERO);
        }
        let rate = in_use.given_back.rate(now).filter(|rate| *rate > 0.0)?;
        let seconds = in_use.units as f64 / rate;
        Some(Duration::from_secs_f64(seconds.min(3_600.0)))
    }

    /// A lease of nothing yet for a request with this key of a tenant; what it holds
    /// comes back when it is dropped.
    pub fn lease(&self, tenant: &TenantId, key: &str) -> Lease {
        Lease {
            memory: self.clone(),
            tenant: tenant.clone(),
            key: key.to_owned(),
            bytes: 0,
            units: 0,
        }
    }

    fn in_use(&self) -> MutexGuard<'_, InUse> {
        self.0.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one request holds.
#[derive(Debug)]
pub struct Lease {
    memory: Memory,
    tenant: TenantId,
    key: String,
    bytes: usize,
    units: usize,
}

impl Lease {
    /// Whether there is room for a body of `bytes` in all now. That holds nothing: by
    /// the time it has arrived there may be none.
    ///
    /// # Errors
    /// [`Full`].
    pub fn check(&self, bytes: usize) -> Result<(), Full> {
        match units(bytes).saturating_sub(self.units) {
            0 => Ok(()),
            more => self.admit_or_count(&self.memory.in_use(), more),
        }
    }

    /// Makes room for a body of `bytes` in all; less than before changes nothing.
    ///
    /// # Errors
    /// [`Full`], and the lease is as before.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Full> {
        let more = units(bytes).saturating_sub(self.units);
        if more > 0 {
            self.take(more)?;
        }
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    /// The bytes that it makes room for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whose request it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn take(&mut self, more: usize) -> Result<(), Full> {
        let mut in_use = self.memory.in_use();
        self.admit_or_count(&in_use, more)?;
        in_use.units += more;
        let of_tenant = in_use.by_tenant.entry(self.tenant.clone()).or_default();
        of_tenant.units += more;
        *of_tenant.by_key.entry(self.key.clone()).or_default() += more;
        self.units += more;
        Ok(())
    }

    fn admit_or_count(&self, in_use: &InUse, more: usize) -> Result<(), Full> {
        self.admit(in_use, more).map_err(|full| {
            metrics::counter!("chalkline_ingest_overloaded_total", "full" => full).increment(1);
            Full
        })
    }

    /// Whether so much more may be had.
    ///
    /// # Errors
    /// What is full.
    fn admit(&self, in_use: &InUse, more: usize) -> Result<(), &'static str> {
        let of_tenant = in_use.by_tenant.get(&self.tenant);
        let tenant = Held {
            whole: self.memory.0.units,
            all: in_use.units,
            own: of_tenant.map_or(0, |of_tenant| of_tenant.units),
            request: self.units,
            holders: in_use.by_tenant.len() + usize::from(of_tenant.is_none()),
            times: 1,
        };
        if tenant.all.saturating_add(more) > tenant.whole {
            return Err("memory");
        }
        if !tenant.admits(more) {
            return Err("tenant");
        }
        let of_key = of_tenant.and_then(|of_tenant| of_tenant.by_key.get(&self.key));
        let keys = of_tenant.map_or(0, |of_tenant| of_tenant.by_key.len());
        let key = Held {
            whole: tenant.most(),
            all: tenant.own,
            own: of_key.copied().unwrap_or(0),
            request: self.units,
            holders: keys + usize::from(of_key.is_none()),
            times: KEY_TIMES,
        };
        let is_alone = in_use.units == self.units;
        if is_alone || key.admits(more) {
            Ok(())
        } else {
            Err("key")
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.units == 0 {
            return;
        }
        let mut in_use = self.memory.in_use();
        in_use.units -= self.units;
        in_use.given_back.note(Instant::now(), self.units);
        let Some(of_tenant) = in_use.by_tenant.get_mut(&self.tenant) else {
            return;
        };
        of_tenant.units -= self.units;
        if let Some(of_key) = of_tenant.by_key.get_mut(&self.key) {
            *of_key -= self.units;
            if *of_key == 0 {
                of_tenant.by_key.remove(&self.key);
            }
        }
        if of_tenant.units == 0 {
            in_use.by_tenant.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).expect("a slug")
    }

    #[test]
    fn it_is_told_how_long_it_takes_to_empty() {
        let memory = Memory::new(COST * (100 << 10));
        let second = Duration::from_secs(1);
        assert_eq!(memory.time_to_empty(), Some(Duration::ZERO));
        let mut held = memory.lease(&tenant("a"), "web");
        held.grow_to(60 << 10).expect("fits");
        let now = Instant::now();
        assert_eq!(memory.time_to_empty_at(now), None);
        {
            let mut in_use = memory.in_use();
            for ago in (1..=4).rev() {
                in_use.given_back.note(now - second * ago, 45);
            }
        }
        // 180 units are held, and 45 a second came back.
        assert_eq!(memory.time_to_empty_at(now), Some(second * 4));
        // What was long ago says nothing.
        assert_eq!(memory.time_to_empty_at(now + second * 20), None);
    }

    #[test]
    fn a_lease_counts_every_byte_once_and_gives_all_back() {
        let memory = Memory::new(COST * 4096);
        let mut first = memory.lease(&tenant("a"), "web");
        for bytes in 1..=2000 {
            first.grow_to(bytes).expect("fits");
        }
        let mut second = memory.lease(&tenant("b"), "web");
        assert_eq!(second.check(3000), Err(Full));
        assert_eq!(second.grow_to(3000), Err(Full));
        assert_eq!(second.check(500), Ok(()));
        assert_eq!(memory.in_use().units, 6);
        second.grow_to(500).expect("fits beside the first");
        assert_eq!(memory.in_use().units, 6 + 2);
        drop(first);
        second.grow_to(4096).expect("fits alone");
        assert_eq!(memory.lease(&tenant("a"), "web").grow_to(1), Err(Full));
        drop(second);
        let in_use = memory.in_use();
        assert_eq!((in_use.units, in_use.by_tenant.len()), (0, 0));
    }

    #[test]
    fn a_flood_of_one_key_leaves_room_for_others() {
        let memory = Memory::new(COST * (100 << 10));
        let mut flood = Vec::new();
        let mut ask = |name: &str, key: &str| {
            let mut lease = memory.lease(&tenant(name), key);
            let taken = lease.grow_to(1 << 10).is_ok();
            if taken {
                flood.push(lease);
            }
            taken
        };
        let mut fill = |name, key| (0..200).filter(|_| ask(name, key)).count();
        // Three quarters of half, and a share of the rest for another key.
        assert_eq!(fill("a", "page"), 37);
        assert_eq!(fill("a", "web"), 7);
        assert_eq!(fill("a", "page"), 0);
        // Other tenants find room for theirs.
        assert_eq!(fill("b", "web"), 14);
        assert_eq!(fill("c", "web"), 7);
        assert_eq!(fill("a", "page") + fill("a", "web"), 0);
    }
}
