//! Up to when a report is complete, and how that is said.

use std::time::Duration;

use query::Config;
use serde_json::{Value, json};

use crate::school::{CLICKSTREAM, School, event, id};

const FLOORS: &str = "2026-09-14T11:59:20Z";
const REFRESHED: &str = "2026-09-14T11:00:00Z";

async fn as_of(school: &School, report: &str) -> Value {
    let path = format!("/v1/reports/{report}?limit=1");
    school.get("north", &path).await.json()["data_as_of"].take()
}

/// What the listing says of each report: the same as its pages.
async fn listed(school: &School, report: &str) -> Value {
    let mut listing = school.get("north", "/v1/reports").await.json();
    let reports = listing["reports"].as_array_mut().expect("a list");
    let entry = reports.iter_mut().find(|entry| entry["name"] == report);
    entry.expect("it is listed")["data_as_of"].take()
}

/// Waits until a report says so: its sources are looked at again when the floors are.
async fn comes_to_say(school: &School, report: &str, expected: &str) {
    let said = async || {
        while as_of(school, report).await != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), said()).await;
    waited.unwrap_or_else(|_| panic!("{report} does not come to say {expected}"));
}

async fn click(school: &School, position: u64) {
    let row = event(
        position,
        "2026-09-14T11:59:10Z",
        "page.viewed",
        json!({"section_id": "bio-101-03"}),
    );
    school
        .publish("north", CLICKSTREAM, Some("2026-27"), &[row])
        .await;
}

async fn refresh(school: &School, report: &str, as_of: &str) {
    let row = json!({"day": "2026-09-14", "section_id": "bio-101-03"});
    school
        .refresh("north", report, "2026-27", &[row], as_of)
        .await;
}

#[tokio::test]
async fn a_report_is_as_fresh_as_what_it_has_read() {
    let school = School::new().await;
    // There are events, and nothing has been made of them yet.
    assert_eq!(as_of(&school, "student_day").await, json!(null));
    let path = "/v1/reports/student_day";
    let body = school.get("north", path).await.json();
    assert_eq!(body["rows"], json!([]));
    assert_eq!(body["lag_seconds"], json!(null));

    refresh(&school, "student_day", REFRESHED).await;
    comes_to_say(&school, "student_day", FLOORS).await;
    assert_eq!(listed(&school, "student_day").await, FLOORS);

    // An event that is published, and not in the report.
    click(&school, 20).await;
    comes_to_say(&school, "student_day", REFRESHED).await;
    assert_eq!(listed(&school, "student_day").await, REFRESHED);
    let path = "/v1/reports/student_day";
    let body = school.get("north", path).await.json();
    assert_eq!(body["lag_seconds"], 3600.0);

    refresh(&school, "student_day", "2026-09-14T11:59:00Z").await;
    comes_to_say(&school, "student_day", FLOORS).await;
    comes_to_say(&school, "ledger", FLOORS).await;
}

#[tokio::test]
async fn a_report_over_a_report_is_no_fresher_than_that() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    refresh(&school, "section_day", "2026-09-14T10:00:00Z").await;
    comes_to_say(&school, "section_day", FLOORS).await;

    // It reads the clicks first, and the other report later.
    click(&school, 20).await;
    comes_to_say(&school, "section_day", "2026-09-14T10:00:00Z").await;
    refresh(&school, "section_day", "2026-09-14T10:00:00Z").await;
    comes_to_say(&school, "section_day", REFRESHED).await;
    refresh(&school, "student_day", "2026-09-14T11:58:00Z").await;
    comes_to_say(&school, "section_day", "2026-09-14T10:00:00Z").await;
    refresh(&school, "section_day", "2026-09-14T11:58:00Z").await;
    comes_to_say(&school, "section_day", FLOORS).await;
}

#[tokio::test]
async fn a_school_without_events_has_complete_reports_without_rows() {
    let school = School::new().await;
    for report in schemas::reports() {
        let path = format!("/v1/reports/{}", report.name);
        let body = school.get("new", &path).await.json();
        assert_eq!(body["rows"], json!([]), "{}", report.name);
        assert_eq!(body["data_as_of"], FLOORS, "{}", report.name);
        assert_eq!(body["lag_seconds"], 40.0, "{}", report.name);
    }
    let school = School::empty(Config::default()).await;
    let body = school.get("new", "/v1/reports/ledger").await.json();
    assert_eq!(body["data_as_of"], json!(null));
}

async fn move_to(school: &School, zone: &str) {
    let north = id("north");
    let moved = school.registry.update(&north, |tenant| {
        tenant.time_zone = zone.parse().expect("a time zone");
        Ok::<_, std::convert::Infallible>(())
    });
    moved.await.expect("updated");
}

#[tokio::test]
async fn what_was_made_for_another_time_zone_is_not_shown() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    for (there, back) in [("Europe/London", "UTC"), ("Asia/Tokyo", "Europe/London")] {
        move_to(&school, there).await;
        for answer in [
            school.get("north", "/v1/reports/student_day").await,
            school
                .ask("north", "SELECT count(*) FROM student_day")
                .await,
        ] {
            let (status, code, detail) = answer.problem();
            assert_eq!((status, code.as_str()), (503, "report_recomputing"));
            assert!(detail.contains("student_day"), "{detail}");
            assert_eq!(answer.headers["retry-after"], "5");
        }
        let listing = school.get("north", "/v1/reports").await.json();
        let reports = listing["reports"].as_array().expect("a list");
        let entry = reports.iter().find(|entry| entry["name"] == "student_day");
        let entry = entry.expect("it is listed");
        assert_eq!(entry["data_as_of"], json!(null));
        assert_eq!(entry["recomputing"], true);
        // What does not name it does not wait for it.
        assert_eq!(school.ask("north", "SELECT 1 AS one").await.status, 200);

        refresh(&school, "student_day", REFRESHED).await;
        assert_eq!(as_of(&school, "student_day").await, FLOORS);
        // Its rows are of the zone in between now.
        move_to(&school, back).await;
        let answer = school.get("north", "/v1/reports/student_day").await;
        assert_eq!(answer.problem().1, "report_recomputing");
    }
}

