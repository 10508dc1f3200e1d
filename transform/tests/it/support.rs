use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, Record};
use futures::TryStreamExt;
use lake::{AppId, Lake, RowFilter};
use runtime::{Clock, Health, Leases, Registry, Root, Shutdown};
use schemas::event::{
    Assessment, Attendance, Clickstream, Data, Event, TYPE_VERSION, Tutoring, Video,
};
use schemas::{Family, StudentKey, Table, Tenant, TenantId, headers, log_key};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use transform::{Config, Error, Reports, Transform};
use uuid::Uuid;

pub const PARTITIONS: u32 = 3;

/// A log, a lake and a registry in a folder of their own.
pub struct Sandbox {
    pub log: Arc<dyn EventLog>,
    pub lake: Lake,
    pub registry: Registry,
    pub config: Config,
    pub folder: TempDir,
}

/// A service that runs; dropped, it dies at once, like a process.
pub struct Running {
    task: JoinHandle<Result<(), Error>>,
    shutdown: Shutdown,
    pub health: Health,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Asks it to stop, and waits for it.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.shutdown.trigger();
        (&mut self.task).await.expect("it does not panic")
    }

    /// Waits until it ends by itself.
    pub async fn ended(mut self) -> Result<(), Error> {
        (&mut self.task).await.expect("it does not panic")
    }
}

