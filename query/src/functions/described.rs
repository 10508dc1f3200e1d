//! The functions that SQL may call as listings show them, for people and completion.

use std::sync::LazyLock;

use datafusion::logical_expr::Documentation;
use serde_json::{Value, json};

static DESCRIBED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let scalar = super::scalar();
    let aggregate = super::aggregate();
    let window = super::window();
    let higher_order = super::higher_order();
    let table = super::table();
    let mut all: Vec<Value> = scalar
        .iter()
        .map(|function| entry(function.name(), "scalar", function.documentation()))
        .chain(
            aggregate
                .iter()
                .map(|function| entry(function.name(), "aggregate", function.documentation())),
        )
        .chain(
            window
                .iter()
                .map(|function| entry(function.name(), "window", function.documentation())),
        )
        .chain(
            higher_order
                .iter()
                .map(|function| entry(function.name(), "lambda", None)),
        )
        .chain(table.keys().map(|name| entry(name, "table", None)))
        .collect();
    let key = |entry: &Value| (entry["name"].to_string(), entry["kind"].to_string());
    all.sort_by_key(key);
    all
});

/// Every function: its `name`, its `kind` (`scalar`, `aggregate`, `window`, `lambda` or
/// `table`) and, where they are known, its `syntax` and its `description`.
pub(crate) fn described() -> &'static [Value] {
    &DESCRIBED
}

fn entry(name: &str, kind: &str, documentation: Option<&Documentation>) -> Value {
    let mut entry = json!({ "name": name, "kind": kind });
    if let Some(documentation) = documentation {
        entry["syntax"] = documentation.syntax_example.trim().into();
        entry["description"] = documentation.description.trim().into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::super::growth;
    use super::*;

    #[test]
    fn what_may_be_called_is_described_and_nothing_else() {
        let of = |name: &str, kind: &str| {
            let mut found = described().iter();
            found.find(|entry| entry["name"] == name && entry["kind"] == kind)
        };
        let count = of("count", "aggregate").expect("it may be called");
        assert_eq!(count["syntax"], "count(expression)");
        assert!(count["description"].is_string());
        assert!(of("first_value", "aggregate").is_some() && of("first_value", "window").is_some());
        assert!(of("generate_series", "table").is_some());
        let scalar = described().iter().filter(|entry| entry["kind"] == "scalar");
        let names: Vec<&str> = scalar.filter_map(|entry| entry["name"].as_str()).collect();
        assert!(names.contains(&"abs"));
        assert!(names.iter().all(|name| growth::of(name).is_some()));
    }
}
