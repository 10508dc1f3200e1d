//! Tracking logs of Open edX, one event a line, as a source of events.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::client::Dialect;
use crate::import::{Events, HashingReader, RowEvents, Source, Table, open};

/// The namespace of the ids of events.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f41_d2b8_53ce_5a07_9b1c_e84a_20f7_3d96);

/// A longer line is cut, and so refused: the front door takes no such event.
const MAX_LINE: u64 = 1_000_000;

/// What stands between what the logger wrote and the event.
const DASH: &str = " - ";

/// Tracking logs, opened: digests and line counts are known.
#[derive(Debug)]
pub struct TrackingLogs {
    logs: Vec<TrackingLog>,
}

#[derive(Debug)]
struct TrackingLog {
    path: PathBuf,
    name: String,
    digest: Uuid,
    sha256: String,
    lines: u64,
}

/// As much of an event as an import needs to know.
#[derive(Deserialize)]
struct Head {
    id: Option<IgnoredAny>,
}

impl TrackingLogs {
    /// Opens the logs, as they are or `.gz`, reading each once.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn open(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let logs = paths.iter().map(|path| {
            TrackingLog::open(path).with_context(|| format!("{} cannot be read", path.display()))
        });
        Ok(Self {
            logs: logs.collect::<Result<_, _>>()?,
        })
    }
}

impl Source for TrackingLogs {
    fn dialect(&self) -> Dialect {
        Dialect::Edx
    }

    fn tables(&self) -> Vec<&dyn Table> {
        self.logs.iter().map(|log| log as &dyn Table).collect()
    }

    fn events<'a>(&'a self, table: usize, skip: u64) -> anyhow::Result<Events<'a>> {
        let log = &self.logs[table];
        let unreadable = move || format!("{} cannot be read", log.path.display());
        let source = open(&log.path).with_context(unreadable)?;
        let mut lines = Lines::new(source);
        let rows = std::iter::from_fn(move || lines.next_line().transpose());
        let rows = rows.filter_map(move |line| match line.with_context(unreadable) {
            Ok((row, _)) if row <= skip => None,
            // A row without an event counts too: what is done is counted in lines.
            Ok((row, line)) => Some(Ok(RowEvents {
                row,
                events: log.event(row, &line).into_iter().collect(),
            })),
            Err(error) => Some(Err(error)),
        });
        Ok(Box::new(rows))
    }
}

impl TrackingLog {
    fn open(path: &Path) -> io::Result<Self> {
        let mut source = HashingReader::new(open(path)?);
        let lines = {
            let mut lines = Lines::new(&mut source);
            while lines.next_line()?.is_some() {}
            lines.line
        };
        let sha256 = source.digest();
        Ok(Self {
            name: path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            path: path.to_owned(),
            digest: Uuid::new_v5(&NAMESPACE, sha256.as_bytes()),
            sha256,
            lines,
        })
    }

    /// The line as the front door takes it, with an id from its place. One that is
    /// no event goes as it is: the front door says what is wrong with it.
    fn event(&self, line: u64, text: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let event = match text.find(" - {") {
            Some(at) if !text.starts_with('{') => &text[at + DASH.len()..],
            _ => text,
        };
        match serde_json::from_str::<Head>(event) {
            Ok(Head { id: None }) => {}
            // The id would be its second.
            Ok(Head { id: Some(_) }) | Err(_) => return Some(event.to_owned()),
        }
        let members = event.strip_prefix('{')?.trim_start();
        let comma = if members.starts_with('}') { "" } else { "," };
        let id = Uuid::new_v5(&self.digest, line.to_string().as_bytes());
        Some(format!("{{\"id\":\"{id}\"{comma}{members}"))
    }
}

impl Table for TrackingLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn digest(&self) -> &str {
        &self.sha256
    }

    fn row_count(&self) -> u64 {
        self.lines
    }
}

/// The lines of a log with their numbers, from 1. Signs that are no UTF-8 become
/// `\u{fffd}`, since one of them should not stop an import of gigabytes.
struct Lines<R> {
    reader: BufReader<R>,
    line: u64,
}

impl<R: Read> Lines<R> {
    fn new(reader: R) -> Self {
        Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            line: 0,
        }
    }

    fn next_line(&mut self) -> io::Result<Option<(u64, String)>> {
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.reader).take(MAX_LINE);
        if bounded.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.len() as u64 == MAX_LINE && !bytes.ends_with(b"\n") {
            self.skip_line()?;
            // Of no use to anybody: enough to be refused.
            bytes.truncate(100);
        }
        self.line += 1;
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(Some((self.line, text)))
    }

    /// Reads on to the end of the line, keeping nothing.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let read = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(read);
            if end.is_some() || read == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::Value;

    use super::*;

    fn opened(bytes: &[u8], name: &str) -> (tempfile::TempDir, TrackingLogs) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        let logs = TrackingLogs::open(&[path]).expect("opened");
        (folder, logs)
    }

    fn rows(logs: &TrackingLogs, skip: u64) -> Vec<RowEvents> {
        let rows = logs.events(0, skip).expect("rows");
        rows.collect::<Result<_, _>>().expect("rows")
    }

    const LOG: &[u8] = b"# monday\n{\"a\":1}\n\n2026-09-14 10:00:00,461 INFO 20 [tracking] \
        [user 6] [ip 192.0.2.1] logger.py:41 - {\"a\":1}\r\nTraceback\n{}\n{\"id\":\"x\"}\n{\"b\":\"\xff\"}";

    #[test]
    fn events_get_an_id_from_their_place_and_other_lines_go_as_they_are() {
        let (_folder, logs) = opened(LOG, "tracking.log");
        assert_eq!(logs.tables()[0].row_count(), 8);
        let rows = rows(&logs, 0);
        let numbers: Vec<_> = rows.iter().map(|row| row.row).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
        let events: Vec<_> = rows.iter().flat_map(|row| &row.events).collect();
        assert_eq!(events.len(), 6);
        assert_eq!(events[2], "Traceback");
        assert_eq!(events[4], "{\"id\":\"x\"}");
        let mut ids = BTreeSet::new();
        for (event, member) in [(0, "a"), (1, "a"), (3, "none"), (5, "b")] {
            let event: Value = serde_json::from_str(events[event]).expect("JSON");
            assert_eq!(event.get(member).is_some(), member != "none");
            let id = event["id"].as_str().expect("an id");
            assert!(Uuid::try_parse(id).is_ok());
            ids.insert(id.to_owned());
        }
        assert_eq!(ids.len(), 4, "the same line twice is two events");
    }

    #[test]
    fn the_same_log_has_the_same_ids_compressed_and_from_any_line_on() {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(LOG).expect("memory takes all");
        let gz = gz.finish().expect("memory takes all");
        let ((_one, plain), (_other, packed)) =
            (opened(LOG, "tracking.log"), opened(&gz, "tracking.log.gz"));
        assert_eq!(plain.tables()[0].digest(), packed.tables()[0].digest());
        assert_eq!(rows(&plain, 3), rows(&packed, 0)[3..]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_harms_no_other() {
        let long = "x".repeat(3_000_000);
        let (_folder, logs) = opened(format!("{long}\n{{\"a\":1}}\n").as_bytes(), "tracking.log");
        let rows = rows(&logs, 0);
        assert_eq!(rows[0].events[0].len(), 100);
        assert_eq!((rows.len(), rows[1].row), (2, 2));
    }
}
