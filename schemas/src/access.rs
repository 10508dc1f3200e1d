//! What people may see: their role, who they are, and the tenant's own rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What the holder of a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers for the tenant's data: sees all of it.
    Steward,
    /// Runs the tenant: sees all of its rows.
    DistrictAdmin,
    /// Runs schools: sees their rows, and of others only aggregates.
    SchoolAdmin,
    /// Sees their own sections, of the days on which they taught them.
    Teacher,
    /// Sees their children.
    Guardian,
    /// Sees themselves.
    Student,
    /// Sees the tenant's rows by key, and who nobody is.
    Researcher,
    /// Studies the tenant's data: sees aggregates of groups that are large enough.
    Analyst,
    /// A program: sees what its grant says.
    Service,
}

impl Role {
    /// All roles that a credential can be issued for.
    pub const ALL: [Self; 9] = [
        Self::Steward,
        Self::DistrictAdmin,
        Self::SchoolAdmin,
        Self::Teacher,
        Self::Guardian,
        Self::Student,
        Self::Researcher,
        Self::Analyst,
        Self::Service,
    ];

    /// The role's name in documents, on the command line and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Steward => "steward",
            Self::DistrictAdmin => "district_admin",
            Self::SchoolAdmin => "school_admin",
            Self::Teacher => "teacher",
            Self::Guardian => "guardian",
            Self::Student => "student",
            Self::Researcher => "researcher",
            Self::Analyst => "analyst",
            Self::Service => "service",
        }
    }

    /// The role of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether what they see depends on who of the roster they are.
    pub fn is_somebody(self) -> bool {
        matches!(self, Self::Teacher | Self::Guardian | Self::Student)
    }
}

/// The bounds of one credential: of what its role sees, it sees what lies within them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// The schools that a school administrator runs, as ids of the roster's orgs, beside
    /// those that the roster says.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub schools: BTreeSet<String>,
    /// Which values columns have in the rows that are shown. Of a table about people that
    /// lacks such a column nothing is shown.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub filters: BTreeMap<String, BTreeSet<String>>,
    /// The tables that are shown. Not said: all of the role's, and none of a service's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<BTreeSet<String>>,
    /// Whether a service sees what is personal.
    #[serde(skip_serializing_if = "is_false")]
    pub names: bool,
}

impl Grant {
    /// Whether it bounds nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A tenant's own rules about who sees what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessRules {
    /// For how many days after their last day in a section teachers still see it.
    pub former_sections_days: u32,
    /// Rules beside those of the roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
}

impl Default for AccessRules {
    fn default() -> Self {
        Self {
            former_sections_days: 30,
            policies: Vec::new(),
        }
    }
}

/// A rule about the rows that roles see. What any rule grants is seen, unless one that
/// restricts does not hold of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name, in audit and in errors.
    pub id: String,
    /// Why it is there, for people.
    pub reason: String,
    /// Whom it is about.
    pub roles: BTreeSet<Role>,
    /// The tables that it is about.
    pub tables: BTreeSet<String>,
    /// What it does.
    pub effect: Effect,
    /// Conditions on columns, all of which hold of its rows. A row without a value meets
    /// none.
    pub when: BTreeMap<String, Condition>,
}

/// What a policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Shows rows beside those that the role sees.
    Grant,
    /// Hides all rows but these.
    Restrict,
}

/// What a column's value is like. Values are written as text and compared as what the
/// column holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// One of these.
    OneOf(BTreeSet<String>),
    /// None of these.
    NoneOf(BTreeSet<String>),
    /// This or greater.
    AtLeast(String),
    /// Less than this.
    LessThan(String),
    /// One of what the roster says is the asker's.
    Theirs(Attribute),
}

/// What the roster says is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// The schools that they run.
    Schools,
    /// The sections that they teach.
    Sections,
    /// The keys of their children, or their own.
    StudentKeys,
    /// The ids of the users whom they see.
    Users,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_names_of_their_own() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
            let json = serde_json::to_value(role).expect("serialises");
            assert_eq!(json, role.as_str());
        }
    }

    #[test]
    fn a_policy_is_read_as_people_write_it() {
        let text = r#"{
            "id": "counsellors", "reason": "Counsellors follow attendance.",
            "roles": ["school_admin"], "tables": ["attendance"], "effect": "grant",
            "when": {"school_id": {"theirs": "schools"}, "day": {"at_least": "2026-08-01"}}
        }"#;
        let policy: Policy = serde_json::from_str(text).expect("parses");
        assert_eq!(
            policy.when["school_id"],
            Condition::Theirs(Attribute::Schools)
        );
        assert_eq!(policy.effect, Effect::Grant);
        assert!(serde_json::from_str::<Policy>(&text.replace("reason", "why")).is_err());
    }

    #[test]
    fn what_is_not_said_of_a_grant_is_not_written() {
        let grant = serde_json::to_string(&Grant::default()).expect("serialises");
        assert_eq!(grant, "{}");
    }
}
