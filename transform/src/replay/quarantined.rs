//! The records of the quarantine that are to be tried once more.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use bytes::Bytes;
use eventlog::{Entry, Headers, Position, Record};
use futures::TryStreamExt;
use lake::{LakeTable, RowFilter};
use schemas::{Table, TenantId};
use tokio::time::sleep;
use uuid::Uuid;

use super::run::{Kind, Run};
use super::{Again, Cause, Origin, Quarantined, ReplayError, Step};
use crate::decode::{Content, Decoded, family, is_beside, received_at, tenant};
use crate::quarantine::parse_headers;

/// Records that are looked at together, or as many as are entered in a second.
const RECORDS: u32 = 1_000;
const BYTES: usize = 4 << 20;

/// How long every service takes to know of a tenant that was made.
const KNOWN: Duration = Duration::from_secs(6);

const COLUMNS: [&str; 7] = [
    "stage",
    "reason",
    "attempt",
    "headers",
    "log_id",
    "log_partition",
    "log_position",
];

/// A row of a quarantine.
struct Row {
    stage: String,
    reason: String,
    attempt: u32,
    headers: Headers,
    origin: Origin,
}

/// What all quarantines say together.
#[derive(Default)]
struct Survey {
    /// How often each record was tried that was tried again.
    attempts: HashMap<Origin, u32>,
    /// Rows that are meant.
    rows: u64,
    /// Whether some of them were nobody's, and are somebody's by now.
    has_new_tenants: bool,
}

impl Run<'_> {
    /// Enters the records of the quarantine that are meant and whose events are not
    /// stored by now, each as it was the last time.
    pub async fn quarantined(&mut self, of: &Quarantined) -> Result<(), ReplayError> {
        let tenants: BTreeSet<TenantId> =
            self.replay.registry.tenants().await?.into_iter().collect();
        let mut homes: Vec<TenantId> = match &self.request.tenant {
            Some(tenant) => vec![tenant.clone()],
            None => tenants.iter().cloned().collect(),
        };
        homes.push(TenantId::system());
        let mut tables = Vec::new();
        let mut survey = Survey::default();
        for home in &homes {
            let opened = self.replay.lake.open(home, Table::Quarantine).await?;
            let Some(table) = opened else { continue };
            self.survey(home, &table, of, &tenants, &mut survey).await?;
            tables.push(table);
        }
        if survey.has_new_tenants && !self.request.dry_run {
            let wait = "until every service knows the new tenants";
            self.tell(Step::Waits(wait.to_owned())).await;
            sleep(KNOWN).await;
        }
        let what = "quarantine".to_owned();
        let total = survey.rows;
        self.tell(Step::Begins { what, total }).await;
        for table in &tables {
            self.enter_rows(table, of, &tenants, &survey).await?;
        }
        self.tell(Step::Ends).await;
        Ok(())
    }

    /// Looks through one quarantine.
    async fn survey(
        &self,
        home: &TenantId,
        table: &LakeTable,
        of: &Quarantined,
        tenants: &BTreeSet<TenantId>,
        survey: &mut Survey,
    ) -> Result<(), ReplayError> {
        let mut rows = table.scan(&COLUMNS, RowFilter::All).await?;
        while let Some(rows) = rows.try_next().await? {
            for row in (0..rows.num_rows()).map(|row| Row::read(&rows, row)) {
                if row.attempt > 1 {
                    let attempts = survey.attempts.entry(row.origin.clone()).or_default();
                    *attempts = row.attempt.max(*attempts);
                }
                if self.is_meant(&row, of) {
                    survey.rows += 1;
                    survey.has_new_tenants |=
                        *home == TenantId::system() && tenants.contains(&row.tenant());
                }
            }
        }
        Ok(())
    }

    async fn enter_rows(
        &mut self,
        table: &LakeTable,
        of: &Quarantined,
        tenants: &BTreeSet<TenantId>,
        survey: &Survey,
    ) -> Result<(), ReplayError> {
        let columns = [&COLUMNS[..], &["original"]].concat();
        let mut rows = table.scan(&columns, RowFilter::All).await?;
        while let Some(rows) = rows.try_next().await? {
            let originals = rows.column(COLUMNS.len()).as_binary::<i32>();
            let (mut chunk, mut bytes, mut examined) = (Vec::new(), 0, 0);
            let most = self.request.rate.clamp(1, RECORDS) as usize;
            for number in 0..rows.num_rows() {
                let row = Row::read(&rows, number);
                if !self.is_meant(&row, of) {
                    continue;
                }
                examined += 1;
                // The last try alone says what is wrong now.
                let attempts = survey.attempts.get(&row.origin).copied().unwrap_or(1);
                if row.attempt >= attempts {
                    let original = Bytes::copy_from_slice(originals.value(number));
                    bytes += original.len();
                    chunk.push((row, original));
                }
                if chunk.len() >= most || bytes >= BYTES {
                    self.enter_chunk(std::mem::take(&mut chunk), tenants)
                        .await?;
                    self.advance(std::mem::take(&mut examined)).await;
                    bytes = 0;
                }
            }
            self.enter_chunk(chunk, tenants).await?;
            self.advance(examined).await;
        }
        Ok(())
    }

    async fn advance(&mut self, by: u64) {
        self.summary.examined += by;
        self.tell(Step::Advances(by)).await;
    }

    /// Enters those whose events are not stored.
    async fn enter_chunk(
        &mut self,
        chunk: Vec<(Row, Bytes)>,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<(), ReplayError> {
        let events: Vec<Option<Uuid>> = chunk
            .iter()
            .map(|(row, original)| row.event_id(original))
            .collect();
        let mut ids: HashMap<TenantId, HashSet<Uuid>> = HashMap::new();
        for ((row, _), id) in chunk.iter().zip(&events) {
            let named = row.tenant();
            if let Some(id) = id
                && tenants.contains(&named)
            {
                ids.entry(named).or_default().insert(*id);
            }
        }
        let mut stored = HashMap::new();
        for (named, ids) in ids {
            let found = self.stored.among(&named, ids).await?;
            stored.insert(named, found);
        }
        let mut records = Vec::new();
        for ((row, original), id) in chunk.into_iter().zip(events) {
            let named = row.tenant();
            let is_stored = |id| {
                stored
                    .get(&named)
                    .is_some_and(|stored| stored.contains(&id))
            };
            if id.is_some_and(is_stored) {
                self.summary.stored_before += 1;
                continue;
            }
            let again = Again {
                cause: Cause::Quarantined,
                origin: row.origin,
                attempt: row.attempt + 1,
            };
            records.push(again.record(&row.headers, original));
            self.found(Kind {
                tenant: named,
                family: family(&row.headers),
                stage: Some(row.stage),
                reason: Some(row.reason),
                attempts: Some(row.attempt),
            });
        }
        self.enter(records).await
    }

    fn is_meant(&self, row: &Row, of: &Quarantined) -> bool {
        let whose = self.request.tenant.as_ref();
        // A tally that cannot be read is no event: there is nobody to miss it.
        !is_beside(&row.headers)
            && whose.is_none_or(|tenant| *tenant == row.tenant())
            && of.stage.as_ref().is_none_or(|stage| *stage == row.stage)
            && of
                .reason
                .as_ref()
                .is_none_or(|part| row.reason.contains(part))
            && of.received.holds(received_at(&row.headers))
    }
}

