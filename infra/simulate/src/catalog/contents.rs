//! Contents of courses, and the standards that questions are about.

use super::Catalog;
use crate::content::{Category, Content, Part, UNIT_LESSONS, YEAR_LESSONS, standard};
use crate::courses::{Course, UNITS};
use crate::table::{Cell, Table, row};

impl<'w> Catalog<'w> {
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
                            "module",
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
                content.part.kind_of_content(),
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
            columns: &[
                "item_id",
                "standard_id",
                "course_id",
                "assessment_id",
                "max_score",
            ],
            fill: Box::new(move |rows| {
                for (index, course) in world.courses() {
                    let lessons = 0..YEAR_LESSONS;
                    for content in lessons.flat_map(|lesson| Content::of_lesson(index, lesson)) {
                        let id = content.id();
                        for item in 0..content.part.items() {
                            rows.row(row![
                                format!("{id}/q{}", item + 1),
                                standard(course, content.unit_of_item(item), item),
                                course.id,
                                id.as_str(),
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
