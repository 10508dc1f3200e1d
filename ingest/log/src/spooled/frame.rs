//! How records lie in the spool: one entry holds several, compressed together.
//!
//! ```text
//! version=1 | spooled at, ms since 1970, 8 | records, 4 | bytes inflated, 4 | zstd of (length, 4, record)*
//! ```
//!
//! Numbers are big-endian. The zstd frame ends with a checksum of its content.

use std::io::{self, Read};
use std::ops::Range;

use crate::{Record, encode};

const VERSION: u8 = 1;
const HEADER: usize = 17;
/// As cheap as compression gets; what is repeated in events still goes.
const LEVEL: i32 = 1;
/// Records of about this many bytes share a frame.
const CHUNK: usize = 512 << 10;
/// The most that a frame inflates to: one that says more is not ours.
const LARGEST: u32 = 1 << 30;

/// What a frame says of itself before it is inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// When it was spooled, in milliseconds since 1970.
    pub(super) at: u64,
    /// How many records it has.
    pub(super) records: u32,
    /// How many bytes it inflates to.
    inflated: u32,
}

/// An entry that this version cannot read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("the entry has format version {0}, this program knows {VERSION}")]
    Version(u8),
    #[error("the entry is damaged: it ends or breaks in its {0}")]
    Damaged(&'static str),
    #[error("the entry does not inflate")]
    Inflate(#[source] io::Error),
    #[error("a record of the entry cannot be read")]
    Record(#[source] encode::DecodeError),
}

/// Splits records of these sizes into frames: as many as a chunk takes, or a single
/// larger one.
pub(super) fn chunks(sizes: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (n, size) in sizes.into_iter().enumerate() {
        bytes += size;
        match chunks.last_mut() {
            Some(last) if bytes <= CHUNK => last.end = n + 1,
            _ => {
                chunks.push(n..n + 1);
                bytes = size;
            }
        }
    }
    chunks
}

/// About the most bytes that a frame takes whose largest record has `record`.
pub(super) fn largest(record: usize) -> usize {
    // What does not compress grows by less than a 256th.
    let content = record.max(CHUNK) + (64 << 10);
    HEADER + content + content / 256
}

/// The records as one entry, spooled `at` that many milliseconds since 1970.
///
/// # Errors
/// When they have more bytes than a frame can say, or zstd fails.
pub(super) fn encode(records: &[Record], at: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(records.iter().map(|r| 4 + encode::room(r)).sum());
    for record in records {
        let begin = content.len();
        content.extend_from_slice(&[0; 4]);
        encode::write(&mut content, record);
        let length = number(content.len() - begin - 4)?;
        content[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
    }
    let inflated = number(content.len())?;
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    let compressed = compressor.compress(&content)?;
    let mut frame = Vec::with_capacity(HEADER + compressed.len());
    frame.push(VERSION);
    frame.extend_from_slice(&at.to_be_bytes());
    frame.extend_from_slice(&number(records.len())?.to_be_bytes());
    frame.extend_from_slice(&inflated.to_be_bytes());
    frame.extend_from_slice(&compressed);
    Ok(frame)
}

/// What the frame says of itself.
pub(super) fn header(frame: &[u8]) -> Result<Header, FrameError> {
    match frame.first() {
        Some(&VERSION) => {}
        Some(&other) => return Err(FrameError::Version(other)),
        None => return Err(FrameError::Damaged("version")),
    }
    let (at, rest) = frame[1..]
        .split_first_chunk()
        .ok_or(FrameError::Damaged("time"))?;
    let (records, rest) = rest
        .split_first_chunk()
        .ok_or(FrameError::Damaged("count"))?;
    let (inflated, _) = rest
        .split_first_chunk()
        .ok_or(FrameError::Damaged("size"))?;
    let inflated = u32::from_be_bytes(*inflated);
    if inflated > LARGEST {
        return Err(FrameError::Damaged("size"));
    }
    Ok(Header {
        at: u64::from_be_bytes(*at),
        records: u32::from_be_bytes(*records),
        inflated,
    })
}

/// The records of the frame.
pub(super) fn decode(frame: &[u8]) -> Result<Vec<Record>, FrameError> {
    let header = header(frame)?;
    let (content, end) = inflate(&frame[HEADER..], header.inflated);
    end.map_err(FrameError::Inflate)?;
    if content.len() != header.inflated as usize {
        return Err(FrameError::Damaged("content"));
    }
    let (records, end) = split(&content);
    end?;
    if records.len() != header.records as usize {
        return Err(FrameError::Damaged("records"));
    }
    Ok(records)
}

/// The records that are whole in a frame that was cut short, and what is wrong with the
/// rest. Of one that does not inflate or has another checksum there are none: any of them
/// may be changed.
pub(super) fn salvage(frame: &[u8]) -> (Vec<Record>, Option<FrameError>) {
    let error = match decode(frame) {
        Ok(records) => return (records, None),
        Err(error) => error,
    };
    let Ok(header) = header(frame) else {
        return (Vec::new(), Some(error));
    };
    let (content, end) = inflate(&frame[HEADER..], header.inflated);
    let is_cut = end.is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
    if !is_cut || content.len() > header.inflated as usize {
        return (Vec::new(), Some(error));
    }
    let (records, _) = split(&content);
    let is_whole = records.len() == header.records as usize;
    (records, (!is_whole).then_some(error))
}

/// The records of the content, as far as they are whole.
fn split(content: &[u8]) -> (Vec<Record>, Result<(), FrameError>) {
    let mut records = Vec::new();
    let mut rest = content;
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((record, after)) = after.split_at_checked(length) else {
            break;
        };
        match encode::record(record) {
            Ok(record) => records.push(record),
            Err(error) => return (records, Err(FrameError::Record(error))),
        }
        rest = after;
    }
    let end = if rest.is_empty() {
        Ok(())
    } else {
        Err(FrameError::Damaged("records"))
    };
    (records, end)
}

/// Inflates at most one byte more than `expected`, growing with what is there: a
/// damaged size reserves nothing. What comes before an error is there too.
fn inflate(compressed: &[u8], expected: u32) -> (Vec<u8>, io::Result<()>) {
    let mut content = Vec::new();
    let end = zstd::stream::read::Decoder::with_buffer(compressed).and_then(|decoder| {
        let mut decoder = decoder.take(u64::from(expected) + 1);
        decoder.read_to_end(&mut content).map(drop)
    });
    (content, end)
}

fn number(length: usize) -> io::Result<u32> {
    let fits = u32::try_from(length)
        .ok()
        .filter(|length| *length <= LARGEST);
    fits.ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "too large for the spool"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::Headers;

    fn record(n: usize, size: usize) -> Record {
        Record {
            key: format!("key-{n}").into(),
            headers: Headers::from_iter([("n", n.to_string())]),
            value: vec![n as u8; size].into(),
        }
    }

    #[rstest]
    #[case(&[], &[])]
    #[case(&[1, 2, 3], &[3])]
    #[case(&[CHUNK, 1], &[1, 2])]
    #[case(&[CHUNK - 1, 1, 1], &[2, 3])]
    #[case(&[1, 4 * CHUNK, 1], &[1, 2, 3])]
    fn a_frame_takes_a_chunk_or_one_record(#[case] sizes: &[usize], #[case] ends: &[usize]) {
        let chunks = chunks(sizes.iter().copied());
        let begins = std::iter::once(0).chain(ends.iter().copied());
        let expected: Vec<_> = begins.zip(ends).map(|(begin, end)| begin..*end).collect();
        assert_eq!(chunks, expected);
    }

    #[test]
    fn what_does_not_compress_has_its_room() {
        let noise: Vec<u8> = (0..900_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let noise = Record {
            value: noise.into(),
            ..record(1, 0)
        };
        let frame = encode(std::slice::from_ref(&noise), 1).unwrap();
        assert!(frame.len() <= largest(noise.size()), "{}", frame.len());
        assert_eq!(decode(&frame).unwrap(), [noise]);
    }

    proptest! {
        #[test]
        fn what_is_spooled_is_read(sizes in proptest::collection::vec(0..2_000usize, 0..40), at: u64) {
            let records: Vec<_> = sizes.iter().enumerate().map(|(n, size)| record(n, *size)).collect();
            let frame = encode(&records, at).unwrap();
            let header = header(&frame).unwrap();
            prop_assert_eq!((header.at, header.records as usize), (at, records.len()));
            prop_assert_eq!(decode(&frame).unwrap(), records);
        }

        /// Torn or changed anywhere, it is an error or, where only its time was
        /// changed, the same records.
        #[test]
        fn a_damaged_frame_is_an_error(cut in 0..400usize, flipped in 0..400usize, bit in 0..8u8) {
            let records: Vec<_> = (0..20).map(|n| record(n, n)).collect();
            let frame = encode(&records, 7).unwrap();
            prop_assert!(decode(&frame[..cut % frame.len()]).is_err());
            let mut changed = frame.clone();
            let at = flipped % frame.len();
            changed[at] ^= 1 << bit;
            match decode(&changed) {
                Ok(read) => prop_assert_eq!(read, records),
                Err(_) => prop_assert!(!(1..9).contains(&at)),
            }
        }

        #[test]
        fn foreign_bytes_are_errors_not_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_err());
            let mut versioned = bytes;
            versioned.insert(0, VERSION);
            prop_assert!(decode(&versioned).is_err());
        }
    }

    /// Records that do not compress, so that they fill several blocks of the frame.
    fn noise(count: usize) -> Vec<Record> {
        let mut state = 1_u64;
        let mut byte = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        let value = |n| Record {
            value: (0..1_000).map(|_| byte()).collect::<Vec<_>>().into(),
            ..record(n, 0)
        };
        (0..count).map(value).collect()
    }

    #[test]
    fn of_a_frame_that_was_cut_its_beginning_is_read_and_of_a_changed_one_nothing() {
        let records = noise(500);
        let frame = encode(&records, 7).unwrap();
        assert!(salvage(&frame).1.is_none());
        let mut most = 0;
        for cut in [0, 10, HEADER, HEADER + 10, frame.len() / 2, frame.len() - 5] {
            let (read, error) = salvage(&frame[..cut]);
            assert!(read.len() < records.len() && error.is_some(), "{cut}");
            assert_eq!(read, records[..read.len()], "{cut}");
            most = most.max(read.len());
        }
        assert!(most > 250, "{most}");
        // Without its checksum it has all of them.
        let (read, error) = salvage(&frame[..frame.len() - 4]);
        assert!(read == records && error.is_none());

        for at in [HEADER + 100, frame.len() / 2, frame.len() - 1] {
            let mut changed = frame.clone();
            changed[at] ^= 1;
            let (read, error) = salvage(&changed);
            assert!(read.is_empty() && error.is_some(), "{at}");
        }
    }

    #[test]
    fn another_version_is_named() {
        assert!(matches!(header(&[2, 0]), Err(FrameError::Version(2))));
    }
}
