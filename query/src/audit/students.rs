//! Whose rows a query reads.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Schema};
use schemas::AuditEnd;

/// By what a row names whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// The key of events.
    StudentKey,
    /// The id of the roster.
    UserId,
}

impl NamedBy {
    /// The column of rows that have these columns, and what it holds; `None` if they name
    /// nobody.
    pub(crate) fn column(columns: &Schema) -> Option<(usize, Self)> {
        let place = |name| columns.index_of(name).ok();
        let key = place("student_key").map(|place| (place, Self::StudentKey));
        key.or_else(|| place("user_id").map(|place| (place, Self::UserId)))
    }
}

/// Those whose rows have been read; of too many only that there are.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    people: Mutex<People>,
    /// There were more than are told one by one: nobody more need be noted.
    is_full: AtomicBool,
}

#[derive(Debug, Default)]
struct People {
    students: HashSet<String>,
    users: HashSet<String>,
}

impl Seen {
    /// Notes those whom a column of rows names that are read.
    pub(crate) fn note(&self, column: &ArrayRef, named_by: NamedBy) {
        if column.is_empty() || self.is_full.load(Ordering::Relaxed) {
            return;
        }
        let Ok(texts) = cast(column, &DataType::Utf8) else {
            // A key is a text in every table: of what is none nobody can be told.
            self.is_full.store(true, Ordering::Relaxed);
            return;
        };
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let People { students, users } = &mut *people;
        let (noted, others) = match named_by {
            NamedBy::StudentKey => (students, users.len()),
            NamedBy::UserId => (users, students.len()),
        };
        // Files are sorted by student: most rows name whom the row before them named.
        let mut before = None;
        for text in texts.as_string::<i32>().iter().flatten() {
            if before == Some(text) || noted.contains(text) {
                before = Some(text);
                continue;
            }
            before = Some(text);
            if noted.len() + others >= AuditEnd::MOST_STUDENTS {
                self.is_full.store(true, Ordering::Relaxed);
                return;
            }
            noted.insert(text.to_owned());
        }
    }

    /// Notes those whose rows an earlier query has read for the same answer.
    pub(crate) fn note_again(&self, earlier: &Self) {
        let Some((students, users)) = earlier.people() else {
            self.is_full.store(true, Ordering::Relaxed);
            return;
        };
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.students.extend(students);
        people.users.extend(users);
    }

    /// The keys and the ids of those that were noted; `None` when there were more.
    pub(crate) fn people(&self) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
        if self.is_full.load(Ordering::Relaxed) {
            return None;
        }
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let sorted = |people: &HashSet<String>| people.iter().cloned().collect();
        Some((sorted(&people.students), sorted(&people.users)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::StringArray;

    use super::*;

    fn column(keys: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
        Arc::new(keys.into_iter().collect::<StringArray>())
    }

    #[test]
    fn everybody_is_noted_once_until_there_are_too_many() {
        let seen = Seen::default();
        let two = ["a", "a", "b"].map(|key| Some(key.to_owned()));
        seen.note(&column(two.into_iter().chain([None])), NamedBy::StudentKey);
        seen.note(&column([Some("u".to_owned())]), NamedBy::UserId);
        let (students, users) = seen.people().expect("three");
        assert_eq!(students, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(users, BTreeSet::from(["u".to_owned()]));

        let rest = AuditEnd::MOST_STUDENTS - 3;
        let more = (0..rest).map(|n| Some(n.to_string()));
        seen.note(&column(more), NamedBy::StudentKey);
        assert!(seen.people().is_some());
        seen.note(&column([Some("a".to_owned())]), NamedBy::StudentKey);
        assert!(seen.people().is_some(), "nobody new");
        seen.note(&column([Some("v".to_owned())]), NamedBy::UserId);
        assert_eq!(seen.people(), None);
    }
}
