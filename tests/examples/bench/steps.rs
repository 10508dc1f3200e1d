//! Where an event's processor time goes in the front door.

use std::time::Duration;

use e2e::Sandbox;
use eventlog::testing::KafkaBroker;

use crate::load::Load;
use crate::metrics;
use crate::report::{Floor, Report};
use crate::stages::measured;

/// Steps that only compute, and what they do.
const COMPUTING: [(&str, &str); 3] = [
    ("decode", "cut the events out of the body"),
    ("judge", "translate, validate, hash, hide, write"),
    ("answer", "write the answer"),
];

/// The threads of Kafka's client.
const CLIENT: [&str; 3] = ["rdk:broker1", "rdk:main", "producer pollin"];

/// Microseconds of processor time an event by step, under full load.
pub async fn measure(seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::roles(&kafka.address(), &["ingest"]).await;
    Load::of(&sandbox, 3, 0).run().await;

    let load = Load::of(&sandbox, seconds, 1);
    let ingest = sandbox.process("ingest");
    let of = |threads: &[&str]| -> f64 {
        let threads = threads.iter();
        threads.map(|thread| ingest.cpu_seconds_of(thread)).sum()
    };
    let before = (of(&["tokio-rt-worker"]), of(&CLIENT));
    let (sent, _, cpu, _) = measured(&load, ingest).await;
    let events = sent.events as f64;
    let micros = |seconds: f64| seconds / events * 1e6;
    let workers = micros(of(&["tokio-rt-worker"]) - before.0);
    let client = micros(of(&CLIENT) - before.1);

    let mut computed = 0.0;
    for (step, what) in COMPUTING {
        let micros = seconds_of(&sandbox, step).await / load.size as f64 * 1e6;
        computed += micros;
        add(report, step, micros, what);
    }
    let what = "connections, HTTP, authenticate, hand over to Kafka's client: what is left of the \
                workers' time";
    add(report, "receive and append", workers - computed, what);
    let what = "batches, zstd, network, acknowledgements";
    add(report, "Kafka's client", client, what);
    add(report, "all", micros(cpu), "64 connections, 20 a request");
    sandbox.terminate(Duration::from_secs(60)).await;
}

fn add(report: &mut Report, step: &str, micros: f64, what: &str) {
    report.add(
        &format!("front door, an event's processor time: {step}"),
        format!("{micros:.2} µs"),
        micros,
        Floor::None,
        what.to_owned(),
    );
}

/// The seconds that this step takes of a processor, on the average of the requests that
/// were asked.
async fn seconds_of(sandbox: &Sandbox, step: &str) -> f64 {
    let url = sandbox.address().ingest;
    let read = async |of: &str| -> f64 {
        let series = format!("chalkline_ingest_step_cpu_seconds_{of}{{step=\"{step}\"}}");
        metrics::read(&url, &series).await.iter().sum()
    };
    read("sum").await / read("count").await
}
