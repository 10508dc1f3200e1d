//! resolve: who it was, and in which section, by the roster.

use chrono::NaiveDate;
use schemas::{StudentKey, Term};

use crate::directory::Directory;

/// Which of course (1), section (2) and school (4) are completed, in words.
const COMPLETED: [Option<&str>; 8] = [
    None,
    Some("course"),
    Some("section"),
    Some("course section"),
    Some("school"),
    Some("course school"),
    Some("section school"),
    Some("course section school"),
];

/// What an event says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent<'a> {
    pub key: StudentKey,
    /// The other person whom it names.
    pub other: Option<StudentKey>,
    pub course: Option<&'a str>,
    pub section: Option<&'a str>,
    pub school: Option<&'a str>,
}

/// What it says beside the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolved<'a> {
    /// The person's key, however the event calls the person.
    pub student_key: StudentKey,
    /// The key that the event has, where that is another.
    pub sent_key: Option<StudentKey>,
    /// The same two of the other person whom it names.
    pub other_key: Option<StudentKey>,
    pub sent_other_key: Option<StudentKey>,
    pub course: Option<&'a str>,
    pub section: Option<&'a str>,
    pub school: Option<&'a str>,
    /// Which of these are the roster's words.
    pub completed: Option<&'static str>,
    /// What the roster does not know.
    pub unknown: Option<&'static str>,
    /// The section's own term.
    pub term: Option<&'a Term>,
    /// The import that says so; 0 where there is no roster.
    pub import: u64,
}

