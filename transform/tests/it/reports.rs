use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use runtime::Clock;
use schemas::event::{Assessment, Clickstream, Data, Event, Segment, Video};
use schemas::{ReportName, Table, TenantId};
use transform::maintenance::{MaintenanceConfig, Upkeep};
use uuid::Uuid;

use crate::support::{Sandbox, event, record, tenant_id, time};

/// The rows that a query over the tenant's tables answers, each as one line.
pub async fn ask(sandbox: &Sandbox, tenant: &TenantId, sql: &str) -> Result<Vec<String>, String> {
    let session = SessionContext::new_with_config(SessionConfig::new());
    for table in Table::all() {
        let opened = sandbox.lake.open(tenant, table).await.expect("opens");
        let Some(opened) = opened else { continue };
        let provider = opened.provider(&session.state()).expect("a provider");
        session
            .register_table(table.as_str(), provider)
            .expect("registers");
    }
    let rows = session.sql(sql).await.map_err(|error| error.to_string())?;
    let batches = rows.collect().await.map_err(|error| error.to_string())?;
    Ok(batches.iter().flat_map(lines).collect())
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::new().with_null("NULL");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).expect("formats"))
        .collect();
    let cell = |column: &ArrayFormatter<'_>, row| {
        let text = column.value(row).to_string();
        if text.is_empty() {
            "(empty)".to_owned()
        } else {
            text
        }
    };
    (0..batch.num_rows())
        .map(|row| {
            let cells = columns.iter().map(|column| cell(column, row));
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// All rows of all reports that are tables.
pub async fn all_rows(sandbox: &Sandbox) -> BTreeMap<&'static str, Vec<Vec<String>>> {
    let mut rows = BTreeMap::new();
    for name in ReportName::all() {
        let table = Table::Report(name);
        let columns = schemas::columns(table);
        let columns: Vec<&str> = columns.fields().iter().map(|f| f.name().as_str()).collect();
        rows.insert(name.as_str(), sandbox.rows("demo", table, &columns).await);
    }
    rows
}

/// Events of a few students in two terms; `number` says everything about one.
pub fn activity(number: u128) -> Event {
    let n = i64::try_from(number).expect("small");
    let m = n / 6;
    let mut one = event(number, schemas::Family::Clickstream);
    // Some belong to the term before, and some came long after they happened.
    let days = if n % 17 == 0 { -120 } else { n % 5 };
    one.time = time("2026-09-14T22:00:00Z")
        + chrono::TimeDelta::days(days)
        + chrono::TimeDelta::seconds(n * 977 % 14_400);
    one.session = Some(format!("s{}", n % 4));
    one.section = (n % 7 != 0).then(|| format!("bio-101-{}", n % 2));
    one.content = (m % 7 != 0).then(|| format!("bio-101/{}", m % 3));
    let at = f64::from(i32::try_from(n % 50).expect("small"));
    let (event_type, data) = match n % 6 {
        0 => (
            "page.viewed",
            Data::Clickstream(Clickstream {
                count: Some(n % 3),
                ..Clickstream::default()
            }),
        ),
        1 => (
            "video.progressed",
            Data::Video(Video {
                from_seconds: Some(at),
                to_seconds: Some(at + 7.3),
                duration_seconds: Some(60.0),
                ..Video::default()
            }),
        ),
        2 => (
            "video.paused",
            Data::Video(Video {
                position_seconds: Some(at),
                played_segments: Some(vec![Segment(0.0, at / 3.0), Segment(at / 2.0, at)]),
                ..Video::default()
            }),
        ),
        3 => (
            "video.played",
            Data::Video(Video {
                position_seconds: Some(at),
                ..Video::default()
            }),
        ),
        4 => (
            "item.answered",
            Data::Assessment(Assessment {
                assessment_id: (m % 5 != 0).then(|| "quiz-1".to_owned()),
                item_id: Some(format!("q{}", m % 2)),
                response: Some(format!("{}", m % 3)),
                correct: Some(m % 3 == 1),
                ..Assessment::default()
            }),
        ),
        _ => ("content.opened", Data::Clickstream(Clickstream::default())),
    };
    one.event_type = event_type.to_owned();
    one.data = data;
    one
}

/// The same event, received when deduplication has forgotten it.
pub fn much_later(mut event: Event) -> Event {
    let later = chrono::TimeDelta::days(30);
    event.received_at += later;
    event.sent_at = event.sent_at.map(|sent_at| sent_at + later);
    event
}

/// How a service and its refreshes are disturbed.
#[derive(Debug, Clone, Copy)]
enum After {
    /// Nothing: go on.
    Batch,
    /// All reports are brought up to date.
    Refresh,
    /// A refresh is given up somewhere, as when a process dies.
    Killed(u64),
    /// Another process refreshes at the same time.
    Both,
    /// Files are merged, logs cleaned and everything deleted that can be.
    Upkeep,
}

/// Whatever upkeep may ever do, it does now.
async fn maintain(sandbox: &Sandbox, tenant: &TenantId) {
    let config = MaintenanceConfig {
        least_files: 2,
        checkpoint_versions: 1,
        log_retention_s: 0,
        removed_retention_s: 0,
        unnamed_retention_s: 0,
        ..MaintenanceConfig::default()
    };
    let upkeep = Upkeep::new(
        config,
        sandbox.lake.clone(),
        sandbox.registry.clone(),
        Clock::system(),
    );
    for table in Table::all() {
        upkeep.tend(tenant, table, true).await.expect("maintains");
    }
}

async fn fed(batches: &[(Vec<Event>, After)]) -> BTreeMap<&'static str, Vec<Vec<String>>> {
    let sandbox = Sandbox::new().await;
    let mut reports = sandbox.reports();
    let tenant = tenant_id("demo");
    for (batch, after) in batches {
        let records = batch.iter().map(|event| record("demo", event)).collect();
        sandbox.append(records).await;
        sandbox.run_to_the_end().await;
        match after {
            After::Batch => {}
            After::Refresh => reports.refresh(&tenant).await.expect("refreshes"),
            After::Killed(millis) => {
                let time = std::time::Duration::from_millis(*millis);
                let _ = tokio::time::timeout(time, reports.refresh(&tenant)).await;
                reports = sandbox.reports();
            }
            After::Both => {
                let other = sandbox.reports();
                let (one, two) = tokio::join!(reports.refresh(&tenant), other.refresh(&tenant));
                one.and(two).expect("refreshes");
            }
            After::Upkeep => maintain(&sandbox, &tenant).await,
        }
    }
    sandbox.reports().refresh(&tenant).await.expect("refreshes");
    let rows = all_rows(&sandbox).await;

    // Refreshed step by step or computed at once from what is stored: the same.
    for name in ReportName::all() {
        let folder = sandbox.folder.path().join("lake/demo").join(name.as_str());
        std::fs::remove_dir_all(folder).expect("removes");
    }
    sandbox.reports().refresh(&tenant).await.expect("refreshes");
    assert_eq!(all_rows(&sandbox).await, rows, "computed at once");
    rows
}