impl Sandbox {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = EmbeddedLog::open(EmbeddedConfig {
            partitions: PARTITIONS,
            ..EmbeddedConfig::new(folder.path().join("log"))
        });
        let location = folder.path().join("lake").display().to_string();
        let root = Root::open(&location, HashMap::new()).expect("a root");
        let lake = Lake::new(root.url().clone(), root.store(), HashMap::new());
        let sandbox = Self {
            log: Arc::new(log.await.expect("a log")),
            lake,
            registry: Registry::new(root),
            config: Config {
                interval_ms: 20,
                count_interval_ms: 20,
                ..Config::default()
            },
            folder,
        };
        sandbox.tenant("demo").await;
        sandbox
    }

    /// Forgets what was read of the tenants, as another process.
    pub fn know_nothing(&mut self) {
        let location = self.folder.path().join("lake").display().to_string();
        let root = Root::open(&location, HashMap::new()).expect("a root");
        self.registry = Registry::new(root);
    }

    pub async fn tenant(&self, id: &str) {
        let tenant = Tenant::new(tenant_id(id), id);
        self.registry.create(&tenant).await.expect("creates");
    }

    pub fn start(&self) -> Running {
        self.run(|transform| transform)
    }

    /// The same, taking turns at upkeep with others.
    pub fn start_with(&self, leases: Leases) -> Running {
        self.run(|transform| transform.with_upkeep_leases(leases))
    }

    /// The same, taking turns at refreshing reports with others.
    pub fn start_with_turns(&self, leases: Leases) -> Running {
        self.run(|transform| transform.with_report_leases(leases))
    }

    /// The same, importing rosters that were uploaded.
    pub fn start_with_rosters(&self, leases: Leases) -> Running {
        self.run(|transform| transform.with_roster_leases(leases))
    }

    /// The same, also those that are put into a folder.
    pub fn start_with_folder(&self, leases: Leases, folder: (Root, Leases)) -> Running {
        self.run(|transform| {
            let transform = transform.with_roster_leases(leases);
            transform.with_roster_folder(folder.0, folder.1)
        })
    }

    fn run(&self, with: impl FnOnce(Transform) -> Transform) -> Running {
        let (shutdown, health) = (Shutdown::new(), Health::new());
        let transform = with(Transform::new(
            self.config.clone(),
            Arc::clone(&self.log),
            self.registry.clone(),
            self.lake.clone(),
            Clock::system(),
            &health,
        ));
        Running {
            task: tokio::spawn(transform.run(shutdown.clone())),
            shutdown,
            health,
        }
    }

    /// What refreshes the reports, beside the service.
    pub fn reports(&self) -> Reports {
        let (lake, registry) = (self.lake.clone(), self.registry.clone());
        Reports::new(&self.config, lake, registry, Clock::system()).expect("threads")
    }

    /// The same with nothing remembered, not even the tenants.
    pub fn reports_of_a_new_process(&self) -> Reports {
        let location = self.folder.path().join("lake").display().to_string();
        let root = Root::open(&location, HashMap::new()).expect("a root");
        let registry = Registry::new(root);
        Reports::new(&self.config, self.lake.clone(), registry, Clock::system()).expect("threads")
    }

    pub async fn append(&self, records: Vec<Record>) {
        for appended in self.log.append(records).await {
            appended.expect("appends");
        }
    }

    /// Runs the service until all that is in the log is published, then stops
    /// it in good order.
    pub async fn run_to_the_end(&self) {
        let running = self.start();
        self.wait_for_the_end().await;
        running.stop().await.expect("stops");
    }

    /// Waits until the floors have reached the end of the log.
    pub async fn wait_for_the_end(&self) {
        let reached = async {
            while self.floors().await != self.tails().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let limit = Duration::from_secs(120);
        tokio::time::timeout(limit, reached).await.expect("in time");
    }

    /// Waits until the second reader has come to the end of the log, too.
    pub async fn wait_for_the_counts(&self) {
        let log_id = self.log.id().to_string();
        let counted = async {
            for (partition, tail) in self.tails().await {
                let app = AppId::counts(&log_id, partition);
                let stands = async || {
                    let system = TenantId::system();
                    let table = self.lake.open(&system, Table::LogCounts).await;
                    match table.expect("opens") {
                        Some(mut table) => table.next_position(&app).await.expect("a position"),
                        None => None,
                    }
                };
                while stands().await.unwrap_or(0) < tail {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        let limit = Duration::from_secs(120);
        tokio::time::timeout(limit, counted).await.expect("in time");
    }

    pub async fn floors(&self) -> BTreeMap<u32, u64> {
        let floors = self.lake.floors().await.expect("floors").into_iter();
        floors
            .map(|floor| (floor.partition, floor.position))
            .collect()
    }

    async fn tails(&self) -> BTreeMap<u32, u64> {
        let mut tails = BTreeMap::new();
        for partition in 0..PARTITIONS {
            tails.insert(partition, self.log.tail(partition).await.expect("a tail"));
        }
        tails
    }

    /// Some columns of a table as text, sorted; no rows if there is no table.
    pub async fn rows(&self, tenant: &str, table: Table, columns: &[&str]) -> Vec<Vec<String>> {
        let id = if tenant == "_system" {
            TenantId::system()
        } else {
            tenant_id(tenant)
        };
        let Some(table) = self.lake.open(&id, table).await.expect("opens") else {
            return Vec::new();
        };
        let rows = table.scan(columns, RowFilter::All).await.expect("scans");
        let batches: Vec<RecordBatch> = rows.try_collect().await.expect("reads");
        let mut rows: Vec<Vec<String>> = batches.iter().flat_map(texts).collect();
        rows.sort();
        rows
    }

    /// Every row of every table but `log_counts` by its place in the log.
    pub async fn places(&self, tenants: &[&str]) -> Vec<(String, String)> {
        let mut places = Vec::new();
        for tenant in tenants {
            for table in Table::BASE {
                if table == Table::LogCounts {
                    continue;
                }
                let columns = ["log_partition", "log_position"];
                for row in self.rows(tenant, table, &columns).await {
                    places.push((row[0].clone(), row[1].clone()));
                }
            }
        }
        places.sort();
        places
    }

    /// The ids in the event tables of a tenant, sorted.
    pub async fn stored(&self, tenant: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for family in Family::ALL {
            let rows = self
                .rows(tenant, Table::Events(family), &["event_id"])
                .await;
            ids.extend(rows.into_iter().flatten());
        }
        ids.sort();
        ids
    }

    /// How many records the second reader counted as events.
    pub async fn counted(&self, tenant: &str) -> i64 {
        let id = tenant_id(tenant);
        let table = self.lake.open(&id, Table::LogCounts).await.expect("opens");
        let Some(table) = table else { return 0 };
        let rows = table.scan(&["accepted"], RowFilter::All).await;
        let batches: Vec<RecordBatch> = rows.expect("scans").try_collect().await.expect("reads");
        let sum = |batch: &RecordBatch| -> i64 {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .sum()
        };
        batches.iter().map(sum).sum()
    }
}

fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("∅");
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).expect("formats"))
        .collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|c| c.value(row).to_string()).collect())
        .collect()
}

