//! What all sessions have in common.

use std::sync::Arc;

use datafusion::execution::config::SessionConfig;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::ScalarUDF;

use super::sort_keys::SortKeys;
use crate::catalog::{CATALOG, SCHEMA};
use crate::functions;

/// Everything a session has but its catalog: no file formats and no table
/// factories, so that no path or address means anything to it. SQL may call `more` beside
/// the functions that stand on the list.
pub(super) fn template(cores: usize, more: Vec<Arc<ScalarUDF>>) -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(cores)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        // Ours takes its place: see `information_schema.rs`.
        .with_information_schema(false);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // Text is `Utf8` in the tables: the same in casts and literals.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    SessionStateBuilder::new()
        .with_config(config)
        .with_analyzer_rule(Arc::new(functions::CheckedArithmetic))
        .with_analyzer_rule(Arc::new(SortKeys))
        .with_expr_planners(functions::planners())
        .with_scalar_functions(functions::scalar().into_iter().chain(more).collect())
        .with_higher_order_functions(functions::higher_order())
        .with_aggregate_functions(functions::aggregate())
        .with_window_functions(functions::window())
        .with_table_functions(functions::table())
        .build()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Schema;
    use datafusion::datasource::empty::EmptyTable;

    use super::*;
    use crate::catalog::Catalog;

    #[tokio::test]
    async fn views_have_the_columns_and_the_sources_that_their_headers_say() {
        for view in crate::catalog::views() {
            let catalog = Catalog::new().expect("a catalog");
            let state = SessionStateBuilder::new_from_existing(template(1, Vec::new()))
                .with_catalog_list(catalog.list())
                .build();
            // Exactly these: a source that is missing makes no plan.
            for table in &view.sources {
                let rows = Arc::new(EmptyTable::new(schemas::columns(*table)));
                catalog.mount(table.as_str(), rows).expect("mounted");
            }
            let plan = state.create_logical_plan(view.sql).await;
            let plan = plan.expect("a plan over its sources");
            let columns = |schema: &Schema| -> Vec<(String, String)> {
                let fields = schema.fields().iter();
                fields
                    .map(|field| (field.name().clone(), crate::types::name(field.data_type())))
                    .collect()
            };
            let expected = columns(view.schema());
            assert_eq!(columns(plan.schema().as_arrow()), expected, "{}", view.name);
        }
    }
}
