//! A lake with rosters in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ::lake::Lake;
use datafusion::prelude::SessionContext;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use roster::Entity;
use runtime::{Clock, Leases, Registry, Root};
use schemas::{Table, Tenant, TenantId};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use transform::roster::{Import, Importer, Job, LEASE, Progress, Request, RosterError};
use url::Url;

use super::school::Bundle;

/// The lease of an import in tests; nobody waits for it but after a kill.
const TURN: Duration = Duration::from_secs(3);

/// A lake in memory, and what imports rosters into it.
pub struct Stored {
    pub lake: Lake,
    pub store: Arc<InMemory>,
    pub tenant: Tenant,
    pub importer: Importer,
    pub clock: Clock,
    registry: Registry,
    leases: TempDir,
}

pub fn demo() -> TenantId {
    "demo".parse().expect("a tenant")
}

/// Nobody wants to know how far it is.
pub fn silent() -> Progress {
    Arc::new(|_| {})
}

pub fn in_memory(store: Arc<dyn ObjectStore>) -> Lake {
    let root = Url::parse("memory:///").expect("a URL");
    Lake::new(root, store, HashMap::new())
}

impl Stored {
    pub async fn new() -> Self {
        let store = Arc::new(InMemory::new());
        let lake = in_memory(Arc::clone(&store) as _);
        let leases = tempfile::tempdir().expect("a folder");
        let clock = Clock::fixed("2026-10-01T08:00:00Z".parse().expect("a time"));
        let turns = turns(&leases, "one");
        let tenant = Tenant::new(demo(), "Demo");
        let registry = registry().await;
        let importer = Importer::new(lake.clone(), registry.clone(), turns, clock.clone());
        Self {
            lake,
            store,
            tenant,
            importer,
            clock,
            registry,
            leases,
        }
    }

    /// A process of its own that imports into the same lake, by way of `lake`.
    pub fn another(&self, holder: &str, lake: Lake) -> Importer {
        let turns = turns(&self.leases, holder);
        Importer::new(lake, self.registry.clone(), turns, self.clock.clone())
    }

    pub async fn import(&self, bundle: &Bundle) -> Job {
        self.try_import(bundle).await.expect("imports")
    }

    pub async fn try_import(&self, bundle: &Bundle) -> Result<Job, RosterError> {
        let request = Request::new(bundle.path(), "tests");
        self.importer.import(&self.tenant, request, silent()).await
    }

    pub async fn rollback(&self, to: Option<u64>) -> Job {
        let done = self.importer.rollback(&self.tenant, to, "tests", silent());
        done.await.expect("goes back")
    }

    pub async fn newest(&self) -> Option<Import> {
        let imports = self.importer.imports(&demo());
        imports.newest().await.expect("reads")
    }

    /// The rows of all current tables by name, as whoever reads by the newest document
    /// sees them: their fields alone.
    pub async fn values(&self) -> BTreeMap<&'static str, Vec<String>> {
        self.rows(|entity| entity.fields().iter().map(|field| field.name).collect())
            .await
    }

    /// The same with all that is stored but when it was.
    pub async fn current(&self) -> BTreeMap<&'static str, Vec<String>> {
        self.rows(|entity| {
            let fields = entity.fields().iter().map(|field| field.name);
            fields
                .chain(["valid_from", "valid_to", "modified_at"])
                .collect()
        })
        .await
    }

    async fn rows(
        &self,
        columns: impl Fn(Entity) -> Vec<&'static str>,
    ) -> BTreeMap<&'static str, Vec<String>> {
        let mut tables = BTreeMap::new();
        for entity in Entity::ALL {
            let columns = columns(entity);
            let rows = self.select(Table::Roster(entity), &columns).await;
            if !rows.is_empty() {
                tables.insert(entity.name(), rows);
            }
        }
        tables
    }

    /// What happened to which rows by which import, by table.
    pub async fn history(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut tables = BTreeMap::new();
        for entity in Entity::ALL {
            let keys = entity.key_fields().map(|field| entity.fields()[field].name);
            let columns: Vec<_> = keys.chain(["import", "change"]).collect();
            let rows = self.select(Table::RosterHistory(entity), &columns).await;
            if !rows.is_empty() {
                tables.insert(entity.history_name(), rows);
            }
        }
        tables
    }

    async fn select(&self, table: Table, columns: &[&str]) -> Vec<String> {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| format!("\"{column}\""))
            .collect();
        let columns = columns.join(", ");
        let sql = format!("SELECT {columns} FROM \"{table}\" ORDER BY {columns}");
        self.ask(&[table], &sql).await
    }

    /// The lines of an answer; nothing where a table is not there.
    pub async fn ask(&self, tables: &[Table], sql: &str) -> Vec<String> {
        let newest = self.newest().await;
        let context = SessionContext::new();
        for table in tables {
            let version = newest.as_ref().and_then(|newest| newest.version(*table));
            let Some(version) = version else {
                return Vec::new();
            };
            let opened = self.lake.open_at(&demo(), *table, version).await;
            let opened = opened.expect("opens").expect("a table");
            let provider = opened.provider(&context.state()).expect("a provider");
            let registered = context.register_table(table.as_str(), provider);
            registered.expect("registers");
        }
        let rows = context.sql(sql).await.expect("SQL").collect().await;
        let text = arrow::util::pretty::pretty_format_batches(&rows.expect("rows"));
        let text = text.expect("text").to_string();
        let lines = text.lines().filter(|line| line.starts_with('|'));
        lines.skip(1).map(squeezed).collect()
    }
}

/// The one tenant, with a secret that is the same for all lakes of a process.
async fn registry() -> Registry {
    static REGISTRY: OnceCell<(TempDir, Registry)> = OnceCell::const_new();
    let (_, registry) = REGISTRY
        .get_or_init(|| async {
            let folder = tempfile::tempdir().expect("a folder");
            let location = folder.path().display().to_string();
            let root = Root::open(&location, HashMap::new()).expect("a root");
            let registry = Registry::new(root);
            let tenant = Tenant::new(demo(), "Demo");
            registry.create(&tenant).await.expect("a tenant");
            (folder, registry)
        })
        .await;
    registry.clone()
}

fn turns(folder: &TempDir, holder: &str) -> Leases {
    let root = folder.path().display().to_string();
    let root = Root::open(&root, HashMap::new()).expect("a root");
    Leases::new(root, LEASE, holder.to_owned(), TURN)
}

fn squeezed(line: &str) -> String {
    let cells = line.trim_matches('|').split('|').map(str::trim);
    cells.collect::<Vec<_>>().join("|")
}
