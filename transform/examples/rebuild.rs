//! How long a start takes to know the ids of a lake again, and in how much
//! processor time:
//!
//! ```text
//! cargo run --release -p transform --example rebuild -- [IDS [FILES]]
//! ```
//!
//! The rows are those of another log, in files as upkeep leaves them; a log
//! without records has the eight partitions that ids are shared among.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::datatypes::{DataType, Field};
use chrono::{TimeDelta, Utc};
use eventlog::{EmbeddedConfig, EmbeddedLog};
use lake::{Lake, Rows, file_columns};
use runtime::{Clock, Health, Registry, Root, Shutdown};
use schemas::{Family, Table, Tenant, TenantId, Term};
use transform::{Config, Transform};
use uuid::Uuid;

const VIDEO: Table = Table::Events(Family::Video);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>());
    let ids = args.next().transpose()?.unwrap_or(1_000_000);
    let files = args.next().transpose()?.unwrap_or(5).max(1);

    let folder = tempfile::tempdir()?;
    let location = folder.path().join("lake").display().to_string();
    let root = Root::open(&location, HashMap::new())?;
    let lake = Lake::new(root.url().clone(), root.store(), HashMap::new());
    let registry = Registry::new(root);
    let demo: TenantId = "demo".parse()?;
    registry.create(&Tenant::new(demo.clone(), "Demo")).await?;
    let mut table = lake.open_or_create(&demo, VIDEO).await?;
    for file in 0..files {
        let range = file * ids / files..(file + 1) * ids / files;
        let rows = Rows {
            term: Some("2026-27".parse::<Term>()?),
            batches: vec![rows(range, ids)?],
        };
        table.publish(vec![rows], &[]).await?;
    }
    println!("{ids} ids in {files} files of {} bytes", table.bytes());

    let log = EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log"))).await?;
    let mut config = Config::default();
    config.maintenance.enabled = false;
    let (shutdown, health) = (Shutdown::new(), Health::new());
    let clock = Clock::system();
    let transform = Transform::new(config, Arc::new(log), registry, lake, clock, &health);
    let (begun, used) = (Instant::now(), processor_time()?);
    let running = tokio::spawn(transform.run(shutdown.clone()));
    while !health.is_ready() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let used = (processor_time()? - used).as_secs_f64();
    println!("ready after {seconds:.2} s, {used:.2} s of processor time");
    println!("{:.2} s for each million", used * 1e6 / ids as f64);
    shutdown.trigger();
    running.await??;
    Ok(())
}

/// Processor time of this process; the kernel counts in hundredths of a second.
fn processor_time() -> std::io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Events of the last six days, with random ids.
fn rows(
    numbers: std::ops::Range<usize>,
    all: usize,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let count = numbers.len();
    let first = Utc::now() - TimeDelta::days(6);
    let step = TimeDelta::days(6).num_microseconds().unwrap_or(0) / all.max(1) as i64;
    let at = |number: usize| first.timestamp_micros() + step * number as i64;
    let column = |field: &Field| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            ("event_id", _) => Arc::new(StringArray::from_iter_values(
                numbers.clone().map(|_| Uuid::new_v4().to_string()),
            )),
            ("student_key", _) => Arc::new(StringArray::from_iter_values(
                numbers.clone().map(|n| format!("{:032x}", n % 10_000)),
            )),
            ("log_position", _) => Arc::new(Int64Array::from_iter_values(
                numbers.clone().map(|n| n as i64),
            )),
            (_, DataType::Timestamp(..)) => Arc::new(
                TimestampMicrosecondArray::from_iter_values(numbers.clone().map(at))
                    .with_timezone("UTC"),
            ),
            (_, other) if field.is_nullable() => new_null_array(other, count),
            (_, DataType::Int32) => Arc::new(Int32Array::from(vec![0; count])),
            _ => Arc::new(StringArray::from(vec!["x"; count])),
        }
    };
    let columns = file_columns(VIDEO);
    let arrays = columns.fields().iter().map(|field| column(field)).collect();
    RecordBatch::try_new(columns, arrays)
}
