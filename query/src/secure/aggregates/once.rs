//! Which joins have each row about people once: two groups that share rows could differ by
//! those of a single one.

use std::collections::BTreeSet;

use datafusion::logical_expr::{Expr, LogicalPlan};
use schemas::roster::Entity;

/// Whether no two rows have the same values in these columns: rows of a roster's table as it
/// is now, of which they are the key.
pub(super) fn are_unique<'a>(
    rows: &LogicalPlan,
    columns: impl IntoIterator<Item = &'a Expr>,
) -> bool {
    let columns = columns.into_iter().filter_map(|expr| match expr {
        Expr::Column(column) => Some(column.name.as_str()),
        _ => None,
    });
    let columns: BTreeSet<&str> = columns.collect();
    let Some(entity) = entity(rows) else {
        return false;
    };
    let fields = entity.fields();
    let mut key = entity.key_fields().map(|place| fields[place].name);
    key.all(|name| columns.contains(name))
}

/// The table whose rows these are, by the names that its columns have there.
fn entity(rows: &LogicalPlan) -> Option<Entity> {
    match rows {
        LogicalPlan::TableScan(scan) => {
            let name = scan.table_name.table();
            Entity::ALL.into_iter().find(|entity| entity.name() == name)
        }
        LogicalPlan::SubqueryAlias(named) => entity(&named.input),
        LogicalPlan::Filter(filter) => entity(&filter.input),
        LogicalPlan::Projection(projection) => {
            // Another column could have the name of one of the key.
            let is_same = |expr: &Expr| match expr {
                Expr::Column(_) => true,
                Expr::Alias(alias) => alias.name == super::people::PERSON,
                _ => false,
            };
            let are_same = projection.expr.iter().all(is_same);
            are_same.then(|| entity(&projection.input)).flatten()
        }
        _ => None,
    }
}
