//! A disk that is full for a while: nothing is stored, nothing is lost, and
//! everything goes on by itself when there is room.
//!
//! Files may grow to a limit only, which `prlimit` sets and lifts while a process
//! runs: a write beyond it fails half-way, as on a full disk.

use std::process::Command;

use e2e::{Load, Process, Sandbox, Trial, eventually, ids};

use super::{Own, broker};
use crate::group::{Member, SESSION_MS, until_shared};
use crate::kill::CONNECTIONS;

/// Bytes that a file may have: nothing can be written; floors can, and the
/// beginnings of commits; most commits can, and the beginnings of data files.
const LIMITS: [u64; 3] = [0, 700, 4_000];

pub(super) fn limit_files(process: &Process, bytes: &str) {
    let limited = Command::new("prlimit")
        .args(["--pid", &process.id().to_string()])
        // The soft limit alone: the hard one could not be raised again.
        .arg(format!("--fsize={bytes}:"))
        .status();
    assert!(limited.expect("util-linux is installed").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lakes_disk_is_full_for_a_while() {
    let trial = Trial::begin("the lake's disk is full, three times", "Kafka, folder");
    let own = Own::new();
    let settings = own.with(&[
        ("CHALKLINE_KAFKA_PARTITIONS", "4"),
        ("CHALKLINE_KAFKA_SESSION_TIMEOUT_MS", SESSION_MS),
    ]);
    let address = broker().await.address();
    let sandbox = Sandbox::roles_with(&address, &["ingest", "query"], &settings).await;
    let member = Member::join(&sandbox, "transform");
    until_shared(&[&member], &[4]).await;
    let mut acked = e2e::Acked::new();
    let share = ids() / LIMITS.len() as u64;
    for (number, limit) in (0..).zip(LIMITS) {
        let load = Load::start(&sandbox, number * share..(number + 1) * share, CONNECTIONS);
        load.wait_for_acked(share / 4).await;
        limit_files(&member.process, &limit.to_string());
        eventually("it says that it cannot write", || async {
            let trouble = member.trouble().await;
            let told = trouble.filter(|why| why.contains("transform"));
            told.ok_or("it is ready".to_owned())
        })
        .await;
        trial.injected();
        // The front door does not mind.
        acked.extend(load.finish().await);
        limit_files(&member.process, "unlimited");
        eventually("it is ready again", || async {
            member.trouble().await.map_or(Ok(()), Err)
        })
        .await;
    }
    assert_eq!(acked.len() as u64, share * LIMITS.len() as u64);
    trial.prove(&sandbox, &acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_disk_is_full_for_a_while() {
    let trial = Trial::begin(
        "the disk of log and lake is full, three times",
        "embedded, folder",
    );
    let mut sandbox = Sandbox::up().await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    for (quarter, limit) in (1..).zip(LIMITS) {
        load.wait_for_acked(ids() / 4 * quarter).await;
        limit_files(sandbox.process("up"), &limit.to_string());
        eventually("it takes nothing", || async {
            let ready = reqwest::get(format!("{}/readyz", sandbox.address().ingest)).await;
            let ready = ready.map_err(|error| error.to_string())?;
            (!ready.status().is_success())
                .then_some(())
                .ok_or("it is ready".to_owned())
        })
        .await;
        trial.injected();
        limit_files(sandbox.process("up"), "unlimited");
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    sandbox.crash();
    sandbox.restart().await;
    trial.prove(&sandbox, &acked).await;
}
