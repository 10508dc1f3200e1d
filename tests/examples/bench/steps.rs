//! Where an event's processor time goes in the front door.

use std::time::Duration;

use e2e::Sandbox;
use eventlog::testing::KafkaBroker;

use crate::load::Load;
use crate::metrics;
use crate::report::{Floor, Report};
use crate::stages::measured;

/// Steps that only compute: how long they take is what they cost, where nothing else
/// runs.
const COMPUTING: [&str; 4] = ["authenticate", "decode", "judge", "answer"];

/// The threads of Kafka's client.
const CLIENT: [&str; 3] = ["rdk:broker1", "rdk:main", "producer pollin"];

/// Microseconds an event by step: the steps that compute over one connection, by their
/// own clock; all others by the processor time of threads under full load.
pub async fn measure(seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::roles(&kafka.address(), &["ingest"]).await;
    Load::of(&sandbox, 3, 0).run().await;

    let before = computing(&sandbox).await;
    let alone = Load {
        connections: 1,
        ..Load::of(&sandbox, seconds, 1)
    };
    let events = alone.run().await.events as f64;
    let after = computing(&sandbox).await;
    let mut computed = 0.0;
    for ((step, before), after) in COMPUTING.iter().zip(before).zip(after) {
        let micros = (after - before) / events * 1e6;
        computed += micros;
        add(report, step, micros, "one connection, 20 events a request");
    }

    let ingest = sandbox.process("ingest");
    let of = |threads: &[&str]| -> f64 {
        let threads = threads.iter();
        threads.map(|thread| ingest.cpu_seconds_of(thread)).sum()
    };
    let (workers, client) = (of(&["tokio-rt-worker"]), of(&CLIENT));
    let (sent, _, cpu, _) = measured(&Load::of(&sandbox, seconds, 2), ingest).await;
    let events = sent.events as f64;
    let micros = |seconds: f64| seconds / events * 1e6;
    let workers = micros(of(&["tokio-rt-worker"]) - workers);
    let how = "64 connections; workers' time less the steps above";
    add(
        report,
        "connections, HTTP, handing over to Kafka's client",
        workers - computed,
        how,
    );
    let client = micros(of(&CLIENT) - client);
    add(
        report,
        "Kafka's client: batches, zstd, network",
        client,
        "64 connections",
    );
    add(report, "all", micros(cpu), "64 connections");
    sandbox.terminate(Duration::from_secs(60)).await;
}

fn add(report: &mut Report, step: &str, micros: f64, how: &str) {
    report.add(
        &format!("front door, an event: {step}"),
        format!("{micros:.2} µs"),
        micros,
        Floor::None,
        how.to_owned(),
    );
}

/// The seconds that each of the computing steps has taken so far.
async fn computing(sandbox: &Sandbox) -> Vec<f64> {
    let url = sandbox.address().ingest;
    let mut seconds = Vec::new();
    for step in COMPUTING {
        let series = format!("chalkline_ingest_step_seconds_sum{{step=\"{step}\"}}");
        seconds.push(metrics::read(&url, &series).await.iter().sum());
    }
    seconds
}
