//! A tenant's academic calendar: the terms events are placed in.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Term;

/// The terms of a tenant, in any order; they may nest and overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The terms.
    #[serde(default)]
    pub terms: Vec<TermDates>,
}

/// One term with its first and last day, both inclusive, in the tenant's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermDates {
    /// The term's id, used as partition.
    pub id: Term,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// First day.
    pub start: NaiveDate,
    /// Last day.
    pub end: NaiveDate,
}

impl TermDates {
    /// Whether the day lies in the term.
    pub fn contains(&self, day: NaiveDate) -> bool {
        (self.start..=self.end).contains(&day)
    }

    /// Its length in days.
    pub fn days(&self) -> i64 {
        (self.end - self.start).num_days() + 1
    }
}

/// Why a calendar cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// A term ends before it starts.
    #[error("term {0} ends before it starts")]
    Backwards(Term),
    /// Two terms have one id.
    #[error("term {0} is listed twice")]
    Repeated(Term),
    /// The id is one that we give to days outside the calendar.
    #[error("term {0}: ids starting with between-terms- are given by Chalkline")]
    Reserved(Term),
}

/// The start of the ids of [`Calendar::between_terms`].
const BETWEEN_TERMS: &str = "between-terms-";

impl Calendar {
    /// Every problem of the calendar; none when it can be used.
    pub fn problems(&self) -> Vec<CalendarError> {
        let mut problems = Vec::new();
        for (index, term) in self.terms.iter().enumerate() {
            if term.end < term.start {
                problems.push(CalendarError::Backwards(term.id.clone()));
            }
            if self.terms[..index].iter().any(|t| t.id == term.id) {
                problems.push(CalendarError::Repeated(term.id.clone()));
            }
            if term.id.as_str().starts_with(BETWEEN_TERMS) {
                problems.push(CalendarError::Reserved(term.id.clone()));
            }
        }
        problems
    }

    /// The term of a day: the shortest that contains it (ties by id), else
    /// `between-terms-<year>`; without any term the school year from 1 August
    /// (`2026-27`).
    pub fn term_of(&self, day: NaiveDate) -> Term {
        if self.terms.is_empty() {
            return school_year(day);
        }
        self.terms
            .iter()
            .filter(|term| term.contains(day))
            .min_by_key(|term| (term.days(), &term.id))
            .map_or_else(|| between_terms(day), |term| term.id.clone())
    }
}

/// The term of days that no term of a calendar contains.
fn between_terms(day: NaiveDate) -> Term {
    let year = chrono::Datelike::year(&day);
    Term::new(format!("{BETWEEN_TERMS}{year}")).expect("a year makes a slug")
}

/// The school year of a day, from 1 August to 31 July.
fn school_year(day: NaiveDate) -> Term {
    use chrono::Datelike;
    let first = if day.month() >= 8 {
        day.year()
    } else {
        day.year() - 1
    };
    let next = (first + 1).rem_euclid(100);
    Term::new(format!("{first}-{next:02}")).expect("years make a slug")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn term(id: &str, start: &str, end: &str) -> TermDates {
        TermDates {
            id: id.parse().expect("a term"),
            name: None,
            start: day(start),
            end: day(end),
        }
    }

    #[test]
    fn without_a_calendar_school_years_start_in_august() {
        let none = Calendar::default();
        for (date, expected) in [
            ("2026-07-31", "2025-26"),
            ("2026-08-01", "2026-27"),
            ("2027-01-01", "2026-27"),
            ("1999-09-01", "1999-00"),
        ] {
            assert_eq!(none.term_of(day(date)).as_str(), expected, "{date}");
        }
    }

    #[test]
    fn the_shortest_term_wins_and_ties_go_by_id() {
        let calendar = Calendar {
            terms: vec![
                term("year", "2026-08-01", "2027-07-31"),
                term("fall", "2026-08-20", "2026-12-20"),
                term("b", "2026-10-01", "2026-10-07"),
                term("a", "2026-10-07", "2026-10-13"),
            ],
        };
        for (date, expected) in [
            ("2026-08-19", "year"),
            ("2026-08-20", "fall"),
            ("2026-12-20", "fall"),
            ("2026-12-21", "year"),
            ("2026-10-07", "a"),
            ("2027-08-01", "between-terms-2027"),
        ] {
            assert_eq!(calendar.term_of(day(date)).as_str(), expected, "{date}");
        }
    }

    #[test]
    fn problems_are_listed_all_at_once() {
        let calendar = Calendar {
            terms: vec![
                term("fall", "2026-12-20", "2026-08-20"),
                term("fall", "2026-08-20", "2026-12-20"),
                term("between-terms-1", "2026-08-20", "2026-12-20"),
            ],
        };
        assert_eq!(calendar.problems().len(), 3);
    }
}
