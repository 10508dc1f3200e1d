//! From which of its rows on the rows of a group are shown.

use std::collections::HashMap;
use std::fmt;

use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, ident};
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;

use super::Rows;
use crate::interrupt::Interrupt;

/// What one group takes beside its bytes: two pointers with lengths, and its place.
const GROUP_BYTES: usize = 48;

/// How many students a row is about, where rows are put in order.
const SIZE: &str = "chalkline_size";

/// Of each group of a report's rows, the first that is shown.
///
/// Its rows stand in the order of how many students they are about, and those of equal
/// size by what else tells them apart. What is hidden comes first: the rows that are too
/// small, and as many more as hide those.
pub(super) struct Groups {
    /// By the bytes of a group, those of its first row that is shown, which are none where
    /// all are. A group that is not here shows nothing.
    first: HashMap<Box<[u8]>, Box<[u8]>>,
    /// How many columns tell groups apart.
    width: usize,
    /// Makes bytes of them, ...
    groups: RowConverter,
    /// ... and of a row's size and place, in whose order rows stand.
    places: RowConverter,
    bytes: usize,
    /// The room that it has in the pool of the query that made it.
    room: Option<MemoryReservation>,
}

impl Groups {
    /// Reads all rows of a report. What that takes, and what it makes, is reserved in the
    /// memory of the query.
    ///
    /// # Errors
    /// When rows cannot be read, there is no room, or the query ends.
    pub(super) async fn of(
        rows: &Rows<'_>,
        least: u32,
        state: &SessionState,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let columns = rows.group().map(ident);
        let columns = columns.chain([rows.size().alias(SIZE)]);
        let columns: Vec<Expr> = columns.chain(rows.place().map(ident)).collect();
        let order = rows.group().chain([SIZE]).chain(rows.place());
        let order: Vec<_> = order
            .map(|column| ident(column).sort(true, false))
            .collect();
        let plan = rows.scanned()?.project(columns)?.sort(order)?.build()?;
        let types: Vec<DataType> = plan
            .schema()
            .fields()
            .iter()
            .map(|column| column.data_type().clone())
            .collect();
        let plan = interrupt.watch(state.create_physical_plan(&plan).await?)?;
        let mut sorted = execute_stream(plan, state.task_ctx())?;

        let width = rows.group().count();
        let mut groups = Self::empty(&types, width)?;
        let room = MemoryConsumer::new("groups of a report");
        let room = room.register(&state.runtime_env().memory_pool);
        let mut sweep = Sweep::new(i64::from(least));
        while let Some(batch) = sorted.try_next().await? {
            groups.add(&batch, &mut sweep)?;
            room.try_resize(groups.bytes)?;
        }
        groups.room = Some(room);
        Ok(groups)
    }

    /// No group, of rows whose columns are of these types: those that tell apart groups,
    /// the size, those that tell apart rows.
    fn empty(types: &[DataType], width: usize) -> Result<Self> {
        let converter = |types: &[DataType]| {
            // The order of SQL, in which rows come.
            let options = SortOptions::default().asc().nulls_last();
            let types = types.iter().cloned();
            RowConverter::new(
                types
                    .map(|each| SortField::new_with_options(each, options))
                    .collect(),
            )
        };
        Ok(Self {
            first: HashMap::new(),
            width,
            groups: converter(&types[..width])?,
            places: converter(&types[width..])?,
            bytes: 0,
            room: None,
        })
    }

