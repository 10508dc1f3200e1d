//! Where each partition begins since it was truncated: a small file beside the
//! database.
//!
//! Not in the database, so that a head can move while that takes no writes, and
//! so that no journal waits for it. The file is written in place and never
//! grows: a full disk takes it too.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const NAME: &str = "heads";
/// A position and its complement, big-endian; zeros where nothing was truncated.
const SLOT: usize = 16;

#[derive(Debug)]
pub(super) struct Heads {
    file: Mutex<File>,
    heads: Vec<AtomicU64>,
}

impl Heads {
    /// Opens the file of the folder, or makes it.
    pub(super) fn open(folder: &Path, partitions: u32) -> io::Result<Self> {
        let path = folder.join(NAME);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let mut slots = vec![0; SLOT * partitions as usize];
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        let known = length.min(slots.len());
        file.read_exact_at(&mut slots[..known], 0)?;
        if known < slots.len() {
            // Zeros that are written have their room on the disk.
            file.write_all_at(&slots[known..], known as u64)?;
            file.sync_all()?;
            File::open(folder)?.sync_all()?;
        }
        let heads: Option<Vec<_>> = slots.chunks_exact(SLOT).map(head).collect();
        let heads = heads.ok_or_else(|| {
            let damaged = format!("the file {} is damaged", path.display());
            io::Error::new(io::ErrorKind::InvalidData, damaged)
        })?;
        Ok(Self {
            file: Mutex::new(file),
            heads: heads.into_iter().map(AtomicU64::new).collect(),
        })
    }

    /// The first position of the partition that was not truncated.
    pub(super) fn get(&self, partition: u32) -> u64 {
        self.heads[partition as usize].load(Ordering::Acquire)
    }

    /// Moves the head of the partition to `to`, if that is further, and returns
    /// when the disk has it.
    pub(super) fn advance(&self, partition: u32, to: u64) -> io::Result<()> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if to <= self.get(partition) {
            return Ok(());
        }
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&to.to_be_bytes());
        slot[8..].copy_from_slice(&(!to).to_be_bytes());
        file.write_all_at(&slot, u64::from(partition) * SLOT as u64)?;
        file.sync_data()?;
        self.heads[partition as usize].store(to, Ordering::Release);
        Ok(())
    }
}

/// The position in a slot; none when it is damaged.
fn head(slot: &[u8]) -> Option<u64> {
    let (position, complement) = slot.split_at(8);
    let position = u64::from_be_bytes(position.try_into().ok()?);
    let complement = u64::from_be_bytes(complement.try_into().ok()?);
    (position == !complement || (position, complement) == (0, 0)).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_only_go_forward_and_are_there_when_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let heads = Heads::open(folder.path(), 2).unwrap();
        heads.advance(1, 7).unwrap();
        heads.advance(1, 3).unwrap();
        assert_eq!([heads.get(0), heads.get(1)], [0, 7]);
        let again = Heads::open(folder.path(), 3).unwrap();
        assert_eq!([again.get(0), again.get(1), again.get(2)], [0, 7, 0]);
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        Heads::open(folder.path(), 1)
            .unwrap()
            .advance(0, 9)
            .unwrap();
        std::fs::write(folder.path().join(NAME), [1; SLOT]).unwrap();
        let error = Heads::open(folder.path(), 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