#[test]
fn reports_are_a_function_of_the_set_of_events() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let events: Vec<Event> = (1..90).map(activity).collect();
    let expected = runtime.block_on(fed(&[(events.clone(), After::Batch)]));
    // What was refreshed from is gone from the log and from the folder.
    let steps = [After::Refresh, After::Upkeep, After::Refresh, After::Upkeep];
    let batches = events.chunks(30).map(<[_]>::to_vec).zip(steps);
    let maintained = runtime.block_on(fed(&batches.collect::<Vec<_>>()));
    assert_eq!(maintained, expected);
    for (report, rows) in &expected {
        assert!(rows.len() > 3, "{report}: {rows:?}");
    }

    let count = events.len();
    // Some are sent again at once, and some after deduplication has forgotten
    // them: those are stored again.
    let repeated = prop::collection::vec((0..count, any::<bool>()), 0..40);
    let order = repeated.prop_flat_map(move |repeated| {
        let once = (0..count).map(|event| (event, false));
        let all: Vec<(usize, bool)> = once.chain(repeated).collect();
        Just(all).prop_shuffle()
    });
    let after = prop_oneof![
        Just(After::Batch),
        Just(After::Refresh),
        (1..400_u64).prop_map(After::Killed),
        Just(After::Both),
        Just(After::Upkeep),
    ];
    let afters = prop::collection::vec(after, 2..6);
    let runs = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::with_cases(4)
    };
    TestRunner::new(runs)
        .run(&(order, afters), |(order, afters)| {
            let sent = |(event, late): &(usize, bool)| {
                let event = events[*event].clone();
                if *late { much_later(event) } else { event }
            };
            let events: Vec<Event> = order.iter().map(sent).collect();
            let size = events.len().div_ceil(afters.len());
            let batches = events.chunks(size).map(<[_]>::to_vec);
            let batches: Vec<_> = batches.zip(afters).collect();
            let rows = runtime.block_on(fed(&batches));
            prop_assert_eq!(&rows, &expected);
            Ok(())
        })
        .expect("the same rows");
}

