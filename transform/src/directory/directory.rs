//! A roster, as far as it says something of events.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use schemas::{Calendar, StudentKey, Term};

/// A tenant's roster after one import.
///
/// Names of courses, sections and schools are kept once; an enrollment takes 36 bytes,
/// an identifier 33 and more.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// The number of the import; 0 where there was none.
    pub import: u64,
    /// The terms of the roster.
    pub calendar: Calendar,
    people: HashMap<StudentKey, StudentKey>,
    words: Words,
    sections: HashMap<u32, Place>,
    /// By student, course and days.
    enrollments: Vec<Enrollment>,
}

/// What the roster says of a section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Section<'a> {
    pub id: &'a str,
    pub course: Option<&'a str>,
    pub school: Option<&'a str>,
    pub term: Option<&'a Term>,
}

#[derive(Debug)]
struct Place {
    course: Option<u32>,
    school: Option<u32>,
    term: Option<Term>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Enrollment {
    student: StudentKey,
    course: u32,
    first: NaiveDate,
    last: NaiveDate,
    section: u32,
}

/// Texts by number.
#[derive(Debug, Default)]
struct Words {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Words {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.into(), number);
        self.texts.push(text.into());
        number
    }

    fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

impl Directory {
    /// The roster of an import, in which nothing is yet.
    pub fn of(import: u64, calendar: Calendar) -> Self {
        Self {
            import,
            calendar,
            ..Self::default()
        }
    }

    /// Adds by which key somebody is called, and whose it is.
    pub fn add_person(&mut self, identifier: StudentKey, own: StudentKey) {
        self.people.insert(identifier, own);
    }

    /// Adds a section.
    pub fn add_section(&mut self, section: &Section<'_>) {
        let words = &mut self.words;
        let id = words.number(section.id);
        let place = Place {
            course: section.course.map(|course| words.number(course)),
            school: section.school.map(|school| words.number(school)),
            term: section.term.cloned(),
        };
        self.sections.insert(id, place);
    }

    /// Adds that a student was in a section on these days. Sections come before.
    pub fn add_enrollment(
        &mut self,
        student: StudentKey,
        section: &str,
        days: RangeInclusive<NaiveDate>,
    ) {
        let Some(section) = self.words.find(section) else {
            return;
        };
        if let Some(course) = self.sections.get(&section).and_then(|place| place.course) {
            self.enrollments.push(Enrollment {
                student,
                course,
                first: *days.start(),
                last: *days.end(),
                section,
            });
        }
    }

    /// To be called when all is added.
    pub fn finish(mut self) -> Self {
        self.enrollments.sort_unstable();
        self.enrollments.shrink_to_fit();
        self
    }

    /// Whether there is a roster: one with people.
    pub fn is_there(&self) -> bool {
        !self.people.is_empty()
    }

    /// Whose key it is by which somebody is called; `None` of people who are not known.
    pub fn person(&self, identifier: StudentKey) -> Option<StudentKey> {
        self.people.get(&identifier).copied()
    }

    /// What is known of a section.
    pub fn section(&self, id: &str) -> Option<Section<'_>> {
        let number = self.words.find(id)?;
        self.sections.contains_key(&number).then(|| self.at(number))
    }

    /// In which section of a course a student was on a day: `None` if in none, or in
    /// several.
    pub fn section_of(
        &self,
        student: StudentKey,
        course: &str,
        day: NaiveDate,
    ) -> Option<Section<'_>> {
        let course = self.words.find(course)?;
        let place = |of: &Enrollment| (of.student, of.course);
        let from = self
            .enrollments
            .partition_point(|of| place(of) < (student, course));
        let of_student = self.enrollments[from..].iter();
        let mut sections = of_student
            .take_while(|of| place(of) == (student, course))
            .filter(|of| (of.first..=of.last).contains(&day))
            .map(|of| of.section);
        let first = sections.next()?;
        sections
            .all(|section| section == first)
            .then(|| self.at(first))
    }

    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let texts: usize = self.words.texts.iter().map(|text| text.len()).sum();
        self.people.capacity() * 33
            + self.enrollments.capacity() * size_of::<Enrollment>()
            + self.sections.capacity() * size_of::<Place>()
            + 2 * texts
            + self.words.texts.len() * 40
    }

    fn at(&self, number: u32) -> Section<'_> {
        let place = &self.sections[&number];
        Section {
            id: self.words.text(number),
            course: place.course.map(|course| self.words.text(course)),
            school: place.school.map(|school| self.words.text(school)),
            term: place.term.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn key(byte: u8) -> StudentKey {
        StudentKey::from_bytes([byte; 16])
    }

    #[test]
    fn a_section_is_found_where_there_is_one_on_that_day() {
        let mut directory = Directory::of(3, Calendar::default());
        let fall: Term = "fall".parse().expect("a term");
        for (id, course) in [("bio-1", "bio"), ("bio-2", "bio"), ("art-1", "art")] {
            directory.add_section(&Section {
                id,
                course: Some(course),
                school: Some("high"),
                term: Some(&fall),
            });
        }
        let (anna, ben) = (key(1), key(2));
        directory.add_person(key(9), anna);
        for (student, section, first, last) in [
            (anna, "bio-1", "2026-09-01", "2026-10-04"),
            (anna, "bio-2", "2026-10-05", "2026-12-18"),
            (anna, "art-1", "2026-09-01", "2026-12-18"),
            (ben, "bio-1", "2026-09-01", "2026-12-18"),
            (ben, "bio-2", "2026-11-01", "2026-12-18"),
            (ben, "unknown", "2026-11-01", "2026-12-18"),
        ] {
            directory.add_enrollment(student, section, day(first)..=day(last));
        }
        let directory = directory.finish();
        let found = |student, course, on| {
            let section = directory.section_of(student, course, day(on));
            section.map(|section| section.id)
        };
        assert_eq!(found(anna, "bio", "2026-09-01"), Some("bio-1"));
        assert_eq!(found(anna, "bio", "2026-10-04"), Some("bio-1"));
        assert_eq!(found(anna, "bio", "2026-10-05"), Some("bio-2"));
        assert_eq!(found(anna, "bio", "2026-12-19"), None);
        assert_eq!(found(anna, "art", "2026-10-05"), Some("art-1"));
        assert_eq!(found(anna, "latin", "2026-10-05"), None);
        assert_eq!(found(ben, "bio", "2026-10-31"), Some("bio-1"));
        // In two at once.
        assert_eq!(found(ben, "bio", "2026-11-01"), None);
        assert_eq!(found(key(3), "bio", "2026-09-01"), None);
        assert_eq!(directory.person(key(9)), Some(anna));
        assert_eq!(directory.person(ben), None);
        let section = directory.section("bio-2").expect("a section");
        assert_eq!(section.course, Some("bio"));
        assert_eq!(section.term, Some(&fall));
        assert_eq!(directory.section("bio"), None);
        assert!(directory.bytes() > 200);
    }
}
