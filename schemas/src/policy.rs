//! Whether a tenant's rule about who sees what can be meant.

use std::collections::BTreeSet;

use arrow_schema::DataType;

use crate::grant::like;
use crate::value::{columns_of, is_ordered, is_value, kind};
use crate::{AccessRules, Condition, Effect, Policy, SourceName};

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// Its id is no name.
    #[error("id: must be 1 to 40 of the characters a-z 0-9 -, not {0:?}")]
    Id(String),
    /// Another rule has its id.
    #[error("id: there is a policy {0} already")]
    Duplicate(String),
    /// It does not say why it is there.
    #[error("reason: say in a sentence why the policy is there")]
    Reason,
    /// It is about nobody.
    #[error("roles: name the roles that it is about")]
    Roles,
    /// It is about nothing.
    #[error("tables: name the tables that it is about")]
    Tables,
    /// No such table.
    #[error("tables: there is no table {table:?}; GET /v1/tables lists all{}", .like.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    UnknownTable {
        /// As it was named.
        table: String,
        /// A table of nearly that name.
        like: Option<&'static str>,
    },
    /// It restricts by no condition, which hides nothing.
    #[error("when: a policy that restricts needs a condition; without one it hides nothing")]
    Unconditional,
    /// A table that it is about has no such column.
    #[error("when: {table} has no column {column:?}; write a policy of its own for such tables")]
    UnknownColumn {
        /// The table.
        table: String,
        /// As it was named.
        column: String,
    },
    /// A condition that the column's values cannot meet.
    #[error("when: {column:?} of {table} cannot be compared so: {reason}")]
    Condition {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why not.
        reason: String,
    },
}

impl Policy {
    /// Everything that is wrong with it by itself. None: it can be one of a tenant's.
    pub fn problems(&self) -> Vec<PolicyProblem> {
        let mut problems = Vec::new();
        if SourceName::new(self.id.as_str()).is_err() {
            problems.push(PolicyProblem::Id(self.id.clone()));
        }
        if self.reason.trim().is_empty() {
            problems.push(PolicyProblem::Reason);
        }
        if self.roles.is_empty() {
            problems.push(PolicyProblem::Roles);
        }
        if self.tables.is_empty() {
            problems.push(PolicyProblem::Tables);
        }
        if self.effect == Effect::Restrict && self.when.is_empty() {
            problems.push(PolicyProblem::Unconditional);
        }
        for table in &self.tables {
            let Some(columns) = columns_of(table) else {
                problems.push(PolicyProblem::UnknownTable {
                    table: table.clone(),
                    like: like(table),
                });
                continue;
            };
            for (column, condition) in &self.when {
                let (table, column) = (table.clone(), column.clone());
                match columns.field_with_name(&column) {
                    Err(_) => problems.push(PolicyProblem::UnknownColumn { table, column }),
                    Ok(field) => {
                        if let Some(reason) = misfit(condition, field.data_type()) {
                            problems.push(PolicyProblem::Condition {
                                table,
                                column,
                                reason,
                            });
                        }
                    }
                }
            }
        }
        problems
    }
}

/// Why values of that type cannot meet a condition, if they cannot.
fn misfit(condition: &Condition, data_type: &DataType) -> Option<String> {
    let Some(holds) = kind(data_type) else {
        return Some("its values are no single texts or numbers".to_owned());
    };
    let wrong = |values: Vec<&String>| {
        let mut values = values.into_iter();
        let value = values.find(|value| !is_value(value, data_type))?;
        Some(format!(
            "{value:?} is none of its values, which are {holds}"
        ))
    };
    match condition {
        Condition::OneOf(values) | Condition::NoneOf(values) if values.is_empty() => {
            Some("name at least one value".to_owned())
        }
        Condition::OneOf(values) | Condition::NoneOf(values) => wrong(values.iter().collect()),
        Condition::AtLeast(bound) | Condition::LessThan(bound) => {
            if is_ordered(data_type) {
                wrong(vec![bound])
            } else {
                Some("none of its values is greater than another".to_owned())
            }
        }
        Condition::Theirs(_) if *data_type != DataType::Utf8 => {
            Some("what the roster says is theirs are ids, which are texts".to_owned())
        }
        Condition::Theirs(_) => None,
    }
}

impl AccessRules {
    /// Everything that is wrong with the rules, each with the id of its policy.
    pub fn problems(&self) -> Vec<(&str, PolicyProblem)> {
        let mut ids = BTreeSet::new();
        let mut problems = Vec::new();
        for policy in &self.policies {
            let id = policy.id.as_str();
            if !ids.insert(id) {
                problems.push((id, PolicyProblem::Duplicate(policy.id.clone())));
            }
            problems.extend(policy.problems().into_iter().map(|problem| (id, problem)));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn policy(change: &Value) -> Policy {
        let mut policy = json!({
            "id": "counsellors", "reason": "Counsellors follow attendance.",
            "roles": ["school_admin"], "tables": ["attendance"], "effect": "grant",
            "when": {"school_id": {"theirs": "schools"}},
        });
        for (name, value) in change.as_object().expect("an object") {
            policy[name] = value.clone();
        }
        serde_json::from_value(policy).expect("a policy")
    }

    #[rstest]
    #[case(json!({}), &[])]
    #[case(json!({"when": {}}), &[])]
    #[case(json!({"when": {"occurred_at": {"at_least": "2026-08-01T00:00:00Z"}}}), &[])]
    #[case(json!({"when": {"minutes": {"less_than": "5"}}}), &[])]
    #[case(json!({"tables": ["student_day", "users"], "when": {}}), &[])]
    #[case(json!({"id": "A b"}), &["id: must be"])]
    #[case(json!({"reason": " "}), &["reason:"])]
    #[case(json!({"roles": []}), &["roles:"])]
    #[case(json!({"tables": []}), &["tables: name"])]
    #[case(json!({"tables": ["attendances"]}), &["did you mean attendance?"])]
    #[case(json!({"effect": "restrict", "when": {}}), &["hides nothing"])]
    #[case(json!({"when": {"colour": {"one_of": ["red"]}}}), &["no column \"colour\""])]
    #[case(json!({"tables": ["attendance", "users"]}), &["users has no column \"school_id\""])]
    #[case(json!({"when": {"status": {"one_of": []}}}), &["at least one value"])]
    #[case(json!({"when": {"minutes": {"at_least": "long"}}}), &["which are numbers"])]
    #[case(json!({"when": {"occurred_at": {"less_than": "2026-08-01"}}}), &["which are times"])]
    #[case(json!({"when": {"minutes": {"theirs": "schools"}}}), &["which are texts"])]
    #[case(json!({"tables": ["video"], "when": {"played_segments": {"one_of": ["x"]}}}),
        &["no single texts"])]
    #[case(json!({"tables": ["assessment"], "when": {"correct": {"at_least": "true"}}}),
        &["greater than another"])]
    #[case(json!({"id": "", "roles": [], "tables": ["nothing"]}),
        &["id:", "roles:", "no table \"nothing\""])]
    fn policies_that_cannot_be_meant_are_refused(#[case] change: Value, #[case] expected: &[&str]) {
        let problems = policy(&change).problems();
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), expected.len(), "{texts:?}");
        for (text, expected) in texts.iter().zip(expected) {
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn two_policies_of_one_id_are_refused() {
        let rules = AccessRules {
            policies: vec![policy(&json!({})), policy(&json!({}))],
            ..AccessRules::default()
        };
        let expected = PolicyProblem::Duplicate("counsellors".to_owned());
        assert_eq!(rules.problems(), [("counsellors", expected)]);
    }
}
