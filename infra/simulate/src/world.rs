//! The world of a simulation: its schools and their people, made of a seed and a size.
//!
//! Nothing of a person is stored: who somebody is and which sections somebody is in follows
//! from the index, so that a district of a million students takes no memory.

mod people;
mod section;
mod student;

use std::collections::BTreeSet;

use chrono_tz::Tz;

use crate::Error;
use crate::calendar::{Day, SchoolYear, Semester};
use crate::courses::{self, Course};
use crate::draw::{Draw, hash};
use crate::names;

pub(crate) use people::{Guardian, Staff, StaffRole, staff_id};
pub(crate) use section::{CAPACITY, Member, PERIOD_MINUTES, Section};
pub(crate) use student::{App, Fate, Student, student_id};

/// How large the world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// One high school.
    School {
        /// Its students, from 20.
        students: u32,
    },
    /// A district of middle and high schools.
    District {
        /// Its schools, up to 999.
        schools: u32,
        /// The students of all schools, at least 20 a school.
        students: u32,
    },
}

impl Size {
    fn schools_and_students(self) -> (u32, u32) {
        match self {
            Self::School { students } => (1, students),
            Self::District { schools, students } => (schools, students),
        }
    }
}

/// Most schools of a district.
const MAX_SCHOOLS: u32 = 999;
/// Most students of a district.
const MAX_STUDENTS: u32 = 5_000_000;
/// Fewest students of a school, on average.
const MIN_STUDENTS: u32 = 20;
/// Most students that a section has when the year begins.
const SECTION_STUDENTS: u32 = 28;
/// Staff of the district itself.
const DISTRICT_STAFF: u32 = 2;

/// Kinds of things that are drawn, so that no two draw the same.
pub(crate) mod key {
    pub(crate) const PLACE: u64 = 1;
    pub(crate) const SCHOOL_SIZE: u64 = 2;
    pub(crate) const STUDENT: u64 = 3;
    pub(crate) const NAME: u64 = 4;
    pub(crate) const GUARDIANS: u64 = 5;
    pub(crate) const SHUFFLE: u64 = 6;
    pub(crate) const SWITCH: u64 = 7;
    pub(crate) const SLACK: u64 = 8;
    pub(crate) const CONTENT: u64 = 9;
    pub(crate) const ITEM: u64 = 10;
    pub(crate) const ATTEMPT: u64 = 11;
    pub(crate) const TASK: u64 = 12;
    pub(crate) const DAY: u64 = 13;
    pub(crate) const CLASS: u64 = 14;
    pub(crate) const ACTIVITY: u64 = 15;
    pub(crate) const PROGRAM: u64 = 16;
    pub(crate) const FAULT: u64 = 17;
    pub(crate) const PHONE: u64 = 18;
    pub(crate) const DELIVERY: u64 = 19;
}

/// A school or a district in a school year.
#[derive(Debug, Clone)]
pub struct World {
    seed: u64,
    year: SchoolYear,
    zone: Tz,
    place: String,
    /// The domain of its addresses, which nobody can have.
    domain: String,
    district: bool,
    pub(crate) schools: Vec<School>,
    pub(crate) cohorts: Vec<Cohort>,
    students: u32,
}

/// A school.
#[derive(Debug, Clone)]
pub(crate) struct School {
    pub(crate) place: String,
    pub(crate) middle: bool,
    first_staff: u32,
    /// Teachers of each subject.
    teachers: u32,
}

/// The students of a grade of a school.
#[derive(Debug, Clone)]
pub(crate) struct Cohort {
    pub(crate) school: u32,
    pub(crate) grade: u8,
    pub(crate) first_student: u32,
    pub(crate) students: u32,
    /// Sections of each slot.
    pub(crate) sections: u32,
}

impl World {
    /// The world of a seed. Equal arguments make equal worlds, on every machine.
    ///
    /// # Errors
    /// When there are too few or too many schools or students.
    pub fn new(seed: u64, size: Size, year: SchoolYear) -> Result<Self, Error> {
        let (schools, students) = size.schools_and_students();
        if !(1..=MAX_SCHOOLS).contains(&schools) {
            return Err(Error::Schools { most: MAX_SCHOOLS });
        }
        if !(schools * MIN_STUDENTS..=MAX_STUDENTS).contains(&students) {
            return Err(Error::Students {
                least: schools * MIN_STUDENTS,
                most: MAX_STUDENTS,
            });
        }
        let first_place = Draw::new(seed, &[key::PLACE]).below(1_000);
        let mut world = Self {
            seed,
            year,
            zone: Tz::America__Chicago,
            domain: format!("{}.example", names::slug(&names::place(first_place, 0))),
            place: names::place(first_place, 0),
            district: matches!(size, Size::District { .. }),
            schools: Vec::new(),
            cohorts: Vec::new(),
            students,
        };
        world.found(schools, first_place);
        Ok(world)
    }

