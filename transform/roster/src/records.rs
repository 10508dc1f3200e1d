//! The records of a CSV file, one at a time, none over a cap.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader};

/// The bytes of one record at most.
const MAX_RECORD: usize = 1 << 20;

/// Fields of one record at most.
const MAX_FIELDS: usize = 4_096;

/// Reads the records of a CSV file; empty lines are none.
pub(crate) struct Records<R> {
    inner: R,
    parser: Reader,
    input: Vec<u8>,
    /// What of `input` is not parsed yet.
    rest: std::ops::Range<usize>,
    fields: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    line: u64,
}

/// Why there is no next record.
#[derive(Debug)]
pub(crate) enum RecordError {
    /// The file could not be read.
    Io(io::Error),
    /// It does not end: most likely a quote that is not closed. The line it begins at.
    TooLong(u64),
    /// It is not UTF-8 after decoding, which only a broken file is.
    NotText(u64),
}

/// One record.
pub(crate) struct Record<'a> {
    text: &'a str,
    ends: &'a [usize],
    /// The line it begins at, the first being 1.
    pub(crate) line: u64,
}

impl<'a> Record<'a> {
    /// A record of fields that stand one behind the other, and where each ends.
    pub(crate) fn of(text: &'a str, ends: &'a [usize], line: u64) -> Self {
        Self { text, ends, line }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field without blanks around; none past the last.
    pub(crate) fn get(&self, index: usize) -> Option<&'a str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end).map(str::trim)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<R: Read> Records<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            parser: Reader::new(),
            input: vec![0; 64 << 10],
            rest: 0..0,
            fields: vec![0; 4 << 10],
            ends: vec![0; 64],
            count: 0,
            line: 1,
        }
    }

    /// The next record.
    ///
    /// # Errors
    /// [`RecordError`]; there is none after it.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        let (mut bytes, mut count) = (0, 0);
        loop {
            if self.rest.is_empty() {
                let read = self.inner.read(&mut self.input).map_err(RecordError::Io)?;
                self.rest = 0..read;
            }
            // Blank lines before a record are not part of it.
            let before = self.parser.line();
            let skipped = if bytes == 0 && count == 0 {
                self.input[self.rest.clone()]
                    .iter()
                    .take_while(|byte| matches!(byte, b'\n' | b'\r'))
                    .filter(|byte| **byte == b'\n')
                    .count() as u64
            } else {
                0
            };
            if bytes == 0 && count == 0 {
                self.line = before + skipped;
            }
            let (result, read, written, ended) = self.parser.read_record(
                &self.input[self.rest.clone()],
                &mut self.fields[bytes..],
                &mut self.ends[count..],
            );
            self.rest.start += read;
            bytes += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.fields.len() >= MAX_RECORD => {
                    return Err(RecordError::TooLong(self.line));
                }
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_FIELDS => {
                    return Err(RecordError::TooLong(self.line));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        self.count = count;
        let line = self.line;
        let text =
            std::str::from_utf8(&self.fields[..bytes]).map_err(|_| RecordError::NotText(line))?;
        Ok(Some(Record {
            text,
            ends: &self.ends[..self.count],
            line,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(text.as_bytes());
        let mut all = Vec::new();
        while let Some(record) = records.next().expect("records") {
            all.push((record.line, record.iter().map(str::to_owned).collect()));
        }
        all
    }

    #[test]
    fn quotes_line_breaks_and_a_missing_last_one() {
        let strings = |fields: &[&str]| fields.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>();
        let text = "a,b\r\n\r\n\"1,2\", x \n\"two\nlines\",\"say \"\"no\"\"\"\nlast,";
        assert_eq!(
            all(text),
            [
                (1, strings(&["a", "b"])),
                (3, strings(&["1,2", "x"])),
                (4, strings(&["two\nlines", "say \"no\""])),
                (6, strings(&["last", ""])),
            ]
        );
        assert_eq!(all(""), []);
    }

    #[test]
    fn records_longer_than_the_buffers_are_whole() {
        let long = "x".repeat(200_000);
        let text = format!("{long},\"{long}\"\n{}", "f,".repeat(300));
        let all = all(&text);
        assert_eq!(all[0].1, [long.clone(), long]);
        assert_eq!(all[1].1.len(), 301);
    }

    #[test]
    fn a_quote_that_is_not_closed_does_not_swallow_the_memory() {
        let text = format!("a\nb\n\"{}", "row\n".repeat(400_000));
        let mut records = Records::new(text.as_bytes());
        records.next().expect("a");
        records.next().expect("b");
        assert!(matches!(records.next(), Err(RecordError::TooLong(3))));
    }
}
