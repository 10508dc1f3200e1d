//! How much all requests together may hold: admission by bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a byte of a body costs until it is answered: the byte, its place in the
/// record made of it, and its copy in the log's buffer.
pub const COST: usize = 3;

/// Permits are counted in units of this many bytes.
const UNIT: usize = 1024;

/// The memory for bodies, shared by all requests. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Semaphore>);

/// The memory is full; it empties as requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Memory {
    /// Memory of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(
            (bytes / UNIT).min(Semaphore::MAX_PERMITS),
        )))
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
    /// Makes room for a body of `bytes` in all; less than before changes nothing.
    ///
    /// # Errors
    /// [`Full`], and the lease is as before.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Full> {
        let units = |bytes: usize| bytes.saturating_mul(COST).div_ceil(UNIT);
        let more = units(bytes).saturating_sub(units(self.bytes));
        if more > 0 {
            let permit = Arc::clone(&self.memory.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_counts_every_byte_once_and_gives_all_back() {
        let memory = Memory::new(COST * 4096);
        let mut first = memory.lease();
        for _ in 0..3000 {
            first.grow_by(1).expect("fits");
        }
        let mut second = memory.lease();
        assert_eq!(second.grow_by(2000), Err(Full));
        second.grow_by(1000).expect("fits beside the first");
        drop(first);
        second.grow_to(4096).expect("fits alone");
        assert_eq!(memory.lease().grow_by(1), Err(Full));
    }
}