pub fn tenant_id(id: &str) -> TenantId {
    id.parse().expect("a tenant")
}

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// An event like any other; `number` makes its id and its student.
pub fn event(number: u128, family: Family) -> Event {
    let seconds = i64::try_from(number).expect("small");
    let at = time("2026-09-14T10:00:00Z") + chrono::TimeDelta::seconds(seconds);
    let (event_type, data) = match family {
        Family::Clickstream => (
            "page.viewed",
            Data::Clickstream(Clickstream {
                url: Some(format!("https://lms.example/{number}")),
                count: Some(2),
                ..Clickstream::default()
            }),
        ),
        Family::Video => (
            "video.progressed",
            Data::Video(Video {
                from_seconds: Some(1.0),
                to_seconds: Some(2.5),
                played_segments: Some(vec![schemas::event::Segment(0.0, 2.5)]),
                ..Video::default()
            }),
        ),
        Family::Assessment => (
            "item.answered",
            Data::Assessment(Assessment {
                item_id: Some("q7".to_owned()),
                correct: Some(true),
                score: Some(0.5),
                ..Assessment::default()
            }),
        ),
        Family::Attendance => (
            "attendance.marked",
            Data::Attendance(Attendance {
                status: Some("tardy".to_owned()),
                minutes: Some(37.5),
                ..Attendance::default()
            }),
        ),
        Family::Tutoring => (
            "tutoring.booked",
            Data::Tutoring(Tutoring {
                booking_id: Some(format!("b-{number}")),
                scheduled_at: Some(at),
                ..Tutoring::default()
            }),
        ),
    };
    Event {
        id: Uuid::from_u128(number),
        event_type: event_type.to_owned(),
        dialect: "native".to_owned(),
        time: at,
        sent_at: None,
        received_at: at + chrono::TimeDelta::seconds(1),
        student_key: StudentKey::from_bytes([u8::try_from(number % 11).expect("small"); 16]),
        session: Some("s-1".to_owned()),
        course: Some("bio-101".to_owned()),
        section: Some(format!("bio-101-{}", number % 3)),
        school: None,
        content: Some("bio-101/forum".to_owned()),
        content_version: None,
        app: Some("web-lms".to_owned()),
        platform: None,
        locale: None,
        data,
        extra: schemas::event::Extra::default(),
    }
}

/// The family of an event number, so that all get their share.
pub fn family(number: u128) -> Family {
    Family::ALL[usize::try_from(number % 5).expect("small")]
}

/// The record that ingest appends for an event.
pub fn record(tenant: &str, event: &Event) -> Record {
    let family = event.data.family().as_str();
    raw(
        log_key(&tenant_id(tenant), &event.student_key),
        &[
            (headers::TENANT, tenant),
            (headers::KIND, headers::kind::EVENT),
            (headers::FAMILY, family),
            (headers::TYPE_VERSION, &TYPE_VERSION.to_string()),
            (
                headers::RECEIVED_AT,
                &event.received_at.timestamp_micros().to_string(),
            ),
            (headers::STUDENT_KEY, &event.student_key.to_string()),
        ],
        event.to_json(),
    )
}

/// The record of a sender who asks to look for its event everywhere.
pub fn looking_everywhere(mut record: Record) -> Record {
    let everywhere = (headers::LOOK_UP, headers::look_up::EVERYWHERE.as_bytes());
    let all = record.headers.iter().chain([everywhere]);
    record.headers = all.collect();
    record
}

pub fn raw(key: Vec<u8>, headers: &[(&str, &str)], value: Vec<u8>) -> Record {
    Record {
        key: key.into(),
        headers: headers.iter().copied().collect(),
        value: value.into(),
    }
}

pub fn ids(numbers: impl Iterator<Item = u128>) -> Vec<String> {
    let mut ids: Vec<String> = numbers.map(|n| Uuid::from_u128(n).to_string()).collect();
    ids.sort();
    ids
}
