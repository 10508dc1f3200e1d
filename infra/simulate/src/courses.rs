//! The courses that the schools teach.

mod electives;
mod english;
mod mathematics;
mod science;
mod society;

/// A course of a year, taught in one grade or, an elective, in all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Course {
    /// Its identifier.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) subject: Subject,
    /// Its grade; 0 for electives.
    pub(crate) grade: u8,
    /// The course that comes before it.
    pub(crate) prerequisite: Option<&'static str>,
    /// What its units are about, one for four weeks.
    pub(crate) topics: [&'static str; UNITS],
}

/// Units of a course.
pub(crate) const UNITS: usize = 8;

/// What a course belongs to: each is a slot in the day of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    English,
    Mathematics,
    Science,
    Society,
    Elective,
}

impl Subject {
    pub(crate) const ALL: [Self; 5] = [
        Self::English,
        Self::Mathematics,
        Self::Science,
        Self::Society,
        Self::Elective,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Mathematics => "Mathematics",
            Self::Science => "Science",
            Self::Society => "Social studies",
            Self::Elective => "Electives",
        }
    }

    /// What stands for it in identifiers.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "eng",
            Self::Mathematics => "mat",
            Self::Science => "sci",
            Self::Society => "soc",
            Self::Elective => "ele",
        }
    }
}

/// Grades that are taught: of middle schools the first three, of high schools the others.
pub(crate) const GRADES: std::ops::RangeInclusive<u8> = 6..=12;

/// Courses of a grade, one a slot, before the electives.
const CORE: usize = 4;

/// The course of an index.
pub(crate) fn get(index: u8) -> &'static Course {
    let index = usize::from(index);
    let grades = GRADES.count();
    if index >= grades * CORE {
        return &electives::COURSES[index - grades * CORE];
    }
    let grade = index / CORE;
    match Subject::ALL[index % CORE] {
        Subject::English => &english::COURSES[grade],
        Subject::Mathematics => &mathematics::COURSES[grade],
        Subject::Science => &science::COURSES[grade],
        _ => &society::COURSES[grade],
    }
}

/// The index of the course of a grade and a slot; of electives that of the `number`th
/// class.
pub(crate) fn index_of(grade: u8, slot: u8, number: u32) -> u8 {
    let grades = GRADES.count();
    match usize::from(slot) {
        slot if slot < CORE => (grade - GRADES.start()) * CORE as u8 + slot as u8,
        _ => {
            let elective = number as usize % electives::COURSES.len();
            (grades * CORE + elective) as u8
        }
    }
}

/// A course of a grade, which follows on that of the grade before.
const fn course(
    subject: Subject,
    grade: u8,
    id: &'static str,
    title: &'static str,
    prerequisite: Option<&'static str>,
    topics: [&'static str; UNITS],
) -> Course {
    Course {
        id,
        title,
        subject,
        grade,
        prerequisite,
        topics,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all() -> impl Iterator<Item = &'static Course> {
        let count = GRADES.count() * CORE + electives::COURSES.len();
        (0..count).map(|index| get(index as u8))
    }

    #[test]
    fn courses_stand_where_their_grade_and_slot_say() {
        for grade in GRADES {
            for (slot, subject) in Subject::ALL.into_iter().enumerate() {
                let course = get(index_of(grade, slot as u8, 3));
                assert_eq!(course.subject, subject);
                assert!(course.grade == grade || subject == Subject::Elective);
            }
        }
    }

    #[test]
    fn identifiers_are_unique_and_prerequisites_are_there() {
        let ids: HashSet<_> = all().map(|course| course.id).collect();
        assert_eq!(ids.len(), all().count());
        for before in all().filter_map(|course| course.prerequisite) {
            assert!(ids.contains(before), "{before}");
        }
    }
}