    /// Goes on with rows that stand in order.
    fn add(&mut self, batch: &RecordBatch, sweep: &mut Sweep) -> Result<()> {
        let groups = self
            .groups
            .convert_columns(&batch.columns()[..self.width])?;
        let places = self
            .places
            .convert_columns(&batch.columns()[self.width..])?;
        let sizes = batch.column(self.width);
        let sizes = sizes
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| exec_datafusion_err!("counts of students are whole numbers"))?;
        for (row, size) in sizes.values().iter().enumerate() {
            let group = groups.row(row);
            let first: Box<[u8]> = match sweep.step(group.as_ref(), *size) {
                Step::AllAreShown => Box::default(),
                Step::IsFirst => places.row(row).as_ref().into(),
                Step::Goes => continue,
            };
            self.bytes += GROUP_BYTES + group.as_ref().len() + first.len();
            self.first.insert(group.as_ref().into(), first);
        }
        Ok(())
    }

    /// Of rows, given by these columns, whether each is shown.
    ///
    /// # Errors
    /// When the columns are others than those of which this was made.
    pub(super) fn keep(&self, columns: &[ArrayRef]) -> Result<BooleanArray> {
        let (groups, places) = columns
            .split_at_checked(self.width)
            .ok_or_else(|| exec_datafusion_err!("columns of groups are missing"))?;
        let groups = self.groups.convert_columns(groups)?;
        let places = self.places.convert_columns(places)?;
        let rows = groups.iter().zip(places.iter());
        let kept = rows.map(|(group, place)| {
            let first = self.first.get(group.as_ref());
            Some(first.is_some_and(|first| place.as_ref() >= &**first))
        });
        Ok(kept.collect())
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// It is no more the memory of the query that made it.
    pub(super) fn give_room_back(&mut self) {
        self.room = None;
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not which there are.
        f.debug_struct("Groups")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// What follows of a row for its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// No row of the group is too small.
    AllAreShown,
    /// What comes before it hides what is too small: it and all after it are shown.
    IsFirst,
    /// Nothing.
    Goes,
}

/// Where one is among rows that stand by their groups, in a group from its smallest row on.
struct Sweep {
    least: i64,
    group: Option<Box<[u8]>>,
    /// How many rows of the group have passed, ...
    rows: usize,
    /// ... and how many students they are about.
    students: i64,
    /// Whether is known which rows of the group are shown.
    is_decided: bool,
}

impl Sweep {
    fn new(least: i64) -> Self {
        Self {
            least,
            group: None,
            rows: 0,
            students: 0,
            is_decided: false,
        }
    }

    /// The next row, of this group and about so many students.
    fn step(&mut self, group: &[u8], size: i64) -> Step {
        if self.group.as_deref() != Some(group) {
            *self = Self {
                group: Some(group.into()),
                ..Self::new(self.least)
            };
        }
        let is_large_enough = size >= self.least;
        let are_covered = self.rows >= 2 && self.students >= self.least;
        let step = match is_large_enough && !self.is_decided {
            true if self.rows == 0 => Step::AllAreShown,
            true if are_covered => Step::IsFirst,
            _ => Step::Goes,
        };
        self.is_decided |= step != Step::Goes;
        self.rows += 1;
        self.students = self.students.saturating_add(size);
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the first row that is shown, of a group whose rows have these sizes.
    fn first(sizes: &[i64], least: i64) -> Option<(usize, Step)> {
        let mut sweep = Sweep::new(least);
        let steps = sizes.iter().map(|size| sweep.step(b"group", *size));
        let mut steps = steps.enumerate().filter(|(_, step)| *step != Step::Goes);
        let first = steps.next();
        assert_eq!(steps.next(), None, "{sizes:?}");
        first
    }

    #[test]
    fn what_hides_what_is_too_small_is_hidden_as_well_and_no_more() {
        for (sizes, least, expected) in [
            (&[10, 11, 12][..], 10, Some((0, Step::AllAreShown))),
            (&[10], 10, Some((0, Step::AllAreShown))),
            (&[9], 10, None),
            (&[9, 9], 10, None),
            // One more has to go, and one is not two.
            (&[9, 10, 30], 10, Some((2, Step::IsFirst))),
            (&[1, 30], 10, None),
            // Two that are together too few.
            (&[1, 2, 30, 31], 10, Some((3, Step::IsFirst))),
            (&[5, 5, 30, 31], 10, Some((2, Step::IsFirst))),
            (&[0, 0, 0, 30, 31], 10, Some((4, Step::IsFirst))),
            (&[3, 3, 3, 3, 10], 10, Some((4, Step::IsFirst))),
        ] {
            assert_eq!(first(sizes, least), expected, "{sizes:?}");
        }
    }

    #[test]
    fn each_group_is_reckoned_by_itself() {
        let mut sweep = Sweep::new(10);
        let steps = [
            (b"a", 5),
            (b"a", 6),
            (b"b", 20),
            (b"b", 21),
            (b"c", 9),
            (b"c", 9),
            (b"c", 20),
            (b"c", 20),
        ]
        .map(|(group, size)| sweep.step(group, size));
        use Step::{AllAreShown, Goes, IsFirst};
        let expected = [Goes, Goes, AllAreShown, Goes, Goes, Goes, IsFirst, Goes];
        assert_eq!(steps, expected);
    }
}
