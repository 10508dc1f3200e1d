//! By what a person is called.

use schemas::normalise_actor;
use schemas::roster::Entity;

use crate::row::Row;

/// A name of a person, as an event may carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The column it is of, or the type of a user id, as `LDAP`.
    pub kind: String,
    /// It, as [`normalise_actor`] leaves it: what is hashed.
    pub value: String,
}

/// The kind of the id of the person's row.
pub(crate) const SOURCED_ID: &str = "sourced_id";

/// All identifiers of a row of [`Entity::Users`] or [`Entity::UserProfiles`], shared
/// ones too; none of another table.
pub fn identifiers(entity: Entity, row: &Row, prefixes: &[String]) -> Vec<Identifier> {
    let fields: &[(&str, &str)] = match entity {
        Entity::Users => &[
            (SOURCED_ID, "user_id"),
            ("username", "username"),
            ("identifier", "identifier"),
            ("master_identifier", "master_identifier"),
            ("email", "email"),
        ],
        Entity::UserProfiles => &[("profile", "username")],
        _ => &[],
    };
    let mut found: Vec<Identifier> = Vec::new();
    let mut add = |kind: &str, value: &str| {
        let value = normalise_actor(value, prefixes);
        if !value.is_empty() && !found.iter().any(|other| other.value == value) {
            found.push(Identifier {
                kind: kind.to_owned(),
                value: value.into_owned(),
            });
        }
    };
    for (kind, field) in fields {
        if let Some(value) = row.text(entity, field) {
            add(kind, value);
        }
    }
    if entity == Entity::Users {
        for id in row.get(entity, "user_ids").as_texts() {
            let (kind, value) = id.split_once(':').unwrap_or(("", id));
            add(kind.trim(), value);
        }
    }
    found
}

/// Who of two people that are named together is the guardian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The user is the student, the agent the guardian.
    AgentIsGuardian,
    /// The user is the guardian, the agent the student.
    UserIsGuardian,
}

/// What a row of [`Entity::Guardians`] means, by the roles of both: a parent, guardian
/// or relative is the guardian of a student. Whoever else is named together has no
/// such relation: a teacher is nobody's guardian for being called an agent.
pub fn relation<'a>(
    user: impl IntoIterator<Item = &'a str>,
    agent: impl IntoIterator<Item = &'a str>,
) -> Option<Relation> {
    let sides = |roles: &mut dyn Iterator<Item = &'a str>| {
        roles.fold((false, false), |(student, guardian), role| {
            let is_guardian = matches!(role, "parent" | "guardian" | "relative");
            (student || role == "student", guardian || is_guardian)
        })
    };
    let user = sides(&mut user.into_iter());
    let agent = sides(&mut agent.into_iter());
    match (user, agent) {
        ((true, _), (_, true)) => Some(Relation::AgentIsGuardian),
        ((_, true), (true, _)) => Some(Relation::UserIsGuardian),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Value;

    #[test]
    fn a_person_has_each_identifier_once_and_normalised() {
        let mut row = Row {
            values: vec![Value::Null; Entity::Users.fields().len()],
            modified_at: None,
        };
        row.set(Entity::Users, "user_id", Value::from("u-1"));
        row.set(
            Entity::Users,
            "username",
            Value::from("https://lms.example/anna"),
        );
        row.set(Entity::Users, "identifier", Value::from("anna"));
        row.set(Entity::Users, "email", Value::from("Anna@School.example"));
        let ids = ["LDAP:12", "Fed: 12"].map(str::to_owned).to_vec();
        row.set(Entity::Users, "user_ids", Value::Texts(ids));
        let prefixes = ["https://lms.example/".to_owned()];
        let found: Vec<_> = identifiers(Entity::Users, &row, &prefixes)
            .into_iter()
            .map(|id| (id.kind, id.value))
            .collect();
        let expected = [
            ("sourced_id", "u-1"),
            ("username", "anna"),
            ("email", "anna@school.example"),
            ("LDAP", "12"),
        ];
        assert_eq!(
            found,
            expected.map(|(kind, value)| (kind.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn roles_tell_who_is_the_guardian() {
        use Relation::{AgentIsGuardian, UserIsGuardian};
        for (user, agent, expected) in [
            (vec!["student"], vec!["parent"], Some(AgentIsGuardian)),
            (vec!["guardian"], vec!["student"], Some(UserIsGuardian)),
            (
                vec!["teacher", "parent"],
                vec!["student"],
                Some(UserIsGuardian),
            ),
            (vec!["student"], vec!["teacher"], None),
            (vec!["student"], vec!["student"], None),
            (vec![], vec!["parent"], None),
        ] {
            assert_eq!(
                relation(user.clone(), agent.clone()),
                expected,
                "{user:?} {agent:?}"
            );
        }
    }
}
