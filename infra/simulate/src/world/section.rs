//! Sections: who is in them, who teaches them, when and where they meet.
//!
//! Each class of a grade has the same five slots in the day. A slot's sections meet at the
//! same time, each grade's at another: so no student and no teacher is in two places.

use super::{Student, World, key};
use crate::calendar::Semester;
use crate::courses::{self, Course, Subject};
use crate::draw::Shuffle;

/// The minutes of the day at which the periods begin.
const BELLS: [u16; PERIODS as usize] = [8 * 60 + 15, 9 * 60 + 15, 10 * 60 + 15, 12 * 60, 13 * 60];
/// Periods of a day, as many as a student has slots.
pub(crate) const PERIODS: u8 = 5;
/// Minutes of a period.
pub(crate) const PERIOD_MINUTES: u16 = 50;
/// Seats of a section.
pub(crate) const CAPACITY: u32 = 32;
/// One in so many sections meets online.
const ONLINE: u64 = 4;

/// A class of a course in a semester.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Section {
    pub(crate) cohort: u32,
    pub(crate) semester: Semester,
    pub(crate) slot: u8,
    /// Among those of the slot, from 0.
    pub(crate) number: u32,
}

/// A stretch of days in which a student is in a section, of the school year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) section: Section,
    pub(crate) student: u32,
    /// The first day.
    pub(crate) begins: u16,
    /// The day after the last one, where that comes before the semester ends.
    pub(crate) ends: Option<u16>,
    /// Whether the student left it for another section.
    pub(crate) switched: bool,
}

