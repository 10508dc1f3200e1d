//! Tables in memory, and bundles imported into them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use roster::{
    Bundle, Change, ChangeKind, Checked, Diagnostics, Entity, Row, Rules, Settings, Stored,
    StoredError, StoredRows,
};
use schemas::{StudentHasher, TenantSecret};

/// Current rows by table and key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Store(pub BTreeMap<Entity, BTreeMap<String, Row>>);

impl Stored for Store {
    fn rows(&self, entity: Entity) -> Result<StoredRows<'_>, StoredError> {
        let rows = self.0.get(&entity).into_iter().flat_map(BTreeMap::values);
        Ok(Box::new(rows.cloned().map(Ok)))
    }
}

impl Store {
    /// Stores a change.
    pub fn apply(&mut self, entity: Entity, change: Change) {
        let table = self.0.entry(entity).or_default();
        assert_eq!(table.get(&change.key), change.old.as_ref());
        assert_eq!(change.new.is_none(), change.kind == ChangeKind::Ended);
        match change.new {
            Some(row) => table.insert(change.key, row),
            None => table.remove(&change.key),
        };
    }

    /// Imports a bundle as it is.
    pub fn import(&mut self, bundle: Bundle) -> Checked {
        self.import_with(bundle, &Rules::default())
    }

    pub fn import_with(&mut self, bundle: Bundle, rules: &Rules) -> Checked {
        let checked = check(bundle, self);
        self.take(&checked, rules);
        checked
    }

    /// Stores all that changes.
    pub fn take(&mut self, checked: &Checked, rules: &Rules) {
        let before = self.clone();
        let comparison = checked.compare(&before, rules, today()).expect("compared");
        for entity in comparison.tables() {
            let mut count = 0;
            for change in comparison.changes(entity).expect("changes") {
                self.apply(entity, change.expect("a change"));
                count += 1;
            }
            let summary = &comparison.summary()[&entity];
            assert_eq!(
                count,
                summary.added + summary.changed + summary.ended,
                "{entity}"
            );
        }
    }

    /// The rows' values, without when they were modified.
    pub fn values(&self) -> BTreeMap<Entity, Vec<Vec<roster::Value>>> {
        let tables = self.0.iter().filter(|(_, rows)| !rows.is_empty());
        tables
            .map(|(entity, rows)| {
                (
                    *entity,
                    rows.values().map(|row| row.values.clone()).collect(),
                )
            })
            .collect()
    }
}

pub fn check(mut bundle: Bundle, stored: &dyn Stored) -> Checked {
    // A small budget, so that rows are set aside in files here too.
    let settings = Settings {
        sort_bytes: 200,
        kept_changes: 3,
        hasher: Some(hasher()),
        ..Settings::default()
    };
    let reading = roster::read(&mut bundle, settings).expect("read");
    reading.check(stored).expect("checked")
}

/// What makes keys of identifiers here.
pub fn hasher() -> StudentHasher {
    StudentHasher::new(&TenantSecret::from_bytes([7; 32]))
}

pub fn today() -> NaiveDate {
    "2026-10-01".parse().expect("a day")
}

/// `code file:line column`, in order.
pub fn told(diagnostics: &Diagnostics) -> Vec<String> {
    let rows = diagnostics.rows();
    rows.iter()
        .map(|row| {
            let line = row.line.map(|line| line.to_string()).unwrap_or_default();
            let column = row.column.as_deref().unwrap_or_default();
            format!("{} {}:{line} {column}", row.code, row.file)
                .trim_end()
                .to_owned()
        })
        .collect()
}
