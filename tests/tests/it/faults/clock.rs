//! Clocks that leap forth and back by hours, of ingest and of transform apart.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use e2e::{Clock, Load, Sandbox, Trial, ids};

use super::{Own, broker};
use crate::group::{Member, SESSION_MS, until_shared};
use crate::kill::CONNECTIONS;

/// The leaps of ingest and transform, in hours from the right time.
const LEAPS: [[i64; 2]; 4] = [[5, -3], [-7, 30], [0, -30], [26, 0]];

#[tokio::test(flavor = "multi_thread")]
async fn clocks_leap_forth_and_back() {
    let trial = Trial::begin("clocks leap by -30 h to +30 h", "Kafka, folder");
    let begun = Utc::now();
    let [of_ingest, of_transform] = [(); 2].map(|()| Clock::new());
    let settings = of_ingest.settings();
    let mut settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    settings.push(("CHALKLINE_KAFKA_PARTITIONS", "4"));
    settings.push(("CHALKLINE_KAFKA_SESSION_TIMEOUT_MS", SESSION_MS));
    let own = Own::new();
    let address = broker().await.address();
    let settings = own.with(&settings);
    let sandbox = Sandbox::roles_with(&address, &["ingest", "query"], &settings).await;
    let join = |name| Member::join_with(&sandbox, name, &of_transform.settings());
    let mut member = join("before");
    until_shared(&[&member], &[4]).await;

    let mut acked = e2e::Acked::new();
    let share = ids() / LEAPS.len() as u64;
    for (number, leap) in (0..).zip(LEAPS) {
        let numbers = number * share..(number + 1) * share;
        let load = Load::start(&sandbox, numbers, CONNECTIONS);
        load.wait_for_acked(share / 2).await;
        of_ingest.leap(leap[0]);
        of_transform.leap(leap[1]);
        if number == 1 {
            // What it knows is then from the lake, and from another day.
            member.process.kill();
            member = join("after");
        }
        acked.extend(load.finish().await);
        e2e::each_once(&sandbox, &acked).await;
        trial.injected();
    }
    assert_eq!(acked.len() as u64, share * LEAPS.len() as u64);

    // Both have really told these times.
    let received = sandbox
        .sql("select min(received_at) as first, max(received_at) as last from clickstream")
        .await;
    let time = |name: &str| -> DateTime<Utc> {
        let text = received[0][name].as_str().expect("a time");
        text.parse().expect("a time")
    };
    assert!(time("first") < begun - TimeDelta::hours(6), "{received:?}");
    assert!(time("last") > begun + TimeDelta::hours(25), "{received:?}");
    let committed = commit_times(&sandbox.table("clickstream"));
    let (first, last) = (committed.iter().min(), committed.iter().max());
    assert!(first < Some(&(begun - TimeDelta::hours(29))), "{first:?}");
    assert!(last > Some(&(begun + TimeDelta::hours(29))), "{last:?}");
    trial.prove(&sandbox, &acked).await;
}

/// When the commits of a table say that they were made.
fn commit_times(table: &Path) -> Vec<DateTime<Utc>> {
    let entries = std::fs::read_dir(table.join("_delta_log")).expect("the table's log");
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let texts = paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter_map(|path| std::fs::read_to_string(path).ok());
    let times = texts.filter_map(|text| {
        let lines = text.lines().map(serde_json::from_str::<serde_json::Value>);
        let mut infos = lines.filter_map(|line| line.ok()?["commitInfo"]["timestamp"].as_i64());
        DateTime::from_timestamp_millis(infos.next()?)
    });
    times.collect()
}
