//! What is answered from memory, and what must not be.

use std::fs;
use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use query::Config;
use rstest::rstest;
use schemas::{Grant, QueryToken, Role};
use serde_json::json;

use crate::school::{Answer, CLICKSTREAM, School, event, held, look, token};
use crate::seen::district::{
    EVERYBODY, NORTH, district, district_of, district_without_memory, document, lines,
};

/// Takes the rows of all tables away, so that whoever answers has them in memory.
fn lose_files(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            lose_files(&path);
        } else if path.extension().is_some_and(|of| of == "parquet") {
            fs::remove_file(path).expect("removed");
        }
    }
}

async fn held_page(school: &School, who: &str, path: &str, tag: &str) -> Answer {
    let (mut head, body) = look(&token(NORTH, who), path).into_parts();
    let tag = tag.try_into().expect("a header");
    head.headers.insert(header::IF_NONE_MATCH, tag);
    school.answer(Request::from_parts(head, body)).await
}

fn tag(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.headers[header::ETAG].to_str().expect("a text")
}

#[tokio::test]
async fn the_same_question_is_answered_from_memory() {
    let school = district().await;
    let sql = "SELECT student_key, count(*) AS n FROM clickstream GROUP BY 1 ORDER BY 1";
    let path = "/v1/reports/student_day?order=-day&limit=3";
    let asked = school.ask_as("teacher", sql).await;
    let looked = school.look_as("teacher", path).await;
    lose_files(school.folder.path());
    assert_eq!(school.ask_as("teacher", sql).await.body, asked.body);
    assert_eq!(school.look_as("teacher", path).await.body, looked.body);
    // In another format too: rows are held, not texts.
    let csv = school
        .look_as("teacher", &format!("{path}&format=csv"))
        .await;
    assert_ne!(csv.status, StatusCode::OK, "an address of its own");
    // Whoever sees something else is not answered with it, nor is another question.
    for (who, sql) in [
        ("teacher", sql.replace("AS n", "AS m")),
        ("steward", sql.to_owned()),
        ("substitute", sql.to_owned()),
        ("researcher", sql.to_owned()),
    ] {
        let answer = school.ask_as(who, &sql).await;
        assert!(answer.status.is_server_error(), "{who}: {}", answer.text());
    }
}

/// Everybody asks the same of one service, the steward first and last: each is answered as
/// by a service that keeps no answers.
#[rstest]
#[case("SELECT count(*) AS n FROM clickstream")]
#[case("SELECT url FROM clickstream ORDER BY 1")]
#[case("SELECT user_id, given_name FROM users ORDER BY 1")]
#[case("SELECT section_id, avg(score) AS a FROM assessment GROUP BY 1 ORDER BY 1")]
#[case("SELECT student_key, by_key IS NULL AS a FROM attendance ORDER BY 1")]
#[tokio::test]
async fn nobody_is_answered_with_what_another_sees(#[case] sql: &str) {
    let (shared, alone) = (district().await, district_without_memory().await);
    let mut order: Vec<&str> = EVERYBODY.iter().map(|(who, ..)| *who).collect();
    order.extend(order.clone().iter().rev());
    for who in order {
        let expected = alone.ask_as(who, sql).await;
        let answer = shared.ask_as(who, sql).await;
        assert_eq!(answer.status, expected.status, "{who}: {sql}");
        // Pseudonyms are others each time.
        let has_pseudonyms = who == "researcher" && sql.contains("user_id");
        if expected.status == StatusCode::OK && !has_pseudonyms {
            assert_eq!(lines(&answer), lines(&expected), "{who}: {sql}");
        }
    }
}

#[tokio::test]
async fn bounds_of_a_token_are_part_of_the_question() {
    let mut document = document();
    let bounded = |name: &str, section: &str| QueryToken {
        grant: Grant {
            filters: [("section_id".to_owned(), [section.to_owned()].into())].into(),
            ..Grant::default()
        },
        ..held(token(NORTH, name), Role::Researcher)
    };
    document.tokens.push(bounded("biology-only", "bio-1"));
    document.tokens.push(bounded("only-the-arts", "art-1"));
    let school = district_of(document).await;
    let sql = "SELECT DISTINCT section_id FROM clickstream";
    for _ in 0..2 {
        assert_eq!(school.lines_as("biology-only", sql).await, ["bio-1"]);
        assert_eq!(school.lines_as("only-the-arts", sql).await, ["art-1"]);
    }
}

