//! Which rows of what students did somebody sees, reckoned row by row from what the roles
//! and a tenant's rules mean: nothing of the service's own deciding is asked.

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset};
use schemas::{Attribute, Condition, Effect, Policy, Role};
use serde_json::Value;

use super::district::rows::day;

/// Somebody of the district, and what its roster says is theirs.
#[derive(Debug)]
pub struct Asker {
    pub who: &'static str,
    pub role: Role,
    /// Each with its last day; none began after the first of September.
    sections: &'static [(&'static str, &'static str)],
    schools: &'static [&'static str],
    student_keys: &'static [&'static str],
    users: &'static [&'static str],
}

const NOTHING: Asker = Asker {
    who: "",
    role: Role::Service,
    sections: &[],
    schools: &[],
    student_keys: &[],
    users: &[],
};

pub const ASKERS: [Asker; 6] = [
    Asker {
        who: "teacher",
        role: Role::Teacher,
        sections: &[("bio-1", "2027-06-15")],
        users: &["stu-1", "stu-2", "stu-3", "stu-7", "tea-1"],
        ..NOTHING
    },
    Asker {
        who: "substitute",
        role: Role::Teacher,
        sections: &[("bio-2", "2026-09-10"), ("art-1", "2027-06-15")],
        users: &["stu-4", "stu-5", "tea-2"],
        ..NOTHING
    },
    Asker {
        who: "guardian",
        role: Role::Guardian,
        student_keys: &["k-stu-1", "k-stu-5"],
        users: &["stu-1", "stu-5", "par-1"],
        ..NOTHING
    },
    Asker {
        who: "student",
        role: Role::Student,
        student_keys: &["k-stu-2"],
        users: &["stu-2"],
        ..NOTHING
    },
    Asker {
        who: "principal",
        role: Role::SchoolAdmin,
        sections: &[
            ("bio-1", "9999-12-31"),
            ("bio-2", "9999-12-31"),
            ("old-1", "9999-12-31"),
        ],
        schools: &["high", "biology"],
        users: &["stu-1", "stu-2", "stu-3", "stu-4", "stu-6", "stu-7"],
        ..NOTHING
    },
    Asker {
        who: "researcher",
        role: Role::Researcher,
        ..NOTHING
    },
];

impl Asker {
    /// Whether they see a row of a table of events, or of one that tells of students' days.
    pub fn sees(&self, policies: &[Policy], table: &str, row: &Value) -> bool {
        let mut restricts = self.rules(policies, table, Effect::Restrict);
        let mut grants = self.rules(policies, table, Effect::Grant);
        (self.sees_by_role(row) || grants.any(|rule| self.meets(rule, row)))
            && restricts.all(|rule| self.meets(rule, row))
    }

    fn rules<'a>(
        &self,
        policies: &'a [Policy],
        table: &str,
        effect: Effect,
    ) -> impl Iterator<Item = &'a Policy> {
        policies.iter().filter(move |policy| {
            policy.effect == effect
                && policy.roles.contains(&self.role)
                && policy.tables.contains(table)
        })
    }

    /// Whether they see it where there is no rule.
    pub fn sees_by_role(&self, row: &Value) -> bool {
        let text = |column: &str| row[column].as_str().unwrap_or_default();
        match self.role {
            Role::Researcher => true,
            Role::SchoolAdmin => self.schools.contains(&text("school_id")),
            Role::Teacher => self.sections.iter().any(|(section, last)| {
                text("section_id") == *section && day(row).is_some_and(|day| day <= *last)
            }),
            _ => self.student_keys.contains(&text("student_key")),
        }
    }

    fn meets(&self, rule: &Policy, row: &Value) -> bool {
        let mut conditions = rule.when.iter();
        conditions.all(|(column, condition)| self.holds(condition, column, &row[column.as_str()]))
    }

    /// A value that is not there meets nothing.
    fn holds(&self, condition: &Condition, column: &str, value: &Value) -> bool {
        if value.is_null() {
            return false;
        }
        let is = |text: &String| compared(column, value, text);
        match condition {
            Condition::OneOf(texts) => texts.iter().any(|text| is(text) == Ordering::Equal),
            Condition::NoneOf(texts) => texts.iter().all(|text| is(text) != Ordering::Equal),
            Condition::AtLeast(text) => is(text) != Ordering::Less,
            Condition::LessThan(text) => is(text) == Ordering::Less,
            Condition::Theirs(attribute) => {
                let value = value.as_str().unwrap_or_default();
                match attribute {
                    Attribute::Schools => self.schools.contains(&value),
                    Attribute::Sections => self.sections.iter().any(|(own, _)| *own == value),
                    Attribute::StudentKeys => self.student_keys.contains(&value),
                    Attribute::Users => self.users.contains(&value),
                }
            }
        }
    }
}

/// How a value compares with one that a rule writes as text.
fn compared(column: &str, value: &Value, text: &str) -> Ordering {
    let time = |text: &str| -> DateTime<FixedOffset> { text.parse().expect("a time") };
    match value {
        Value::String(value) if column == "occurred_at" => time(value).cmp(&time(text)),
        Value::String(value) => value.as_str().cmp(text),
        value => {
            let value = value.as_f64().expect("a number");
            value.total_cmp(&text.parse().expect("a number"))
        }
    }
}
