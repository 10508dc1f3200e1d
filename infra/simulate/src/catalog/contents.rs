//! Courses, their contents and sections, and the standards that questions are about.

use std::collections::BTreeSet;

use super::Catalog;
use crate::calendar::Semester;
use crate::content::{Category, Content, Part, UNIT_LESSONS, YEAR_LESSONS, standard};
use crate::courses::{Course, UNITS};
use crate::table::{Cell, Table, row};
use crate::world::{CAPACITY, PERIOD_MINUTES, school_id, staff_id};

/// The names of weekdays, from Monday.
const WEEKDAYS: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

impl<'w> Catalog<'w> {
    pub(super) fn courses(&self) -> Table<'w> {
        let world = self.world;
        Table {
            name: "courses",
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

    pub(super) fn contents(&self) -> Table<'w> {
        let catalog = *self;
        Table {
            name: "contents",
            columns: &[
                "content_id",
                "course_id",
                "parent_id",
                "kind",
                "version",
                "title",
                "duration_seconds",
                "assigned_on",
                "due_on",
                "category",
                "weight_percent",
                "max_score",
            ],
            fill: Box::new(move |rows| {
                for (index, course) in catalog.world.courses() {
                    for unit in 0..UNITS as u8 {
                        let topic = course.topics[usize::from(unit)];
                        let id = unit_id(course, unit);
                        let none = Cell::Empty;
                        rows.row(row![
                            id,
                            course.id,
                            none.clone(),
                            "unit",
                            1u8,
                            topic,
                            none.clone(),
                            none.clone(),
                            none.clone(),
                            none.clone(),
                            none.clone(),
                            none,
                        ])?;
                        for lesson in unit * UNIT_LESSONS..(unit + 1) * UNIT_LESSONS {
                            for content in Content::of_lesson(index, lesson) {
                                catalog.content(content, rows)?;
                            }
                        }
                    }
                }
                Ok(())
            }),
        }
    }

    fn content(
        &self,
        content: Content,
        rows: &mut dyn crate::table::Rows,
    ) -> Result<(), crate::Error> {
        let world = self.world;
        let course = content.of_course();
        let dates = world.dates(content);
        let versions = 1 + u8::from(world.is_revised(content));
        let is_video = content.part == Part::Video;
        let duration = is_video.then(|| world.video(content).length);
        let duration = duration.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10));
        for version in 1..=versions {
            rows.row(row![
                content.id(),
                course.id,
                unit_id(course, content.unit()),
                content.part.kind(),
                version,
                content.title(),
                duration.clone().map(Cell::Decimal),
                dates.assigned,
                dates.due,
                content.part.category().map(Category::name),
                content.part.category().map(Category::weight),
                content.part.max_score(),
            ])?;
        }
        Ok(())
    }

    pub(super) fn sections(&self) -> Table<'w> {
        let world = self.world;
        Table {
            name: "sections",
            columns: &[
                "section_id",
                "course_id",
                "school_id",
                "term_id",
                "teacher_id",
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
                    let term = world.year().semester_id(semester);
                    for section in world.sections_of(semester) {
                        let days = (0..5).filter(|day| section.meets(*day));
                        let days: Vec<_> = days.map(|day| WEEKDAYS[usize::from(day)]).collect();
                        let bell = world.bell(section);
                        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
                        let school = world.cohorts[section.cohort as usize].school;
                        rows.row(row![
                            world.section_id(section),
                            world.course(section).id,
                            school_id(school),
                            term.as_str(),
                            staff_id(world.teacher(section)),
                            CAPACITY,
                            world.room(section),
                            world.period(section) + 1,
                            days.join(" "),
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

    pub(super) fn standards(&self) -> Table<'w> {
        let world = self.world;
        Table {
            name: "standards",
            columns: &["standard_id", "course_id", "title"],
            fill: Box::new(move |rows| {
                for (_, course) in world.courses() {
                    for (unit, topic) in course.topics.iter().enumerate() {
                        for (side, verb) in ["Explain", "Apply"].into_iter().enumerate() {
                            let id = standard(course, unit as u8, side as u8);
                            rows.row(row![id, course.id, format!("{verb}: {topic}")])?;
                        }
                    }
                }
                Ok(())
            }),
        }
    }

    pub(super) fn alignments(&self) -> Table<'w> {
        let world = self.world;
        Table {
            name: "alignments",
            columns: &["item_id", "assessment_id", "standard_id", "max_score"],
            fill: Box::new(move |rows| {
                for (index, course) in world.courses() {
                    let lessons = 0..YEAR_LESSONS;
                    for content in lessons.flat_map(|lesson| Content::of_lesson(index, lesson)) {
                        let id = content.id();
                        for item in 0..content.part.items() {
                            rows.row(row![
                                format!("{id}/q{}", item + 1),
                                id.as_str(),
                                standard(course, content.unit_of_item(item), item),
                                1u8,
                            ])?;
                        }
                    }
                }
                Ok(())
            }),
        }
    }
}

fn unit_id(course: &Course, unit: u8) -> String {
    format!("{}/unit-{}", course.id, unit + 1)
}

/// `… in eight units: cell division, photosynthesis, …`.
fn description(course: &Course) -> String {
    let level = match course.grade {
        0 => "An elective for all grades".to_owned(),
        grade => format!("A course of grade {grade}"),
    };
    format!("{level}, in eight units: {}.", course.topics.join("; "))
}