impl Row {
    fn read(rows: &RecordBatch, row: usize) -> Self {
        let text = |column: usize| {
            let column = rows.column(column).as_string::<i32>();
            match column.is_null(row) {
                true => "",
                false => column.value(row),
            }
        };
        let headers = parse_headers(text(3));
        let attempt = rows.column(2).as_primitive::<Int32Type>().value(row);
        let partition = rows.column(5).as_primitive::<Int32Type>().value(row);
        let position = rows.column(6).as_primitive::<Int64Type>().value(row);
        let here = || Origin {
            log_id: text(4).to_owned(),
            partition: partition.unsigned_abs(),
            position: position.unsigned_abs(),
        };
        Self {
            stage: text(0).to_owned(),
            reason: text(1).to_owned(),
            attempt: attempt.unsigned_abs(),
            origin: Again::of(&headers).map_or_else(here, |again| again.origin),
            headers,
        }
    }

    /// Whose it says it is.
    fn tenant(&self) -> TenantId {
        tenant(&self.headers).unwrap_or_else(TenantId::system)
    }

    /// The id of the event that it is, if it can be read by now.
    fn event_id(&self, original: &Bytes) -> Option<Uuid> {
        let decoded = Decoded::new(Entry {
            position: Position {
                partition: self.origin.partition,
                offset: self.origin.position,
            },
            record: Record {
                key: Bytes::new(),
                headers: self.headers.clone(),
                value: original.clone(),
            },
        });
        match decoded.content {
            Ok(Content::Event(event, _)) => Some(event.id),
            _ => None,
        }
    }
}
