//! What an import does to the rows of a table, whether a bundle says it or what was
//! before.

use std::iter::Peekable;

use chrono::NaiveDate;
use roster::{ChangeKind, Comparison, Entity, Row};
use schemas::{Table, Term};

use super::RosterError;
use super::rows::{StoredRow, Validity, partition};
use super::snapshot::{Rows, Snapshot};

/// What becomes of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowChange {
    pub key: String,
    pub kind: ChangeKind,
    /// The row as it shall be; of one that ends, as it was.
    pub row: Row,
    pub validity: Validity,
    /// The partition in which the row was, if it was and has one.
    pub old_term: Option<Term>,
}

/// Changes by key.
pub(super) type Changes<'a> = Box<dyn Iterator<Item = Result<RowChange, RosterError>> + 'a>;

/// From where the changes of an import come. They may be gone through more than once.
pub(super) trait Source {
    /// The tables in which something may change.
    fn tables(&self) -> Vec<Entity>;

    /// What changes in a table.
    fn changes(&self, entity: Entity) -> Result<Changes<'_>, RosterError>;
}

impl Source for Comparison<'_> {
    fn tables(&self) -> Vec<Entity> {
        Comparison::tables(self)
    }

    fn changes(&self, entity: Entity) -> Result<Changes<'_>, RosterError> {
        let changes = Comparison::changes(self, entity)?;
        Ok(Box::new(changes.map(move |change| {
            let change = change?;
            let old_term = change.old.as_ref();
            let old_term = old_term.and_then(|old| partition(entity, old));
            let row = change.new.or(change.old);
            Ok(RowChange {
                key: change.key,
                kind: change.kind,
                row: row.expect("a change has the row before or the one after"),
                validity: Validity {
                    from: change.valid_from,
                    to: change.valid_to,
                },
                old_term,
            })
        })))
    }
}

/// The way back to how it was after an import.
pub(super) struct Way<'a> {
    pub snapshot: &'a Snapshot,
    /// The import.
    pub to: u64,
    /// The day on which what came since has ended.
    pub today: NaiveDate,
}

impl Source for Way<'_> {
    fn tables(&self) -> Vec<Entity> {
        Entity::ALL.to_vec()
    }

    fn changes(&self, entity: Entity) -> Result<Changes<'_>, RosterError> {
        let history = self.snapshot.rows(Table::RosterHistory(entity), None)?;
        let then = Then {
            rows: history.peekable(),
            to: self.to,
        };
        let now = self.snapshot.rows(Table::Roster(entity), None)?;
        let changes = Differences {
            then: then.peekable(),
            now: now.peekable(),
        };
        let today = self.today;
        Ok(Box::new(changes.map(move |difference| {
            let (then, now) = difference?;
            Ok(change(entity, then, now, today))
        })))
    }
}

/// What makes the row of now the row of then; there is one of them at least.
fn change(
    entity: Entity,
    then: Option<StoredRow>,
    now: Option<StoredRow>,
    today: NaiveDate,
) -> RowChange {
    let old_term = now.as_ref().and_then(|now| partition(entity, &now.row));
    let kind = match (&then, &now) {
        (Some(_), None) => ChangeKind::Added,
        (Some(_), Some(_)) => ChangeKind::Changed,
        (None, _) => ChangeKind::Ended,
    };
    let mut row = then.or(now).expect("one of them is there");
    if kind == ChangeKind::Ended {
        let last = row.validity.to.map_or(today, |to| to.min(today));
        row.validity.to = Some(last);
    }
    RowChange {
        key: row.key,
        kind,
        row: row.row,
        validity: row.validity,
        old_term,
    }
}

/// The rows of a history as they were after an import: of each key the newest version
/// up to it, if that has not ended.
struct Then {
    rows: Peekable<Rows>,
    to: u64,
}

impl Iterator for Then {
    type Item = Result<StoredRow, RosterError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let first = match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error.into())),
            };
            let key = first.key.clone();
            let mut newest = Some(first).filter(|row| is_by(row, self.to));
            let is_same = |next: &Result<StoredRow, _>| match next {
                Ok(next) => next.key == key,
                Err(_) => true,
            };
            while let Some(next) = self.rows.next_if(is_same) {
                match next {
                    Ok(next) if is_by(&next, self.to) => newest = Some(next),
                    Ok(_) => {}
                    Err(error) => return Some(Err(error.into())),
                }
            }
            let has_ended = |row: &StoredRow| {
                let version = row.version.map(|version| version.change);
                version == Some(ChangeKind::Ended)
            };
            if let Some(row) = newest.filter(|row| !has_ended(row)) {
                return Some(Ok(row));
            }
        }
    }
}

fn is_by(row: &StoredRow, import: u64) -> bool {
    row.version.is_some_and(|version| version.import <= import)
}

/// Rows that are not the same then and now.
struct Differences<T: Iterator<Item = Result<StoredRow, RosterError>>> {
    then: Peekable<T>,
    now: Peekable<Rows>,
}

impl<T: Iterator<Item = Result<StoredRow, RosterError>>> Iterator for Differences<T> {
    type Item = Result<(Option<StoredRow>, Option<StoredRow>), RosterError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (take_then, take_now) = match (self.then.peek(), self.now.peek()) {
                (None, None) => return None,
                (Some(Ok(then)), Some(Ok(now))) => (then.key <= now.key, now.key <= then.key),
                (Some(_), Some(Ok(_)) | None) => (true, false),
                (_, Some(_)) => (false, true),
            };
            let then = take_then.then(|| self.then.next()).flatten().transpose();
            let now = take_now.then(|| self.now.next()).flatten().transpose();
            let pair = match (then, now) {
                (Ok(then), Ok(now)) => (then, now),
                (Err(error), _) => return Some(Err(error)),
                (_, Err(error)) => return Some(Err(error.into())),
            };
            if let (Some(then), Some(now)) = &pair
                && then.row == now.row
                && then.validity == now.validity
            {
                continue;
            }
            return Some(Ok(pair));
        }
    }
}
