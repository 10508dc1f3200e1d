//! Late events find their term; term edges follow the tenant's clock.

use e2e::{Sandbox, event};
use serde_json::{Value, json};

const CALENDAR: &str = r#"
[[terms]]
id = "2024-fall"
start = "2024-08-20"
end = "2024-12-20"

[[terms]]
id = "2024-exams"
start = "2024-12-14"
end = "2024-12-20"

[[terms]]
id = "2025-spring"
start = "2025-01-10"
end = "2025-05-20"
"#;

/// Times around the edges of the terms as seen in New York, four or five hours
/// behind UTC.
const EDGES: [(&str, &str); 13] = [
    ("2024-08-20T03:59:59.999999Z", "between-terms-2024"),
    ("2024-08-20T04:00:00Z", "2024-fall"),
    ("2024-08-20T00:00:00-04:00", "2024-fall"),
    ("2024-08-20T05:59:59+02:00", "between-terms-2024"),
    ("2024-08-20T06:00:00+02:00", "2024-fall"),
    // The clocks went back on 3 November.
    ("2024-11-03T05:30:00Z", "2024-fall"),
    ("2024-12-14T04:59:59Z", "2024-fall"),
    ("2024-12-14T05:00:00Z", "2024-exams"),
    ("2024-12-21T04:59:59.999999Z", "2024-exams"),
    ("2024-12-21T05:00:00Z", "between-terms-2024"),
    ("2025-01-01T04:59:59Z", "between-terms-2024"),
    ("2025-01-01T05:00:00Z", "between-terms-2025"),
    ("2025-05-21T03:59:59Z", "2025-spring"),
];

fn at(number: u64, time: &str) -> Value {
    let mut event = event::nth(number * event::types());
    event["time"] = json!(time);
    event
}

#[tokio::test]
async fn events_fall_into_terms_by_the_tenants_clock() {
    let sandbox = Sandbox::up().await;
    let calendar = sandbox.write("calendar.toml", CALENDAR);
    let options = ["--calendar", &calendar, "--time-zone", "America/New_York"];
    let school = sandbox.tenant("New York School", &options);
    let events: Vec<Value> = (0..)
        .zip(EDGES)
        .map(|(number, (time, _))| at(number, time))
        .collect();
    school.post(&events).await.expect_status(202);
    school
        .wait_for_count("clickstream", EDGES.len() as u64)
        .await;

    let rows = school.rows("clickstream", "event_id").await;
    for (row, (time, term)) in rows.iter().zip(EDGES) {
        assert_eq!(row["term"], json!(term), "{time}");
    }
}

#[tokio::test]
async fn late_events_go_to_their_own_term() {
    let sandbox = Sandbox::up().await;
    sandbox
        .post(&[at(0, "2025-09-01T00:00:00Z")])
        .await
        .expect_status(202);
    sandbox.wait_for_count("clickstream", 1).await;
    // Published and closed: years later a device comes back online.
    let late = [
        at(1, "2025-07-31T23:59:59.999999Z"),
        at(2, "2021-10-01T12:00:00Z"),
        at(3, "2025-08-01T00:00:00Z"),
    ];
    sandbox.post(&late).await.expect_status(202);
    sandbox.wait_for_count("clickstream", 4).await;

    let terms = sandbox
        .sql("select term, count(*) as n from clickstream group by term order by term")
        .await;
    let expected = json!([
        {"term": "2021-22", "n": 1}, {"term": "2024-25", "n": 1}, {"term": "2025-26", "n": 2},
    ]);
    assert_eq!(json!(terms), expected);
    for term in ["2021-22", "2024-25", "2025-26"] {
        let folder = sandbox.table("clickstream").join(format!("term={term}"));
        assert!(folder.is_dir(), "{}", folder.display());
    }
}
