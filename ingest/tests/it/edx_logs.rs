//! Tracking logs of Open edX, read whole.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days};
use serde_json::Value;

use crate::edx::{shared_data, track};
use crate::house::{House, Reply};

/// How many lines had which outcome.
fn outcomes(reply: &Reply) -> BTreeMap<String, usize> {
    let mut outcomes = BTreeMap::new();
    let all = match reply.body["results"].as_array() {
        Some(results) => results,
        None => reply.body["errors"].as_array().expect("errors"),
    };
    for result in all {
        let outcome = result["code"].as_str().or(result["outcome"].as_str());
        *outcomes
            .entry(outcome.expect("an outcome").to_owned())
            .or_default() += 1;
    }
    outcomes
}

fn expected<const N: usize>(outcomes: [(&str, usize); N]) -> BTreeMap<String, usize> {
    outcomes
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

/// How many events of which type are in the log.
async fn types(house: &House) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    for event in house.events().await {
        // The rest of some names is made at random.
        let (name, _) = event
            .event_type
            .split_once("_type_")
            .unwrap_or((&event.event_type, ""));
        *types.entry(name.to_owned()).or_default() += 1;
    }
    types
}

/// Everyone and every address that a tracking event names.
fn personal(value: &Value, member: &str, found: &mut BTreeSet<String>) {
    let is_person = member.ends_with("username") || member.ends_with("user_id") || member == "ip";
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| personal(value, name, found)),
        Value::Array(values) => values
            .iter()
            .for_each(|value| personal(value, member, found)),
        Value::String(text) if is_person => drop(found.insert(text.clone())),
        Value::Number(number) if is_person => drop(found.insert(number.to_string())),
        _ => {}
    }
}

fn holds_word(text: &str, word: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        !is_word(text[..at].chars().next_back()) && !is_word(text[at + word.len()..].chars().next())
    })
}

/// That no event holds the people whom its line names: in none of their longer
/// names, and under no member that would name them.
pub async fn assert_nobody(house: &House, reply: &Reply, lines: &[&str]) {
    let events = house.events().await;
    let results = reply.body["results"].as_array().expect("results");
    assert_eq!(lines.len(), results.len());
    for (line, result) in lines.iter().zip(results) {
        let Some(event) = events
            .iter()
            .find(|event| result["id"] == event.id.to_string())
        else {
            continue;
        };
        let line: Value =
            serde_json::from_str(&line[line.find('{').expect("JSON")..]).expect("JSON");
        let mut people = BTreeSet::new();
        personal(&line, "", &mut people);
        let text = String::from_utf8(event.to_json()).expect("UTF-8");
        // Somebody is called student.
        let text = text.replace("student_key", "");
        for person in people.iter().filter(|person| person.len() > 3) {
            assert!(!holds_word(&text, person), "{person} in {text}");
        }
        for member in ["user_id", "username", "\"ip\"", "\"name\"", "\"email\""] {
            assert!(!text.contains(member), "{member} in {text}");
        }
    }
}

fn lines(log: &str) -> Vec<&str> {
    let lines = log.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[tokio::test]
async fn the_lines_of_a_log_are_taken_but_for_the_broken_ones() {
    let Some(folder) = shared_data("edx-events") else {
        return;
    };
    let house = House::new().await;
    let log = std::fs::read_to_string(folder.join("tracking.log")).expect("a log");
    let reply = track(&house, log.as_str(), "text/plain").await;
    assert_eq!(
        outcomes(&reply),
        expected([("accepted", 9), ("duplicate", 1), ("invalid_json", 2)])
    );
    let types = types(&house).await;
    let all = [
        ("assessment.graded", 3),
        ("assessment.submitted", 1),
        ("edx.problem_graded", 1),
        ("edx.requested", 1),
        ("grade.changed", 2),
        ("item.answered", 1),
    ];
    assert_eq!(types, expected(all));
    assert_nobody(&house, &reply, &lines(&log)).await;
}

#[tokio::test]
async fn whole_logs_are_read() {
    let Some(folder) = shared_data("edx-tracking-logs") else {
        return;
    };
    let mut found = Vec::new();
    for name in [
        "location_by_course",
        "obfuscation",
        "tags_dist_acceptance",
        "active_users",
    ] {
        let house = House::new().await;
        let log =
            std::fs::read_to_string(folder.join(format!("{name}_tracking.log"))).expect("a log");
        let reply = track(&house, log.as_str(), "text/plain").await;
        found.push((name, outcomes(&reply), types(&house).await));
        if reply.status.is_success() {
            assert_nobody(&house, &reply, &lines(&log)).await;
        }
    }
    let all = [
        (
            "location_by_course",
            expected([("accepted", 52), ("duplicate", 9), ("missing_member", 13)]),
            expected([
                ("assessment.submitted", 2),
                ("edx.page_close", 5),
                ("edx.problem_graded", 2),
                ("edx.requested", 11),
                ("enrollment.changed", 2),
                ("item.answered", 2),
                ("page.viewed", 24),
                ("video.captions_toggled", 2),
                ("video.loaded", 2),
            ]),
        ),
        (
            "obfuscation",
            expected([("accepted", 15), ("missing_member", 2)]),
            expected([
                ("assessment.submitted", 1),
                ("edx.instructor_report_downloaded", 1),
                ("edx.requested", 7),
                ("page.viewed", 5),
                ("video.played", 1),
            ]),
        ),
        (
            "tags_dist_acceptance",
            expected([("accepted", 117)]),
            expected([("edx.other_event", 17), ("item.answered", 100)]),
        ),
        // It says who and when, and nothing else.
        (
            "active_users",
            expected([("missing_member", 23)]),
            expected([]),
        ),
    ];
    assert_eq!(found, all);
}

/// The log tells who and when only, which makes no event: with something that
/// happened, its students are as active as Open edX counts them.
#[tokio::test]
async fn students_are_active_in_the_weeks_that_open_edx_counts() {
    let Some(folder) = shared_data("edx-tracking-logs") else {
        return;
    };
    let house = House::new().await;
    let log = std::fs::read_to_string(folder.join("active_users_tracking.log")).expect("a log");
    let log = log.replace(", \"time\"", ", \"event_type\": \"/dashboard\", \"time\"");
    let reply = track(&house, log, "text/plain").await;
    assert_eq!(
        outcomes(&reply),
        expected([("accepted", 22), ("missing_member", 1)])
    );

    let hasher = house.hasher().await;
    let file = folder.join("expected_active_users_per_week.csv");
    let weeks: BTreeSet<(String, String)> = std::fs::read_to_string(file)
        .expect("answers")
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',');
            let (week, user) = (
                fields.next().expect("a week"),
                fields.nth(1).expect("a user"),
            );
            (week.to_owned(), hasher.key(user).to_string())
        })
        .collect();
    // The weeks that were counted.
    let (first, end) = ("2017-07-10", "2017-07-24");
    let active: BTreeSet<_> = house
        .events()
        .await
        .iter()
        .map(|event| {
            let day = event.time.date_naive();
            let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
            (monday.to_string(), event.student_key.to_string())
        })
        .filter(|(week, _)| (first..end).contains(&week.as_str()))
        .collect();
    assert_eq!(active, weeks);
}
