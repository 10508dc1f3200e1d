//! Rows in the order of their keys, more of them than memory should hold.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;

use crate::error::Error;
use crate::row::{Incoming, sort_key};

/// What a run is read by.
const READ_BYTES: usize = 128 << 10;

/// What a finished table may keep in memory.
const KEEP_BYTES: usize = 1 << 20;

/// Takes rows in any order. What is over its budget goes to a temporary file that has
/// no name, so nothing of it outlives the process.
pub(crate) struct Sorter {
    run: Run,
    spilled: Vec<File>,
    budget: usize,
}

/// Encoded rows in memory, and where each is.
#[derive(Default)]
struct Run {
    bytes: Vec<u8>,
    rows: Vec<std::ops::Range<usize>>,
}

impl Run {
    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.rows
            .sort_unstable_by(|a, b| sort_key(&bytes[a.clone()]).cmp(&sort_key(&bytes[b.clone()])));
    }
}

impl Sorter {
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            run: Run::default(),
            spilled: Vec::new(),
            budget,
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub(crate) fn push(&mut self, row: &Incoming) -> Result<(), Error> {
        let start = self.run.bytes.len();
        row.encode(&mut self.run.bytes);
        self.run.rows.push(start..self.run.bytes.len());
        if self.run.bytes.len() + self.run.rows.len() * 16 >= self.budget {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), Error> {
        self.run.sort();
        let doing = "rows could not be set aside in the folder for temporary files";
        let file = tempfile::tempfile().map_err(Error::io(doing))?;
        let mut to = BufWriter::with_capacity(READ_BYTES, file);
        for row in &self.run.rows {
            let length = u32::try_from(row.len()).unwrap_or(u32::MAX).to_le_bytes();
            to.write_all(&length)
                .and_then(|()| to.write_all(&self.run.bytes[row.clone()]))
                .map_err(Error::io(doing))?;
        }
        let file = to.into_inner().map_err(|error| error.into_error());
        self.spilled.push(file.map_err(Error::io(doing))?);
        self.run.bytes.clear();
        self.run.rows.clear();
        Ok(())
    }

    /// All rows, sorted.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub(crate) fn finish(mut self) -> Result<Sorted, Error> {
        if self.run.bytes.len() > KEEP_BYTES {
            self.spill()?;
        }
        self.run.sort();
        self.run.bytes.shrink_to_fit();
        self.run.rows.shrink_to_fit();
        Ok(Sorted {
            run: self.run,
            spilled: self.spilled,
        })
    }
}

/// Rows by key and line; they can be gone through as often as needed.
pub(crate) struct Sorted {
    run: Run,
    spilled: Vec<File>,
}

impl Sorted {
    /// The rows from the first.
    ///
    /// # Errors
    /// When a temporary file cannot be read.
    pub(crate) fn iter(&self) -> Result<Rows<'_>, Error> {
        let mut heads = BinaryHeap::new();
        let memory = Source::Memory {
            run: &self.run,
            next: 0,
        };
        let spilled = self.spilled.iter().map(Source::of_file);
        for source in std::iter::once(memory).chain(spilled) {
            let mut head = Head {
                bytes: Vec::new(),
                source,
            };
            if head.advance()? {
                heads.push(head);
            }
        }
        Ok(Rows { heads })
    }
}

/// Goes through sorted rows.
pub(crate) struct Rows<'a> {
    heads: BinaryHeap<Head<'a>>,
}

impl Iterator for Rows<'_> {
    type Item = Result<Incoming, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut head = self.heads.peek_mut()?;
        let row = Incoming::decode(&head.bytes);
        match head.advance() {
            Ok(true) => {}
            Ok(false) => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
            Err(error) => return Some(Err(error)),
        }
        Some(row)
    }
}

/// The next row of a run.
struct Head<'a> {
    bytes: Vec<u8>,
    source: Source<'a>,
}

enum Source<'a> {
    Memory {
        run: &'a Run,
        next: usize,
    },
    Spilled {
        file: &'a File,
        buffer: Vec<u8>,
        rest: std::ops::Range<usize>,
        position: u64,
    },
}

impl<'a> Source<'a> {
    fn of_file(file: &'a File) -> Self {
        Self::Spilled {
            file,
            buffer: vec![0; READ_BYTES],
            rest: 0..0,
            position: 0,
        }
    }
}

impl Head<'_> {
    /// Goes to the next row; false behind the last.
    fn advance(&mut self) -> Result<bool, Error> {
        if let Source::Memory { run, next } = &mut self.source {
            let Some(row) = run.rows.get(*next) else {
                return Ok(false);
            };
            self.bytes.clear();
            self.bytes.extend_from_slice(&run.bytes[row.clone()]);
            *next += 1;
            return Ok(true);
        }
        let mut length = [0; 4];
        if !self.source.fill(&mut length)? {
            return Ok(false);
        }
        self.bytes.resize(u32::from_le_bytes(length) as usize, 0);
        if self.source.fill(&mut self.bytes)? {
            Ok(true)
        } else {
            Err(Error::Spill)
        }
    }
}

impl Source<'_> {
    /// Reads exactly so many bytes; false at the end of the file.
    fn fill(&mut self, to: &mut [u8]) -> Result<bool, Error> {
        let Self::Spilled {
            file,
            buffer,
            rest,
            position,
        } = self
        else {
            return Ok(false);
        };
        let mut filled = 0;
        while filled < to.len() {
            if rest.start == rest.end {
                let doing = "rows that were set aside could not be read back";
                let read = file.read_at(buffer, *position).map_err(Error::io(doing))?;
                if read == 0 {
                    return if filled == 0 {
                        Ok(false)
                    } else {
                        Err(Error::Spill)
                    };
                }
                *position += read as u64;
                *rest = 0..read;
            }
            let count = rest.len().min(to.len() - filled);
            to[filled..filled + count].copy_from_slice(&buffer[rest.start..rest.start + count]);
            rest.start += count;
            filled += count;
        }
        Ok(true)
    }
}

impl Ord for Head<'_> {
    /// The least key is the greatest: a heap gives its greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        sort_key(&other.bytes).cmp(&sort_key(&self.bytes))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Row, Value, Want};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_the_budget_rows_come_by_key_and_line(
            keys in proptest::collection::vec("[a-c]{0,3}", 0..200),
            budget in 1_usize..4_000,
        ) {
            let mut sorter = Sorter::new(budget);
            let mut expected = Vec::new();
            for (line, key) in (1..).zip(&keys) {
                let row = Row { values: vec![Value::from(key.as_str())], modified_at: None };
                sorter.push(&Incoming { key: key.clone(), line, want: Want::Keep, row })
                    .expect("pushed");
                expected.push((key.clone(), line));
            }
            expected.sort();
            let sorted = sorter.finish().expect("finished");
            for _ in 0..2 {
                let found: Vec<_> = sorted.iter().expect("rows")
                    .map(|row| row.map(|row| (row.key, row.line)).expect("a row"))
                    .collect();
                prop_assert_eq!(&found, &expected);
            }
        }
    }
}
