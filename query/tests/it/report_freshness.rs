//! Up to when a report is complete, and how that is said.

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
    assert_eq!(as_of(&school, "student_day").await, FLOORS);
    assert_eq!(listed(&school, "student_day").await, FLOORS);

    // An event that is published, and not in the report.
    click(&school, 20).await;
    assert_eq!(as_of(&school, "student_day").await, REFRESHED);
    assert_eq!(listed(&school, "student_day").await, REFRESHED);
    let path = "/v1/reports/student_day";
    let body = school.get("north", path).await.json();
    assert_eq!(body["lag_seconds"], 3600.0);

    refresh(&school, "student_day", "2026-09-14T11:59:00Z").await;
    assert_eq!(as_of(&school, "student_day").await, FLOORS);
    assert_eq!(as_of(&school, "ledger").await, FLOORS);
}

#[tokio::test]
async fn a_report_over_a_report_is_no_fresher_than_that() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    refresh(&school, "section_day", "2026-09-14T10:00:00Z").await;
    assert_eq!(as_of(&school, "section_day").await, FLOORS);

    // It reads the clicks first, and the other report later.
    click(&school, 20).await;
    assert_eq!(as_of(&school, "section_day").await, "2026-09-14T10:00:00Z");
    refresh(&school, "section_day", "2026-09-14T10:00:00Z").await;
    assert_eq!(as_of(&school, "section_day").await, REFRESHED);
    refresh(&school, "student_day", "2026-09-14T11:58:00Z").await;
    assert_eq!(as_of(&school, "section_day").await, "2026-09-14T10:00:00Z");
    refresh(&school, "section_day", "2026-09-14T11:58:00Z").await;
    assert_eq!(as_of(&school, "section_day").await, FLOORS);
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

#[tokio::test]
async fn what_was_made_for_another_time_zone_is_not_current() {
    let school = School::new().await;
    refresh(&school, "student_day", REFRESHED).await;
    let moved = school
        .registry
        .update(&id("north"), |tenant| {
            tenant.time_zone = "Europe/London".parse().expect("a time zone");
            Ok::<_, std::convert::Infallible>(())
        })
        .await;
    moved.expect("updated");
    assert_eq!(as_of(&school, "student_day").await, json!(null));
    refresh(&school, "student_day", REFRESHED).await;
    assert_eq!(as_of(&school, "student_day").await, FLOORS);
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