pub async fn version(sandbox: &Sandbox, table: Table) -> Option<u64> {
    let table = sandbox.lake.open(&tenant_id("demo"), table).await;
    table.expect("opens").map(|table| table.version())
}

pub fn table(name: &str) -> Table {
    Table::from_name(name).expect("a report")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_computed_again() {
    let sandbox = Sandbox::new().await;
    let (reports, tenant) = (sandbox.reports(), tenant_id("demo"));
    reports.refresh(&tenant).await.expect("refreshes");
    let day = table("student_day");
    assert_eq!(version(&sandbox, day).await, None, "nothing to report yet");

    let events = (1..60).map(activity);
    let records = events.map(|event| record("demo", &event)).collect();
    sandbox.append(records).await;
    sandbox.run_to_the_end().await;
    reports.refresh(&tenant).await.expect("refreshes");
    let before = version(&sandbox, day).await.expect("a table");
    reports.refresh(&tenant).await.expect("refreshes");
    assert_eq!(
        version(&sandbox, day).await,
        Some(before),
        "nothing changed"
    );

    // One click of one student on one day, in a new section.
    let mut click = activity(1000 * 6);
    click.time = time("2026-09-16T12:00:00Z");
    click.section = Some("bio-101-9".to_owned());
    sandbox.append(vec![record("demo", &click)]).await;
    sandbox.run_to_the_end().await;
    let days_before = sandbox.rows("demo", day, &["day", "student_key"]).await;
    reports.refresh(&tenant).await.expect("refreshes");
    let days = sandbox.rows("demo", day, &["day", "student_key"]).await;
    assert_eq!(days.len(), days_before.len() + 1);

    let opened = sandbox.lake.open(&tenant, day).await.expect("opens");
    let opened = opened.expect("a table");
    let added = opened.changes(Some(before)).await.expect("reads");
    let mut new_days = std::collections::BTreeSet::new();
    // The file that held all days is rewritten without the one; the other holds
    // that day alone.
    let files = added.expect("known").files;
    assert_eq!(files.len(), 3);
    for file in &files {
        let rows = opened.read(file, &["day"]).await.expect("is there");
        let batches: Vec<RecordBatch> = futures::TryStreamExt::try_collect(rows)
            .await
            .expect("reads");
        new_days.insert(
            batches
                .iter()
                .flat_map(lines)
                .collect::<std::collections::BTreeSet<_>>(),
        );
    }
    assert!(
        new_days.contains(&["2026-09-16".to_owned()].into()),
        "{new_days:?}"
    );
    // Videos have not changed: nor has what is told of them.
    assert_eq!(version(&sandbox, table("video_watch")).await, Some(1));
}

async fn move_to(sandbox: &Sandbox, zone: &str) {
    let demo = tenant_id("demo");
    let moved = sandbox.registry.update(&demo, |tenant| {
        tenant.time_zone = zone.parse().expect("a zone");
        Ok::<_, std::convert::Infallible>(())
    });
    moved.await.expect("updates");
}

/// A click shortly before midnight in London.
pub fn late_click(number: u128, day: &str) -> Event {
    let mut late = activity(number * 6);
    late.time = time(&format!("{day}T23:30:00Z"));
    late
}

pub async fn add(sandbox: &Sandbox, events: &[Event]) {
    let records = events.iter().map(|event| record("demo", event)).collect();
    sandbox.append(records).await;
    sandbox.run_to_the_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_time_zone_is_another_definition_also_when_it_was_one_before() {
    let sandbox = Sandbox::new().await;
    add(&sandbox, &[late_click(1, "2026-09-14")]).await;
    let day = table("student_day");
    for (zone, expected) in [
        ("UTC", "2026-09-14"),
        ("Europe/Paris", "2026-09-15"),
        ("UTC", "2026-09-14"),
    ] {
        move_to(&sandbox, zone).await;
        let reports = sandbox.reports_of_a_new_process();
        reports
            .refresh(&tenant_id("demo"))
            .await
            .expect("refreshes");
        assert_eq!(sandbox.rows("demo", day, &["day"]).await, [[expected]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_two_definitions_never_mix_their_rows() {
    let sandbox = Sandbox::new().await;
    let tenant = tenant_id("demo");
    // It remembers the tenant's document for a while.
    let old = sandbox.reports_of_a_new_process();
    add(&sandbox, &[late_click(1, "2026-09-14")]).await;
    old.refresh(&tenant).await.expect("refreshes");
    move_to(&sandbox, "Europe/Paris").await;
    let new = sandbox.reports_of_a_new_process();
    new.refresh(&tenant).await.expect("refreshes");

    add(&sandbox, &[late_click(2, "2026-09-20")]).await;
    let _ = old.refresh(&tenant).await;
    let days = sandbox.rows("demo", table("student_day"), &["day"]).await;
    let whole = [
        vec![["2026-09-15"]],
        vec![["2026-09-15"], ["2026-09-21"]],
        vec![["2026-09-14"], ["2026-09-20"]],
    ];
    assert!(whole.iter().any(|whole| days == *whole), "{days:?}");
    for reports in [&new, &new] {
        let _ = reports.refresh(&tenant).await;
    }
    let days = sandbox.rows("demo", table("student_day"), &["day"]).await;
    assert_eq!(days, [["2026-09-15"], ["2026-09-21"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_refreshes_by_itself() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.report_interval_ms = 20;
    let running = sandbox.start();
    let mut one = activity(6);
    for (number, expected) in [(6, 1), (7, 2)] {
        one.id = Uuid::from_u128(number);
        one.student_key = schemas::StudentKey::from_bytes([number as u8; 16]);
        sandbox.append(vec![record("demo", &one)]).await;
        until_shown(&sandbox, "demo", expected).await;
    }
    running.stop().await.expect("stops");
}

/// Upkeep, too, makes new versions of the tables that reports are made of; a report
/// that has not read them looks as if it were behind.
#[tokio::test(flavor = "multi_thread")]
async fn reports_follow_what_upkeep_changes() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.report_interval_ms = 20;
    sandbox.config.maintenance.interval_ms = 1_000;
    sandbox.config.maintenance.clean_interval_s = 1;
    let running = sandbox.start();
    sandbox
        .append(vec![record("demo", &late_click(1, "2026-09-15"))])
        .await;
    until_shown(&sandbox, "demo", 1).await;
    let clicks = Table::Events(schemas::Family::Clickstream);
    let report = schemas::report("student_day").expect("a report");
    let demo = tenant_id("demo");
    let followed = async {
        loop {
            let clicks_now = sandbox.lake.open(&demo, clicks).await.expect("opens");
            let clicks_now = clicks_now.expect("it has rows");
            let day = sandbox.lake.open(&demo, table("student_day")).await;
            let mut day = day.expect("opens").expect("it has rows");
            let made_of = day.made_of(report).await.expect("says");
            let read = made_of.sources.get(&clicks).copied();
            if clicks_now.version() > 1 && read == Some(clicks_now.source_version()) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let limit = std::time::Duration::from_secs(60);
    tokio::time::timeout(limit, followed)
        .await
        .expect("in time");
    running.stop().await.expect("stops");
}

/// Waits until `student_day` has so many rows.
pub async fn until_shown(sandbox: &Sandbox, tenant: &str, rows: usize) {
    let day = table("student_day");
    let shown = async {
        while sandbox.rows(tenant, day, &["student_key"]).await.len() < rows {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let limit = std::time::Duration::from_secs(120);
    tokio::time::timeout(limit, shown).await.expect("in time");
}
