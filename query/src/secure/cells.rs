//! Which rows of a report are about enough students to be shown to those who see only
//! aggregates.
//!
//! | file | |
//! |---|---|
//! | `groups.rs` | from which of its rows on the rows of a group are shown |
//! | `is_kept.rs` | the function that says so of a row |
//! | `held.rs` | groups, kept until the report changes |
//!
//! A row is too small when any of its counts is. Where the total of a group is known, what
//! is left out of it can be reckoned from what is shown: so the smallest of the others go,
//! too, until there are two or more and together they are large enough. Whether a row is
//! shown thus hangs on all rows of its group, whoever asks: that is reckoned once for each
//! version of the report, and a page that shows a few rows reads those.

mod groups;
mod held;
mod is_kept;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::functions::core::expr_fn::{coalesce, least};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ScalarUDF, ident, lit};
use schemas::{MinimumCell, Report, TenantId};

use self::groups::Groups;
pub(crate) use self::held::Cells;
use self::held::Version;
use self::is_kept::IsKept;
use crate::catalog::Named;
use crate::interrupt::Interrupt;
use crate::snapshot::Snapshot;

/// The column that [`Asked::judged`] adds: whether the row may be shown.
pub(super) const KEPT: &str = "chalkline_kept";

/// The query for which rows are judged.
pub(crate) struct Asked<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) cells: &'a Cells,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) state: &'a SessionState,
    pub(crate) interrupt: &'a Interrupt,
}

impl Asked<'_> {
    /// A report's rows and whether each may be shown where groups of fewer than `least`
    /// students are not.
    ///
    /// # Errors
    /// When the report cannot be read, or the query ends.
    pub(super) async fn judged(
        &self,
        report: &'static Report,
        cell: &MinimumCell<'_>,
        rows: Arc<dyn TableProvider>,
        least: u32,
    ) -> Result<Arc<dyn TableProvider>> {
        let of = Rows { report, cell, rows };
        if cell.within.is_empty() {
            return of.judged(of.size().gt_eq(lit(i64::from(least))));
        }
        let version = Version {
            tenant: self.tenant.clone(),
            report: report.name,
            sources: self.snapshot.versions(&Named::reports([report])),
            least,
        };
        let reckon = || Groups::of(&of, least, self.state, self.interrupt);
        let groups = self.cells.get(version, reckon).await?;
        of.judged_by(groups)
    }
}

/// The rows of a report that has a minimum cell.
struct Rows<'a> {
    report: &'a Report,
    cell: &'a MinimumCell<'a>,
    rows: Arc<dyn TableProvider>,
}

impl Rows<'_> {
    /// How many students a row is about: the least of its counts.
    fn size(&self) -> Expr {
        let counts = self.cell.students.iter();
        let counts = counts.map(|count| coalesce(vec![ident(*count), lit(0_i64)]));
        least(counts.collect())
    }

    /// The columns that tell groups apart.
    fn group(&self) -> impl Iterator<Item = &str> {
        self.cell.within.iter().copied()
    }

    /// The columns that tell apart the rows of a group.
    fn place(&self) -> impl Iterator<Item = &str> {
        let grain = self.report.grain.iter().copied();
        grain.filter(|column| !self.cell.within.contains(column))
    }

    fn scanned(&self) -> Result<LogicalPlanBuilder> {
        let rows = provider_as_source(Arc::clone(&self.rows));
        LogicalPlanBuilder::scan(self.report.name, rows, None)
    }

    fn judged_by(&self, groups: Arc<Groups>) -> Result<Arc<dyn TableProvider>> {
        let told_by = self.group().map(ident).chain([self.size()]);
        let told_by = told_by.chain(self.place().map(ident)).collect();
        let is_kept = ScalarUDF::new_from_impl(IsKept::new(groups));
        self.judged(is_kept.call(told_by))
    }

    fn judged(&self, is_kept: Expr) -> Result<Arc<dyn TableProvider>> {
        let columns = self.report.columns.iter();
        let columns = columns.map(|column| ident(column.name));
        let columns = columns.chain([is_kept.alias(KEPT)]);
        let plan = self.scanned()?.project(columns)?.build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

#[cfg(test)]
mod tests;
