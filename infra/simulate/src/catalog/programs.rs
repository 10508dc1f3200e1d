//! Programs, who is in them, and what they award.

use chrono::Days;

use super::Catalog;
use crate::calendar::Semester;
use crate::table::{Table, row};
use crate::world::{School, Student, World, key, student_id};

/// Programs: identifier, title, kind, credits to complete them, years.
const PROGRAMS: [(&str, &str, &str, u8, u8); 5] = [
    (
        "middle-general",
        "General studies, middle school",
        "general",
        15,
        3,
    ),
    ("diploma", "High school diploma", "diploma", 20, 4),
    ("diploma-science", "Diploma with science", "diploma", 22, 4),
    ("diploma-arts", "Diploma with arts", "diploma", 22, 4),
    (
        "computing-pathway",
        "Computing pathway",
        "certificate",
        4,
        2,
    ),
];

/// Who is listed with honour at the end of the first semester.
const HONOUR: &str = "honour-roll";

impl<'w> Catalog<'w> {
    pub(super) fn programs(&self) -> Table<'w> {
        Table {
            name: "programs",
            columns: &["program_id", "title", "kind", "credits", "years"],
            fill: Box::new(move |rows| {
                for (id, title, kind, credits, years) in PROGRAMS {
                    rows.row(row![id, title, kind, credits, years])?;
                }
                Ok(())
            }),
        }
    }

    pub(super) fn program_enrollments(&self) -> Table<'w> {
        let (world, today) = (self.world, self.day);
        Table {
            name: "program_enrollments",
            columns: &[
                "user_id",
                "program_id",
                "entry_term_id",
                "begins_on",
                "ends_on",
                "state",
            ],
            fill: Box::new(move |rows| {
                for index in 0..world.students() {
                    let student = world.student(index);
                    if student.arrives > today {
                        continue;
                    }
                    let Entry { term, on } = entry(world, &student);
                    let ends = student.withdraws();
                    let ends = ends.map(|day| world.year().start() + Days::new(day.into()));
                    let state = if ends.is_some() {
                        "withdrawn"
                    } else {
                        "active"
                    };
                    for program in programs_of(world, &student) {
                        let id = student_id(index);
                        rows.row(row![id, program, term.as_str(), on, ends, state])?;
                    }
                }
                Ok(())
            }),
        }
    }

    pub(super) fn awards(&self) -> Table<'w> {
        let (world, today) = (self.world, self.day);
        Table {
            name: "awards",
            columns: &[
                "user_id",
                "award_id",
                "program_id",
                "kind",
                "title",
                "awarded_on",
            ],
            fill: Box::new(move |rows| {
                let year = world.year();
                let (winter, summer) = (year.last_day(Semester::Fall), year.end());
                for index in 0..world.students() {
                    let student = world.student(index);
                    let stays = student.energy(world.last_day(Semester::Spring)) >= 1.0;
                    if !stays || student.arrives > today {
                        continue;
                    }
                    let id = student_id(index);
                    if student.ability + student.diligence > 2.2 {
                        let title = "Honour roll of the fall";
                        let award = format!("{HONOUR}-{}", year.semester_id(Semester::Fall));
                        rows.row(row![id.as_str(), award, "", HONOUR, title, winter])?;
                    }
                    let grade = world.cohorts[student.cohort as usize].grade;
                    let passes = student.ability + 0.5 * student.diligence > -1.9;
                    if grade == 12 && passes {
                        let program = programs_of(world, &student).next();
                        let (kind, title) = ("diploma", "High school diploma");
                        rows.row(row![id, kind, program, kind, title, summer])?;
                    }
                }
                Ok(())
            }),
        }
    }
}

/// When a student came to the school.
struct Entry {
    term: String,
    on: chrono::NaiveDate,
}

fn entry(world: &World, student: &Student) -> Entry {
    let year = world.year();
    let cohort = &world.cohorts[student.cohort as usize];
    let School { middle, .. } = world.schools[cohort.school as usize];
    let years = cohort.grade - if middle { 6 } else { 9 };
    // Who comes in the middle of the year is new to the school.
    let years = if student.arrives > 0 { 0 } else { years };
    let entered = year.earlier(years);
    Entry {
        term: entered.semester_id(Semester::Fall),
        on: entered.start() + Days::new(student.arrives.into()),
    }
}

fn programs_of(world: &World, student: &Student) -> impl Iterator<Item = &'static str> {
    let cohort = &world.cohorts[student.cohort as usize];
    let middle = world.schools[cohort.school as usize].middle;
    let mut draw = world.draw(&[key::PROGRAM, student.index.into()]);
    let main = match (middle, draw.below(10)) {
        (true, _) => PROGRAMS[0].0,
        (false, 0..6) => PROGRAMS[1].0,
        (false, 6..8) => PROGRAMS[2].0,
        _ => PROGRAMS[3].0,
    };
    let pathway = (!middle && draw.chance(0.15)).then_some(PROGRAMS[4].0);
    [main].into_iter().chain(pathway)
}
