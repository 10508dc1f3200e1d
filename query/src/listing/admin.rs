//! `admin_audit`: a row for each thing that a version of the tenant's document changed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use runtime::StoredVersion;
use schemas::Tenant;
use schemas::roster::Class;
use serde_json::{Map, Value};

use super::arrays::{texts, times, whole};
use super::{Asked, Column, Kind, Listing, batch, column};
use crate::error::Error;

/// How many versions are looked at: each is a document of its own.
const MOST: usize = 500;

/// The parts of a document that are lists, each with the member by which its items are
/// told apart.
const LISTS: [(&str, &str); 6] = [
    ("keys", "id"),
    ("tokens", "id"),
    ("identity_providers", "issuer"),
    ("custom_types", "name"),
    ("access.policies", "id"),
    ("calendar.terms", "id"),
];

/// Members that nobody is shown, however deep they stand.
const HIDDEN: [&str; 2] = ["hash", "secret"];

pub(super) const COLUMNS: &[Column] = &[
    column("version", Kind::Whole, "The version of the document."),
    column("changed_at", Kind::Time, "When it was written."),
    Column {
        class: Class::Personal,
        ..column(
            "changed_by",
            Kind::Text,
            "Who wrote it: user@host, after those on whose behalf. NULL of older versions.",
        )
    },
    column(
        "part",
        Kind::Text,
        "What was changed: keys, tokens, access.policies, identity_providers, or a setting.",
    ),
    column("item", Kind::Text, "Which of them, by its id."),
    column("change", Kind::Text, "added, changed or removed."),
    Column {
        class: Class::Personal,
        ..column(
            "before",
            Kind::Text,
            "What it was before, as JSON; without secrets and their hashes.",
        )
    },
    Column {
        class: Class::Personal,
        ..column("after", Kind::Text, "What it has been since, as JSON.")
    },
];

/// One thing that was changed.
#[derive(Debug, PartialEq)]
struct Change {
    version: u64,
    at: DateTime<Utc>,
    by: Option<String>,
    part: String,
    item: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Change {
    fn name(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        }
    }
}

/// The newest changes, the newest first.
pub(super) async fn rows(asked: &Asked<'_>) -> Result<RecordBatch, Error> {
    let versions = asked.registry.versions(asked.tenant, MOST).await;
    let versions = versions.map_err(|error| Error::Unavailable(Box::new(error)))?;
    let changes = changes(&versions)?;
    let changes = changes.as_slice();
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let columns: Vec<ArrayRef> = vec![
        whole(changes, |change| Some(change.version)),
        times(changes, |change| Some(change.at)),
        texts(changes, |change| change.by.clone()),
        texts(changes, |change| Some(change.part.clone())),
        texts(changes, |change| change.item.clone()),
        texts(changes, |change| Some(change.name().to_owned())),
        texts(changes, |change| json(&change.before)),
        texts(changes, |change| json(&change.after)),
    ];
    batch(Listing::AdminAudit, columns)
}

/// What differs between each version and the one before it.
fn changes(versions: &[StoredVersion]) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    let mut before: Option<Parts> = None;
    for version in versions {
        let after = parts(&version.tenant)?;
        // What came before the oldest that is looked at is not known.
        let is_first = version.number == 1;
        if is_first || before.is_some() {
            let before = before.unwrap_or_default();
            let names = before
                .keys()
                .chain(after.keys().filter(|n| !before.contains_key(*n)));
            for name in names.cloned().collect::<Vec<_>>() {
                let (before, after) = (before.get(&name), after.get(&name));
                if before != after {
                    let (part, item) = name;
                    changes.push(Change {
                        version: version.number,
                        at: version.written_at,
                        by: version.tenant.changed_by.clone(),
                        part,
                        item,
                        before: before.cloned(),
                        after: after.cloned(),
                    });
                }
            }
        }
        before = Some(after);
    }
    changes.reverse();
    Ok(changes)
}

/// The parts of a document by name, and the items of those that are lists by their ids.
type Parts = BTreeMap<(String, Option<String>), Value>;

