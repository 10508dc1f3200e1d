//! How much all requests together may hold: admission by bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a byte of a body costs until it is answered: the byte, its place in the
/// record made of it, and its copy in the log's buffer.
pub const COST: usize = 3;

/// Permits are counted in units of this many bytes.
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
    free: Arc<Semaphore>,
    units: usize,
    given_back: Mutex<GivenBack>,
}

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

/// The memory is full; it empties as requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Memory {
    /// Memory of `bytes`.
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            free: Arc::new(Semaphore::new(units)),
            units,
            given_back: Mutex::default(),
        }))
    }

    /// How long what is held will take to come back, as fast as it did in the last
    /// seconds; `None` while nothing does.
    pub fn time_to_empty(&self) -> Option<Duration> {
        self.time_to_empty_at(Instant::now())
    }

    fn time_to_empty_at(&self, now: Instant) -> Option<Duration> {
        let held = self.0.units - self.0.free.available_permits();
        if held == 0 {
            return Some(Duration::ZERO);
        }
        let mut given_back = self
            .0
            .given_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let rate = given_back.rate(now).filter(|rate| *rate > 0.0)?;
        Some(Duration::from_secs_f64((held as f64 / rate).min(3_600.0)))
    }

    /// A lease of nothing yet; what it holds comes back when it is dropped.
    pub fn lease(&self) -> Lease {
        Lease {
            memory: self.clone(),
            bytes: 0,
            permit: None,
        }
    }
}

/// What one request holds.
#[derive(Debug)]
pub struct Lease {
    memory: Memory,
    bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// Whether there is room for a body of `bytes` in all now. That holds nothing: by
    /// the time it has arrived there may be none.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        let more = units(bytes).saturating_sub(units(self.bytes));
        more <= self.memory.0.free.available_permits()
    }

    /// Makes room for a body of `bytes` in all; less than before changes nothing.
    ///
    /// # Errors
    /// [`Full`], and the lease is as before.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Full> {
        let more = units(bytes).saturating_sub(units(self.bytes));
        if more > 0 {
            let permit = Arc::clone(&self.memory.0.free)
                .try_acquire_many_owned(u32::try_from(more).map_err(|_| Full)?)
                .map_err(|_| Full)?;
            match &mut self.permit {
                Some(held) => held.merge(permit),
                None => self.permit = Some(permit),
            }
        }
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    /// Makes room for `bytes` more.
    ///
    /// # Errors
    /// [`Full`], and the lease is as before.
    pub fn grow_by(&mut self, bytes: usize) -> Result<(), Full> {
        self.grow_to(self.bytes + bytes)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let shared = &self.memory.0;
            let mut given_back = shared
                .given_back
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            given_back.note(Instant::now(), permit.num_permits());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_long_it_takes_to_empty() {
        let memory = Memory::new(COST * (100 << 10));
        let second = Duration::from_secs(1);
        assert_eq!(memory.time_to_empty(), Some(Duration::ZERO));
        let mut held = memory.lease();
        held.grow_to(60 << 10).expect("fits");
        let now = Instant::now();
        assert_eq!(memory.time_to_empty_at(now), None);
        {
            let mut given_back = memory.0.given_back.lock().expect("nobody panicked");
            for ago in (1..=4).rev() {
                given_back.note(now - second * ago, 45);
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
        let mut first = memory.lease();
        for _ in 0..3000 {
            first.grow_by(1).expect("fits");
        }
        let mut second = memory.lease();
        assert!(!second.has_room_for(2000) && second.has_room_for(1000));
        assert_eq!(second.grow_by(2000), Err(Full));
        second.grow_by(1000).expect("fits beside the first");
        drop(first);
        second.grow_to(4096).expect("fits alone");
        assert_eq!(memory.lease().grow_by(1), Err(Full));
    }
}
