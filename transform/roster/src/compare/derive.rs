//! Rows that are made of the users: who is named as whose agent, and in 1.1 what
//! people are in their orgs.

use schemas::roster::Entity;

use crate::error::Error;
use crate::merge::{Group, Merge};
use crate::row::{Incoming, Row, Value, Want};

/// The rows of all users as they are after the bundle, by key: a key begins with the
/// user's, and users come by theirs.
pub(super) fn of_users<'a>(
    entity: Entity,
    users: Merge<'a>,
) -> impl Iterator<Item = Result<Group, Error>> + 'a {
    users.flat_map(move |step| {
        let groups = match step {
            Ok(step) => step.row().map_or_else(Vec::new, |user| rows(entity, user)),
            Err(error) => return vec![Err(error)].into_iter(),
        };
        groups.into_iter().map(Ok).collect::<Vec<_>>().into_iter()
    })
}

fn rows(entity: Entity, user: &Row) -> Vec<Group> {
    let made = match entity {
        Entity::Guardians => guardians(user),
        _ => roles(user),
    };
    let mut rows: Vec<_> = made
        .into_iter()
        .map(|row| Incoming {
            key: row.key(entity),
            line: 0,
            want: Want::Keep,
            row,
        })
        .collect();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows.dedup_by(|a, b| a.key == b.key);
    rows.into_iter().map(Group::of).collect()
}

fn empty(entity: Entity, of: &Row) -> Row {
    Row {
        values: vec![Value::Null; entity.fields().len()],
        modified_at: of.modified_at,
    }
}

fn guardians(user: &Row) -> Vec<Row> {
    let id = user.text(Entity::Users, "user_id").unwrap_or_default();
    let agents = user.get(Entity::Users, "agent_ids").as_texts();
    let row = |agent: &String| {
        let mut row = empty(Entity::Guardians, user);
        row.set(Entity::Guardians, "user_id", Value::from(id));
        row.set(Entity::Guardians, "agent_id", Value::from(agent.as_str()));
        row
    };
    agents.iter().map(row).collect()
}

fn roles(user: &Row) -> Vec<Row> {
    let id = user.text(Entity::Users, "user_id").unwrap_or_default();
    let Some(role) = user.text(Entity::Users, "role") else {
        return Vec::new();
    };
    let orgs = user.get(Entity::Users, "org_ids").as_texts();
    let row = |org: &String| {
        let entity = Entity::Roles;
        let mut row = empty(entity, user);
        row.set(entity, "user_id", Value::from(id));
        row.set(entity, "role_id", Value::Text(format!("{id}/{org}/{role}")));
        row.set(entity, "org_id", Value::from(org.as_str()));
        row.set(entity, "role", Value::from(role));
        row.set(entity, "role_type", Value::from("primary"));
        row
    };
    orgs.iter().map(row).collect()
}
