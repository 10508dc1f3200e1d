//! Finding tables and making them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::{StructField, StructType};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::{TryStreamExt, try_join};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use schemas::{Table, TenantId, layout};
use url::Url;

use crate::publish::commit_path;
use crate::stats::statistics_columns;
use crate::{LakeError, LakeTable, durable};

/// The property that names the columns of which a table has statistics.
pub(crate) const STATISTICS: &str = "delta.dataSkippingStatsColumns";

/// How long the log tells of files that were taken out of a table, and of old
/// versions. Maintenance cleans up earlier; this bounds what a checkpoint holds.
const KEPT: [(&str, &str); 2] = [
    ("delta.deletedFileRetentionDuration", "interval 1 day"),
    ("delta.logRetentionDuration", "interval 1 day"),
];

/// The lake: all tables of all tenants below one root. Clones share everything.
#[derive(Clone)]
pub struct Lake(Arc<Inner>);

/// By what it is known whether a table has moved on: which one it is, and how
/// far it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    first_commit: Option<String>,
    version: u64,
}

impl LakeTable {
    /// How far it is.
    pub fn mark(&self) -> Mark {
        Mark {
            first_commit: self.first_commit.clone(),
            version: self.version(),
        }
    }
}

struct Inner {
    root: Url,
    store: Arc<dyn ObjectStore>,
    options: HashMap<String, String>,
}

impl Lake {
    /// The lake at `root`, a `file://` or `s3://` address.
    ///
    /// `store` shows the same place (its paths are relative to `root`), and
    /// `options` are what deltalake needs to reach it by itself: access keys, an
    /// endpoint. At `memory:///` there is nothing but `store`, whatever it is.
    pub fn new(
        mut root: Url,
        store: Arc<dyn ObjectStore>,
        options: HashMap<String, String>,
    ) -> Self {
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        Self(Arc::new(Inner {
            root,
            store,
            options,
        }))
    }

    /// Where the lake lies; ends with `/`.
    pub(crate) fn root(&self) -> &Url {
        &self.0.root
    }

    /// Whether it lies in a folder of this machine.
    pub fn is_local(&self) -> bool {
        self.root().scheme() == "file"
    }

