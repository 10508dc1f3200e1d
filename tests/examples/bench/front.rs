//! The front door beside those of others: the same requests to each, one after the
//! other.

mod bento;
mod ralph;
pub mod server;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::Sandbox;
use eventlog::testing::KafkaBroker;
use eventlog::{EventLog as _, KafkaConfig, KafkaLog};

use crate::lake;
use crate::load::{CONNECTIONS, Door, EVENT_BYTES, EVENTS, Events, Load, Sent};
use crate::report::{Floor, Report, thousands};
use crate::stages::{measured, measured_by};
use crate::statements;
use bento::Bento;
use ralph::Ralph;

/// What a front door took, and what it cost.
struct Run {
    /// Events in a request.
    size: usize,
    sent: Sent,
    /// Seconds by the clock.
    elapsed: f64,
    /// Seconds of its own processor time.
    used: f64,
    /// Seconds of the generator's.
    generator: f64,
    /// Bytes of memory at most.
    memory: u64,
}

impl Run {
    fn per_core(&self) -> f64 {
        self.sent.events as f64 / self.used
    }

    fn whole_machine(&self) -> f64 {
        self.sent.events as f64 / self.elapsed
    }

    fn report(&self, who: &str, how: &str, report: &mut Report) {
        report.add(
            &format!("{who}: per core"),
            format!("{} events/s", thousands(self.per_core())),
            self.per_core(),
            Floor::None,
            format!("{:.2} µs of processor time an event", 1e6 / self.per_core()),
        );
        report.add(
            &format!("{who}: whole machine"),
            format!("{} events/s", thousands(self.whole_machine())),
            self.whole_machine(),
            Floor::None,
            format!(
                "{how}; {:.2} cores, generator {:.2}",
                self.used / self.elapsed,
                self.generator / self.elapsed
            ),
        );
        report.add(
            &format!("{who}: answer time"),
            self.sent.latencies.summary(),
            self.sent.latencies.p99().as_secs_f64(),
            Floor::None,
            format!("{CONNECTIONS} connections, {} a request", self.size),
        );
        report.add(
            &format!("{who}: peak memory"),
            format!("{} MiB", self.memory >> 20),
            (self.memory >> 20) as f64,
            Floor::None,
            "at that load".to_owned(),
        );
    }

    /// By how much it does better than a peer.
    fn compare(&self, with: &Self, what: &str, report: &mut Report) {
        let times = self.per_core() / with.per_core();
        report.add(
            &format!("{what}, per core"),
            format!("{times:.1} ×"),
            times,
            Floor::None,
            format!(
                "whole machine {:.1} ×, p99 {:.1} ×, memory {:.1} ×",
                self.whole_machine() / with.whole_machine(),
                with.sent.latencies.p99().as_secs_f64() / self.sent.latencies.p99().as_secs_f64(),
                with.memory as f64 / self.memory as f64
            ),
        );
    }
}

/// Statements to Chalkline and to Ralph, many a request and one, clicks to Chalkline and
/// to Bento, each for `seconds`.
pub async fn measure(seconds: u64, report: &mut Report) {
    for size in [EVENTS, 1] {
        let (ours, load) = chalkline(seconds, Events::Statements, size).await;
        let bytes = statements::mean_bytes(size);
        let how = format!("statements of {bytes} bytes; each checked, translated and in Kafka");
        let what = format!("xAPI, {size} a request");
        ours.report(&format!("{what}, Chalkline"), &how, report);
        let theirs = ralph(&load).await;
        let how =
            "each checked, looked for and in its database, whose processor time is not counted";
        theirs.report(&format!("{what}, Ralph"), how, report);
        ours.compare(&theirs, &format!("{what}, Chalkline to Ralph"), report);
    }

    let (ours, load) = chalkline(seconds, Events::Clicks, EVENTS).await;
    let how = format!("clicks of {EVENT_BYTES} bytes; each checked and in Kafka");
    ours.report("clicks, Chalkline", &how, report);
    let theirs = bento(&load).await;
    let how = "unchecked, split and in Kafka";
    theirs.report("clicks, Bento", how, report);
    ours.compare(&theirs, "clicks, Chalkline to Bento", report);
}

/// Our own front door before Kafka, and the load that it had.
async fn chalkline(seconds: u64, events: Events, size: usize) -> (Run, Load) {
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::roles(&kafka.address(), &["ingest"]).await;
    let mut load = Load {
        events,
        size,
        ..Load::of(&sandbox, seconds, 1)
    };
    if events == Events::Statements {
        load.door = Door::STATEMENTS;
        load.keys = vec![STANDARD.encode(format!("{}:", sandbox.tenant.key))];
    }
    let warm = warm_up(&load, CONNECTIONS).await;
    let ingest = sandbox.process("ingest");
    let (sent, elapsed, used, generator) = measured(&load, ingest).await;
    let memory = ingest.peak_memory();
    sandbox.terminate(Duration::from_secs(60)).await;
    // Besides them it counts what it took.
    assert!(lake::records(&kafka).await >= warm.events + sent.events);
    let run = Run {
        size,
        sent,
        elapsed,
        used,
        generator,
        memory,
    };
    (run, load)
}

/// The same load on Ralph, a process for each core.
async fn ralph(load: &Load) -> Run {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let ralph = Ralph::start(workers).await;
    let load = Load {
        host: ralph.host.clone(),
        door: Ralph::DOOR,
        keys: vec![Ralph::key()],
        ..load.clone()
    };
    // Each process works a password out once for every request that comes before it
    // knows it, for a quarter of a second: that is not what is measured.
    let mut warm = Sent::default();
    for connections in [1, 4, 16, CONNECTIONS] {
        warm += warm_up(&load, connections).await;
    }
    let run = peer(&load, &ralph.server).await;
    assert_eq!(ralph.statements(), warm.events + run.sent.events);
    run
}

/// The same load on Bento, before a Kafka of its own with the same topic.
async fn bento(load: &Load) -> Run {
    let kafka = KafkaBroker::start().await;
    let config = KafkaConfig {
        brokers: kafka.address(),
        ..KafkaConfig::default()
    };
    // Opened the first time it is made.
    let log = KafkaLog::open(config).await.expect("the broker runs");
    log.close().await;
    let bento = Bento::start(&kafka.address()).await;
    let load = Load {
        host: bento.host.clone(),
        door: Bento::DOOR,
        ..load.clone()
    };
    let warm = warm_up(&load, CONNECTIONS).await;
    let run = peer(&load, &bento.server).await;
    assert_eq!(lake::records(&kafka).await, warm.events + run.sent.events);
    run
}

/// As much of the load as makes everything ready for it, over so many connections.
async fn warm_up(load: &Load, connections: u64) -> Sent {
    let load = Load {
        connections,
        duration: Duration::from_secs(3),
        // Other ids than those of the load, and than of another such.
        series: 2 + connections as u16,
        ..load.clone()
    };
    load.run().await
}

/// The load on a peer that is ready for it.
async fn peer(load: &Load, server: &server::Server) -> Run {
    let (sent, elapsed, used, generator) = measured_by(load, || server.cpu_seconds()).await;
    Run {
        size: load.size,
        sent,
        elapsed,
        used,
        generator,
        memory: server.peak_memory(),
    }
}
