use std::ops::Range;

use bytes::Bytes;

/// The place of a record in a log.
///
/// ```
/// use eventlog::Position;
///
/// let first = Position { partition: 3, offset: 41 };
/// assert!(first < Position { partition: 3, offset: 42 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The partition, from 0.
    pub partition: u32,
    /// The place in the partition; increasing, not necessarily without gaps.
    pub offset: u64,
}

/// What a log says of a record that it took: it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receipt {
    /// It stands in the log, at this position.
    Stored(Position),
    /// It stands on this machine's disk and gets its position when the log can be
    /// reached again. It may then be in the log twice.
    Spooled,
}

impl Receipt {
    /// Where the record stands, if that is known yet.
    pub fn position(self) -> Option<Position> {
        match self {
            Self::Stored(position) => Some(position),
            Self::Spooled => None,
        }
    }

    /// Whether the record is yet to come into the log.
    pub fn is_spooled(self) -> bool {
        self == Self::Spooled
    }
}

/// Names and values that travel beside a record's bytes, in order.
///
/// All of them stand in one buffer, which a log shares with the record's bytes.
///
/// ```
/// let headers: eventlog::Headers = [("tenant", "demo"), ("kind", "event")].into_iter().collect();
/// assert_eq!(headers.get("kind"), Some(&b"event"[..]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Headers {
    buffer: Bytes,
    spans: Vec<Span>,
}

/// Where a header stands in the buffer; the name is UTF-8.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub name: Range<usize>,
    pub value: Range<usize>,
}

impl Headers {
    /// The headers that stand in `buffer`; nothing if a name is not UTF-8 there.
    pub(crate) fn in_buffer(buffer: Bytes, spans: Vec<Span>) -> Option<Self> {
        let is_text = |span: &Span| std::str::from_utf8(&buffer[span.name.clone()]).is_ok();
        let is_named = spans.iter().all(is_text);
        is_named.then(|| Self::named(buffer, spans))
    }

    /// The headers that stand in `buffer`, whose names were `str` before.
    pub(crate) fn named(buffer: Bytes, spans: Vec<Span>) -> Self {
        Self { buffer, spans }
    }

    /// The value of the first header of that name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let is_it = |span: &&Span| self.buffer[span.name.clone()] == *name.as_bytes();
        let found = self.spans.iter().find(is_it);
        found.map(|span| &self.buffer[span.value.clone()])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.spans.iter().map(|span| {
            let name = std::str::from_utf8(&self.buffer[span.name.clone()]);
            let value = &self.buffer[span.value.clone()];
            (name.expect("checked when made"), value)
        })
    }

    /// Bytes of names and values.
    fn size(&self) -> usize {
        let sizes = self.spans.iter();
        sizes.map(|span| span.name.len() + span.value.len()).sum()
    }
}

/// The headers in the given order, copied into one buffer.
impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        // Room for those that ingest writes.
        let mut buffer = Vec::with_capacity(192);
        let mut spans = Vec::with_capacity(6);
        for (name, value) in headers {
            let begin = buffer.len();
            buffer.extend_from_slice(name.as_ref().as_bytes());
            let middle = buffer.len();
            buffer.extend_from_slice(value.as_ref());
            spans.push(Span {
                name: begin..middle,
                value: middle..buffer.len(),
            });
        }
        Self {
            buffer: buffer.into(),
            spans,
        }
    }
}

/// The same names and values in the same order, wherever they stand.
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

/// What is appended: bytes under a key, with headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Decides the partition: equal keys meet in one, in order.
    pub key: Bytes,
    /// Names and values beside the bytes.
    pub headers: Headers,
    /// The bytes.
    pub value: Bytes,
}

impl Record {
    /// Bytes of key, headers and value: what a log's limits count.
    pub fn size(&self) -> usize {
        self.key.len() + self.headers.size() + self.value.len()
    }
}

/// What is read: a record and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where the record stands.
    pub position: Position,
    /// The record as it was appended.
    pub record: Record,
}
