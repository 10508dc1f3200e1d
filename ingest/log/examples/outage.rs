//! Appends under full load while a broker is killed and comes back, and says how
//! many records were answered, how soon, and what memory that took.
//!
//! ```sh
//! cargo run --release -p eventlog --example outage -- 300
//! ```
//!
//! Optional arguments: seconds without a broker (60), records per append (20),
//! concurrent appends (64), records a second at most (no limit).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eventlog::testing::KafkaBroker;
use eventlog::{EventLog, Headers, KafkaConfig, KafkaLog, Record, SpoolConfig, Spooled};

/// As in the product.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Default)]
struct Seen {
    stored: AtomicU64,
    spooled: AtomicU64,
    refused: AtomicU64,
    waited: Mutex<Vec<Duration>>,
    stop: AtomicBool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default: usize| args.get(n).map_or(Ok(default), |a| a.parse());
    let (away, batch, concurrency) = (number(0, 60)?, number(1, 20)?, number(2, 64)?);
    let rate = number(3, usize::MAX)?;
    let mut broker = KafkaBroker::start().await;
    let folder = tempfile::tempdir()?;
    let kafka = KafkaConfig {
        brokers: broker.address(),
        ..KafkaConfig::default()
    };
    let spool = SpoolConfig {
        dir: Some(folder.path().to_owned()),
        max_bytes: 16 << 30,
        ..SpoolConfig::default()
    };
    let limit = kafka.max_record_bytes;
    let log = Spooled::open(&spool, limit, move || KafkaLog::open(kafka.clone())).await?;
    let log = Arc::new(log);

    let seen = Arc::new(Seen::default());
    let pause = Duration::from_secs(1).mul_f64((batch * concurrency) as f64 / rate as f64);
    let senders: Vec<_> = (0..concurrency)
        .map(|sender| {
            tokio::spawn(send(
                Arc::clone(&log),
                Arc::clone(&seen),
                sender,
                batch,
                pause,
            ))
        })
        .collect();
    report("Kafka is there", &seen, 10).await;
    broker.kill();
    for part in 0..away.div_ceil(10) {
        report(&format!("away for {} s", part * 10), &seen, 10).await;
    }
    let broker = broker.restart().await;
    for _ in 0..3 {
        report("it is back", &seen, 10).await;
    }
    seen.stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await?;
    }
    let began = Instant::now();
    let size = |folder: &std::path::Path| {
        let du = std::process::Command::new("du")
            .arg("-sm")
            .arg(folder)
            .output();
        du.map(|du| String::from_utf8_lossy(&du.stdout).into_owned())
    };
    println!("spool: {}", size(folder.path())?.trim());
    // Emptied when closing it leaves no entry.
    let spooled = seen.spooled.load(Ordering::Relaxed);
    let mut tail = 0;
    while tail < seen.stored.load(Ordering::Relaxed) + spooled {
        tail = 0;
        for partition in 0..log.partitions() {
            tail += log.tail(partition).await?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("the rest drained in {:.1} s", began.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!("spool: {}", size(folder.path())?.trim());
    log.close().await;
    drop(broker);
    Ok(())
}

async fn send(
    log: Arc<Spooled<KafkaLog>>,
    seen: Arc<Seen>,
    sender: usize,
    batch: usize,
    pause: Duration,
) {
    for call in 0.. {
        if seen.stop.load(Ordering::Relaxed) {
            return;
        }
        let records = (0..batch).map(|n| record(sender, call, n)).collect();
        let began = Instant::now();
        let answers = log.append(records).await;
        seen.waited
            .lock()
            .expect("not poisoned")
            .push(began.elapsed());
        for answer in answers {
            let count = match answer {
                Ok(receipt) if receipt.is_spooled() => &seen.spooled,
                Ok(_) => &seen.stored,
                Err(_) => &seen.refused,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(pause.saturating_sub(began.elapsed())).await;
    }
}

async fn report(what: &str, seen: &Seen, seconds: u64) {
    let counts = || {
        let counts = [&seen.stored, &seen.spooled, &seen.refused];
        counts.map(|count| count.load(Ordering::Relaxed))
    };
    let before = counts();
    seen.waited.lock().expect("not poisoned").clear();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let after = counts();
    let mut waited = std::mem::take(&mut *seen.waited.lock().expect("not poisoned"));
    waited.sort();
    let at = |part: f64| {
        let place = (waited.len() as f64 * part) as usize;
        waited
            .get(place)
            .map_or(0.0, |waited| waited.as_secs_f64() * 1e3)
    };
    let [stored, spooled, refused] = [0, 1, 2].map(|n| (after[n] - before[n]) / seconds);
    println!(
        "{what}: {stored} stored/s, {spooled} spooled/s, {refused} refused/s; answers p50 {:.1} ms, \
         p99 {:.1} ms, longest {:.0} ms; {} MiB of memory",
        at(0.5),
        at(0.99),
        at(1.0 - f64::EPSILON),
        memory_mib(),
    );
}

fn record(sender: usize, call: usize, n: usize) -> Record {
    let student = (sender * 7919 + call * 31 + n) % 5000;
    let mut noise = ((sender * 1_000_003 + call) * 1_000_003 + n) as u64 | 1;
    let mut value = format!(r#"{{"id":"{noise:032x}","type":"video.progressed","extra":""#);
    while value.len() < 800 {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let words = [
            "course ", "section ", "chapter ", "video ", "quiz ", "note ", "a", "7",
        ];
        value.push_str(words[(noise >> 61) as usize]);
    }
    value.push_str("\"}");
    Record {
        key: format!("demo/{student:032x}").into(),
        headers: Headers::from_iter([("tenant", "demo"), ("family", "video")]),
        value: value.into(),
    }
}

/// What this process holds (`VmRSS`), in MiB.
fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
