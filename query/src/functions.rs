//! The functions that SQL may call.

mod bounded;
mod planned;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;

use self::bounded::Bounded;
pub(crate) use self::planned::planners;

/// The table functions: those that make rows of their arguments alone.
const TABLE_FUNCTIONS: [&str; 2] = ["generate_series", "range"];

/// Scalar functions that tell where and how rows are stored.
const WITHHELD: [&str; 3] = ["arrow_metadata", "file_row_index", "input_file_name"];

pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .filter(|function| !WITHHELD.contains(&function.name()))
        .map(Bounded::around)
        .collect()
}

pub(crate) fn table() -> HashMap<String, Arc<TableFunction>> {
    SessionStateDefaults::default_table_functions()
        .into_iter()
        .filter(|function| TABLE_FUNCTIONS.contains(&function.name()))
        .map(|function| (function.name().to_owned(), function))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new release may bring functions that read more than their arguments:
    /// whoever raises the version looks at each.
    #[test]
    fn what_is_withheld_still_exists_and_no_table_function_is_new() {
        let known: Vec<String> = SessionStateDefaults::default_scalar_functions()
            .iter()
            .map(|function| function.name().to_owned())
            .collect();
        for name in WITHHELD {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
        let mut names: Vec<String> = SessionStateDefaults::default_table_functions()
            .iter()
            .map(|function| function.name().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, TABLE_FUNCTIONS);
    }
}
