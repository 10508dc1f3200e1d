//! Rosters as golden files write them: which section is of which course and term, and
//! which student is in which sections.

use schemas::Calendar;

use super::school::Bundle;

#[derive(Default)]
pub struct Roster {
    sections: Vec<[String; 3]>,
    students: Vec<(String, Vec<String>)>,
}

impl Roster {
    pub fn section(&mut self, section: [&str; 3]) {
        self.sections.push(section.map(str::to_owned));
    }

    pub fn student(&mut self, name: &str, sections: &[&str]) {
        let sections = sections.iter().map(|section| (*section).to_owned());
        self.students.push((name.to_owned(), sections.collect()));
    }

    /// It as a bundle; the school is `high`.
    pub fn bundle(&self, calendar: &Calendar) -> Bundle {
        let terms = calendar.terms.iter();
        let sessions = terms.map(|term| {
            let (id, first, last) = (&term.id, term.start, term.end);
            format!("{id},,,{id},term,{first},{last},,2027")
        });
        let classes = self
            .sections
            .iter()
            .map(|[id, course, term]| format!("{id},,,{id},,{course},,scheduled,,high,{term},,,"));
        let users = self
            .students
            .iter()
            .map(|(name, _)| format!("{name},,,true,high,student,{name},,{name},Name,,,,,,,,"));
        let enrollments = self.students.iter().flat_map(|(name, sections)| {
            let each = sections.iter();
            each.map(move |section| format!("{name}.{section},,,{section},high,{name},student,,,"))
        });
        Bundle::bulk([
            ("orgs", vec!["high,,,High,school,,".to_owned()]),
            ("academicSessions", sessions.collect()),
            ("classes", classes.collect()),
            ("users", users.collect()),
            ("enrollments", enrollments.collect()),
        ])
    }
}
