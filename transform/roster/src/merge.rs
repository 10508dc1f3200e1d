//! The rows of a bundle beside those that are stored, key by key.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::iter::Peekable;

use chrono::{DateTime, Utc};
use schemas::roster::Entity;

use crate::error::Error;
use crate::manifest::Mode;
use crate::read::Scope;
use crate::row::{Incoming, Row, Want};
use crate::sort;
use crate::stored::{Stored, StoredRows};

/// What becomes of a key.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) key: String,
    /// What is stored.
    pub(crate) old: Option<Row>,
    pub(crate) after: After,
    /// The line that decided it, if one did.
    pub(crate) line: Option<u64>,
    /// When the source ended it, if it says so.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Further lines of the bundle with this key, and whether they say the same.
    pub(crate) again: Vec<(u64, bool)>,
    /// Whether a delta was older than what is stored.
    pub(crate) is_stale: bool,
    /// Whether a bulk does not speak of the row.
    pub(crate) is_outside: bool,
}

/// What there is of a key afterwards.
#[derive(Debug)]
pub(crate) enum After {
    /// What is stored.
    Same,
    /// Nothing.
    Ended,
    /// This row.
    New(Row),
}

impl Step {
    /// The row that there is afterwards.
    pub(crate) fn row(&self) -> Option<&Row> {
        match &self.after {
            After::Same => self.old.as_ref(),
            After::Ended => None,
            After::New(row) => Some(row),
        }
    }

    /// The row, if it is of the bundle, and its line.
    pub(crate) fn incoming(&self) -> Option<(&Row, u64)> {
        match &self.after {
            After::New(row) => self.line.map(|line| (row, line)),
            _ => None,
        }
    }
}

/// The rows of a bundle that want one key.
pub(crate) struct Group {
    chosen: Incoming,
    again: Vec<(u64, bool)>,
}

impl Group {
    pub(crate) fn of(chosen: Incoming) -> Self {
        let again = Vec::new();
        Self { chosen, again }
    }
}

/// Gathers sorted rows by key. Of several the first that is sound is chosen.
pub(crate) struct Groups<'a> {
    rows: Peekable<sort::Rows<'a>>,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(rows: sort::Rows<'a>) -> Self {
        let rows = rows.peekable();
        Self { rows }
    }
}

impl Iterator for Groups<'_> {
    type Item = Result<Group, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut chosen = match self.rows.next()? {
            Ok(row) => row,
            Err(error) => return Some(Err(error)),
        };
        let mut again = Vec::new();
        let same_key = |next: &Result<Incoming, Error>, key: &str| match next {
            Ok(next) => next.key == key,
            Err(_) => true,
        };
        while let Some(next) = self.rows.next_if(|next| same_key(next, &chosen.key)) {
            let mut next = match next {
                Ok(next) => next,
                Err(error) => return Some(Err(error)),
            };
            if chosen.want == Want::Nothing && next.want != Want::Nothing {
                std::mem::swap(&mut chosen, &mut next);
            }
            let is_same = next.want == chosen.want && next.row.values == chosen.row.values;
            again.push((next.line, is_same));
        }
        Some(Ok(Group { chosen, again }))
    }
}

/// Rows of the bundle in the order of their keys.
pub(crate) type Wanted<'a> = Box<dyn Iterator<Item = Result<Group, Error>> + 'a>;

/// Goes through both in the order of their keys.
pub(crate) struct Merge<'a> {
    entity: Entity,
    wanted: Peekable<Wanted<'a>>,
    stored: StoredRows<'a>,
    /// The next stored row and its key.
    next_stored: Option<(String, Row)>,
    /// None if the bundle says nothing of the table.
    mode: Option<Mode>,
    left_out: Option<&'a HashSet<u64>>,
    /// None if a bulk speaks of all rows.
    scope: Option<&'a Scope>,
}

impl<'a> Merge<'a> {
    /// With a bulk that speaks only of some rows.
    pub(crate) fn within(self, scope: Option<&'a Scope>) -> Self {
        Self { scope, ..self }
    }

    pub(crate) fn new(
        entity: Entity,
        wanted: Wanted<'a>,
        stored: &'a dyn Stored,
        mode: Option<Mode>,
        left_out: Option<&'a HashSet<u64>>,
    ) -> Result<Self, Error> {
        let stored = stored
            .rows(entity)
            .map_err(|error| Error::Stored(entity, error))?;
        let mut merge = Self {
            entity,
            wanted: wanted.peekable(),
            stored,
            next_stored: None,
            mode,
            left_out,
            scope: None,
        };
        merge.next_stored = merge.read_stored(None)?;
        Ok(merge)
    }

    fn read_stored(&mut self, before: Option<&str>) -> Result<Option<(String, Row)>, Error> {
        let Some(row) = self.stored.next() else {
            return Ok(None);
        };
        let row = row.map_err(|error| Error::Stored(self.entity, error))?;
        let key = row.key(self.entity);
        if before.is_some_and(|before| before >= key.as_str()) {
            return Err(Error::StoredOrder(self.entity));
        }
        Ok(Some((key, row)))
    }

    fn take_stored(&mut self) -> Result<Option<(String, Row)>, Error> {
        let taken = self.next_stored.take();
        let before = taken.as_ref().map(|(key, _)| key.as_str());
        self.next_stored = self.read_stored(before)?;
        Ok(taken)
    }

    fn step(&mut self) -> Result<Option<Step>, Error> {
        let order = match (self.wanted.peek(), &self.next_stored) {
            (None, None) => return Ok(None),
            (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Ok(group)), Some((key, _))) => group.chosen.key.as_str().cmp(key),
        };
        let group = match order {
            Ordering::Less | Ordering::Equal => self.wanted.next().transpose()?,
            Ordering::Greater => None,
        };
        let stored = match order {
            Ordering::Equal | Ordering::Greater => self.take_stored()?,
            Ordering::Less => None,
        };
        let Some(Group { chosen, again }) = group else {
            let is_bulk = self.mode == Some(Mode::Bulk);
            return Ok(stored.map(|(key, row)| {
                let is_outside = is_bulk && self.scope.is_some_and(|scope| !scope.holds(&row));
                let ended = is_bulk && !is_outside;
                Step {
                    key,
                    old: Some(row),
                    after: if ended { After::Ended } else { After::Same },
                    line: None,
                    ended_at: None,
                    again: Vec::new(),
                    is_stale: false,
                    is_outside,
                }
            }));
        };
        let old = stored.map(|(_, row)| row);
        let is_left_out = self
            .left_out
            .is_some_and(|lines| lines.contains(&chosen.line));
        let known = old.as_ref().and_then(|row| row.modified_at);
        let is_stale = self.mode == Some(Mode::Delta)
            && matches!((chosen.row.modified_at, known), (Some(new), Some(old)) if new < old);
        let ended_at = chosen.row.modified_at;
        let after = match chosen.want {
            _ if is_left_out || is_stale => After::Same,
            Want::Nothing => After::Same,
            Want::End => After::Ended,
            Want::Keep => After::New(chosen.row),
        };
        Ok(Some(Step {
            key: chosen.key,
            old,
            ended_at: matches!(after, After::Ended).then_some(ended_at).flatten(),
            after,
            line: Some(chosen.line),
            again,
            is_stale,
            is_outside: false,
        }))
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Step, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
