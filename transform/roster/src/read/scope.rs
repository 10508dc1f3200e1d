//! Of which rows a bulk of the catalogue speaks. Systems export course by course, and a
//! calendar year by year: what is not in such a file has not ended.

use std::collections::HashSet;

use chrono::NaiveDate;
use schemas::roster::Entity;

use crate::check::hash;
use crate::row::Row;

/// Of tables that have a course, the rows of all courses that the bulk names; of the
/// calendar, all days from the first that it names. Rows without a course are as if
/// they had one.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    entity: Entity,
    courses: HashSet<u64>,
    from: Option<NaiveDate>,
}

impl Scope {
    /// Nothing so far; none of a table of which a bulk is all.
    pub(crate) fn of(entity: Entity) -> Option<Self> {
        let is_part = matches!(
            entity,
            Entity::CourseDetails
                | Entity::Standards
                | Entity::Contents
                | Entity::Alignments
                | Entity::CalendarDays
        );
        is_part.then(|| Self {
            entity,
            courses: HashSet::new(),
            from: None,
        })
    }

    /// Learns from a row of the bulk.
    pub(crate) fn learn(&mut self, row: &Row) {
        match row.get(self.entity, "day").as_date() {
            Some(day) => self.from = Some(self.from.map_or(day, |from| from.min(day))),
            None => {
                self.courses.insert(self.course(row));
            }
        }
    }

    /// Whether the bulk speaks of a stored row.
    pub(crate) fn holds(&self, row: &Row) -> bool {
        match row.get(self.entity, "day").as_date() {
            Some(day) => self.from.is_some_and(|from| from <= day),
            None => self.courses.contains(&self.course(row)),
        }
    }

    fn course(&self, row: &Row) -> u64 {
        hash(row.text(self.entity, "course_id").unwrap_or_default())
    }
}
