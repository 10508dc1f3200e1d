//! The names of files that rows of a log become.

use std::fmt;
use std::str::FromStr;

use schemas::Table;
use uuid::Uuid;

use crate::Advance;

/// What every file of a table ends in.
const SUFFIX: &str = ".zstd.parquet";

/// Which records of a log a file was made of, and by which attempt:
/// `clickstream-p3-000000000120-000000000179-<epoch>.zstd.parquet`.
///
/// For people and for whoever sweeps up: of files with one range at most one is in
/// the table, the others are what attempts left behind that lost their commit.
/// Which one it is, the log of the table says, and nothing is decided by a name.
///
/// ```
/// use lake::FileName;
///
/// let text = "video-p0plus2-000000000000-000000000041-0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02.zstd.parquet";
/// let name: FileName = text.parse()?;
/// assert_eq!((name.partition, name.others, name.last), (0, 2, 41));
/// assert_eq!(name.to_string(), text);
/// # Ok::<(), lake::FileNameError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileName {
    /// The table it was written for.
    pub table: Table,
    /// The lowest partition that it has rows of, or may have.
    pub partition: u32,
    /// How many further partitions it may have rows of.
    pub others: u32,
    /// The first position of the lowest partition that it covers.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The attempt: unique, and in the order of time.
    pub epoch: Uuid,
}

/// A name that is not one of a file that rows of a log became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a file that records of a log became")]
pub struct FileNameError;

impl FileName {
    /// The name of a new file of the rows that go with these advances; `None` when
    /// they are not those of log partitions.
    pub(crate) fn new(table: Table, advances: &[Advance]) -> Option<Self> {
        let moved = advances.iter().filter_map(|advance| {
            let first = advance.expected.unwrap_or(0);
            let partition = advance.app.partition()?;
            (first < advance.next).then(|| (partition, first, advance.next - 1))
        });
        let (partition, first, last) = moved.clone().min()?;
        Some(Self {
            table,
            partition,
            others: u32::try_from(moved.count() - 1).ok()?,
            first,
            last,
            epoch: Uuid::now_v7(),
        })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            partition,
            others,
            first,
            last,
            epoch,
        } = self;
        write!(f, "{table}-p{partition}")?;
        if *others > 0 {
            write!(f, "plus{others}")?;
        }
        write!(f, "-{first:012}-{last:012}-{epoch}{SUFFIX}")
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        let parse = || {
            let (table, rest) = text.strip_suffix(SUFFIX)?.split_once("-p")?;
            let mut parts = rest.splitn(4, '-');
            let partitions = parts.next()?;
            let (partition, others) = partitions.split_once("plus").unwrap_or((partitions, "0"));
            let name = Self {
                table: Table::all().find(|known| known.as_str() == table)?,
                partition: partition.parse().ok()?,
                others: others.parse().ok()?,
                first: parts.next()?.parse().ok()?,
                last: parts.next()?.parse().ok()?,
                epoch: parts.next()?.parse().ok()?,
            };
            // One spelling each.
            (name.to_string() == text).then_some(name)
        };
        parse().ok_or(FileNameError)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::AppId;

    const EPOCH: &str = "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02";

    #[rstest]
    #[case::one_partition("clickstream-p3-000000000120-000000000179", Some((3, 0, 120, 179)))]
    #[case::several("video-p0plus7-000000000000-000000000000", Some((0, 7, 0, 0)))]
    #[case::large("tallies-p12-1234567890123-1234567890124", Some((12, 0, 1_234_567_890_123, 1_234_567_890_124)))]
    #[case::no_range("clickstream", None)]
    #[case::no_table("clicks-p3-000000000120-000000000179", None)]
    #[case::no_partition("clickstream-p-000000000120-000000000179", None)]
    #[case::another_spelling("clickstream-p03-000000000120-000000000179", None)]
    #[case::no_zeros("clickstream-p3-120-179", None)]
    #[case::a_sign("clickstream-p+3-000000000120-000000000179", None)]
    fn names_are_read_back(#[case] text: &str, #[case] expected: Option<(u32, u32, u64, u64)>) {
        let text = format!("{text}-{EPOCH}.zstd.parquet");
        let name = text.parse::<FileName>().ok();
        let parts = name.map(|n| (n.partition, n.others, n.first, n.last));
        assert_eq!(parts, expected);
        assert_eq!(name.map(|n| n.to_string()), expected.map(|_| text));
    }

    #[test]
    fn a_file_is_named_after_the_lowest_partition_that_moved() {
        let advance = |app, expected, next| Advance {
            app,
            expected,
            next,
        };
        let rows = |partition| AppId::rows("log-1", partition);
        let advances = [
            advance(rows(4), Some(10), 20),
            advance(rows(2), None, 7),
            advance(rows(1), Some(9), 9),
        ];
        let name = FileName::new(Table::Tallies, &advances).expect("a name");
        let text = name.to_string();
        assert!(
            text.starts_with("tallies-p2plus1-000000000000-000000000006-"),
            "{text}"
        );
        let other = [advance(AppId::as_of("ledger"), None, 7)];
        assert_eq!(FileName::new(Table::Tallies, &other), None);
    }
}
