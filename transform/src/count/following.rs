//! A partition that is counted stretch by stretch.

use std::collections::VecDeque;
use std::time::Duration;

use eventlog::{Entry, ReadError, Reader};

/// How long one read waits for a record that must be there.
const WAIT: Duration = Duration::from_secs(1);

/// A partition that is read on later: to open it again costs what was read
/// ahead.
pub(crate) struct Following {
    reader: Box<dyn Reader>,
    /// Read and not counted yet: at most what one read gives.
    rest: VecDeque<Entry>,
    /// Where it goes on.
    next: u64,
}

impl Following {
    /// Goes on with a reader that was opened at a position.
    pub fn start(reader: Box<dyn Reader>, from: u64) -> Self {
        Self {
            reader,
            rest: VecDeque::new(),
            next: from,
        }
    }

    /// Where it goes on.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The next record below `end`; `None` when there is none.
    pub async fn below(&mut self, end: u64, read_bytes: usize) -> Result<Option<Entry>, ReadError> {
        if self.next >= end {
            return Ok(None);
        }
        if self.rest.is_empty() {
            self.rest = self.reader.next(read_bytes, WAIT).await?.into();
        }
        let Some(first) = self.rest.front() else {
            let cause = "a record below the floor did not come";
            return Err(ReadError::Unavailable(cause.into()));
        };
        // Positions may have gaps, also where a stretch ends.
        if first.position.offset >= end {
            self.next = end;
            return Ok(None);
        }
        self.next = first.position.offset + 1;
        Ok(self.rest.pop_front())
    }
}