/// Says of an event of that day what the roster does, where it says nothing itself:
///
/// - the student's key, by which he is known whatever he is called, and that of another
///   person whom it names,
/// - the section: the one of the course in which he then was,
/// - its course, school and term.
///
/// It depends on the event and the roster alone, so that the answer to a row is the same
/// as to its event.
pub(crate) fn resolve<'a>(
    directory: &'a Directory,
    sent: Sent<'a>,
    day: NaiveDate,
) -> Resolved<'a> {
    let mut resolved = Resolved {
        student_key: sent.key,
        sent_key: None,
        other_key: sent.other,
        sent_other_key: None,
        course: sent.course,
        section: sent.section,
        school: sent.school,
        completed: None,
        unknown: None,
        term: None,
        import: directory.import,
    };
    if !directory.is_there() {
        return resolved;
    }
    let person = directory.person(sent.key);
    if let Some(own) = person.filter(|own| *own != sent.key) {
        resolved.student_key = own;
        resolved.sent_key = Some(sent.key);
    }
    let other = sent.other.and_then(|key| directory.person(key));
    if other.is_some() && other != sent.other {
        resolved.other_key = other;
        resolved.sent_other_key = sent.other;
    }
    let section = match (sent.section, sent.course) {
        (Some(id), _) => directory.section(id),
        (None, Some(course)) => directory.section_of(resolved.student_key, course, day),
        (None, None) => None,
    };
    let mut completed = [false; 3];
    if let Some(section) = section {
        let fields = [
            (&mut resolved.course, section.course),
            (&mut resolved.section, Some(section.id)),
            (&mut resolved.school, section.school),
        ];
        for ((said, known), completed) in fields.into_iter().zip(&mut completed) {
            if said.is_none() && known.is_some() {
                *said = known;
                *completed = true;
            }
        }
        resolved.term = section.term;
    }
    resolved.completed = COMPLETED[completed
        .iter()
        .rev()
        .fold(0, |n, is| 2 * n + usize::from(*is))];
    let is_section_unknown = sent.section.is_some() && section.is_none();
    let is_nowhere = sent.section.is_none() && sent.course.is_some() && section.is_none();
    resolved.unknown = match (person.is_none(), is_section_unknown, is_nowhere) {
        (true, true, _) => Some("student section"),
        (true, false, _) => Some("student"),
        (false, true, _) => Some("section"),
        (false, false, true) => Some("enrollment"),
        (false, false, false) => None,
    };
    resolved
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use schemas::Calendar;

    use super::*;
    use crate::directory::Section;

    fn key(byte: u8) -> StudentKey {
        StudentKey::from_bytes([byte; 16])
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    const ANNA: u8 = 1;
    const ANNAS_NUMBER: u8 = 11;
    const BEN: u8 = 2;
    const NOBODY: u8 = 3;

    /// Anna is in one section of biology, Ben in two.
    fn directory() -> Directory {
        let fall: Term = "fall".parse().expect("a term");
        let mut directory = Directory::of(7, Calendar::default());
        for (identifier, own) in [(ANNA, ANNA), (ANNAS_NUMBER, ANNA), (BEN, BEN)] {
            directory.add_person(key(identifier), key(own));
        }
        for id in ["bio-1", "bio-2"] {
            directory.add_section(&Section {
                id,
                course: Some("bio"),
                school: Some("high"),
                term: Some(&fall),
            });
        }
        directory.add_section(&Section {
            id: "lunch",
            ..Section::default()
        });
        let days = || day("2026-09-01")..=day("2026-12-18");
        directory.add_enrollment(key(ANNA), "bio-1", days());
        directory.add_enrollment(key(BEN), "bio-1", days());
        directory.add_enrollment(key(BEN), "bio-2", days());
        directory.finish()
    }

    /// `key course section school`, then what was completed and what is unknown.
    fn told(resolved: &Resolved<'_>) -> [String; 3] {
        let word = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let places = [resolved.course, resolved.section, resolved.school].map(word);
        let who = resolved.student_key.as_bytes()[0];
        [
            format!("{who} {}", places.join(" ")),
            word(resolved.completed),
            word(resolved.unknown),
        ]
    }

    #[rstest]
    #[case::course_alone(ANNA, Some("bio"), None, ["1 bio bio-1 high", "section school", "-"])]
    #[case::by_another_name(ANNAS_NUMBER, Some("bio"), None, ["1 bio bio-1 high", "section school", "-"])]
    #[case::section_alone(ANNA, None, Some("bio-2"), ["1 bio bio-2 high", "course school", "-"])]
    #[case::both(ANNA, Some("biology"), Some("bio-2"), ["1 biology bio-2 high", "school", "-"])]
    #[case::nothing(ANNA, None, None, ["1 - - -", "-", "-"])]
    #[case::section_of_nothing(ANNA, None, Some("lunch"), ["1 - lunch -", "-", "-"])]
    #[case::in_two_sections(BEN, Some("bio"), None, ["2 bio - -", "-", "enrollment"])]
    #[case::in_no_section(ANNA, Some("art"), None, ["1 art - -", "-", "enrollment"])]
    #[case::unknown_section(ANNA, None, Some("bio-9"), ["1 - bio-9 -", "-", "section"])]
    #[case::stranger(NOBODY, Some("bio"), None, ["3 bio - -", "-", "student"])]
    #[case::stranger_in_a_section(NOBODY, None, Some("bio-1"), ["3 bio bio-1 high", "course school", "student"])]
    #[case::nobody_nowhere(NOBODY, None, Some("bio-9"), ["3 - bio-9 -", "-", "student section"])]
    fn what_an_event_does_not_say_the_roster_does(
        #[case] who: u8,
        #[case] course: Option<&str>,
        #[case] section: Option<&str>,
        #[case] expected: [&str; 3],
    ) {
        let directory = directory();
        let sent = Sent {
            key: key(who),
            other: None,
            course,
            section,
            school: None,
        };
        let resolved = resolve(&directory, sent, day("2026-10-01"));
        assert_eq!(told(&resolved), expected.map(str::to_owned));
        assert_eq!(resolved.import, 7);
        let is_other = resolved.student_key != sent.key;
        assert_eq!(resolved.sent_key, is_other.then_some(sent.key));

        // Without a roster an event is what it says, and nothing is unknown.
        let none = Directory::default();
        let alone = resolve(&none, sent, day("2026-10-01"));
        assert_eq!(
            (alone.student_key, alone.course, alone.section),
            (sent.key, course, section)
        );
        assert_eq!((alone.completed, alone.unknown), (None, None));
    }

    #[rstest]
    #[case::nobody(None, None, None)]
    #[case::by_her_own(Some(ANNA), Some(ANNA), None)]
    #[case::by_another_name(Some(ANNAS_NUMBER), Some(ANNA), Some(ANNAS_NUMBER))]
    #[case::stranger(Some(NOBODY), Some(NOBODY), None)]
    fn who_else_is_named_has_one_key_too(
        #[case] other: Option<u8>,
        #[case] expected: Option<u8>,
        #[case] expected_sent: Option<u8>,
    ) {
        let sent = Sent {
            key: key(BEN),
            other: other.map(key),
            course: None,
            section: Some("bio-1"),
            school: None,
        };
        let directory = directory();
        let resolved = resolve(&directory, sent, day("2026-10-01"));
        assert_eq!(resolved.other_key, expected.map(key));
        assert_eq!(resolved.sent_other_key, expected_sent.map(key));
        // Only of the student it is told that nobody knows him.
        assert_eq!(resolved.unknown, None);
        let none = Directory::default();
        let alone = resolve(&none, sent, day("2026-10-01"));
        assert_eq!((alone.other_key, alone.sent_other_key), (sent.other, None));
    }

    #[test]
    fn the_term_is_the_sections() {
        let directory = directory();
        let sent = Sent {
            key: key(ANNA),
            other: None,
            course: Some("bio"),
            section: None,
            school: Some("west"),
        };
        let resolved = resolve(&directory, sent, day("2026-10-01"));
        assert_eq!(resolved.term.map(Term::as_str), Some("fall"));
        assert_eq!(resolved.school, Some("west"));
        let summer = resolve(&directory, sent, day("2026-07-01"));
        assert_eq!((summer.term, summer.unknown), (None, Some("enrollment")));
    }
}
