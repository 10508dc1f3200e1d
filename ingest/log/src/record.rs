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

/// Names and values that travel beside a record's bytes, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Bytes)>);

impl Headers {
    /// The headers in the given order.
    pub fn new(headers: Vec<(String, Bytes)>) -> Self {
        Self(headers)
    }

    /// The value of the first header of that name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }
}

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
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.key.len() + headers + self.value.len()
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
