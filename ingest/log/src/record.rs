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
pub struct Headers(Vec<(Name, Bytes)>);

/// UTF-8, kept as bytes so that a log can share one buffer among all names and
/// values of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(Bytes);

impl Name {
    /// The name in these bytes, if they are UTF-8.
    pub(crate) fn from_utf8(name: Bytes) -> Result<Self, std::str::Utf8Error> {
        std::str::from_utf8(&name)?;
        Ok(Self(name))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("checked when made")
    }
}

impl Headers {
    /// The headers in the given order.
    pub fn new(headers: Vec<(String, Bytes)>) -> Self {
        let named = |(name, value): (String, Bytes)| (Name(name.into()), value);
        Self(headers.into_iter().map(named).collect())
    }

    pub(crate) fn from_shared(headers: Vec<(Name, Bytes)>) -> Self {
        Self(headers)
    }

    /// The value of the first header of that name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        let found = self.0.iter().find(|(n, _)| n.0 == name.as_bytes());
        found.map(|(_, value)| value)
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
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Bytes of names and values.
    fn size(&self) -> usize {
        self.0
            .iter()
            .map(|(name, value)| name.0.len() + value.len())
            .sum()
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
