//! How a record lies on the disk.
//!
//! ```text
//! version=1 | key len, key | header count, (name len, name, value len, value)* | value
//! ```
//!
//! Lengths are LEB128; the value takes what is left. The key of an entry is the
//! position, big-endian, so that the folder's order is the log's.

use std::ops::Range;

use bytes::Bytes;

use crate::record::Span;
use crate::{Headers, Record};

const VERSION: u8 = 1;

/// An entry that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("the entry has format version {0}, this program knows {VERSION}")]
    Version(u8),
    #[error("the entry is damaged: it ends or breaks in its {0}")]
    Damaged(&'static str),
}

/// The key of the entry at `position`.
pub(crate) fn key(position: u64) -> [u8; 8] {
    position.to_be_bytes()
}

/// The position that [`key`] encoded.
pub(crate) fn position(key: &[u8]) -> Result<u64, DecodeError> {
    key.try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| DecodeError::Damaged("position"))
}

/// The record as one value.
pub(crate) fn value(record: &Record) -> Vec<u8> {
    let mut out = Vec::with_capacity(room(record));
    write(&mut out, record);
    out
}

/// Bytes that [`value`] takes at the most, of all but giants.
pub(crate) fn room(record: &Record) -> usize {
    // Ten bytes hold version, key length and header count.
    record.size() + 10 + 4 * record.headers.len()
}

/// Writes [`value`] to the end of `out`.
pub(crate) fn write(out: &mut Vec<u8>, record: &Record) {
    out.push(VERSION);
    put(out, &record.key);
    put_length(out, record.headers.len());
    for (name, value) in record.headers.iter() {
        put(out, name.as_bytes());
        put(out, value);
    }
    out.extend_from_slice(&record.value);
}

/// The record that [`value`] encoded, in one allocation for its bytes.
pub(crate) fn record(stored: &[u8]) -> Result<Record, DecodeError> {
    match stored.first() {
        Some(&VERSION) => {}
        Some(&other) => return Err(DecodeError::Version(other)),
        None => return Err(DecodeError::Damaged("version")),
    }
    let bytes = Bytes::copy_from_slice(stored);
    let mut rest = Rest {
        bytes: stored,
        at: 1,
    };
    let key = bytes.slice(rest.take("key")?);
    let count = rest.length("headers")?;
    // A damaged count must not reserve memory: each header has two bytes at least.
    let mut headers = Vec::with_capacity(count.min(stored.len() / 2));
    for _ in 0..count {
        let name = rest.take("headers")?;
        let value = rest.take("headers")?;
        headers.push(Span { name, value });
    }
    let value = bytes.slice(rest.at..);
    let headers = Headers::in_buffer(bytes, headers);
    Ok(Record {
        key,
        headers: headers.ok_or(DecodeError::Damaged("headers"))?,
        value,
    })
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Rest<'_> {
    fn length(&mut self, part: &'static str) -> Result<usize, DecodeError> {
        let mut length = 0usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(DecodeError::Damaged(part))?;
            self.at += 1;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(length);
            }
        }
        Err(DecodeError::Damaged(part))
    }

    fn take(&mut self, part: &'static str) -> Result<Range<usize>, DecodeError> {
        let length = self.length(part)?;
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(DecodeError::Damaged(part))?;
        let taken = self.at..end;
        self.at = end;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_record() -> impl Strategy<Value = Record> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from);
        let headers = proptest::collection::vec((".{0,20}", bytes()), 0..6);
        (bytes(), headers, bytes()).prop_map(|(key, headers, value)| Record {
            key,
            headers: headers.into_iter().collect(),
            value,
        })
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read(original in any_record()) {
            prop_assert_eq!(record(&value(&original)), Ok(original));
        }

        #[test]
        fn damaged_entries_are_errors_not_panics(stored in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = record(&stored);
            let mut versioned = stored;
            versioned.insert(0, VERSION);
            let _ = record(&versioned);
        }

        #[test]
        fn keys_sort_as_positions(a: u64, b: u64) {
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(position(&key(a)), Ok(a));
        }
    }

    #[test]
    fn another_version_is_named() {
        assert_eq!(record(&[2, 0, 0]), Err(DecodeError::Version(2)));
        assert_eq!(record(&[]), Err(DecodeError::Damaged("version")));
    }
}
