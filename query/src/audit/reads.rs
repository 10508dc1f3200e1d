//! What a query reads, and by what right.

use std::collections::BTreeSet;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use schemas::AuditReads;

use crate::catalog::Named;
use crate::secure::{Sight, Source};
use crate::snapshot::Snapshot;

/// What a query reads, as its record says it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads(AuditReads);

impl Reads {
    /// What is named, by what right it is shown, and at which versions it is read.
    pub(crate) fn of(named: &Named, sight: &Sight, snapshot: &Snapshot) -> Self {
        let mut reads = AuditReads {
            tables: named.sources().map(|s| s.name().to_owned()).collect(),
            ..AuditReads::default()
        };
        for (table, decision) in sight.decisions() {
            let reasons = decision.reasons.join(", ");
            reads.policies.push(format!("{table}: {reasons}"));
            let masks = decision.masks.iter();
            reads
                .masks
                .extend(masks.map(|column| format!("{table}.{column}")));
        }
        for table in named.read.iter().chain(&named.rosters) {
            let held = snapshot.table(*table);
            let held = held.or_else(|| snapshot.roster().table(*table));
            reads
                .versions
                .extend(held.map(|held| format!("{table}@{}", held.version())));
        }
        Self(reads)
    }

    /// What stands at one door, read by one right.
    pub(crate) fn at(source: Source, reason: &str) -> Self {
        let name = source.name();
        Self(AuditReads {
            tables: vec![name.to_owned()],
            policies: vec![format!("{name}: {reason}")],
            ..AuditReads::default()
        })
    }

    /// What was read before.
    pub(super) fn again(reads: AuditReads) -> Self {
        Self(reads)
    }

    /// And these columns of it, which an optimised plan has left.
    pub(crate) fn with_columns_of(mut self, plan: &LogicalPlan) -> Result<Self> {
        self.0.columns = columns(plan)?;
        Ok(self)
    }

    pub(super) fn into_record(self) -> AuditReads {
        self.0
    }
}

/// The columns of all tables that a plan reads, also those by which it only chooses rows.
fn columns(plan: &LogicalPlan) -> Result<Vec<String>> {
    let mut columns = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let table = scan.table_name.table();
            let shown = scan.projected_schema.fields().iter();
            columns.extend(shown.map(|column| format!("{table}.{}", column.name())));
            let judged = scan.filters.iter().flat_map(|filter| filter.column_refs());
            columns.extend(judged.map(|column| format!("{table}.{}", column.name())));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(columns.into_iter().collect())
}
