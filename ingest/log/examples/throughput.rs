//! Appends records of 800 bytes (and 150 of key and headers) and reads them back, and says what it cost.
//!
//! ```sh
//! cargo run --release -p eventlog --example throughput -- embedded FOLDER
//! cargo run --release -p eventlog --example throughput -- kafka 127.0.0.1:9092
//! ```
//!
//! Optional third to fifth arguments: records (500000), records per append (20),
//! concurrent appends (64).

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, KafkaConfig, KafkaLog, Record};

/// As in the product.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default: usize| args.get(n).map_or(Ok(default), |a| a.parse());
    let (records, batch, concurrency) = (number(2, 500_000)?, number(3, 20)?, number(4, 64)?);
    let target = args.get(1).ok_or("a folder or an address is missing")?;
    let log: Arc<dyn EventLog> = match args[0].as_str() {
        "embedded" => Arc::new(EmbeddedLog::open(EmbeddedConfig::new(target)).await?),
        "kafka" => {
            let topic = format!("throughput-{}", std::process::id());
            Arc::new(
                KafkaLog::open(KafkaConfig {
                    brokers: target.clone(),
                    topic,
                    ..KafkaConfig::default()
                })
                .await?,
            )
        }
        other => return Err(format!("embedded or kafka, not {other}").into()),
    };

    // What the records themselves cost, to be subtracted.
    let meter = Meter::start();
    let made = (0..records)
        .map(|n| record(n % 64, n / batch, n % batch))
        .filter(|r| !r.value.is_empty())
        .count();
    meter.report("make", made);

    let mut tails = Vec::new();
    for partition in 0..log.partitions() {
        tails.push(log.tail(partition).await?);
    }
    let meter = Meter::start();
    let writers = (0..concurrency).map(|writer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut stored = 0;
            for call in 0..records / batch / concurrency {
                let records = (0..batch).map(|n| record(writer, call, n)).collect();
                stored += log
                    .append(records)
                    .await
                    .iter()
                    .filter(|a| a.is_ok())
                    .count();
            }
            stored
        })
    });
    let mut stored = 0;
    for writer in futures::future::join_all(writers).await {
        stored += writer?;
    }
    meter.report("append", stored);

    let meter = Meter::start();
    let mut read = 0;
    for (partition, from) in tails.into_iter().enumerate() {
        let tail = log.tail(partition as u32).await?;
        let mut reader = log.read(partition as u32, from).await?;
        let mut next = from;
        while next < tail {
            let entries = reader.next(4 << 20, Duration::from_secs(10)).await?;
            next = entries.last().map_or(next, |e| e.position.offset + 1);
            read += entries.len();
        }
    }
    meter.report("read", read);
    log.close().await;
    Ok(())
}

fn record(writer: usize, call: usize, n: usize) -> Record {
    let student = (writer * 7919 + call * 31 + n) % 5000;
    let mut value = format!(
        r#"{{"id":"0197c3b2-{writer:04x}-7{n:03x}-8000-{call:012x}","type":"video.progressed","time":"2026-09-14T10:00:00.123Z","course":"bio-101","data":{{"from":61.0,"to":76.0}},"extra":""#
    );
    let mut noise = (call * 1_000_003 + n) as u64 | 1;
    while value.len() < 800 {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        value.push_str(
            [
                "course ", "section ", "chapter ", "video ", "quiz ", "note ", "a", "7",
            ][(noise >> 61) as usize],
        );
    }
    value.push_str("\"}");
    let headers = [
        ("tenant", "demo".to_owned()),
        ("family", "video".to_owned()),
        ("type_version", "1".to_owned()),
        ("received_at", "2026-09-14T10:00:00.456789Z".to_owned()),
        ("student_key", format!("{student:032x}")),
    ];
    Record {
        key: format!("demo/{student:032x}").into(),
        headers: headers.into_iter().collect(),
        value: value.into(),
    }
}

/// Wall and processor time of this process.
struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    fn report(&self, what: &str, records: usize) {
        let (wall, cpu) = (
            self.wall.elapsed().as_secs_f64(),
            (cpu_time() - self.cpu).as_secs_f64(),
        );
        println!(
            "{what}: {records} records, {:.0} records/s, {:.2} us CPU a record",
            records as f64 / wall,
            cpu * 1e6 / records as f64
        );
    }
}

/// User and system time, in Linux' hundredths of a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let after_name = stat.rsplit(')').next().expect("a name in parentheses");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u64 = fields[11..13]
        .iter()
        .map(|f| f.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 10)
}