    /// The same in another time zone than that of Chicago, which its clocks show.
    pub fn in_zone(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    fn found(&mut self, schools: u32, first_place: u32) {
        let weight =
            |school| u64::from(70 + Draw::new(self.seed, &[key::SCHOOL_SIZE, school]).below(60));
        let weights: Vec<_> = (0..u64::from(schools)).map(weight).collect();
        let total: u64 = weights.iter().sum();
        let (mut before, mut first_student, mut first_staff) = (0, 0, DISTRICT_STAFF);
        for (index, weight) in weights.into_iter().enumerate() {
            before += weight;
            let end = (u64::from(self.students) * before / total) as u32;
            let middle = index % 3 == 1;
            let grades = if middle { 6..=8 } else { 9..=12 };
            let mut teachers = 0;
            let count = grades.clone().count() as u32;
            let students = end - first_student;
            for (nth, grade) in grades.enumerate() {
                let nth = nth as u32;
                let own = students * (nth + 1) / count - students * nth / count;
                let sections = own.div_ceil(SECTION_STUDENTS);
                teachers = teachers.max(sections);
                self.cohorts.push(Cohort {
                    school: index as u32,
                    grade,
                    first_student,
                    students: own,
                    sections,
                });
                first_student += own;
            }
            let place = names::place(first_place, index as u32 + u32::from(self.district));
            self.schools.push(School {
                place,
                middle,
                first_staff,
                teachers,
            });
            first_staff = self.staff_end(index);
        }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The school year.
    pub fn year(&self) -> SchoolYear {
        self.year
    }

    /// The time zone of its clocks.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// What people call it.
    pub fn name(&self) -> String {
        match self.district {
            true => format!("{} School District", self.place),
            false => self.school_name(0),
        }
    }

    /// How many students it has in the whole year.
    pub fn students(&self) -> u32 {
        self.students
    }

    /// How many schools it has.
    pub fn schools(&self) -> u32 {
        self.schools.len() as u32
    }

    /// How many sections it has in a semester.
    pub fn sections(&self) -> u64 {
        let of_slot: u64 = self.cohorts.iter().map(|c| u64::from(c.sections)).sum();
        of_slot * courses::Subject::ALL.len() as u64
    }

    pub(crate) fn domain(&self) -> &str {
        &self.domain
    }

    /// The identifier of the district, if it is one.
    pub(crate) fn district_id(&self) -> Option<&'static str> {
        self.district.then_some("district")
    }

    /// The identifier of the org above all others.
    pub(crate) fn root_id(&self) -> String {
        self.district_id()
            .map_or_else(|| school_id(0), str::to_owned)
    }

    /// The grades that are taught.
    pub(crate) fn grades(&self) -> BTreeSet<u8> {
        self.cohorts.iter().map(|cohort| cohort.grade).collect()
    }

    /// The courses that are taught, and their indexes.
    pub(crate) fn courses(&self) -> impl Iterator<Item = (u8, &'static Course)> {
        let sections = self.sections_of(Semester::Fall);
        let taught: BTreeSet<_> = sections.map(|section| self.course_index(section)).collect();
        taught.into_iter().map(|index| (index, courses::get(index)))
    }

    pub(crate) fn school_name(&self, school: usize) -> String {
        let School { place, middle, .. } = &self.schools[school];
        let kind = if *middle { "Middle" } else { "High" };
        format!("{place} {kind} School")
    }

    pub(crate) fn hash(&self, key: &[u64]) -> u64 {
        hash(self.seed, key)
    }

    pub(crate) fn draw(&self, key: &[u64]) -> Draw {
        Draw::new(self.seed, key)
    }

    pub(crate) fn days(&self, semester: Semester) -> Vec<Day> {
        self.year.days(semester, self.zone)
    }

    /// The index of the cohort of a student.
    pub(crate) fn cohort_of(&self, student: u32) -> u32 {
        self.cohorts.partition_point(|c| c.first_student <= student) as u32 - 1
    }
}

/// The identifier of a school.
pub(crate) fn school_id(school: u32) -> String {
    format!("sch-{:03}", school + 1)
}

#[cfg(test)]
mod tests;
