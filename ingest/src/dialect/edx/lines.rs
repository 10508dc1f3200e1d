//! The lines of a tracking log.

use std::collections::HashSet;

use memchr::memmem;

use crate::decode::{Batch, Shape, line};
use crate::error::Error;

/// Cuts the events out of a log: one a line, with or without what the logger
/// wrote before it. Blank lines and comments are none. Each line stands alone.
///
/// # Errors
/// When there are no events, or too many.
pub fn read(body: &[u8], max_events: usize) -> Result<Batch<'_>, Error> {
    let mut events = Vec::new();
    let mut count = 0;
    for text in body.split(|byte| *byte == b'\n') {
        let text = text.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        count += 1;
        if count <= max_events {
            events.push(line(event_of(text)));
        }
    }
    if count > max_events {
        return Err(Error::TooManyEvents {
            count,
            limit: max_events,
        });
    }
    if events.is_empty() {
        return Err(Error::NoEvents);
    }
    Ok(Batch {
        sent_at: None,
        shape: Shape::Array,
        events,
        parts: HashSet::new(),
    })
}

/// A line without the time, process, user and address that the logger wrote
/// before the event: `… [tracking] [user 6] [ip 192.0.2.1] logger.py:41 - {…}`.
fn event_of(line: &[u8]) -> &[u8] {
    /// What stands between the two.
    const DASH: &[u8] = b" - ";

    if line.starts_with(b"{") {
        return line;
    }
    match memmem::find(line, b" - {") {
        Some(at) => &line[at + DASH.len()..],
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Reason;

    #[test]
    fn a_line_is_an_event_after_whatever_the_logger_wrote() {
        let body = b"# of monday\n\n{\"a\":1}\r\n\
            2026-09-14 10:00:00,461 INFO 20 [tracking] [user 6] [ip 192.0.2.1] logger.py:41 - {\"b\":\" - {\"}\n\
            Sep 14 10:00:00 host [service_variant=lms][tracking] INFO [x] [logger.py:60] - {\"c\":1}\n\
            Traceback (most recent call last):\n\
            2026-09-14 10:00:00,461 INFO 20 [tracking] logger.py:41 - {\"d\": \"e\n";
        let batch = read(body, 10).expect("a log");
        let found: Vec<_> = batch
            .events
            .iter()
            .map(|event| event.as_ref().map_err(|rejection| rejection.reason))
            .collect();
        assert_eq!(
            found,
            [
                Ok(&"{\"a\":1}"),
                Ok(&"{\"b\":\" - {\"}"),
                Ok(&"{\"c\":1}"),
                Err(Reason::InvalidJson),
                Err(Reason::InvalidJson),
            ]
        );
    }

    #[test]
    fn a_log_has_events_but_not_too_many() {
        assert!(matches!(read(b"# nothing\n\n", 3), Err(Error::NoEvents)));
        let four = b"{}\n{}\n#\n{}\n{}\n";
        let refused = read(four, 3).expect_err("four events");
        assert!(matches!(
            refused,
            Error::TooManyEvents { count: 4, limit: 3 }
        ));
    }
}
