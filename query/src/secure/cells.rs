//! Which rows of a report are about enough students to be shown to those who see only
//! aggregates.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use schemas::{MinimumCell, Report};

use crate::catalog::view;

/// The column that [`judged`] adds: whether the row may be shown.
pub(super) const KEPT: &str = "chalkline_kept";

/// A report's rows and whether each may be shown where groups of fewer than `least`
/// students are not.
pub(super) async fn judged(
    template: &SessionState,
    report: &Report,
    cell: &MinimumCell<'_>,
    rows: Arc<dyn TableProvider>,
    least: u32,
) -> Result<Arc<dyn TableProvider>> {
    let sql = sql(report, cell, least);
    view(template, [(report.name, rows)], &sql).await
}

/// A row is too small when any of its counts is. Where the total of a group is known, what
/// is left out of it can be reckoned from what is shown: so the smallest of the others go,
/// too, until there are two or more and together they are large enough.
fn sql(report: &Report, cell: &MinimumCell<'_>, least: u32) -> String {
    let columns: Vec<&str> = report.columns.iter().map(|column| column.name).collect();
    let (columns, grain) = (quoted(&columns), quoted(&report.grain));
    let counts = cell
        .students
        .iter()
        .map(|count| format!("coalesce(\"{count}\", 0)"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let name = report.name;
    if cell.within.is_empty() {
        return format!("SELECT {columns}, least({counts}) >= {least} AS {KEPT} FROM {name}");
    }
    let within = quoted(&cell.within);
    format!(
        "WITH cells AS (
            SELECT {columns}, least({counts}) AS chalkline_cell FROM {name}
        ),
        ranked AS (
            SELECT
                *,
                min(chalkline_cell) OVER (PARTITION BY {within}) AS chalkline_least,
                row_number() OVER smaller AS chalkline_place,
                sum(chalkline_cell) OVER smaller - chalkline_cell AS chalkline_before
            FROM cells
            WINDOW smaller AS (
                PARTITION BY {within} ORDER BY chalkline_cell, {grain}
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        )
        SELECT
            {columns},
            chalkline_least >= {least}
                OR chalkline_cell >= {least}
                AND chalkline_place > 2
                AND chalkline_before >= {least} AS {KEPT}
        FROM ranked"
    )
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