#[tokio::test]
async fn a_source_that_was_made_anew_is_not_read_yet() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    comes_to_say(&school, "student_day", FLOORS).await;
    let clicks = school.folder.path().join("north/clickstream");
    std::fs::remove_dir_all(&clicks).expect("removes");
    comes_to_say(&school, "student_day", REFRESHED).await;
    click(&school, 0).await;
    comes_to_say(&school, "student_day", REFRESHED).await;
    refresh(&school, "student_day", REFRESHED).await;
    comes_to_say(&school, "student_day", FLOORS).await;
}

#[tokio::test]
async fn a_source_that_cannot_be_read_does_not_stop_a_report() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    let log = school.folder.path().join("north/clickstream/_delta_log");
    for entry in std::fs::read_dir(log).expect("a folder") {
        std::fs::write(entry.expect("an entry").path(), "{ torn").expect("writes");
    }
    let answer = school.get("north", "/v1/reports/student_day").await;
    assert_eq!(answer.json()["rows"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer.json()["data_as_of"], REFRESHED);
    assert_eq!(listed(&school, "student_day").await, REFRESHED);
    assert_eq!(listed(&school, "ledger").await, json!(null));
    let answer = school
        .ask("north", "SELECT count(*) FROM clickstream")
        .await;
    assert_eq!(answer.problem().1, "lake_unavailable");
}

#[tokio::test]
async fn a_source_that_could_not_be_read_is_not_taken_for_none() {
    let school = School::new().await;
    let row = json!({"day": "2026-09-14", "section_id": "bio-101-03"});
    let row = std::slice::from_ref(&row);
    school
        .refresh("new", "student_day", "2026-27", row, REFRESHED)
        .await;
    let path = "/v1/reports/student_day?limit=1";
    let said = async || school.get("new", path).await.json()["data_as_of"].take();
    assert_eq!(said().await, FLOORS);

    // The first click ever, which the report has not read.
    let click = event(0, "2026-09-14T11:59:10Z", "page.viewed", json!({}));
    school
        .publish("new", CLICKSTREAM, Some("2026-27"), &[click])
        .await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(said().await, REFRESHED);
    let log = school.folder.path().join("new/clickstream/_delta_log");
    for entry in std::fs::read_dir(log).expect("a folder") {
        std::fs::write(entry.expect("an entry").path(), "{ torn").expect("writes");
    }
    let failed = school.ask("new", "SELECT count(*) FROM clickstream").await;
    assert_eq!(failed.problem().1, "lake_unavailable");
    assert_eq!(said().await, REFRESHED);
}

#[tokio::test]
async fn while_a_floor_is_damaged_nobody_says_1970() {
    let school = School::new().await;
    refresh(&school, "student_day", "1970-01-01T00:00:00Z").await;
    click(&school, 20).await;
    assert_eq!(as_of(&school, "student_day").await, json!(null));

    let school = School::new().await;
    for entry in std::fs::read_dir(school.folder.path().join("_log/log-1")).expect("a folder") {
        std::fs::write(entry.expect("an entry").path(), "{ torn").expect("writes");
    }
    assert_eq!(as_of(&school, "ledger").await, json!(null));
}

#[tokio::test]
async fn sql_is_as_fresh_as_the_oldest_that_it_names() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    click(&school, 20).await;
    let said = async |sql: &str| school.ask("north", sql).await.json()["data_as_of"].take();
    assert_eq!(said("SELECT count(*) FROM video").await, FLOORS);
    assert_eq!(said("SELECT count(*) FROM student_day").await, REFRESHED);
    let both = "SELECT count(*) FROM video, student_day";
    assert_eq!(said(both).await, REFRESHED);
    let unmade = "SELECT count(*) FROM student_day, video_watch";
    assert_eq!(said(unmade).await, json!(null));
    assert_eq!(said("SELECT 1 AS one").await, FLOORS);
}

#[tokio::test]
async fn every_report_is_listed_with_what_it_is() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    let listing = school.get("north", "/v1/reports").await;
    assert_eq!(listing.headers["content-type"], "application/json");
    let listing = listing.json();
    let entries = listing["reports"].as_array().expect("a list");
    let names: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect();
    let expected: Vec<&str> = schemas::reports().iter().map(|r| r.name).collect();
    assert_eq!(names, expected);
    let student_day = entries
        .iter()
        .find(|entry| entry["name"] == "student_day")
        .expect("it is listed");
    assert_eq!(student_day["visibility"], "student");
    assert_eq!(
        student_day["grain"],
        json!(["term", "day", "course_id", "section_id", "student_key"])
    );
    assert_eq!(
        student_day["columns"][1],
        json!({
            "name": "day", "type": "date",
            "description": "the day in the tenant's time zone",
        })
    );
    assert_eq!(student_day["data_as_of"], FLOORS);
    assert_eq!(student_day["lag_seconds"], 40.0);
    let made_of_nothing = entries.iter().find(|entry| entry["name"] == "video_watch");
    assert_eq!(made_of_nothing.expect("listed")["lag_seconds"], json!(null));
}
