//! On which days there is school.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use schemas::roster::Entity;

use crate::orgs::Orgs;
use crate::row::Row;
use crate::terms::Sessions;

/// The kinds of days on which there is school; on all others there is none.
const INSTRUCTIONAL: [&str; 3] = ["instructional", "half_day", "exam_day"];

/// What the calendar says beside the terms' weekdays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchoolDays {
    /// Whether there is school at an org on a day; the org without a name is all.
    days: BTreeMap<(String, NaiveDate), bool>,
}

impl SchoolDays {
    /// Adds a row of [`Entity::CalendarDays`].
    pub fn add(&mut self, row: &Row) {
        let entity = Entity::CalendarDays;
        let org = row.text(entity, "org_id").unwrap_or_default();
        if let (Some(day), Some(kind)) =
            (row.get(entity, "day").as_date(), row.text(entity, "kind"))
        {
            let is_school = INSTRUCTIONAL.contains(&kind);
            self.days.insert((org.to_owned(), day), is_school);
        }
    }

    /// Whether there is school at an org on a day: what the calendar says of the org; else
    /// of the orgs above it, the nearest first; else of all. Where it says nothing, there
    /// is on weekdays, Monday to Friday, in one of the sessions. Between semesters there
    /// is none: of school years only those count that are not divided.
    pub fn is_school(&self, org: &str, day: NaiveDate, orgs: &Orgs, sessions: &Sessions) -> bool {
        let said = |org: &str| self.days.get(&(org.to_owned(), day)).copied();
        let above = orgs.above(org).into_iter();
        let mut orgs = [org].into_iter().chain(above).chain([""]);
        let weekday = || day.weekday().number_from_monday() <= 5 && is_in_session(day, sessions);
        orgs.find_map(said).unwrap_or_else(weekday)
    }
}

fn is_in_session(day: NaiveDate, sessions: &Sessions) -> bool {
    let is_divided = |id: &str| {
        let mut all = sessions.iter();
        all.any(|(_, other)| other.parent.as_deref() == Some(id))
    };
    sessions.iter().any(|(id, session)| {
        let is_whole = session.kind == "school_year" && is_divided(id);
        !is_whole && (session.start..=session.end).contains(&day)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Value;
    use rstest::rstest;

    fn row(entity: Entity, fields: &[(&str, &str)]) -> Row {
        let mut row = Row {
            values: vec![Value::Null; entity.fields().len()],
            modified_at: None,
        };
        for (field, text) in fields {
            let day = text.parse().map(Value::Date);
            row.set(entity, field, day.unwrap_or_else(|_| Value::from(*text)));
        }
        row
    }

    fn orgs() -> Orgs {
        let mut orgs = Orgs::default();
        for (org, parent) in [
            ("district", ""),
            ("north", "district"),
            ("south", "district"),
        ] {
            let fields = [("org_id", org), ("parent_org_id", parent)];
            orgs.add(&row(Entity::Orgs, &fields));
        }
        orgs
    }

    fn sessions(all: &[(&str, &str, &str, &str, &str)]) -> Sessions {
        let mut sessions = Sessions::default();
        for (id, kind, start, end, parent) in all {
            let mut fields = vec![("term_id", *id), ("type", *kind)];
            fields.extend([("start_date", *start), ("end_date", *end)]);
            if !parent.is_empty() {
                fields.push(("parent_term_id", *parent));
            }
            sessions.add(&row(Entity::Terms, &fields));
        }
        sessions
    }

    #[rstest]
    #[case::a_weekday("north", "2026-09-01", true)]
    #[case::a_saturday("north", "2026-09-05", false)]
    #[case::a_holiday_of_all("north", "2026-09-07", false)]
    #[case::school_on_a_holiday_of_all("south", "2026-09-07", true)]
    #[case::a_day_of_the_district("north", "2026-09-08", false)]
    #[case::a_saturday_of_ones_own("north", "2026-09-12", true)]
    #[case::of_another("south", "2026-09-12", false)]
    #[case::half_a_day("north", "2026-09-14", true)]
    #[case::an_extension("north", "2026-09-15", false)]
    #[case::between_semesters("north", "2026-12-28", false)]
    #[case::the_last_day("north", "2026-12-18", true)]
    #[case::an_org_that_is_not_known("gone", "2026-09-07", false)]
    fn the_nearest_word_counts(#[case] org: &str, #[case] day: &str, #[case] expected: bool) {
        let mut days = SchoolDays::default();
        for (org, day, kind) in [
            ("", "2026-09-07", "holiday"),
            ("south", "2026-09-07", "instructional"),
            ("", "2026-09-08", "instructional"),
            ("district", "2026-09-08", "staff_day"),
            ("north", "2026-09-12", "exam_day"),
            ("north", "2026-09-14", "half_day"),
            ("north", "2026-09-15", "ext:trip"),
        ] {
            let fields = [("org_id", org), ("day", day), ("kind", kind)];
            days.add(&row(Entity::CalendarDays, &fields));
        }
        let sessions = sessions(&[
            ("year", "school_year", "2026-08-17", "2027-05-28", ""),
            ("fall", "semester", "2026-08-17", "2026-12-18", "year"),
            ("spring", "semester", "2027-01-11", "2027-05-28", "year"),
        ]);
        let day = day.parse().expect("a day");
        assert_eq!(days.is_school(org, day, &orgs(), &sessions), expected);
    }

    #[test]
    fn a_year_that_is_not_divided_is_school() {
        let sessions = sessions(&[("year", "school_year", "2026-08-17", "2027-05-28", "")]);
        let day = "2026-12-28".parse().expect("a day");
        assert!(SchoolDays::default().is_school("", day, &Orgs::default(), &sessions));
    }
}
