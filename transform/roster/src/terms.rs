//! Academic sessions as a tree, and which of them is a section's term.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use schemas::roster::Entity;
use schemas::{Calendar, Term, TermDates};

use crate::row::Row;

/// Whether a session's last day is still part of it. OneRoster says that it is not,
/// and nearly every export is written as if it were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndDay {
    /// It is the last day.
    #[default]
    Included,
    /// It is the day after the last.
    Excluded,
}

/// An academic session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id as a partition.
    pub term: Term,
    /// What people call it.
    pub name: String,
    /// `school_year`, `semester`, `term`, `grading_period` or `ext:…`.
    pub kind: String,
    /// Its first day.
    pub start: NaiveDate,
    /// Its end as the source has it.
    pub end: NaiveDate,
    /// The session that it is part of.
    pub parent: Option<String>,
}

/// The academic sessions of a tenant by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions(BTreeMap<String, Session>);

impl Sessions {
    /// Adds a row of [`Entity::Terms`]; one without days is none.
    pub fn add(&mut self, row: &Row) {
        let text = |field| row.text(Entity::Terms, field).map(str::to_owned);
        let day = |field| row.get(Entity::Terms, field).as_date();
        if let (Some(id), Some(start), Some(end)) =
            (text("term_id"), day("start_date"), day("end_date"))
        {
            let session = Session {
                term: crate::term_slug(&id),
                name: text("name").unwrap_or_default(),
                kind: text("type").unwrap_or_default(),
                start,
                end,
                parent: text("parent_term_id"),
            };
            self.0.insert(id, session);
        }
    }

    /// A session.
    pub fn get(&self, id: &str) -> Option<&Session> {
        self.0.get(id)
    }

    /// All sessions with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Session)> {
        self.0.iter().map(|(id, session)| (id.as_str(), session))
    }

    /// A session and those that it is part of, from the inside; it ends where a
    /// circle would begin.
    fn upwards(&self, id: &str) -> impl Iterator<Item = (&str, &Session)> + use<'_> {
        let first = self.0.get_key_value(id);
        std::iter::successors(first, |(_, session)| {
            self.0.get_key_value(session.parent.as_deref()?)
        })
        .map(|(id, session)| (id.as_str(), session))
        .take(self.0.len())
    }

    /// The session that is the term of a section of these: the only one; else the
    /// smallest that all of them are part of; else the longest of them, ties by id.
    pub fn of_section(&self, ids: &[String]) -> Option<&Session> {
        let known: Vec<&str> = ids
            .iter()
            .map(String::as_str)
            .filter(|id| self.0.contains_key(*id))
            .collect();
        let (first, rest) = known.split_first()?;
        let holds_all = |candidate: &str| {
            rest.iter()
                .all(|id| self.upwards(id).any(|(above, _)| above == candidate))
        };
        if let Some((_, session)) = self.upwards(first).find(|(id, _)| holds_all(id)) {
            return Some(session);
        }
        known
            .iter()
            .filter_map(|id| self.0.get_key_value(*id))
            .max_by_key(|(id, session)| (session.end - session.start, std::cmp::Reverse(*id)))
            .map(|(_, session)| session)
    }

    /// The tenant's calendar: school years, semesters and terms. Grading periods are
    /// left out, since an event outside of all sections would fall into the shortest.
    pub fn calendar(&self, end_day: EndDay) -> Calendar {
        let terms = self
            .0
            .values()
            .filter(|session| session.kind != "grading_period");
        let terms = terms.map(|session| TermDates {
            id: session.term.clone(),
            name: Some(session.name.clone()),
            start: session.start,
            end: match end_day {
                EndDay::Included => session.end,
                EndDay::Excluded => (session.end - Days::new(1)).max(session.start),
            },
        });
        Calendar {
            terms: terms.collect(),
        }
    }

    /// The first and the last day of any of these.
    pub(crate) fn span(&self, ids: &[String]) -> Option<(NaiveDate, NaiveDate)> {
        let known = || ids.iter().filter_map(|id| self.0.get(id));
        let start = known().map(|session| session.start).min()?;
        let end = known().map(|session| session.end).max()?;
        Some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Value;

    fn sessions(all: &[(&str, &str, &str, &str, &str)]) -> Sessions {
        let mut sessions = Sessions::default();
        for (id, kind, start, end, parent) in all {
            let mut row = Row {
                values: vec![Value::Null; Entity::Terms.fields().len()],
                modified_at: None,
            };
            let day = |day: &str| Value::Date(day.parse().expect("a day"));
            row.set(Entity::Terms, "term_id", Value::from(*id));
            row.set(Entity::Terms, "type", Value::from(*kind));
            row.set(Entity::Terms, "start_date", day(start));
            row.set(Entity::Terms, "end_date", day(end));
            if !parent.is_empty() {
                row.set(Entity::Terms, "parent_term_id", Value::from(*parent));
            }
            sessions.add(&row);
        }
        sessions
    }

    fn year() -> Sessions {
        sessions(&[
            ("y", "school_year", "2026-08-01", "2027-06-30", ""),
            ("s1", "semester", "2026-08-01", "2026-12-31", "y"),
            ("s2", "semester", "2027-01-01", "2027-06-30", "y"),
            ("q1", "grading_period", "2026-08-01", "2026-10-15", "s1"),
            ("q2", "grading_period", "2026-10-16", "2026-12-31", "s1"),
            ("summer", "term", "2027-07-01", "2027-07-20", ""),
        ])
    }

    #[test]
    fn the_term_of_a_section_holds_all_of_its_sessions() {
        let all = year();
        for (ids, expected) in [
            (vec!["s1"], Some("s1")),
            (vec!["q1", "q2"], Some("s1")),
            (vec!["q1", "s1"], Some("s1")),
            (vec!["s1", "s2"], Some("y")),
            (vec!["q1", "s2"], Some("y")),
            (vec!["s1", "summer"], Some("s1")),
            (vec!["s2", "gone"], Some("s2")),
            (vec!["gone"], None),
            (vec![], None),
        ] {
            let ids: Vec<_> = ids.into_iter().map(str::to_owned).collect();
            let found = all.of_section(&ids).map(|session| session.term.as_str());
            assert_eq!(found, expected, "{ids:?}");
        }
    }

    #[test]
    fn a_circle_does_not_hang() {
        let circle = sessions(&[
            ("a", "term", "2026-08-01", "2026-12-31", "b"),
            ("b", "term", "2026-08-01", "2026-12-31", "a"),
            ("c", "term", "2026-08-01", "2026-12-31", "c"),
        ]);
        let ids = ["c".to_owned(), "a".to_owned()];
        assert_eq!(circle.of_section(&ids).map(|s| s.term.as_str()), Some("a"));
    }

    #[test]
    fn the_calendar_has_no_grading_periods() {
        let calendar = year().calendar(EndDay::Included);
        assert_eq!(calendar.terms.len(), 4);
        assert!(calendar.problems().is_empty());
        let day = "2026-12-31".parse().expect("a day");
        assert_eq!(calendar.term_of(day).as_str(), "s1");
        let excluded = year().calendar(EndDay::Excluded);
        assert_eq!(excluded.term_of(day).as_str(), "y");
    }
}
