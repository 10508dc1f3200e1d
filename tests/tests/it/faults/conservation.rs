//! Chance draws what befalls the broker, the spool, the connections and the processes,
//! one thing after the other under load. The ids are issued and remembered here: each
//! that was answered `accepted` is in its table exactly once, and nobody but chance
//! restarts anything.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use e2e::{Load, Sandbox, Trial, eventually, ids};
use eventlog::testing::KafkaBroker;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng as _, SeedableRng as _};

use super::disk::limit_files;
use crate::kill::CONNECTIONS;

/// Longer than an append waits for Kafka before it spools.
const AWAY: std::ops::Range<u64> = 3_000..7_000;

/// With more ids than so many everything happens again.
const IDS_OF_A_ROUND: u64 = 300_000;

/// Records in the spool.
const WAITING: &str = "chalkline_spool_records";

#[derive(Debug, Clone, Copy)]
enum Fault {
    BrokerStopped,
    BrokerKilled,
    BrokerKilledAndIngestToo,
    ConnectionsReset,
    SpoolsDiskFull,
    IngestKilled,
    TransformKilled,
}

/// Each once, in an order that the seed draws; with many ids several times so.
fn schedule(random: &mut StdRng) -> Vec<Fault> {
    use Fault::{
        BrokerKilled, BrokerKilledAndIngestToo, BrokerStopped, ConnectionsReset, IngestKilled,
        SpoolsDiskFull, TransformKilled,
    };
    let all = [
        BrokerStopped,
        BrokerKilled,
        BrokerKilledAndIngestToo,
        ConnectionsReset,
        SpoolsDiskFull,
        IngestKilled,
        TransformKilled,
    ];
    let rounds = ids().div_ceil(IDS_OF_A_ROUND);
    let round = |_| {
        let mut faults = all;
        faults.shuffle(random);
        faults
    };
    (0..rounds).flat_map(round).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_is_stored_once_whatever_happens() {
    let trial = Trial::begin(
        "broker stopped and killed, connections reset, spool's disk full, processes killed, by chance",
        "Kafka and spool, folder",
    );
    let seed = std::env::var("CHALKLINE_SEED").map_or_else(
        |_| rand::rng().random(),
        |text| text.parse().expect("CHALKLINE_SEED is a number"),
    );
    // Shown when the test fails.
    println!("CHALKLINE_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut broker = KafkaBroker::start().await;
    let spool = tempfile::tempdir().expect("a folder");
    let spool = spool.path().join("spool").display().to_string();
    let settings = [
        ("CHALKLINE_KAFKA_PARTITIONS", "4"),
        ("CHALKLINE_SPOOL_DIR", spool.as_str()),
        ("CHALKLINE_SPOOL_PATIENCE_MS", "500"),
    ];
    let roles = ["ingest", "transform", "query"];
    let mut sandbox = Sandbox::roles_with(&broker.address(), &roles, &settings).await;
    let faults = schedule(&mut random);
    let count = faults.len() as u64;
    // None of them shall find that all is sent.
    let lasting = Duration::from_millis(AWAY.end) * (faults.len() as u32 + 1);
    let load = Load::start_lasting(&sandbox, 0..ids(), CONNECTIONS, lasting);

    let mut spooled = false;
    for (number, fault) in (1..).zip(faults) {
        load.wait_for_acked(ids() / (count + 1) * number).await;
        println!("{fault:?} with {} acked", load.acked());
        let away = Duration::from_millis(random.random_range(AWAY));
        match fault {
            Fault::BrokerStopped => {
                broker.pause();
                tokio::time::sleep(away).await;
                spooled |= metric(&sandbox, WAITING).await > Some(0.0);
                broker.resume();
            }
            Fault::BrokerKilled => {
                broker.kill();
                tokio::time::sleep(away).await;
                spooled |= metric(&sandbox, WAITING).await > Some(0.0);
                broker = broker.restart().await;
            }
            Fault::BrokerKilledAndIngestToo => {
                broker.kill();
                tokio::time::sleep(away).await;
                sandbox.crash_one("ingest");
                broker = broker.restart().await;
                sandbox.restart().await;
            }
            Fault::ConnectionsReset => {
                let url = sandbox.address().ingest;
                let key = sandbox.tenant.key.clone();
                let reset = move || (0..50).for_each(|_| reset_amid_a_body(&url, &key));
                tokio::task::spawn_blocking(reset).await.expect("it ran");
            }
            Fault::SpoolsDiskFull => {
                broker.pause();
                limit_files(sandbox.process("ingest"), "0");
                tokio::time::sleep(away).await;
                limit_files(sandbox.process("ingest"), "unlimited");
                broker.resume();
            }
            Fault::IngestKilled => {
                sandbox.crash_one("ingest");
                sandbox.restart().await;
            }
            Fault::TransformKilled => {
                sandbox.crash_one("transform");
                sandbox.restart().await;
            }
        }
        trial.injected();
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    // All that was spooled is in Kafka, though nobody restarted anything for it.
    eventually("the spool is empty", || async {
        let waiting = metric(&sandbox, WAITING).await;
        let waiting = waiting.ok_or("no metric of the spool")?;
        if waiting == 0.0 {
            Ok(())
        } else {
            Err(format!("{waiting} records wait"))
        }
    })
    .await;
    assert!(spooled, "nothing was spooled while the broker was away");
    trial.prove(&sandbox, &acked).await;
}

/// Begins a request and resets its connection amid the body.
fn reset_amid_a_body(url: &str, key: &str) {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let head = format!(
        "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n\
         POST /v1/events HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n[{{\"type\":"
    );
    // An answer that was not read makes the end of a connection a reset.
    let _ = stream.write_all(head.as_bytes());
    std::thread::sleep(Duration::from_millis(20));
}

async fn metric(sandbox: &Sandbox, name: &str) -> Option<f64> {
    let url = format!("{}/metrics", sandbox.address().ingest);
    let text = reqwest::get(url).await.ok()?.text().await.ok()?;
    let is_it = |line: &&str| line.split([' ', '{']).next() == Some(name);
    let line = text.lines().find(is_it)?;
    line.rsplit(' ').next()?.parse().ok()
}