impl World {
    /// The sections of a semester, cohort by cohort.
    pub(crate) fn sections_of(&self, semester: Semester) -> impl Iterator<Item = Section> + '_ {
        let cohorts = self.cohorts.iter().enumerate();
        cohorts.flat_map(move |(cohort, of)| {
            (0..Subject::ALL.len() as u8).flat_map(move |slot| {
                (0..of.sections).map(move |number| Section {
                    cohort: cohort as u32,
                    semester,
                    slot,
                    number,
                })
            })
        })
    }

    pub(crate) fn course_index(&self, section: Section) -> u8 {
        let grade = self.cohorts[section.cohort as usize].grade;
        courses::index_of(grade, section.slot, section.number)
    }

    pub(crate) fn course(&self, section: Section) -> &'static Course {
        courses::get(self.course_index(section))
    }

    pub(crate) fn teacher(&self, section: Section) -> u32 {
        let school = self.cohorts[section.cohort as usize].school;
        self.teacher_of(school, section.slot, section.number)
    }

    /// Its identifier: the course, then school, grade, semester and number.
    pub(crate) fn section_id(&self, section: Section) -> String {
        let cohort = &self.cohorts[section.cohort as usize];
        format!(
            "{}-{:02}g{:02}s{}-{:02}",
            self.course(section).id,
            cohort.school + 1,
            cohort.grade,
            section.semester.number(),
            section.number + 1
        )
    }

    /// The room, which is the teacher's.
    pub(crate) fn room(&self, section: Section) -> String {
        format!("{}{:02}", section.slot + 1, section.number + 1)
    }

    /// The period of the day, from 0.
    pub(crate) fn period(&self, section: Section) -> u8 {
        (section.slot + self.cohorts[section.cohort as usize].grade) % PERIODS
    }

    /// The minute of the day at which it begins.
    pub(crate) fn bell(&self, section: Section) -> u16 {
        BELLS[usize::from(self.period(section))]
    }

    /// Whether it meets online.
    pub(crate) fn is_online(&self, section: Section) -> bool {
        self.hash(&[key::CLASS, section.key()])
            .is_multiple_of(ONLINE)
    }

    fn shuffle(&self, cohort: u32, semester: Semester, slot: u8) -> Shuffle {
        let parts = [u64::from(cohort), semester as u64, u64::from(slot)];
        let key = self.hash(&[key::SHUFFLE, parts[0], parts[1], parts[2]]);
        Shuffle::new(key, self.cohorts[cohort as usize].students)
    }

    /// The section in which a student begins a semester.
    fn first_section(&self, student: &Student, semester: Semester, slot: u8) -> Section {
        let cohort = &self.cohorts[student.cohort as usize];
        let shuffle = self.shuffle(student.cohort, semester, slot);
        let place = shuffle.place_of(student.index - cohort.first_student);
        let number = u64::from(place) * u64::from(cohort.sections) / u64::from(cohort.students);
        Section {
            cohort: student.cohort,
            semester,
            slot,
            number: number as u32,
        }
    }

    /// The day of the school year on which a student changes to the next section.
    fn switch(&self, student: &Student, semester: Semester, slot: u8) -> Option<u16> {
        let parts = [u64::from(student.index), semester as u64, u64::from(slot)];
        let mut draw = self.draw(&[key::SWITCH, parts[0], parts[1], parts[2]]);
        let there_is_another = self.cohorts[student.cohort as usize].sections > 1;
        if !(draw.chance(0.012) && there_is_another) {
            return None;
        }
        let day = self.first_day(semester) + 7 * draw.between(1, 3) as u16 + draw.below(5) as u16;
        student
            .enrolled(day)
            .then_some(day)
            .filter(|day| *day > student.arrives)
    }

    /// The day of the school year on which a semester begins.
    pub(crate) fn first_day(&self, semester: Semester) -> u16 {
        (self.year.first_day(semester) - self.year.start()).num_days() as u16
    }

    /// The last day of a semester in the school year.
    pub(crate) fn last_day(&self, semester: Semester) -> u16 {
        (self.year.last_day(semester) - self.year.start()).num_days() as u16
    }

    /// The section of a student on a day of the school year in the semester.
    pub(crate) fn section_on(
        &self,
        student: &Student,
        semester: Semester,
        slot: u8,
        day: u16,
    ) -> Section {
        let first = self.first_section(student, semester, slot);
        match self.switch(student, semester, slot) {
            Some(switch) if switch <= day => self.next(first),
            _ => first,
        }
    }

    fn next(&self, section: Section) -> Section {
        let sections = self.cohorts[section.cohort as usize].sections;
        Section {
            number: (section.number + 1) % sections,
            ..section
        }
    }

    /// The sections of a student in a semester, with those that were left; none of who
    /// was gone before it began.
    pub(crate) fn memberships(
        &self,
        student: &Student,
        semester: Semester,
    ) -> impl Iterator<Item = Member> {
        let (first, last) = (self.first_day(semester), self.last_day(semester));
        let begins = first.max(student.arrives);
        let ends = student.withdraws().filter(|day| *day <= last);
        let there = begins <= last && ends.is_none_or(|ends| ends > begins);
        let slots = if there { Subject::ALL.len() as u8 } else { 0 };
        let student = student.clone();
        (0..slots).flat_map(move |slot| {
            let section = self.first_section(&student, semester, slot);
            let member = Member {
                section,
                student: student.index,
                begins,
                ends,
                switched: false,
            };
            let switch = self.switch(&student, semester, slot);
            let left = switch.map(|day| Member {
                ends: Some(day),
                switched: true,
                ..member
            });
            let last = switch.map_or(member, |day| Member {
                section: self.next(section),
                begins: day,
                ..member
            });
            left.into_iter().chain([last])
        })
    }

    /// A student who began the semester in a section, by a number that wraps around.
    pub(crate) fn classmate(&self, section: Section, number: u32) -> u32 {
        let cohort = &self.cohorts[section.cohort as usize];
        let (students, sections) = (u64::from(cohort.students), u64::from(cohort.sections));
        let start = |number: u32| (u64::from(number) * students).div_ceil(sections) as u32;
        let (from, to) = (start(section.number), start(section.number + 1));
        let place = from + number % (to - from).max(1);
        let shuffle = self.shuffle(section.cohort, section.semester, section.slot);
        cohort.first_student + shuffle.member_at(place)
    }
}

impl Section {
    /// Whether it meets on a weekday, from Monday, 0: each slot has a day off.
    pub(crate) fn meets(self, weekday: u8) -> bool {
        weekday < 5 && weekday != self.slot
    }

    /// A number for draws about it.
    pub(crate) fn key(self) -> u64 {
        u64::from(self.cohort) << 32
            | u64::from(self.number) << 8
            | u64::from(self.slot) << 4
            | self.semester as u64
    }
}
