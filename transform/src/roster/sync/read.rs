//! Reads what has changed in a database since the last time, or everything.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lake::imports::{Import, ImportKind, ImportSource, Imports, Reached};
use roster::{Gathering, Mode, Reading, Settings};
use tokio::runtime::Handle;

use super::database::{Database, Moment};
use super::tables::{TableQuery, Tables};
use super::{SourceError, SyncRequest, values};
use crate::roster::RosterError;
use crate::roster::progress::{Phase, Teller};

/// Imports since the last sync that are looked at; of more it does not pay.
const MOST_IMPORTS: u64 = 16;

/// Reads on a thread that may wait.
pub(in crate::roster) struct Reader<'a> {
    pub request: &'a SyncRequest,
    pub imports: Imports,
    pub handle: Handle,
    pub teller: &'a Teller,
    pub now: DateTime<Utc>,
}

/// What was read.
#[derive(Debug, Default)]
pub(in crate::roster) struct Seen {
    /// Which database.
    pub database: String,
    /// From which watermark on to read next time.
    pub watermark: i64,
    /// A checksum of what was read.
    pub definition: String,
    /// Whether everything was.
    pub is_full: bool,
    /// How many rows, by table.
    pub rows: BTreeMap<String, u64>,
}

impl Reader<'_> {
    /// Reads the rows of all tables, as they are at one moment.
    pub fn read(
        &self,
        before: Option<&ImportSource>,
        newest: Option<&Import>,
        settings: Settings,
    ) -> Result<(Reading, Seen), RosterError> {
        self.teller.begin(Phase::Reading, None);
        self.handle.block_on(async {
            let mut database = Database::open(self.request).await?;
            let mapping = self.request.mapping.as_ref();
            let tables = match mapping {
                Some(mapping) => Tables::of_mapping(&mut database, mapping).await?,
                None => Tables::of_views(&mut database).await?,
            };
            let moment = database.moment(mapping.is_none()).await?;
            let reached = before.and_then(|before| before.reached.as_ref());
            let since = self.since(reached, newest, &moment, &tables);
            let since = since.await?;
            let mut seen = Seen {
                database: moment.source,
                watermark: moment.watermark,
                definition: tables.definition,
                is_full: since.is_none(),
                rows: BTreeMap::new(),
            };
            let mut gathering = Gathering::new(settings);
            for query in &tables.tables {
                let rows = self.gather(&mut database, query, since, &mut gathering);
                seen.rows
                    .insert(query.entity.name().to_owned(), rows.await?);
            }
            database.close().await;
            Ok((gathering.finish()?, seen))
        })
    }

    /// From which watermark on what is stored may differ from the database; everything
    /// may where that is not known.
    async fn since(
        &self,
        reached: Option<&Reached>,
        newest: Option<&Import>,
        moment: &Moment,
        tables: &Tables,
    ) -> Result<Option<i64>, RosterError> {
        let Some(reached) = reached else {
            return Ok(None);
        };
        let is_same = reached.database == moment.source
            && reached.definition == tables.definition
            // A database that was given back an older state counts anew.
            && reached.watermark <= moment.watermark;
        let is_due = self.now - reached.full_at >= self.request.full_every;
        if self.request.full || is_due || !is_same {
            return Ok(None);
        }
        let newest = newest.map_or(0, |newest| newest.number);
        let is_ours = self.is_ours(tables, reached.import, newest).await?;
        Ok(is_ours.then_some(reached.watermark))
    }

    /// Whether the tables have only what is of this database: all imports since are of it,
    /// as where the last sync was killed before it could say how far it had come, or they
    /// have changed other tables, as those of a catalogue do.
    async fn is_ours(&self, tables: &Tables, since: u64, newest: u64) -> Result<bool, RosterError> {
        if newest < since || newest - since > MOST_IMPORTS {
            return Ok(false);
        }
        let source = self.request.source();
        for number in since + 1..=newest {
            let Some(import) = self.imports.get(number).await? else {
                return Ok(false);
            };
            let is_ours = match import.kind {
                ImportKind::Rollback { .. } => false,
                ImportKind::Import | ImportKind::Catalog => {
                    import.source == source || !tables.are_changed_by(&import)
                }
            };
            if !is_ours {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds a table's rows; the answer is how many.
    async fn gather(
        &self,
        database: &mut Database,
        query: &TableQuery,
        since: Option<i64>,
        gathering: &mut Gathering,
    ) -> Result<u64, RosterError> {
        let is_whole = since.is_none() || !query.has_watermark();
        let mode = if is_whole { Mode::Bulk } else { Mode::Current };
        gathering.begin(query.entity, mode, &query.name)?;
        let (cursor, sql) = (query.cursor(), query.sql(since));
        database.declare(&query.name, &cursor, &sql).await?;
        let mut line = 0;
        loop {
            if self.request.stop.is_cancelled() {
                return Err(SourceError::Stopped.into());
            }
            if self.teller.is_stopped() {
                return Err(RosterError::Overtaken);
            }
            let rows = database.fetch(&query.name, &cursor).await?;
            if rows.is_empty() {
                return Ok(line);
            }
            for row in &rows {
                line += 1;
                let read = values::read(query, row);
                let (row, is_deleted) = read.map_err(|error| database.error(&query.name, error))?;
                gathering.push(row, is_deleted, line)?;
            }
            self.teller.rows(rows.len() as u64);
        }
    }
}