    /// The object store in which the lake lies; paths are those of
    /// [`schemas::layout`].
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.0.store
    }

    /// Opens a table at its newest version; `None` when nobody made it yet.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Table`].
    pub async fn open(
        &self,
        tenant: &TenantId,
        table: Table,
    ) -> Result<Option<LakeTable>, LakeError> {
        let name = layout::table(tenant, table);
        // Loading would say so as well, but not without an error in the logs.
        if !self.has_log(&name).await? {
            return Ok(None);
        }
        let first = self.first_commit(&name).await?;
        let looked_at = Some(SystemTime::now());
        let mut delta = self.unloaded(&name)?;
        delta.load().await.map_err(|e| table_error(&name, e))?;
        Ok(Some(LakeTable::new(name, table, delta, first, looked_at)))
    }

    /// Opens a table at a version, which may be older than its newest one; `None` when
    /// nobody made the table yet.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Table`], also when the version is not known
    /// any more.
    pub async fn open_at(
        &self,
        tenant: &TenantId,
        table: Table,
        version: u64,
    ) -> Result<Option<LakeTable>, LakeError> {
        let name = layout::table(tenant, table);
        if !self.has_log(&name).await? {
            return Ok(None);
        }
        let first = self.first_commit(&name).await?;
        let mut delta = self.unloaded(&name)?;
        let loaded = delta.load_version(version).await;
        loaded.map_err(|e| table_error(&name, e))?;
        Ok(Some(LakeTable::new(name, table, delta, first, None)))
    }

    /// Opens a table at its newest version, from where it is `known` on; from
    /// the beginning when what is known is another table that lay in its place. Of one that
    /// was opened lately and has not moved since, two objects are looked up, and its log is
    /// not listed.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub async fn reopen(
        &self,
        tenant: &TenantId,
        table: Table,
        known: Option<LakeTable>,
    ) -> Result<Option<LakeTable>, LakeError> {
        let name = layout::table(tenant, table);
        let Some(mut known) = known else {
            return self.open(tenant, table).await;
        };
        let first = self.first_commit(&name);
        let next = self.commit(&name, known.version() + 1);
        let (first, next) = try_join!(first, next)?;
        if first != known.first_commit {
            return self.open(tenant, table).await;
        }
        if next.is_some() || !known.was_looked_at() {
            known.refresh().await?;
        }
        Ok(Some(known))
    }

    /// Whether a table is no longer the version that somebody knows of it: two
    /// look-ups of one object each. `None` is a table that nobody has made.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn has_moved(
        &self,
        tenant: &TenantId,
        table: Table,
        known: Option<&Mark>,
    ) -> Result<bool, LakeError> {
        let name = layout::table(tenant, table);
        let Some(known) = known else {
            return self.has_log(&name).await;
        };
        if self.first_commit(&name).await? != known.first_commit {
            return Ok(true);
        }
        let next = self.commit(&name, known.version + 1).await?;
        Ok(next.is_some())
    }

    /// Opens a table for writing; `None` when nobody made it yet. A table of an
    /// earlier version gets the columns that it lacks, if they may be NULL.
    ///
    /// # Errors
    /// [`LakeError::Columns`] when the table was made by a version that writes
    /// other columns; else as [`Lake::open`].
    pub async fn open_for_writing(
        &self,
        tenant: &TenantId,
        table: Table,
    ) -> Result<Option<LakeTable>, LakeError> {
        let Some(mut opened) = self.open(tenant, table).await? else {
            return Ok(None);
        };
        opened.add_columns().await?;
        Ok(Some(opened))
    }

    /// Opens a table for writing and makes it first if nobody has.
    ///
    /// Several writers may do so at once: all but one lose and open what the
    /// winner made.
    ///
    /// # Errors
    /// As [`Lake::open_for_writing`].
    pub async fn open_or_create(
        &self,
        tenant: &TenantId,
        table: Table,
    ) -> Result<LakeTable, LakeError> {
        if let Some(opened) = self.open_for_writing(tenant, table).await? {
            return Ok(opened);
        }
        let name = layout::table(tenant, table);
        self.create(&name, table).await?;
        let opened = self.open_for_writing(tenant, table).await?;
        opened.ok_or_else(|| {
            let vanished = DeltaTableError::NotATable("it vanished after it was made".to_owned());
            table_error(&name, vanished)
        })
    }

    /// Makes the table's first version, or does nothing when it is there.
    async fn create(&self, name: &str, table: Table) -> Result<(), LakeError> {
        let partition_columns = table.is_by_term().then_some("term");
        let statistics = statistics_columns(table).join(",");
        let kept = KEPT.map(|(name, value)| (name, Some(value.to_owned())));
        let configuration = kept.into_iter().chain([(STATISTICS, Some(statistics))]);
        // Without retries: a retry would write our metadata over the winner's.
        let commit = CommitProperties::default()
            .with_max_retries(0)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false));
        let created = self
            .unloaded(name)?
            .create()
            .with_columns(delta_columns(name, table)?)
            .with_partition_columns(partition_columns)
            .with_configuration(configuration)
            .with_commit_properties(commit)
            .await;
        match created {
            Ok(_) => {
                tracing::info!(table = name, "table created");
                let first = format!("{name}/{}", commit_path(0));
                durable::sync(&self.0.root, self.store().as_ref(), vec![first]).await
            }
            // Whatever it was: if the table is there now, it was another writer.
            Err(_) if self.has_log(name).await? => Ok(()),
            Err(error) => Err(table_error(name, error)),
        }
    }

    /// By what the object of a table's first commit is known; `None` when it is
    /// not there, perhaps not any more.
    async fn first_commit(&self, name: &str) -> Result<Option<String>, LakeError> {
        let first = self.commit(name, 0).await?;
        let known_by = |meta: ObjectMeta| {
            let written = meta.last_modified.timestamp_micros();
            format!("{written} {} {}", meta.size, meta.e_tag.unwrap_or_default())
        };
        Ok(first.map(known_by))
    }

    /// The object of a commit, if it is there.
    async fn commit(&self, name: &str, version: u64) -> Result<Option<ObjectMeta>, LakeError> {
        let path = Path::from(format!("{name}/{}", commit_path(version)));
        match self.0.store.head(&path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn has_log(&self, name: &str) -> Result<bool, LakeError> {
        let log = Path::from(format!("{name}/_delta_log"));
        Ok(self.0.store.list(Some(&log)).try_next().await?.is_some())
    }

    fn unloaded(&self, name: &str) -> Result<DeltaTable, LakeError> {
        let url = self.0.root.join(&format!("{name}/"));
        let url = url.expect("a table's path is plain text without a scheme");
        let is_store_alone = self.0.root.scheme() == "memory";
        DeltaTableBuilder::from_url(url.clone())
            .map(|builder| match is_store_alone {
                true => builder.with_storage_backend(Arc::clone(&self.0.store), url),
                false => builder.with_storage_options(self.0.options.clone()),
            })
            .and_then(DeltaTableBuilder::build)
            .map_err(|e| table_error(name, e))
    }
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the options: they hold the keys of the store.
        f.debug_tuple("Lake").field(&self.0.root.as_str()).finish()
    }
}

/// Our columns as Delta's.
pub(crate) fn delta_columns(name: &str, table: Table) -> Result<Vec<StructField>, LakeError> {
    let columns: StructType = schemas::columns(table)
        .as_ref()
        .try_into_kernel()
        .map_err(|e| table_error(name, DeltaTableError::Arrow { source: e }))?;
    Ok(columns.fields().cloned().collect())
}

fn table_error(name: &str, source: DeltaTableError) -> LakeError {
    LakeError::Table {
        table: name.to_owned(),
        source: Box::new(source),
    }
}
