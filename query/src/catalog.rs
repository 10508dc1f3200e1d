//! What a session can name: the tenant's tables, the reports over them and the
//! information schema, and nothing else.
//!
//! A catalog is built per query from the principal. [`Catalog::mount`] is the only
//! door through which a table gets into a session; all come
//! to it as `secure/sight.rs` shows them.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::TableReference;
use datafusion::datasource::ViewTable;
use datafusion::error::Result;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use schemas::{Report, ReportKind, Table};

use crate::listing::Listing;
use crate::secure::Source;

/// The catalog and schema in which a session's tables lie.
pub(crate) const CATALOG: &str = "chalkline";
pub(crate) const SCHEMA: &str = "public";
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// The names of all tables and views, sorted.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let tables = Table::all().chain(Table::rosters()).map(Table::as_str);
    let views = views().map(|view| view.name);
    let listings = Listing::ALL.map(Listing::name);
    let names: BTreeSet<_> = tables.chain(views).chain(listings).collect();
    names.into_iter()
}

/// The reports that are computed when they are asked for.
pub(crate) fn views() -> impl Iterator<Item = &'static Report> {
    let reports = schemas::reports().iter();
    reports.filter(|report| report.kind == ReportKind::View)
}

/// What a statement names, as far as it exists.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Named {
    pub(crate) tables: BTreeSet<Table>,
    /// These tables and those that the views read.
    pub(crate) read: BTreeSet<Table>,
    /// Tables of rosters and their histories.
    pub(crate) rosters: BTreeSet<Table>,
    pub(crate) listings: BTreeSet<Listing>,
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

    /// These reports alone.
    pub(crate) fn reports(reports: impl IntoIterator<Item = &'static Report>) -> Self {
        let mut named = Self::default();
        for report in reports {
            named.add(report.name);
        }
        named
    }

    /// These tables alone.
    pub(crate) fn tables(tables: impl IntoIterator<Item = Table>) -> Self {
        let mut named = Self::default();
        for table in tables {
            named.add(table.as_str());
        }
        named
    }

    /// All that is named.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        let tables = self.tables.iter().chain(&self.rosters);
        let listings = self.listings.iter().copied().map(Source::Listing);
        let views = self.views.iter().copied().map(Source::View);
        tables
            .copied()
            .map(Source::Table)
            .chain(views)
            .chain(listings)
    }

    fn add(&mut self, name: &str) {
        if let Some(table) = Table::from_name(name) {
            self.tables.insert(table);
            self.read.insert(table);
        }
        self.rosters.extend(Table::roster_from_name(name));
        self.listings.extend(Listing::from_name(name));
        if let Some(view) = views().find(|view| view.name == name) {
            self.read.extend(&view.sources);
            self.views.push(view);
        }
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

/// A query over these tables as a table. Its text can name nothing else, and whoever reads
/// it does not see how it came to be.
pub(crate) async fn view(
    template: &SessionState,
    tables: impl IntoIterator<Item = (&str, Arc<dyn TableProvider>)>,
    sql: &str,
) -> Result<Arc<dyn TableProvider>> {
    let catalog = Catalog::new()?;
    for (name, rows) in tables {
        catalog.mount(name, rows)?;
    }
    let state = SessionStateBuilder::new_from_existing(template.clone())
        .with_catalog_list(catalog.list())
        .build();
    let plan = state.create_logical_plan(sql).await?;
    Ok(Arc::new(ViewTable::new(plan, None)))
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
    fn rosters_and_listings_are_apart_from_what_is_made_of_the_log() {
        let all = named(&["users", "users_history", "import_jobs", "video"]);
        assert_eq!(all.tables.len(), 1);
        assert_eq!(all.rosters.len(), 2);
        assert_eq!(all.listings, BTreeSet::from([Listing::ImportJobs]));
    }

    #[test]
    fn a_view_brings_its_tables() {
        let ledger = named(&["ledger"]);
        assert_eq!(ledger.views.len(), 1);
        // Who asked for what is no part of the books.
        let mut base = BTreeSet::from(Table::BASE);
        base.remove(&Table::Audit);
        assert_eq!(ledger.read, base);
        assert_eq!(ledger.tables, BTreeSet::new());
        assert!(names().any(|name| name == "ledger"));
        assert_eq!(names().collect::<BTreeSet<_>>().len(), names().count());
    }
}
