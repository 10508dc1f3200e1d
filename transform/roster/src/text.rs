//! From a file's bytes to UTF-8, whatever it was written in.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use xxhash_rust::xxh3::Xxh3;

/// What a look at all of a file's bytes tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inspection {
    /// Which file this is a copy of is told by equal digests.
    pub(crate) digest: u128,
    /// How it is written.
    pub(crate) encoding: &'static Encoding,
    /// Whether there may be days written with slashes in it.
    pub(crate) slashes: bool,
}

/// Reads a file once, from its first to its last byte.
///
/// # Errors
/// When reading fails.
pub(crate) fn inspect(mut file: impl Read) -> io::Result<Inspection> {
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 64 << 10];
    let mut head = Vec::new();
    // What is left of a character that the end of the buffer cut.
    let mut carry: Vec<u8> = Vec::new();
    let mut is_utf8 = true;
    let mut slashes = false;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        let bytes = &buffer[..read];
        hash.update(bytes);
        if head.len() < 64 {
            head.extend_from_slice(&bytes[..read.min(64)]);
        }
        slashes |= memchr::memchr(b'/', bytes).is_some();
        if is_utf8 {
            carry.extend_from_slice(bytes);
            match std::str::from_utf8(&carry) {
                Ok(_) => carry.clear(),
                Err(error) if error.error_len().is_none() => {
                    carry.drain(..error.valid_up_to());
                }
                Err(_) => is_utf8 = false,
            }
        }
    }
    let encoding = match head.as_slice() {
        [0xFF, 0xFE, ..] => UTF_16LE,
        [0xFE, 0xFF, ..] => UTF_16BE,
        // A header in plain letters, two bytes each.
        [a, 0, b, 0, ..] if *a > 0 && *b > 0 => UTF_16LE,
        [0, a, 0, b, ..] if *a > 0 && *b > 0 => UTF_16BE,
        _ if is_utf8 && carry.is_empty() => UTF_8,
        _ => WINDOWS_1252,
    };
    Ok(Inspection {
        digest: hash.digest128(),
        encoding,
        slashes,
    })
}

/// UTF-8 of a file in another encoding; a byte order mark is taken off.
pub(crate) struct Utf8<R> {
    inner: R,
    decoder: Decoder,
    input: Vec<u8>,
    /// Decoded bytes that were not asked for yet.
    output: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    pub(crate) fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder(),
            input: vec![0; 32 << 10],
            output: Vec::new(),
            given: 0,
            ended: false,
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && !self.ended {
            let read = self.inner.read(&mut self.input)?;
            self.ended = read == 0;
            let room = self
                .decoder
                .max_utf8_buffer_length(read)
                .ok_or(io::ErrorKind::FileTooLarge)?;
            self.output.resize(room, 0);
            let input = &self.input[..read];
            let (result, _, written, _) =
                self.decoder
                    .decode_to_utf8(input, &mut self.output, self.ended);
            debug_assert_eq!(result, CoderResult::InputEmpty);
            self.output.truncate(written);
            self.given = 0;
        }
        let count = buffer.len().min(self.output.len() - self.given);
        buffer[..count].copy_from_slice(&self.output[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> (String, &'static str) {
        let encoding = inspect(bytes).expect("inspected").encoding;
        let mut text = String::new();
        Utf8::new(bytes, encoding)
            .read_to_string(&mut text)
            .expect("decoded");
        (text, encoding.name())
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn encodings_are_found_and_decoded() {
        let text = "sourcedId,name\n1,Žofie Müller\n";
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (["\u{feff}", text].concat().into_bytes(), "UTF-8"),
            (utf16(&["\u{feff}", text].concat(), false), "UTF-16LE"),
            (utf16(&["\u{feff}", text].concat(), true), "UTF-16BE"),
            (utf16(text, false), "UTF-16LE"),
            (utf16(text, true), "UTF-16BE"),
        ] {
            assert_eq!(decode(&bytes), (text.to_owned(), encoding));
        }
        assert_eq!(decode(b"n\nM\xFCller\n").0, "n\nMüller\n");
        assert_eq!(decode(b"n\nM\xFCller\n").1, "windows-1252");
    }

    #[test]
    fn characters_cut_by_the_buffer_are_whole() {
        let text = "ü€".repeat(40_000);
        assert_eq!(decode(text.as_bytes()), (text, "UTF-8"));
    }

    #[test]
    fn copies_are_told_by_their_digest() {
        let digest = |text: &str| inspect(text.as_bytes()).expect("inspected").digest;
        assert_eq!(digest("a"), digest("a"));
        assert_ne!(digest("a"), digest("b"));
    }
}
