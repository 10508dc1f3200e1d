//! What an import would change, for people.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use roster::{Change, Comparison, Entity, Value};
use serde::Serialize;

use super::rows::word;
use super::{Counts, Found, Refusal, RosterError};

/// What an import would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What would change in each table that the bundle speaks of.
    pub tables: BTreeMap<Entity, TableDiff>,
    /// Why the bundle would not be taken.
    pub refusal: Option<Refusal>,
    /// How many things are wrong with it.
    pub found: Found,
    /// Each of them, as CSV.
    pub diagnostics: Vec<u8>,
}

/// What would change in a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableDiff {
    /// How many rows.
    pub counts: Counts,
    /// In how many rows each field changes.
    pub fields: BTreeMap<&'static str, u64>,
    /// The first ones.
    pub changes: Vec<RowDiff>,
}

/// What would become of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowDiff {
    /// The row's key; its parts with a space between them.
    pub key: String,
    /// `added`, `changed` or `ended`.
    pub change: &'static str,
    /// The fields that differ: of what comes those that it has, of what ends none.
    pub fields: Vec<FieldDiff>,
}

/// What would become of a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDiff {
    /// Its name.
    pub field: &'static str,
    /// What it says now; nothing if there is nothing.
    pub old: Option<String>,
    /// What it would say.
    pub new: Option<String>,
}

/// The changes of all tables, of each the first `most`.
pub(super) fn tables(
    comparison: &Comparison<'_>,
    most: usize,
) -> Result<BTreeMap<Entity, TableDiff>, RosterError> {
    let mut tables = BTreeMap::new();
    for (entity, summary) in comparison.summary() {
        let first = comparison.changes(*entity)?.take(most);
        let changes = first.map(|change| Ok(row(*entity, &change?)));
        let diff = TableDiff {
            counts: Counts {
                added: summary.added,
                changed: summary.changed,
                ended: summary.ended,
                unchanged: summary.unchanged,
            },
            fields: summary.fields.clone(),
            changes: changes.collect::<Result<_, RosterError>>()?,
        };
        tables.insert(*entity, diff);
    }
    Ok(tables)
}

fn row(entity: Entity, change: &Change) -> RowDiff {
    let fields = entity.fields().iter().enumerate();
    let of = |row: &Option<roster::Row>, place: usize| text(&row.as_ref()?.values[place]);
    let fields = fields.filter(|(_, field)| !field.is_key);
    let fields = fields.filter_map(|(place, field)| {
        change.new.as_ref()?;
        let (old, new) = (of(&change.old, place), of(&change.new, place));
        (old != new).then_some(FieldDiff {
            field: field.name,
            old,
            new,
        })
    });
    RowDiff {
        key: change.key.replace('\u{1}', " "),
        change: word(change.kind),
        fields: fields.collect(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.clone()),
        Value::Texts(texts) => Some(texts.join(", ")),
        Value::Date(day) => Some(day.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Time(time) => Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    }
}
