//! What of the district is there for somebody: a district in which all else does not exist.

use serde_json::Value;

use super::district::rows::day;
use super::district::{district, district_made, document, told};
use crate::school::School;

/// Somebody, and what of the district there is for them.
pub struct Asker {
    pub who: &'static str,
    /// Students, each with the last day.
    pub students: &'static [(&'static str, &'static str)],
    /// Others.
    people: &'static [&'static str],
    /// Sections of which it is known who is in them.
    sections: &'static [&'static str],
    /// Who is named as whose agent.
    related: &'static [(&'static str, &'static str)],
    /// Courses of whose videos they know who watches them.
    courses: &'static [&'static str],
}

const NOTHING: Asker = Asker {
    who: "",
    students: &[],
    people: &[],
    sections: &[],
    related: &[],
    courses: &[],
};

pub const ASKERS: [Asker; 7] = [
    Asker {
        who: "teacher",
        students: &[
            ("stu-1", "9"),
            ("stu-2", "9"),
            ("stu-3", "9"),
            ("stu-7", "9"),
        ],
        people: &["tea-1"],
        sections: &["bio-1"],
        related: &[("stu-1", "par-1"), ("stu-1", "par-2")],
        courses: &["bio-101"],
    },
    Asker {
        who: "substitute",
        students: &[("stu-4", "2026-09-10"), ("stu-5", "9")],
        people: &["tea-2"],
        sections: &["bio-2", "art-1"],
        courses: &["bio-101", "art-101"],
        ..NOTHING
    },
    Asker {
        who: "guardian",
        students: &[("stu-1", "9"), ("stu-5", "9")],
        people: &["par-1"],
        sections: &["bio-1", "art-1"],
        related: &[("stu-1", "par-1"), ("par-1", "stu-5"), ("par-2", "par-1")],
        ..NOTHING
    },
    Asker {
        who: "student",
        students: &[("stu-2", "9")],
        sections: &["bio-1"],
        ..NOTHING
    },
    Asker {
        who: "principal",
        students: &[
            ("stu-1", "9"),
            ("stu-2", "9"),
            ("stu-3", "9"),
            ("stu-4", "9"),
            ("stu-6", "9"),
            ("stu-7", "9"),
        ],
        people: &["adm-1", "tea-1", "tea-2", "par-1", "par-2"],
        sections: &["bio-1", "bio-2", "old-1"],
        related: &[("stu-1", "par-1"), ("stu-1", "par-2"), ("par-2", "par-1")],
        ..NOTHING
    },
    Asker {
        who: RESEARCHER,
        ..NOTHING
    },
    Asker {
        who: SERVICE,
        students: &[("stu-4", "9")],
        sections: &["bio-2"],
        ..NOTHING
    },
];

pub const RESEARCHER: &str = "researcher";
pub const SERVICE: &str = "service";

impl Asker {
    /// Whether a row is there for them, or decides what is: what is theirs by the roster
    /// is so without the others' rows.
    fn is_there(&self, table: &str, row: &Value) -> bool {
        let text = |column: &str| row[column].as_str().unwrap_or_default();
        let is_of_section = self.sections.contains(&text("section_id"));
        let table = table.strip_suffix("_history").unwrap_or(table);
        if self.who == SERVICE && !["clickstream", "sections"].contains(&table) {
            return false;
        }
        match table {
            _ if self.who == RESEARCHER => true,
            "sections" => self.who != SERVICE || is_of_section,
            "orgs" | "terms" => true,
            "enrollments" => is_of_section && self.knows(text("user_id")),
            "users" | "identities" | "demographics" | "roles" | "results" => {
                self.knows(text("user_id"))
            }
            "guardians" => self.related.contains(&(text("user_id"), text("agent_id"))),
            // Of all groups together it is decided which are too small.
            "section_day" | "video_retention" if self.who == "principal" => true,
            "section_day" => is_of_section,
            "video_retention" => self.courses.contains(&text("course_id")),
            _ => {
                let (key, day) = (text("student_key"), day(row).expect("a day"));
                let mut students = self.students.iter();
                students.any(|(user, last)| key.strip_prefix("k-") == Some(*user) && day <= *last)
            }
        }
    }

    pub fn knows(&self, user: &str) -> bool {
        self.people.contains(&user) || self.students.iter().any(|(own, _)| *own == user)
    }

    /// To some nobody is called by name, and what people wrote is not shown.
    pub fn is_without_names(&self) -> bool {
        [RESEARCHER, SERVICE].contains(&self.who)
    }

    /// Whether a statement is answered in the same way twice: pseudonyms are new each time.
    pub fn may_ask(&self, sql: &str) -> bool {
        self.who != RESEARCHER || !sql.contains("user_id")
    }
}

/// The district, and what of it is there for somebody: where texts are hidden from them,
/// with others.
pub async fn pair(asker: &Asker) -> (School, School) {
    let made = |table: &str, row: Value| {
        let row = match asker.is_without_names() {
            true => reworded(row),
            false => row,
        };
        asker.is_there(table, &row).then_some(row)
    };
    let rest = district_made(document(), &made).await;
    (district().await, rest)
}

fn reworded(mut row: Value) -> Value {
    for value in row.as_object_mut().expect("a row").values_mut() {
        if let Value::String(text) = value {
            *text = text.replace("SECRET", "another");
        }
    }
    row
}

/// Asks both, and the one with all once more: by then it may be answered from memory.
pub async fn same(all: &School, rest: &School, who: &str, sql: &str) -> String {
    let of_rest = told(&rest.ask_as(who, sql).await);
    for _ in 0..2 {
        let of_all = told(&all.ask_as(who, sql).await);
        assert_eq!(of_all, of_rest, "{who}: {sql}");
    }
    of_rest
}
