//! Orgs, academic sessions, courses and classes.

use super::Bundle;
use crate::calendar::Semester;
use crate::courses::Subject;
use crate::table::{Table, row};
use crate::world::school_id;

impl<'w> Bundle<'w> {
    pub(super) fn org_tables(&self) -> Vec<Table<'w>> {
        vec![self.orgs(), self.sessions(), self.courses(), self.classes()]
    }

    fn orgs(&self) -> Table<'w> {
        let world = self.world;
        self.table("orgs", move |rows| {
            let parent = world.district_id();
            if let Some(id) = parent {
                let name = world.name();
                rows.row(row![id, "", "", name, "district", "D1", ""])?;
            }
            for school in 0..world.schools() {
                let (id, name) = (school_id(school), world.school_name(school as usize));
                let number = format!("{:03}", school + 1);
                rows.row(row![
                    id.as_str(),
                    "",
                    "",
                    name.as_str(),
                    "school",
                    number,
                    parent
                ])?;
                for subject in Subject::ALL {
                    let department = format!("dep-{:03}-{}", school + 1, subject.code());
                    let title = format!("{}, {name}", subject.name());
                    let code = subject.code();
                    rows.row(row![
                        department,
                        "",
                        "",
                        title,
                        "department",
                        code,
                        id.as_str()
                    ])?;
                }
            }
            Ok(())
        })
    }

    fn sessions(&self) -> Table<'w> {
        let year = self.world.year();
        self.table("academicSessions", move |rows| {
            for s in year.sessions() {
                let ends = year.ends_in().to_string();
                rows.row(row![
                    s.id, "", "", s.title, s.kind, s.start, s.end, s.parent, ends
                ])?;
            }
            Ok(())
        })
    }

    fn courses(&self) -> Table<'w> {
        let world = self.world;
        self.table("courses", move |rows| {
            let (year, org) = (world.year().id(), world.root_id());
            for (_, course) in world.courses() {
                let grades = match course.grade {
                    0 => world
                        .grades()
                        .into_iter()
                        .map(two_digits)
                        .collect::<Vec<_>>()
                        .join(","),
                    grade => two_digits(grade),
                };
                let code = course.id.to_uppercase();
                rows.row(row![
                    course.id,
                    "",
                    "",
                    year.as_str(),
                    course.title,
                    code,
                    grades,
                    org.as_str(),
                    course.subject.name(),
                    course.subject.code().to_uppercase(),
                ])?;
            }
            Ok(())
        })
    }

    fn classes(&self) -> Table<'w> {
        let world = self.world;
        self.table("classes", move |rows| {
            for semester in Semester::ALL {
                let term = world.year().semester_id(semester);
                for section in world.sections_of(semester) {
                    let course = world.course(section);
                    let cohort = &world.cohorts[section.cohort as usize];
                    let number = format!("{:02}", section.number + 1);
                    rows.row(row![
                        world.section_id(section),
                        "",
                        "",
                        format!("{}, group {number}", course.title),
                        two_digits(cohort.grade),
                        course.id,
                        number,
                        "scheduled",
                        format!("Room {}", world.room(section)),
                        school_id(cohort.school),
                        term.as_str(),
                        course.subject.name(),
                        course.subject.code().to_uppercase(),
                        world.period(section) + 1,
                    ])?;
                }
            }
            Ok(())
        })
    }
}

/// A grade as the code lists of rosters have it.
pub(super) fn two_digits(grade: u8) -> String {
    format!("{grade:02}")
}
