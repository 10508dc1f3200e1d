//! Whether the bounds of a credential make sense with what its holder is.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::SchemaRef;

use crate::value::{columns_of, is_value, kind, tables};
use crate::{Grant, Role};

/// Why a credential of a role is not given with such bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantProblem {
    /// Nobody is said of a role that is somebody of the roster.
    #[error("a {} is somebody: say with subject which user_id of the roster they are", .0.as_str())]
    Subject(Role),
    /// The subject is an empty text.
    #[error("subject is empty: it is a user_id of the roster")]
    EmptySubject,
    /// A service that would see nothing.
    #[error("a service sees the tables that it is given: name them with tables")]
    Tables,
    /// A list of tables without any.
    #[error("tables is empty: name those that are shown, or leave it out for all of the role's")]
    NoTables,
    /// A school administrator of no school.
    #[error(
        "a school_admin runs schools: name them with schools, or say with subject whose schools \
         of the roster they are"
    )]
    Schools,
    /// Schools of a role that is not of schools.
    #[error("schools are for a school_admin, not for a {}; bound others with filters", .0.as_str())]
    OthersSchools(Role),
    /// Names for a role that sees them, or does not, by itself.
    #[error("names are for a service; what a {} sees of people its role says", .0.as_str())]
    OthersNames(Role),
    /// No such table.
    #[error("there is no table {table:?}; GET /v1/tables lists all{}", similar(.like))]
    UnknownTable {
        /// As it was named.
        table: String,
        /// A table of nearly that name.
        like: Option<&'static str>,
    },
    /// No table that is shown has the column.
    #[error("no table that is shown has a column {column:?}, by which rows are filtered")]
    UnknownColumn {
        /// As it was named.
        column: String,
    },
    /// A column whose values cannot be compared.
    #[error("rows cannot be filtered by {column:?}: its values are no single texts or numbers")]
    Incomparable {
        /// The column.
        column: String,
    },
    /// A filter without values.
    #[error("the filter of {column:?} has no value, so that no row would be shown")]
    NoValue {
        /// The column.
        column: String,
    },
    /// A value of another type.
    #[error("{value:?} is no value of {column:?} in {table}, which holds {expected}")]
    Value {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// A table whose column it does not fit.
        table: String,
        /// What values there are like.
        expected: &'static str,
    },
}

fn similar(like: &Option<&'static str>) -> String {
    like.map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default()
}

impl Grant {
    /// Everything that is wrong with a credential of `role`, whose holder is `subject` in
    /// the roster, with these bounds. None: it can be given.
    ///
    /// ```
    /// use schemas::{Grant, Role};
    ///
    /// let problems = Grant::default().problems(Role::Teacher, None);
    /// assert!(problems[0].to_string().starts_with("a teacher is somebody"));
    /// assert!(Grant::default().problems(Role::Teacher, Some("t-1")).is_empty());
    /// ```
    pub fn problems(&self, role: Role, subject: Option<&str>) -> Vec<GrantProblem> {
        let mut problems = Vec::new();
        match subject {
            Some(subject) if subject.trim().is_empty() => problems.push(GrantProblem::EmptySubject),
            None if role.is_somebody() => problems.push(GrantProblem::Subject(role)),
            _ => {}
        }
        if role == Role::Service && self.tables.is_none() {
            problems.push(GrantProblem::Tables);
        }
        if self.tables.as_ref().is_some_and(BTreeSet::is_empty) {
            problems.push(GrantProblem::NoTables);
        }
        if role == Role::SchoolAdmin && self.schools.is_empty() && subject.is_none() {
            problems.push(GrantProblem::Schools);
        }
        if role != Role::SchoolAdmin && !self.schools.is_empty() {
            problems.push(GrantProblem::OthersSchools(role));
        }
        if role != Role::Service && self.names {
            problems.push(GrantProblem::OthersNames(role));
        }
        let shown = match &self.tables {
            Some(named) => known(named.iter().map(String::as_str), &mut problems),
            None if self.filters.is_empty() => BTreeMap::new(),
            None => known(tables(), &mut problems),
        };
        for (column, values) in &self.filters {
            filter_problems(column, values, &shown, &mut problems);
        }
        problems
    }
}

/// The columns of those that exist.
fn known<'a>(
    names: impl Iterator<Item = &'a str>,
    problems: &mut Vec<GrantProblem>,
) -> BTreeMap<&'a str, SchemaRef> {
    let mut shown = BTreeMap::new();
    for name in names {
        match columns_of(name) {
            Some(columns) => drop(shown.insert(name, columns)),
            None => problems.push(GrantProblem::UnknownTable {
                table: name.to_owned(),
                like: like(name),
            }),
        }
    }
    shown
}

