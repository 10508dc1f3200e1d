//! Memory that functions take for their results, charged to the pool of the
//! tenant for as long as anybody holds the result.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{Array, ArrayData, ArrayRef, make_array};
use datafusion::arrow::buffer::Buffer;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::carried::carried;

/// Buffers smaller than this are not charged: those of ordinary batches.
const LEAST_BYTES: usize = 256 * 1024;

/// The pool that pays, as functions find it: in their session's options.
#[derive(Clone)]
pub(crate) struct Charge(Arc<dyn MemoryPool>);

impl Charge {
    pub(crate) fn to(pool: &Arc<dyn MemoryPool>) -> Self {
        Self(Arc::clone(pool))
    }

    /// The same array, whose memory is reserved until the last of its buffers
    /// is dropped.
    ///
    /// # Errors
    /// The pool's, when it has no room.
    pub(super) fn on(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if array.get_array_memory_size() < LEAST_BYTES {
            return Ok(Arc::clone(array));
        }
        Ok(make_array(self.paid(array.to_data())?))
    }

    fn paid(&self, data: ArrayData) -> Result<ArrayData> {
        let buffers = data.buffers().iter().map(|buffer| self.buffer(buffer));
        let buffers = buffers.collect::<Result<Vec<Buffer>>>()?;
        let children = data.child_data().iter().cloned();
        let children = children
            .map(|child| self.paid(child))
            .collect::<Result<Vec<_>>>()?;
        let data = data.into_builder().buffers(buffers).child_data(children);
        Ok(data.build()?)
    }

    fn buffer(&self, buffer: &Buffer) -> Result<Buffer> {
        if buffer.capacity() < LEAST_BYTES {
            return Ok(buffer.clone());
        }
        let reservation = MemoryConsumer::new("a function's result").register(&self.0);
        reservation.try_grow(buffer.capacity())?;
        let paid = Paid {
            buffer: buffer.clone(),
            _reservation: reservation,
        };
        Ok(Buffer::from(Bytes::from_owner(paid)))
    }
}

/// A buffer, and the room that is kept for it.
struct Paid {
    buffer: Buffer,
    _reservation: MemoryReservation,
}

impl AsRef<[u8]> for Paid {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_slice()
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Charge").finish_non_exhaustive()
    }
}

carried!(Charge, "charge");

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{AsArray, StringArray};
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    #[test]
    fn what_is_held_is_charged_and_what_is_dropped_is_not() {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(4 << 20));
        let charge = Charge::to(&pool);
        let text = "x".repeat(3 << 20);
        let array: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));

        let paid = charge.on(&array).expect("there is room");
        assert!(pool.reserved() >= 3 << 20);
        assert!(charge.on(&array).is_err());
        let part = paid.slice(0, 1);
        drop(paid);
        assert_eq!(part.as_string::<i32>().value(0), text);
        assert!(pool.reserved() >= 3 << 20);
        drop(part);
        assert_eq!(pool.reserved(), 0);
    }
}
