//! Rows that are made of the users: who is named as whose agent, by which keys people
//! are known, and in 1.1 what they are in their orgs.

use schemas::roster::Entity;
use schemas::{StudentHasher, normalise_actor};

use crate::check::Checked;
use crate::error::Error;
use crate::identity::Identifier;
use crate::merge::{Group, Merge};
use crate::row::{Incoming, Row, Value, Want};
use crate::sort::{Sorted, Sorter};
use crate::stored::Stored;

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

/// By which keys everybody is known after the bundle; `None` if the bundle says nothing
/// of that, or nobody told how to make keys.
pub(super) fn identities(checked: &Checked, stored: &dyn Stored) -> Result<Option<Sorted>, Error> {
    let settings = &checked.settings;
    let Some(hasher) = settings
        .hasher
        .as_ref()
        .filter(|_| checked.has_identities())
    else {
        return Ok(None);
    };
    let mut sorter = Sorter::new(settings.sort_bytes);
    for found in checked.all_identities(stored)? {
        let (user, identifier) = found?;
        let row = identity(&user, &identifier, hasher, &settings.actor_prefixes);
        sorter.push(&Incoming {
            key: row.key(Entity::Identities),
            line: 0,
            want: Want::Keep,
            row,
        })?;
    }
    Ok(Some(sorter.finish()?))
}

fn identity(
    user: &str,
    identifier: &Identifier,
    hasher: &StudentHasher,
    prefixes: &[String],
) -> Row {
    let entity = Entity::Identities;
    let mut row = Row {
        values: vec![Value::Null; entity.fields().len()],
        modified_at: None,
    };
    let own = hasher.key(&normalise_actor(user, prefixes));
    let key = hasher.key(&identifier.value);
    row.set(entity, "user_id", Value::from(user));
    row.set(entity, "identifier_key", Value::Text(key.to_string()));
    row.set(entity, "student_key", Value::Text(own.to_string()));
    row.set(entity, "kind", Value::from(identifier.kind.as_str()));
    row
}
