//! The spool itself: what waits on the disk, how much that is, and what more it
//! takes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::bounds::{Bounds, Held, Refusal};
use super::config::SpoolConfig;
use super::frame;
use crate::{
    AppendError, EmbeddedConfig, EmbeddedLog, EventLog, OpenError, ReadError, Receipt, Record,
    TruncateError,
};

/// The one partition.
const PARTITION: u32 = 0;
/// Below the spool's folder: the log of what waits.
const ENTRIES: &str = "entries";
/// What stays free on the disk: an embedded log that its disk failed copies a journal
/// of 64 MiB before it trusts it again.
const RESERVE: u64 = 128 << 20;
/// Bytes that may wait for the disk's sync.
const QUEUE: usize = 32 << 20;
/// Bytes read at a time when the spool is opened.
const COUNTED: usize = 4 << 20;
/// More bytes than this are compressed on a thread for work.
const LARGE: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
enum NotSpooled {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the records cannot be compressed")]
    Compress(#[source] io::Error),
}

pub(super) struct Spool {
    log: EmbeddedLog,
    folder: PathBuf,
    bounds: Bounds,
    state: Mutex<State>,
    /// Bytes that were refused last, since anything was taken.
    refused: AtomicU64,
    /// Records taken since it was opened.
    taken: AtomicU64,
}

#[derive(Default)]
struct State {
    /// What is on the disk.
    held: Held,
    /// Bytes on their way there.
    coming: u64,
}

impl Spool {
    /// Opens the spool in the folder and counts what is in it.
    pub(super) async fn open(
        folder: &Path,
        config: &SpoolConfig,
        max_record_bytes: usize,
    ) -> Result<Self, OpenError> {
        let largest = frame::largest(max_record_bytes);
        let log = EmbeddedLog::open(EmbeddedConfig {
            partitions: PARTITION + 1,
            queue_bytes: QUEUE.max(4 * largest),
            max_record_bytes: largest,
            ..EmbeddedConfig::new(folder.join(ENTRIES))
        });
        let log = log.await.map_err(|error| match error {
            OpenError::InUse { .. } => OpenError::SpoolInUse {
                path: folder.to_owned(),
            },
            other => other,
        })?;
        let held = count(&log).await;
        let state = State { held, coming: 0 };
        let room = free(folder).saturating_add(held.bytes);
        if room < config.max_bytes.saturating_add(RESERVE) {
            tracing::warn!(
                free_bytes = room,
                reserve_bytes = RESERVE,
                "the disk of the spool has no room for spool.max_bytes: it is full before"
            );
        }
        Ok(Self {
            log,
            folder: folder.to_owned(),
            bounds: Bounds {
                max_bytes: config.max_bytes,
                max_age: config.max_age(),
                reserve: RESERVE,
            },
            state: Mutex::new(state),
            refused: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn held(&self) -> Held {
        self.state().held
    }

    /// Records taken since it was opened.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.log.extent(PARTITION).is_empty()
    }

    /// The position of the oldest entry.
    pub(super) fn head(&self) -> u64 {
        self.log.extent(PARTITION).start
    }

    /// Waits for an entry at `position` or above.
    pub(super) async fn wait_for(&self, position: u64) {
        self.log.wait_beyond(PARTITION, position).await;
    }

    /// Why nothing more is taken, as far as is known.
    pub(super) fn trouble(&self) -> Option<String> {
        if let Some(trouble) = self.log.trouble() {
            return Some(format!("the disk of the spool takes nothing: {trouble}"));
        }
        let more = self.refused.load(Ordering::Relaxed).max(1);
        self.refusal(&self.state(), more)
            .map(|refusal| refusal.to_string())
    }

    /// Puts the records on the disk and answers each when they are there.
    ///
    /// All or none are refused for the bounds; when the disk fails that is said of
    /// each frame.
    pub(super) async fn take(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let count = records.len();
        let frames = match frames(records).await {
            Ok(frames) => frames,
            Err(error) => return refuse(count, NotSpooled::Compress(error)),
        };
        let coming: u64 = frames.iter().map(|frame| frame.bytes.len() as u64).sum();
        let place = match self.place(coming) {
            Ok(place) => place,
            Err(refusal) => return refuse(count, refusal.into()),
        };
        let (bytes, frames): (Vec<_>, Vec<_>) = frames.into_iter().map(Frame::split).unzip();
        let written = self.log.append_values(PARTITION, bytes).await;
        let mut held = Held::default();
        let mut answers = Vec::with_capacity(count);
        for (written, frame) in written.into_iter().zip(frames) {
            match written {
                Ok(_) => {
                    held.bytes += frame.bytes;
                    held.records += frame.records as u64;
                    held.oldest = held.oldest.or(Some(frame.at));
                    answers.extend((0..frame.records).map(|_| Ok(Receipt::Spooled)));
                }
                Err(error) => answers.extend(each(error, frame.records).map(Err)),
            }
        }
        place.fill(held);
        answers
    }

    /// Entries from `from` on, at most about `max_bytes` of them but one at least.
    pub(super) async fn read(
        &self,
        from: u64,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, ReadError> {
        self.log.values(PARTITION, from, max_bytes).await
    }

    /// Removes the entries below `before`, which held so many bytes and records and
    /// of which the youngest was spooled at `at`: the next is not older.
    pub(super) async fn remove(
        &self,
        before: u64,
        bytes: u64,
        records: u64,
        at: Option<u64>,
    ) -> Result<(), TruncateError> {
        let removed = self.log.truncate(PARTITION, before).await;
        // Its head has moved all the same, unless the disk took not even that.
        if self.head() >= before {
            let mut state = self.state();
            let held = &mut state.held;
            held.bytes = held.bytes.saturating_sub(bytes);
            held.records = held.records.saturating_sub(records);
            held.oldest = at.or(held.oldest);
            self.settle(&mut state);
        }
        removed
    }

    /// Gives room back that could not be given back before, and forgets what was
    /// counted wrong, once nothing waits.
    pub(super) async fn tidy(&self) {
        let extent = self.log.extent(PARTITION);
        if extent.is_empty() {
            // Nothing new can go wrong, and it is tried again.
            let _ = self.log.truncate(PARTITION, extent.start).await;
        }
        self.settle(&mut self.state());
    }

    pub(super) async fn close(&self) {
        self.log.close().await;
    }

    /// What an empty spool holds is known.
    fn settle(&self, state: &mut State) {
        if state.coming == 0 && self.is_empty() {
            state.held = Held::default();
        }
    }

    /// Keeps room for `bytes`.
    fn place(&self, bytes: u64) -> Result<Place<'_>, Refusal> {
        let mut state = self.state();
        if let Some(refusal) = self.refusal(&state, bytes) {
            self.refused.store(bytes, Ordering::Relaxed);
            return Err(refusal);
        }
        self.refused.store(0, Ordering::Relaxed);
        state.coming += bytes;
        Ok(Place { spool: self, bytes })
    }

    fn refusal(&self, state: &State, more: u64) -> Option<Refusal> {
        let free = free(&self.folder);
        self.bounds
            .refusal(&state.held, state.coming.saturating_add(more), now(), free)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for records on their way to the disk.
struct Place<'a> {
    spool: &'a Spool,
    bytes: u64,
}

impl Place<'_> {
    /// The disk has this.
    fn fill(self, held: Held) {
        let mut state = self.spool.state();
        state.held.bytes += held.bytes;
        state.held.records += held.records;
        state.held.oldest = state.held.oldest.or(held.oldest);
        self.spool.taken.fetch_add(held.records, Ordering::Relaxed);
        metrics::counter!("chalkline_spooled_records_total").increment(held.records);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.spool.state().coming -= self.bytes;
    }
}

/// Records as they are written.
struct Frame {
    bytes: Vec<u8>,
    records: usize,
    at: u64,
}

/// What remains of a frame that is written.
struct Written {
    bytes: u64,
    records: usize,
    at: u64,
}

impl Frame {
    fn split(self) -> (Vec<u8>, Written) {
        let written = Written {
            bytes: self.bytes.len() as u64,
            records: self.records,
            at: self.at,
        };
        (self.bytes, written)
    }
}

async fn frames(records: Vec<Record>) -> io::Result<Vec<Frame>> {
    let at = now();
    let encode = move |records: &[Record]| -> io::Result<Vec<Frame>> {
        let chunks = frame::chunks(records.iter().map(Record::size)).into_iter();
        let encode = |chunk: std::ops::Range<usize>| {
            let records = &records[chunk];
            let bytes = frame::encode(records, at)?;
            let records = records.len();
            Ok(Frame { bytes, records, at })
        };
        chunks.map(encode).collect()
    };
    if records.iter().map(Record::size).sum::<usize>() <= LARGE {
        return encode(&records);
    }
    let encoded = tokio::task::spawn_blocking(move || encode(&records)).await;
    encoded.unwrap_or_else(|e| Err(io::Error::other(e)))
}

/// What the entries of the log hold together, as far as they can be read.
async fn count(log: &EmbeddedLog) -> Held {
    let mut held = Held::default();
    let extent = log.extent(PARTITION);
    let mut next = extent.start;
    while next < extent.end {
        let entries = match log.values(PARTITION, next, COUNTED).await {
            Ok(entries) => entries,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a part of the spool cannot be read");
                break;
            }
        };
        let Some((last, _)) = entries.last() else {
            break;
        };
        next = last + 1;
        for (_, entry) in &entries {
            held.bytes += entry.len() as u64;
            // One that cannot be read is set aside when its turn comes.
            if let Ok(header) = frame::header(entry) {
                held.records += u64::from(header.records);
                held.oldest = held.oldest.or(Some(header.at));
            }
        }
    }
    held
}

fn refuse(count: usize, why: NotSpooled) -> Vec<Result<Receipt, AppendError>> {
    let why = Arc::new(why);
    let refused = |_| Err(AppendError::Refused(Arc::clone(&why).into()));
    (0..count).map(refused).collect()
}

/// The error of a frame, once for each of its records.
fn each(error: AppendError, records: usize) -> impl Iterator<Item = AppendError> {
    let error = Arc::new(error);
    (0..records).map(move |_| match *error {
        AppendError::Full => AppendError::Full,
        AppendError::Closed => AppendError::Closed,
        _ if error.may_still_arrive() => AppendError::Unknown(Arc::clone(&error).into()),
        _ => AppendError::Refused(Arc::clone(&error).into()),
    })
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Bytes that the disk of the folder has left; plenty if it does not say.
fn free(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}
