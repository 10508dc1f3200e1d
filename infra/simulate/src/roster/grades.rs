//! The gradebook: categories and line items.

use super::{Bundle, Version};
use crate::calendar::Semester;
use crate::content::{Category, Content};
use crate::table::{Table, row};
use crate::world::school_id;

impl<'w> Bundle<'w> {
    pub(super) fn grade_tables(&self) -> Vec<Table<'w>> {
        vec![self.categories(), self.line_items()]
    }

    fn categories(&self) -> Table<'w> {
        let version = self.version;
        self.table("categories", move |rows| {
            for category in Category::ALL {
                let id = format!("cat-{}", category.name());
                let cells = row![id, "", "", category.name(), category.weight()];
                let columns = if version == Version::V1_1 { 4 } else { 5 };
                rows.row(&mut cells[..columns])?;
            }
            Ok(())
        })
    }

    fn line_items(&self) -> Table<'w> {
        let (world, version) = (self.world, self.version);
        self.table("lineItems", move |rows| {
            let year = world.year();
            for semester in Semester::ALL {
                let term = year.semester_id(semester);
                for section in world.sections_of(semester) {
                    let class = world.section_id(section);
                    let school = world.cohorts[section.cohort as usize].school;
                    let contents = Content::of_semester(world.course_index(section), semester);
                    for content in contents {
                        let (Some(category), Some(max)) =
                            (content.part.category(), content.part.max_score())
                        else {
                            continue;
                        };
                        let dates = world.dates(content);
                        let cells = row![
                            format!("{class}/{:02}-{}", content.lesson + 1, content.part.kind()),
                            "",
                            "",
                            content.title(),
                            content.id(),
                            dates.assigned,
                            dates.due.unwrap_or(dates.assigned),
                            class.as_str(),
                            format!("cat-{}", category.name()),
                            year.grading_period_id(dates.assigned),
                            "0",
                            max,
                            term.as_str(),
                            school_id(school),
                        ];
                        let columns = if version == Version::V1_1 { 12 } else { 14 };
                        rows.row(&mut cells[..columns])?;
                    }
                }
            }
            Ok(())
        })
    }
}
