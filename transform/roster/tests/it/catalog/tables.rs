//! A small catalogue of the small school, in which nothing is wrong.

use std::collections::BTreeMap;
use std::path::Path;

use roster::{Checked, Limits, Mode, Rules, Settings};
use tempfile::TempDir;

use crate::school;
use crate::store::Store;

/// The tables of a catalogue by their names, as CSV.
#[derive(Debug, Clone, Default)]
pub struct Tables(pub BTreeMap<String, String>);

impl Tables {
    pub fn of(all: &[(&str, &str)]) -> Self {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Self(all.iter().map(owned).collect())
    }

    /// Replaces a text that a table has exactly once.
    pub fn replace(mut self, table: &str, from: &str, to: &str) -> Self {
        let text = self
            .0
            .get_mut(table)
            .unwrap_or_else(|| panic!("no {table}"));
        assert_eq!(text.matches(from).count(), 1, "{from} in {table}");
        *text = text.replace(from, to);
        self
    }

    pub fn with(mut self, table: &str, text: &str) -> Self {
        self.0.insert(table.to_owned(), text.to_owned());
        self
    }

    pub fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in &self.0 {
            let path = folder.path().join(format!("{name}.csv"));
            std::fs::write(path, text).expect("written");
        }
        folder
    }

    pub fn check(&self, mode: Mode, stored: &Store) -> Checked {
        check(self.folder().path(), mode, stored)
    }

    /// Stores what changes.
    pub fn import(&self, mode: Mode, stored: &mut Store) -> Checked {
        let checked = self.check(mode, stored);
        stored.take(&checked, &Rules::default());
        checked
    }
}

pub fn check(path: &Path, mode: Mode, stored: &Store) -> Checked {
    // A small budget, so that rows of large tables are set aside in files here too.
    let settings = Settings {
        sort_bytes: 64 << 10,
        ..Settings::default()
    };
    let reading = roster::read_catalog(path, mode, Limits::default(), settings).expect("read");
    reading.check(stored).expect("checked")
}

/// The school's roster, stored.
pub fn school() -> Store {
    let mut store = Store::default();
    store.import(school::new().bundle());
    store
}

const COURSE_DETAILS: &str = "course_id,title,subject,credits,prerequisites,grading,description
bio,Biology,science,1,,quizzes 40 %,About life.
";

const SECTION_DETAILS: &str = "section_id,capacity,room,period,weekdays,starts_at,ends_at,online
bio-1,30,Room 1,1,\"mon,wed\",08:00,08:45,false
";

const STANDARDS: &str = "standard_id,course_id,title,parent_id,framework
life,bio,Life,,NGSS
cells,bio,Cells divide,life,NGSS
";

const CONTENTS: &str = "content_id,version,course_id,parent_id,kind,title,position,duration_seconds,assigned_on,due_on,due_at,category,weight_percent,max_score
unit,,bio,,module,Cells,1,,,,,,,
film,1,bio,unit,video,Division,1,412.5,2026-09-01,2026-09-08,,,,
film,2,bio,unit,video,Division,1,400,2026-09-01,2026-09-09,,,,
quiz,,bio,unit,assessment,Quiz,2,,2026-09-01,,2026-09-08T23:59:00-05:00,quizzes,40,10
";

const ALIGNMENTS: &str = "item_id,standard_id,course_id,assessment_id,max_score
quiz/q1,cells,bio,quiz,1
";

const PROGRAMS: &str = "program_id,title,kind,org_id,credits,years
arts,Diploma with arts,diploma,high,20,4
";

const PROGRAM_ENROLLMENTS: &str =
    "user_id,program_id,begins_on,ends_on,entry_term_id,first_time,state
anna,arts,2026-08-17,,fall,true,active
";

const AWARDS: &str = "user_id,award_id,program_id,kind,title,awarded_on
anna,honour-1,arts,honour,Honour roll,2026-12-18
";

const CALENDAR_DAYS: &str = "org_id,day,kind,title
,2026-09-07,holiday,Labor Day
high,2026-09-10,staff_day,Planning
";

/// All tables.
pub fn tables() -> Tables {
    Tables::of(&[
        ("course_details", COURSE_DETAILS),
        ("section_details", SECTION_DETAILS),
        ("standards", STANDARDS),
        ("contents", CONTENTS),
        ("alignments", ALIGNMENTS),
        ("programs", PROGRAMS),
        ("program_enrollments", PROGRAM_ENROLLMENTS),
        ("awards", AWARDS),
        ("calendar_days", CALENDAR_DAYS),
    ])
}
