//! What a catalogue says of courses and sections beyond the roster.

use std::collections::BTreeSet;

use super::Catalog;
use crate::calendar::Semester;
use crate::content::Category;
use crate::courses::Course;
use crate::table::{Cell, Table, row};
use crate::world::{CAPACITY, PERIOD_MINUTES};

/// The names of weekdays, from Monday.
const WEEKDAYS: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

impl<'w> Catalog<'w> {
    pub(super) fn course_details(&self) -> Table<'w> {
        let world = self.world;
        Table {
            name: "course_details",
            columns: &[
                "course_id",
                "title",
                "subject",
                "credits",
                "prerequisites",
                "grading",
                "description",
            ],
            fill: Box::new(move |rows| {
                let taught: BTreeSet<_> = world.courses().map(|(_, course)| course.id).collect();
                for (_, course) in world.courses() {
                    // What was learnt at another school is not in the catalogue.
                    let before = course.prerequisite.filter(|id| taught.contains(id));
                    let weights = Category::ALL.map(|c| format!("{} {} %", c.name(), c.weight()));
                    rows.row(row![
                        course.id,
                        course.title,
                        course.subject.name(),
                        // A half a semester.
                        Cell::Half(2),
                        before,
                        weights.join(", "),
                        description(course),
                    ])?;
                }
                Ok(())
            }),
        }
    }

    pub(super) fn section_details(&self) -> Table<'w> {
        let world = self.world;
        Table {
            name: "section_details",
            columns: &[
                "section_id",
                "capacity",
                "room",
                "period",
                "weekdays",
                "starts_at",
                "ends_at",
                "online",
            ],
            fill: Box::new(move |rows| {
                for semester in Semester::ALL {
                    for section in world.sections_of(semester) {
                        let days = (0..5).filter(|day| section.meets(*day));
                        let days: Vec<_> = days.map(|day| WEEKDAYS[usize::from(day)]).collect();
                        let bell = world.bell(section);
                        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
                        rows.row(row![
                            world.section_id(section),
                            CAPACITY,
                            world.room(section),
                            world.period(section) + 1,
                            days.join(","),
                            clock(bell),
                            clock(bell + PERIOD_MINUTES),
                            Cell::Flag(world.is_online(section)),
                        ])?;
                    }
                }
                Ok(())
            }),
        }
    }
}

/// `… in eight units: cell division, photosynthesis, …`.
fn description(course: &Course) -> String {
    let level = match course.grade {
        0 => "An elective for all grades".to_owned(),
        grade => format!("A course of grade {grade}"),
    };
    format!("{level}, in eight units: {}.", course.topics.join("; "))
}
