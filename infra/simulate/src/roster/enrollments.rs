//! Who is in which class, and teaches it.

use super::Bundle;
use crate::Error;
use crate::calendar::Semester;
use crate::table::{Rows, Table, row};
use crate::world::{Fate, Member, Student, school_id, staff_id, student_id};

/// A row of a student.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Enrollment {
    id: String,
    member: Member,
}

impl<'w> Bundle<'w> {
    pub(super) fn enrollments(&self) -> Table<'w> {
        let bundle = self.clone();
        self.table("enrollments", move |rows| {
            if bundle.since.is_none() {
                bundle.teachers(rows)?;
            }
            for index in 0..bundle.world.students() {
                let student = bundle.world.student(index);
                let now = bundle.known(&student, bundle.day);
                let before = match bundle.since {
                    Some(since) => bundle.known(&student, since),
                    None => Vec::new(),
                };
                for enrollment in now.iter().filter(|now| !before.contains(now)) {
                    bundle.enrollment(enrollment, false, rows)?;
                }
                let gone = |old: &&Enrollment| now.iter().all(|now| now.id != old.id);
                for enrollment in before.iter().filter(gone) {
                    bundle.enrollment(enrollment, true, rows)?;
                }
            }
            Ok(())
        })
    }

    /// What the roster says of a student on a day of the school year, when it does not
    /// know what comes.
    fn known(&self, student: &Student, day: u16) -> Vec<Enrollment> {
        if student.arrives > day {
            return Vec::new();
        }
        let mut student = student.clone();
        if student.withdraws().is_some_and(|withdraws| withdraws > day) {
            student.fate = Fate::Stays;
        }
        let mut known = Vec::new();
        for semester in Semester::ALL {
            let first = self.world.first_day(semester).max(student.arrives);
            for mut member in self.world.memberships(&student, semester) {
                let second = member.begins > first;
                match (member.switched, second) {
                    (true, _) if member.ends.is_some_and(|ends| ends > day) => {
                        (member.switched, member.ends) = (false, None);
                    }
                    // Who left a section for another is not in it any more.
                    (true, _) => continue,
                    (false, true) if member.begins > day => continue,
                    _ => {}
                }
                let part = if second { "b" } else { "a" };
                let (number, slot) = (semester.number(), member.section.slot + 1);
                let id = format!("enr-{:07}-{number}{slot}{part}", student.index);
                known.push(Enrollment { id, member });
            }
        }
        known
    }

    fn enrollment(
        &self,
        Enrollment { id, member }: &Enrollment,
        deleted: bool,
        rows: &mut dyn Rows,
    ) -> Result<(), Error> {
        let world = self.world;
        let section = member.section;
        let school = world.cohorts[section.cohort as usize].school;
        let end = match member.ends {
            Some(day) => self.date_of(day - 1),
            None => world.year().last_day(section.semester),
        };
        let cells = row![
            id.as_str(),
            "",
            "",
            world.section_id(section),
            school_id(school),
            student_id(member.student),
            "student",
            "false",
            self.date_of(member.begins),
            end,
        ];
        self.mark(cells, deleted);
        rows.row(cells)
    }

    fn teachers(&self, rows: &mut dyn Rows) -> Result<(), Error> {
        let world = self.world;
        for semester in Semester::ALL {
            let year = world.year();
            let (first, last) = (year.first_day(semester), year.last_day(semester));
            for section in world.sections_of(semester) {
                let class = world.section_id(section);
                let school = world.cohorts[section.cohort as usize].school;
                rows.row(row![
                    format!("enr-{class}-t"),
                    "",
                    "",
                    class,
                    school_id(school),
                    staff_id(world.teacher(section)),
                    "teacher",
                    "true",
                    first,
                    last,
                ])?;
            }
        }
        Ok(())
    }
}
