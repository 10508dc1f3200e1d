//! What a session can name: the tenant's tables, the reports over them and the
//! information schema, and nothing else.
//!
//! A catalog is built per query from the principal. Row policies and column
//! masks have their place in [`Catalog::mount`], the only door through which a
//! table gets into a session.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::TableReference;
use datafusion::error::Result;
use futures::future::try_join_all;
use lake::{LakeError, LakeTable};
use schemas::{Report, ReportKind, Table};

use crate::Principal;
use crate::freshness::Freshness;
use crate::tables::Tables;

/// The catalog and schema in which a session's tables lie.
pub(crate) const CATALOG: &str = "chalkline";
pub(crate) const SCHEMA: &str = "public";
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// The names of all tables and reports, sorted.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let tables = Table::all().map(Table::as_str);
    let views = views().map(|report| report.name);
    tables.chain(views).collect::<BTreeSet<_>>().into_iter()
}

/// The reports that are computed when they are asked for.
fn views() -> impl Iterator<Item = &'static Report> {
    let reports = schemas::reports().iter();
    reports.filter(|report| report.kind == ReportKind::View)
}

/// What a statement names, as far as it exists.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Named {
    /// Tables, also those that its views read.
    pub(crate) tables: BTreeSet<Table>,
    pub(crate) views: Vec<&'static Report>,
    pub(crate) information_schema: bool,
}

impl Named {
    pub(crate) fn by(references: &[TableReference]) -> Self {
        let mut named = Self::default();
        for reference in references {
            if reference.catalog().is_some_and(|name| name != CATALOG) {
                continue;
            }
            match reference.schema() {
                None | Some(SCHEMA) => named.add(reference.table()),
                Some(INFORMATION_SCHEMA) => named.information_schema = true,
                Some(_) => {}
            }
        }
        named
    }

    /// Everything that a session can name.
    pub(crate) fn all_views() -> Self {
        let mut named = Self::default();
        for view in views() {
            named.add(view.name);
        }
        named
    }

    fn add(&mut self, name: &str) {
        if let Some(table) = Table::from_name(name) {
            self.tables.insert(table);
        }
        if let Some(view) = views().find(|view| view.name == name) {
            self.tables.extend(&view.sources);
            self.views.push(view);
        }
    }
}

/// The tables of one query, each held at one version.
pub(crate) struct Snapshot {
    /// Up to when the tables are complete.
    pub(crate) data_as_of: Option<DateTime<Utc>>,
    /// `None` for a table to which nothing was published yet.
    pub(crate) tables: Vec<(Table, Option<LakeTable>)>,
}

impl Snapshot {
    /// Tables without any rows.
    pub(crate) fn empty(named: &Named) -> Self {
        Self {
            data_as_of: None,
            tables: named.tables.iter().map(|table| (*table, None)).collect(),
        }
    }

    /// The newest versions, taken in an order that keeps two promises: the
    /// floors are read before any table, so that each table holds at least what
    /// `data_as_of` says; and the counts of the log before the tables that they
    /// are compared with, so that a counted record is never missing only
    /// because its table was looked at earlier.
    pub(crate) async fn take(
        principal: &Principal,
        named: &Named,
        tables: &Tables,
        freshness: &Freshness,
    ) -> Result<Self, LakeError> {
        let data_as_of = freshness.data_as_of(tables.lake()).await?;
        let pin = async |table: Table| {
            let pinned = tables.pin(&principal.tenant, table).await?;
            Ok::<_, LakeError>((table, pinned))
        };
        let mut pinned = Vec::with_capacity(named.tables.len());
        if named.tables.contains(&Table::LogCounts) {
            pinned.push(pin(Table::LogCounts).await?);
        }
        let others = named.tables.iter().copied();
        let others = others.filter(|table| *table != Table::LogCounts);
        pinned.extend(try_join_all(others.map(pin)).await?);
        Ok(Self {
            data_as_of,
            tables: pinned,
        })
    }
}

/// One session's catalog.
#[derive(Debug)]
pub(crate) struct Catalog {
    list: Arc<MemoryCatalogProviderList>,
    own: Arc<MemoryCatalogProvider>,
    schema: Arc<MemorySchemaProvider>,
}

impl Catalog {
    /// A catalog with nothing in it.
    pub(crate) fn new() -> Result<Self> {
        let catalog = Self {
            list: Arc::new(MemoryCatalogProviderList::new()),
            own: Arc::new(MemoryCatalogProvider::new()),
            schema: Arc::new(MemorySchemaProvider::new()),
        };
        catalog
            .own
            .register_schema(SCHEMA, Arc::clone(&catalog.schema) as _)?;
        catalog
            .list
            .register_catalog(CATALOG.to_owned(), Arc::clone(&catalog.own) as _);
        Ok(catalog)
    }

    pub(crate) fn list(&self) -> Arc<dyn CatalogProviderList> {
        Arc::clone(&self.list) as _
    }

    /// Makes a table nameable.
    pub(crate) fn mount(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        self.schema.register_table(name.to_owned(), table)?;
        Ok(())
    }

    /// Makes the information schema nameable.
    pub(crate) fn mount_information_schema(&self, schema: Arc<dyn SchemaProvider>) -> Result<()> {
        self.own.register_schema(INFORMATION_SCHEMA, schema)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(references: &[&str]) -> Named {
        let references: Vec<TableReference> =
            references.iter().map(|name| (*name).into()).collect();
        Named::by(&references)
    }

    #[test]
    fn only_what_lies_in_our_schema_is_looked_for() {
        let elsewhere = named(&["other.public.video", "public2.video", "nothing"]);
        assert_eq!(elsewhere, Named::default());
        assert_eq!(named(&["chalkline.public.video"]).tables.len(), 1);
        assert!(named(&["information_schema.tables"]).information_schema);
    }

    #[test]
    fn a_view_brings_its_tables() {
        let ledger = named(&["ledger"]);
        assert_eq!(ledger.views.len(), 1);
        assert_eq!(ledger.tables, BTreeSet::from(Table::BASE));
        assert!(names().any(|name| name == "ledger"));
    }
}