#[tokio::test]
async fn what_has_come_since_is_in_the_answer() {
    let school = district().await;
    let sql = "SELECT count(*) AS n FROM clickstream WHERE url = 'new'";
    assert_eq!(school.lines_as("steward", sql).await, ["0"]);
    let row = event(
        900,
        "2026-09-13T15:00:00Z",
        "x.y",
        json!({"url": "new", "student_key": "k-stu-1"}),
    );
    school
        .publish(NORTH, CLICKSTREAM, Some("2026-27"), &[row])
        .await;
    assert_eq!(school.lines_as("steward", sql).await, ["1"]);
}

#[rstest]
#[case("steward", "SELECT random() AS r FROM terms LIMIT 1")]
#[case("steward", "SELECT uuid() AS u")]
#[case("researcher", "SELECT user_id FROM users ORDER BY 1")]
#[case("researcher", "SELECT * FROM enrollments ORDER BY 1")]
#[case("researcher", "SELECT min(user_id) AS m FROM users")]
#[tokio::test]
async fn what_is_other_each_time_is_made_each_time(#[case] who: &str, #[case] sql: &str) {
    let school = district().await;
    let first = school.lines_as(who, sql).await;
    assert_ne!(school.lines_as(who, sql).await, first, "{who}: {sql}");
}

#[tokio::test]
async fn nothing_is_held_when_nothing_shall_be() {
    let config = Config {
        results_bytes: 0,
        ..Config::default()
    };
    let school = School::with(config).await;
    let sql = "SELECT count(*) AS n FROM clickstream";
    assert_eq!(school.ask("north", sql).await.status, StatusCode::OK);
    lose_files(school.folder.path());
    // Counts are known of files without reading them: so one that is not.
    let sql = "SELECT min(length(event_type)) AS n FROM clickstream";
    assert!(school.ask("north", sql).await.status.is_server_error());
}

#[tokio::test]
async fn a_page_that_is_held_is_not_sent_again() {
    let school = district().await;
    let path = "/v1/reports/student_day?order=-day&limit=3";
    let first = school.look_as("teacher", path).await;
    let known = tag(&first).to_owned();
    assert!(known.starts_with("W/\""), "{known}");
    let again = held_page(&school, "teacher", path, &known).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());
    assert_eq!(again.headers[header::ETAG], known.as_str());
    assert_eq!(again.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(
        again.headers["chalkline-data-as-of"],
        "2026-09-14T11:59:30Z"
    );
    assert!(!again.headers.contains_key(header::CONTENT_TYPE));

    // Nobody learns by a tag of another's whether they would see the same.
    for who in ["steward", "substitute", "student", "researcher"] {
        let answer = held_page(&school, who, path, &known).await;
        assert_eq!(answer.status, StatusCode::OK, "{who}");
        assert_ne!(tag(&answer), known, "{who}");
    }
    let refused = held_page(&school, "service", path, &known).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // Another page, another format, other rows: other tags.
    for other in [
        "/v1/reports/student_day?order=-day&limit=4",
        "/v1/reports/student_day?order=-day&limit=3&format=csv",
    ] {
        let answer = held_page(&school, "teacher", other, &known).await;
        assert_ne!(tag(&answer), known, "{other}");
    }
    let row = json!({
        "term": "2026-27", "day": "2026-09-13", "student_key": "k-stu-1", "course_id": "bio-101",
        "section_id": "bio-1", "school_id": "high", "page_views": 9, "active_minutes": 1.0,
    });
    school
        .refresh(
            NORTH,
            "student_day",
            "2026-27",
            &[row],
            "2026-09-14T11:59:25Z",
        )
        .await;
    let changed = held_page(&school, "teacher", path, &known).await;
    assert_ne!(tag(&changed), known);
    assert_eq!(changed.rows()[0]["page_views"], 9);
}

#[tokio::test]
async fn a_tag_is_no_way_around_the_door() {
    let school = district().await;
    let path = "/v1/reports/student_day";
    let known = tag(&school.look_as("teacher", path).await).to_owned();
    let nobody = Request::get(path)
        .header(header::IF_NONE_MATCH, known)
        .body(Body::empty())
        .expect("a request");
    assert_eq!(school.answer(nobody).await.status, StatusCode::UNAUTHORIZED);
}
