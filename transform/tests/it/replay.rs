//! Records that are entered into the log again.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use eventlog::Record;
use lake::{Fate, LakeTable};
use schemas::{Family, Table};
use tokio::sync::mpsc;
use transform::replay::{
    Quarantined, Received, Records, Replay, ReplayError, Request, Step, Summary,
};

use crate::support::{Sandbox, event, family, ids, record, tenant_id};

fn of_quarantine(of: Quarantined) -> Request {
    Request {
        of: Records::Quarantined(of),
        tenant: None,
        rate: 100_000,
        dry_run: false,
    }
}

fn all_of_quarantine() -> Request {
    of_quarantine(Quarantined::default())
}

fn missing(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Request {
    Request {
        of: Records::Missing(Received { from, to }),
        ..all_of_quarantine()
    }
}

impl Sandbox {
    fn replay(&self) -> Replay {
        Replay::new(self.log.clone(), self.lake.clone(), self.registry.clone())
    }

    /// Enters records again while the service runs, to the end.
    async fn enter_again(&self, request: &Request) -> Summary {
        let running = self.start();
        let summary = run(&self.replay(), request).await.expect("replays");
        self.wait_for_the_end().await;
        running.stop().await.expect("stops");
        summary
    }

    /// Takes every row of these ids out of its table, behind the service's back.
    async fn delete(&self, tenant: &str, gone: &[String]) {
        for family in Family::ALL {
            let table = self
                .lake
                .open(&tenant_id(tenant), Table::Events(family))
                .await;
            let Some(mut table) = table.expect("opens") else {
                continue;
            };
            while delete_once(&mut table, gone).await {}
        }
    }

    /// What the second reader counted: accepted, and replayed.
    async fn counts(&self, tenant: &str) -> (i64, i64) {
        let rows = self
            .rows(tenant, Table::LogCounts, &["accepted", "replayed"])
            .await;
        let sum = |column: usize| -> i64 {
            let values = rows.iter().map(|row| row[column].parse::<i64>());
            values.map(|value| value.expect("a number")).sum()
        };
        (sum(0), sum(1))
    }

    /// How many rows each of a tenant's tables of records has.
    async fn sizes(&self, tenant: &str) -> HashMap<&'static str, usize> {
        let mut sizes = HashMap::new();
        for table in [Table::Duplicates, Table::Quarantine] {
            let rows = self.rows(tenant, table, &["log_position"]).await;
            sizes.insert(table.as_str(), rows.len());
        }
        sizes.insert("stored", self.stored(tenant).await.len());
        sizes
    }

    /// Every counted record has a row.
    async fn assert_balanced(&self, tenant: &str) {
        let (accepted, replayed) = self.counts(tenant).await;
        let rows: usize = self.sizes(tenant).await.into_values().sum();
        assert_eq!(usize::try_from(accepted + replayed), Ok(rows), "{tenant}");
    }
}

async fn run(replay: &Replay, request: &Request) -> Result<Summary, ReplayError> {
    let (steps, mut told) = mpsc::channel::<Step>(4);
    let listening = tokio::spawn(async move { while told.recv().await.is_some() {} });
    let done = replay.run(request, &steps).await;
    drop(steps);
    listening.await.expect("it listens");
    done
}

/// Deletes from one file; whether there was one to delete from.
async fn delete_once(table: &mut LakeTable, gone: &[String]) -> bool {
    for file in table.data_files() {
        let mut deleted = 0;
        let fates = |rows: &arrow::array::RecordBatch| {
            let ids = rows.column_by_name("event_id").expect("ids");
            let ids = arrow::array::AsArray::as_string::<i32>(ids);
            let fate = |id: Option<&str>| match gone.iter().any(|gone| Some(gone.as_str()) == id) {
                true => {
                    deleted += 1;
                    Fate::Goes
                }
                false => Fate::Stays,
            };
            Ok(ids.iter().map(fate).collect::<Vec<_>>())
        };
        table.amend(&file, fates).await.expect("amends");
        if deleted > 0 {
            return true;
        }
    }
    false
}

