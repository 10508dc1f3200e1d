//! A configuration as a tree of values, before it has types.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Tables of tables of values.
#[derive(Debug, Default)]
pub(super) struct Tree(Map<String, Value>);

impl Tree {
    /// The keys that `T` has, with their default values.
    pub(super) fn known<T: Default + Serialize>() -> Self {
        match serde_json::to_value(T::default()) {
            Ok(Value::Object(tree)) => Self(tree),
            other => panic!("a configuration's default serialises as a table, not {other:?}"),
        }
    }

    pub(super) fn root(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Sets the value at `path`, which leads through tables only.
    pub(super) fn set(&mut self, path: &[String], value: Value) {
        let Some((last, tables)) = path.split_last() else {
            return;
        };
        let mut table = &mut self.0;
        for key in tables {
            let next = table
                .entry(key.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            match next {
                Value::Object(next) => table = next,
                // A section set as a whole, which already fitted as it was.
                _ => return,
            }
        }
        table.insert(last.clone(), value);
    }

    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, String> {
        serde_json::from_value(Value::Object(self.0)).map_err(|error| error.to_string())
    }

    /// The paths and default values of all keys that hold no further keys.
    pub(super) fn leaves(&self) -> Vec<(Vec<String>, &Value)> {
        let mut leaves = Vec::new();
        collect(&self.0, &mut Vec::new(), &mut leaves);
        leaves
    }
}

fn collect<'a>(
    table: &'a Map<String, Value>,
    path: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, &'a Value)>,
) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Object(inner) if !inner.is_empty() => collect(inner, path, leaves),
            _ => leaves.push((path.clone(), value)),
        }
        path.pop();
    }
}

/// Whether a `T` can be read that has `value` at `path` and defaults otherwise.
pub(super) fn probe<T: DeserializeOwned>(path: &[String], value: &Value) -> Result<(), String> {
    let mut tree = Tree::default();
    tree.set(path, value.clone());
    tree.read::<T>().map(|_| ())
}
