//! What happens to reports when something they need is gone, torn or too slow.

use std::collections::HashMap;
use std::time::Duration;

use lake::RowFilter;
use runtime::{Leases, Root};
use schemas::Table;
use transform::{REPORT_LEASE, Reports};

use crate::reports::{activity, add, all_rows, late_click, table, until_shown, version};
use crate::support::{Sandbox, record, tenant_id};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_was_made_anew_is_read_from_the_beginning() {
    let (sandbox, other) = (Sandbox::new().await, Sandbox::new().await);
    let tenant = tenant_id("demo");
    let reports = sandbox.reports();
    add(&sandbox, &[late_click(1, "2026-09-14")]).await;
    reports.refresh(&tenant).await.expect("refreshes");
    add(&other, &[late_click(2, "2026-09-20")]).await;
    let clicks = Table::Events(schemas::Family::Clickstream);
    assert_eq!(
        version(&sandbox, clicks).await,
        version(&other, clicks).await
    );

    let folder = |sandbox: &Sandbox| sandbox.folder.path().join("lake/demo/clickstream");
    std::fs::remove_dir_all(folder(&sandbox)).expect("removes");
    let restarted = sandbox.reports();
    for reports in [&reports, &restarted] {
        reports.refresh(&tenant).await.expect("refreshes");
        let days = sandbox.rows("demo", table("student_day"), &["day"]).await;
        assert_eq!(days, [[""; 0]; 0], "its source is gone");
    }
    std::fs::rename(folder(&other), folder(&sandbox)).expect("moves");
    reports.refresh(&tenant).await.expect("refreshes");
    let days = sandbox.rows("demo", table("student_day"), &["day"]).await;
    assert_eq!(days, [["2026-09-20"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_read_stops_only_what_reads_it() {
    let sandbox = Sandbox::new().await;
    let (reports, tenant) = (sandbox.reports(), tenant_id("demo"));
    add(&sandbox, &(1..30).map(activity).collect::<Vec<_>>()).await;
    let log = sandbox
        .folder
        .path()
        .join("lake/demo/assessment/_delta_log");
    let commit = log.join("00000000000000000001.json");
    let whole = std::fs::read(&commit).expect("a commit");
    std::fs::write(&commit, "{ torn").expect("writes");
    assert!(reports.refresh(&tenant).await.is_err());
    assert!(version(&sandbox, table("video_watch")).await.is_some());
    assert_eq!(version(&sandbox, table("answer_distribution")).await, None);

    std::fs::write(&commit, whole).expect("writes");
    reports.refresh(&tenant).await.expect("refreshes");
    assert!(
        version(&sandbox, table("answer_distribution"))
            .await
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_file_is_gone_is_computed_again() {
    let sandbox = Sandbox::new().await;
    let (reports, tenant) = (sandbox.reports(), tenant_id("demo"));
    add(&sandbox, &(1..60).map(activity).collect::<Vec<_>>()).await;
    reports.refresh(&tenant).await.expect("refreshes");
    let term = sandbox
        .folder
        .path()
        .join("lake/demo/student_day/term=2026-27");
    std::fs::remove_dir_all(term).expect("removes");

    add(&sandbox, &[late_click(200, "2026-09-15")]).await;
    reports.refresh(&tenant).await.expect("refreshes");
    let rows = all_rows(&sandbox).await;
    std::fs::remove_dir_all(sandbox.folder.path().join("lake/demo/student_day")).expect("removes");
    sandbox.reports().refresh(&tenant).await.expect("refreshes");
    assert_eq!(all_rows(&sandbox).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_given_up_and_changes_nothing() {
    let mut sandbox = Sandbox::new().await;
    let tenant = tenant_id("demo");
    add(&sandbox, &(1..30).map(activity).collect::<Vec<_>>()).await;
    let timeout = std::mem::replace(&mut sandbox.config.report_timeout_seconds, 0);
    let given_up = sandbox.reports().refresh(&tenant).await;
    let is_late = matches!(given_up, Err(transform::ReportError::Timeout { .. }));
    assert!(is_late, "{given_up:?}");
    sandbox.config.report_timeout_seconds = timeout;
    sandbox.reports().refresh(&tenant).await.expect("refreshes");
    assert!(
        !sandbox
            .rows("demo", table("student_day"), &["day"])
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_holds_up_nobody_and_is_tried_again() {
    let mut sandbox = Sandbox::new().await;
    sandbox.tenant("other").await;
    sandbox.config.report_interval_ms = 20;
    // No table can be made where a file lies.
    let folder = sandbox.folder.path().join("lake/other");
    std::fs::create_dir_all(&folder).expect("makes");
    std::fs::write(folder.join("student_day"), "in the way").expect("writes");
    let running = sandbox.start();
    let one = activity(6);
    sandbox.append(vec![record("other", &one)]).await;
    sandbox.append(vec![record("demo", &one)]).await;
    until_shown(&sandbox, "demo", 1).await;

    // Nothing is published any more: it is tried again by itself.
    std::fs::remove_file(folder.join("student_day")).expect("removes");
    until_shown(&sandbox, "other", 1).await;
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_left_to_whose_turn_it_is_and_taken_over_when_it_ends() {
    let mut sandbox = Sandbox::new().await;
    sandbox.tenant("other").await;
    sandbox.config.report_interval_ms = 20;
    let location = sandbox.folder.path().join("lake").display().to_string();
    let root = Root::open(&location, HashMap::new()).expect("a root");
    // Nobody's lease runs out while this lasts.
    let time = Duration::from_secs(3_600);
    let leases = |holder: &str| Leases::new(root.clone(), REPORT_LEASE, holder.into(), time);
    let (elsewhere, demo) = (leases("elsewhere"), tenant_id("demo"));
    assert!(elsewhere.hold(&demo).await.expect("is asked"));

    let running = sandbox.start_with_turns(leases("here"));
    let one = activity(6);
    sandbox.append(vec![record("demo", &one)]).await;
    sandbox.append(vec![record("other", &one)]).await;
    until_shown(&sandbox, "other", 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(version(&sandbox, table("student_day")).await, None);

    // Nothing is published any more: it is asked again by itself.
    elsewhere.release(&demo).await.expect("is given back");
    until_shown(&sandbox, "demo", 1).await;
    running.stop().await.expect("stops");
    // Whoever comes next need not wait.
    assert!(leases("next").hold(&demo).await.expect("is asked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_refreshed_does_not_stop_the_others() {
    let sandbox = Sandbox::new().await;
    let (reports, tenant): (Reports, _) = (sandbox.reports(), tenant_id("demo"));
    let events = (1..30).map(activity);
    let records = events.map(|event| record("demo", &event)).collect();
    sandbox.append(records).await;
    sandbox.run_to_the_end().await;
    // No table can be made where a file lies.
    let file = sandbox.folder.path().join("lake/demo/student_day");
    std::fs::write(&file, "in the way").expect("writes");
    let failed = reports.refresh(&tenant).await;
    assert!(failed.is_err());
    assert!(version(&sandbox, table("video_watch")).await.is_some());
    assert_eq!(
        version(&sandbox, table("section_day")).await,
        None,
        "it reads student_day"
    );

    std::fs::remove_file(&file).expect("removes");
    reports.refresh(&tenant).await.expect("refreshes");
    let opened = sandbox
        .lake
        .open(&tenant, table("section_day"))
        .await
        .expect("opens");
    let rows = opened
        .expect("a table")
        .scan(&["day"], RowFilter::All)
        .await;
    assert!(rows.is_ok());
}