fn parts(tenant: &Tenant) -> Result<Parts, Error> {
    // It is told of each change, and is none.
    let tenant = Tenant {
        changed_by: None,
        ..tenant.clone()
    };
    let mut document = serde_json::to_value(tenant).map_err(|e| Error::Internal(Box::new(e)))?;
    hide(&mut document);
    let mut parts = Parts::new();
    for (list, id) in LISTS {
        let pointer = format!("/{}", list.replace('.', "/"));
        let Some(Value::Array(items)) = document.pointer_mut(&pointer).map(Value::take) else {
            continue;
        };
        for (place, item) in items.into_iter().enumerate() {
            let name = item[id]
                .as_str()
                .map_or_else(|| place.to_string(), str::to_owned);
            parts.insert((list.to_owned(), Some(name)), item);
        }
    }
    let Value::Object(members) = document else {
        return Ok(parts);
    };
    for (name, value) in members {
        let has_settings = matches!(name.as_str(), "access" | "calendar");
        match value {
            Value::Null => {}
            // What is beside their lists is a setting like others.
            Value::Object(inner) if has_settings => {
                let settings = inner.into_iter().filter(|(_, value)| !value.is_null());
                parts.extend(settings.map(|(own, value)| ((format!("{name}.{own}"), None), value)));
            }
            value => {
                parts.insert((name, None), value);
            }
        }
    }
    Ok(parts)
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            hide_members(members);
            members.values_mut().for_each(hide);
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn hide_members(members: &mut Map<String, Value>) {
    members.retain(|name, _| !HIDDEN.contains(&name.as_str()));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schemas::{Credential, CredentialKind, QueryToken, Role, TenantId};

    use super::*;

    fn stored(number: u64, tenant: &Tenant) -> StoredVersion {
        StoredVersion {
            number,
            written_at: DateTime::UNIX_EPOCH,
            tenant: Arc::new(tenant.clone()),
        }
    }

    #[test]
    fn each_version_is_told_by_what_it_changed_and_without_hashes() {
        let id = TenantId::new("north").expect("a slug");
        let mut tenant = Tenant::new(id.clone(), "North");
        let mut versions = vec![stored(1, &tenant)];
        let secret = Credential::new(CredentialKind::Token, id, "t1".to_owned(), [7; 32]);
        let token = QueryToken::new(&secret, Role::Steward, DateTime::UNIX_EPOCH);
        tenant.tokens.push(token);
        versions.push(stored(2, &tenant));
        tenant.tokens[0].revoked_at = Some(DateTime::UNIX_EPOCH);
        tenant.minimum_cell = 5;
        tenant.changed_by = Some("ann@school".to_owned());
        versions.push(stored(3, &tenant));
        tenant.tokens.clear();
        versions.push(stored(4, &tenant));

        let changes = changes(&versions).expect("changes");
        let told: Vec<_> = changes
            .iter()
            .filter(|change| change.version > 1)
            .map(|change| {
                let item = change.item.as_deref().unwrap_or_default();
                let (by, part) = (change.by.as_deref(), change.part.as_str());
                (change.version, by, part, item, change.name())
            })
            .collect();
        let ann = Some("ann@school");
        let expected = [
            (4, ann, "tokens", "t1", "removed"),
            (3, ann, "tokens", "t1", "changed"),
            (3, ann, "minimum_cell", "", "changed"),
            (2, None, "tokens", "t1", "added"),
        ];
        assert_eq!(told, expected);
        let text = format!("{changes:?}");
        assert!(
            text.contains("revoked_at") && !text.contains("hash"),
            "{text}"
        );
        let made = changes.iter().filter(|change| change.version == 1);
        assert!(made.clone().any(|change| change.part == "name"));
        assert!(made.clone().all(|change| change.name() == "added"));
    }

    #[test]
    fn of_the_oldest_that_is_looked_at_nothing_is_told_but_of_the_first() {
        let id = TenantId::new("north").expect("a slug");
        let tenant = Tenant::new(id, "North");
        assert_eq!(changes(&[stored(7, &tenant)]).expect("changes"), []);
    }
}