/// A record of demo that no version can read.
fn broken(number: u128) -> Record {
    let mut record = record("demo", &event(number, family(number)));
    record.value = Bytes::from_static(b"no event");
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_who_is_made_gets_what_came_before() {
    let sandbox = Sandbox::new().await;
    let events: Vec<_> = (0..40).map(|n| event(n, family(n))).collect();
    let records = events.iter().map(|event| record("later", event));
    sandbox.append(records.collect()).await;
    sandbox.run_to_the_end().await;
    assert_eq!(
        sandbox
            .rows("_system", Table::Quarantine, &["attempt"])
            .await
            .len(),
        40
    );

    sandbox.tenant("later").await;
    let planned = Request {
        dry_run: true,
        ..all_of_quarantine()
    };
    let plan = sandbox.enter_again(&planned).await;
    assert_eq!((plan.entered, plan.found.len()), (40, Family::ALL.len()));
    assert_eq!(plan.found[0].tenant, "later");
    assert!(sandbox.stored("later").await.is_empty(), "nothing was done");

    let summary = sandbox.enter_again(&all_of_quarantine()).await;
    assert_eq!((summary.entered, summary.stored), (40, 40));
    assert_eq!(sandbox.stored("later").await, ids(0..40));
    let again = sandbox.enter_again(&all_of_quarantine()).await;
    assert_eq!((again.entered, again.stored_before), (0, 40));
    assert_eq!(sandbox.stored("later").await, ids(0..40));
    assert_eq!(sandbox.counts("later").await, (0, 40));
    sandbox.assert_balanced("later").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_again_is_there_once_for_each_attempt() {
    let sandbox = Sandbox::new().await;
    sandbox.append((0..5).map(broken).collect()).await;
    sandbox
        .append(vec![record("demo", &event(9, Family::Video))])
        .await;
    sandbox.run_to_the_end().await;
    for attempt in 2..4 {
        let summary = sandbox.enter_again(&all_of_quarantine()).await;
        assert_eq!((summary.entered, summary.quarantined), (5, 5), "{attempt}");
        assert_eq!(summary.found[0].attempts, Some(attempt - 1));
    }
    let columns = ["attempt", "stage", "headers"];
    let rows = sandbox.rows("demo", Table::Quarantine, &columns).await;
    let attempts: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    let expected: Vec<_> = ["1"; 5]
        .into_iter()
        .chain(["2"; 5])
        .chain(["3"; 5])
        .collect();
    assert_eq!(attempts, expected);
    // All attempts name the place where the record was first.
    let origin = format!(r#""origin":"{}/"#, sandbox.log.id());
    assert!(
        rows[5..].iter().all(|row| row[2].contains(&origin)),
        "{rows:?}"
    );
    let mut origins: Vec<_> = rows[5..]
        .iter()
        .map(|row| row[2].split(r#""origin":""#).nth(1).map(str::to_owned))
        .collect();
    origins.sort();
    origins.dedup();
    assert_eq!(origins.len(), 5);
    assert_eq!(sandbox.counts("demo").await, (6, 10));
    sandbox.assert_balanced("demo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_asked_for_is_entered() {
    let sandbox = Sandbox::new().await;
    sandbox.tenant("other").await;
    let mut theirs = record("other", &event(1, Family::Video));
    theirs.value = Bytes::from_static(b"no event");
    let mut odd = record("demo", &event(2, Family::Video));
    odd.headers = [("tenant", "demo"), ("kind", "secret")]
        .into_iter()
        .collect();
    sandbox.append(vec![broken(0), theirs, odd]).await;
    sandbox.run_to_the_end().await;
    let at = event(0, Family::Video).received_at;
    let received = |from, to| Quarantined {
        received: Received { from, to },
        ..Quarantined::default()
    };
    let of = |stage: Option<&str>, reason: Option<&str>| Quarantined {
        stage: stage.map(str::to_owned),
        reason: reason.map(str::to_owned),
        ..Quarantined::default()
    };
    let dry = |of| Request {
        dry_run: true,
        ..of_quarantine(of)
    };
    let cases = [
        (dry(Quarantined::default()), 3),
        (dry(of(Some("decode"), None)), 2),
        (dry(of(Some("route"), None)), 1),
        (dry(of(None, Some("not JSON"))), 2),
        (dry(received(Some(at), None)), 2),
        (dry(received(None, Some(at))), 0),
        (
            Request {
                tenant: Some(tenant_id("other")),
                ..dry(Quarantined::default())
            },
            1,
        ),
    ];
    for (request, expected) in cases {
        let summary = sandbox.enter_again(&request).await;
        assert_eq!(summary.entered, expected, "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_and_one_who_dies_change_nothing() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.interval_ms = 5;
    let later = (0..60).map(|n| record("later", &event(n, family(n))));
    sandbox.append(later.collect()).await;
    sandbox.append((0..30).map(broken).collect()).await;
    sandbox.run_to_the_end().await;
    sandbox.tenant("later").await;

    // One of three is dropped in the middle of its work, and so is the service.
    let request = Request {
        rate: 200,
        ..all_of_quarantine()
    };
    let running = sandbox.start();
    let replay = sandbox.replay();
    let one = run(&replay, &request);
    let two = run(&replay, &request);
    let (steps, mut told) = mpsc::channel(1);
    let dies = async {
        tokio::select! {
            _ = replay.run(&request, &steps) => {}
            () = async { while let Some(step) = told.recv().await {
                if matches!(step, Step::Advances(_)) { break; }
            } } => {}
        }
    };
    let (one, two, ()) = tokio::join!(one, two, dies);
    one.expect("replays");
    two.expect("replays");
    drop(running);
    sandbox.run_to_the_end().await;

    let filter = Quarantined {
        stage: Some("place".to_owned()),
        ..Quarantined::default()
    };
    let rest = sandbox.enter_again(&of_quarantine(filter)).await;
    assert_eq!((rest.entered, rest.stored_before), (0, 60));
    assert_eq!(sandbox.stored("later").await, ids(0..60));
    let attempts = sandbox.rows("demo", Table::Quarantine, &["attempt"]).await;
    let seconds = attempts.iter().filter(|row| row[0] == "2").count();
    assert_eq!(seconds, 30, "one for each attempt");
    sandbox.assert_balanced("demo").await;
    sandbox.assert_balanced("later").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_gone_come_back_and_no_others() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.maintenance.enabled = false;
    let records = (0..300).map(|n| record("demo", &event(n, family(n))));
    sandbox.append(records.collect()).await;
    // One that is there twice, and one that cannot be read.
    sandbox
        .append(vec![record("demo", &event(7, family(7))), broken(999)])
        .await;
    sandbox.run_to_the_end().await;
    let before = sandbox.sizes("demo").await;
    let none = sandbox.enter_again(&missing(None, None)).await;
    assert_eq!((none.entered, none.examined >= 302), (0, true), "{none:?}");

    sandbox.delete("demo", &ids(5..50)).await;
    assert_eq!(sandbox.stored("demo").await.len(), 255);
    // Received at 10:00:01 and a second later each.
    let from = Some(event(5, Family::Video).received_at);
    let to = Some(event(20, Family::Video).received_at);
    let plan = Request {
        dry_run: true,
        ..missing(from, to)
    };
    assert_eq!(sandbox.enter_again(&plan).await.entered, 15);
    let some = sandbox.enter_again(&missing(from, to)).await;
    assert_eq!((some.entered, some.stored), (15, 15), "{some:?}");
    assert_eq!(sandbox.stored("demo").await.len(), 270);
    let rest = sandbox.enter_again(&missing(from, None)).await;
    assert_eq!((rest.entered, rest.stored), (30, 30), "{rest:?}");
    let none = sandbox.enter_again(&missing(None, None)).await;
    assert_eq!(none.entered, 0, "{none:?}");
    assert_eq!(sandbox.stored("demo").await, ids(0..300));
    assert_eq!(sandbox.sizes("demo").await, before);
    // What takes a row's place is counted nowhere, and read by the second reader.
    assert_eq!(sandbox.counts("demo").await, (302, 0));
    let columns = ["log_partition", "end_position"];
    let ends = sandbox.rows("demo", Table::LogCounts, &columns).await;
    for place in sandbox.places(&["demo"]).await {
        let number = |text: &str| text.parse::<u64>().expect("a position");
        let (partition, position) = (place.0, number(&place.1));
        let is_above = |row: &Vec<String>| row[0] == partition && number(&row[1]) > position;
        assert!(
            ends.iter().any(is_above),
            "{partition} {position}: {ends:?}"
        );
    }
    sandbox.assert_balanced("demo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_back_once_though_they_are_entered_twice() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.maintenance.enabled = false;
    let records = (0..200).map(|n| record("demo", &event(n, family(n))));
    sandbox.append(records.collect()).await;
    // Published, so that the running service knows the ids.
    let running = sandbox.start();
    sandbox.wait_for_the_end().await;
    sandbox.delete("demo", &ids(0..120)).await;
    let replay = sandbox.replay();
    let request = missing(None, None);
    let (one, two) = tokio::join!(run(&replay, &request), run(&replay, &request));
    let (one, two) = (one.expect("replays"), two.expect("replays"));
    sandbox.wait_for_the_end().await;
    running.stop().await.expect("stops");
    assert_eq!(sandbox.stored("demo").await, ids(0..200), "{one:?} {two:?}");
    assert_eq!(one.stored + two.stored, 120);
    assert_eq!(sandbox.counts("demo").await, (200, 0));
    sandbox.assert_balanced("demo").await;
}