/// A table whose name says nearly the same: other letters, or an `s` more.
pub(crate) fn like(name: &str) -> Option<&'static str> {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', ' '], "_");
    let wanted = plain(name);
    let wanted = wanted.trim_end_matches('s');
    tables().find(|table| plain(table).trim_end_matches('s') == wanted)
}

fn filter_problems(
    column: &str,
    values: &BTreeSet<String>,
    shown: &BTreeMap<&str, SchemaRef>,
    problems: &mut Vec<GrantProblem>,
) {
    let column_name = || column.to_owned();
    let mut having = shown
        .iter()
        .filter_map(|(table, columns)| Some((*table, columns.field_with_name(column).ok()?)))
        .peekable();
    if having.peek().is_none() {
        problems.push(GrantProblem::UnknownColumn {
            column: column_name(),
        });
        return;
    }
    if values.is_empty() {
        problems.push(GrantProblem::NoValue {
            column: column_name(),
        });
    }
    for (table, field) in having {
        let Some(expected) = kind(field.data_type()) else {
            problems.push(GrantProblem::Incomparable {
                column: column_name(),
            });
            return;
        };
        let wrong = values
            .iter()
            .find(|value| !is_value(value, field.data_type()));
        if let Some(value) = wrong {
            problems.push(GrantProblem::Value {
                column: column_name(),
                value: value.clone(),
                table: table.to_owned(),
                expected,
            });
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(Role::Steward, None, json!({}), &[])]
    #[case(Role::Researcher, None, json!({"filters": {"term": ["2026-27"]}}), &[])]
    #[case(Role::Analyst, Some("u"), json!({"tables": ["student_day", "ledger"]}), &[])]
    #[case(Role::Teacher, Some("t-1"), json!({}), &[])]
    #[case(Role::Teacher, None, json!({}), &["a teacher is somebody"])]
    #[case(Role::Guardian, None, json!({}), &["a guardian is somebody"])]
    #[case(Role::Student, Some(" "), json!({}), &["subject is empty"])]
    #[case(Role::SchoolAdmin, None, json!({}), &["a school_admin runs schools"])]
    #[case(Role::SchoolAdmin, Some("p-1"), json!({}), &[])]
    #[case(Role::SchoolAdmin, None, json!({"schools": ["north"]}), &[])]
    #[case(Role::Teacher, Some("t"), json!({"schools": ["north"]}), &["schools are for"])]
    #[case(Role::Analyst, None, json!({"names": true}), &["names are for a service"])]
    #[case(Role::Service, None, json!({}), &["a service sees the tables"])]
    #[case(Role::Service, None, json!({"tables": []}), &["tables is empty"])]
    #[case(Role::Service, None, json!({"tables": ["users"], "names": true}), &[])]
    #[case(Role::Service, None, json!({"tables": ["user"]}), &["did you mean users?"])]
    #[case(Role::Service, None, json!({"tables": ["Student-Day"]}), &["did you mean student_day?"])]
    #[case(Role::Service, None, json!({"tables": ["nothing"]}), &["no table \"nothing\""])]
    #[case(Role::Service, None,
        json!({"tables": ["video"], "filters": {"course_id": ["bio"], "rate": ["1.5"]}}), &[])]
    #[case(Role::Service, None,
        json!({"tables": ["users"], "filters": {"course_id": ["bio"]}}), &["a column \"course_id\""])]
    #[case(Role::Steward, None, json!({"filters": {"colour": ["red"]}}), &["a column \"colour\""])]
    #[case(Role::Steward, None, json!({"filters": {"term": []}}), &["has no value"])]
    #[case(Role::Service, None,
        json!({"tables": ["video"], "filters": {"rate": ["fast"]}}), &["which holds numbers"])]
    #[case(Role::Service, None,
        json!({"tables": ["video"], "filters": {"played_segments": ["x"]}}), &["cannot be filtered"])]
    #[case(Role::Service, None, json!({"tables": ["nothing"], "schools": ["n"]}),
        &["schools are for", "no table \"nothing\""])]
    fn bounds_that_make_no_sense_are_named(
        #[case] role: Role,
        #[case] subject: Option<&str>,
        #[case] grant: Value,
        #[case] expected: &[&str],
    ) {
        let grant: Grant = serde_json::from_value(grant).expect("a grant");
        let problems = grant.problems(role, subject);
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), expected.len(), "{texts:?}");
        for (text, expected) in texts.iter().zip(expected) {
            assert!(text.contains(expected), "{text}");
        }
    }
}
