//! The fixtures of Caliper 1.2 and envelopes of Canvas, where they lie on this machine:
//! their licence keeps them out of this repository. `CHALKLINE_SHARED_DATA` names the
//! folder.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use schemas::Family;
use schemas::event::Data;
use serde_json::Value;

use crate::house::{House, Reply};

/// Broken fixtures that are taken, and why.
const TAKEN: &[(&str, &str)] = &[
    (
        "caliperEntityAggregateMeasure-MalformedMaxMetricValueNotAnInt.json",
        "25 for 25.0: in JSON these are one number",
    ),
    (
        "caliperEntityAggregateMeasure-MalformedMetricValueNotAnInt.json",
        "12 for 12.0: in JSON these are one number",
    ),
    (
        "caliperEntityScore-MalformedMaxScoreNotAnInt.json",
        "15 for 15.0: in JSON these are one number, and Canvas sends it so",
    ),
];

/// The folder, if it is there.
fn shared(folder: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CHALKLINE_SHARED_DATA").map(|all| Path::new(&all).join(folder));
    let there = folder.filter(|folder| folder.is_dir());
    if there.is_none() {
        println!("CHALKLINE_SHARED_DATA has no such folder: nothing is tested");
    }
    there
}

/// Its files, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(&path).expect("readable"))
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn every_valid_fixture_is_taken_and_names_nobody() {
    let Some(folder) = shared("caliper-1.2/valid") else {
        return;
    };
    let house = House::new().await;
    let (mut events, mut entities) = (0, 0);
    for (name, body) in files(&folder) {
        if name == "caliperEndpointConfigPayload.json" {
            continue;
        }
        let told: Value = serde_json::from_slice(&body).expect("JSON");
        let count = told["data"].as_array().map_or(1, Vec::len);
        let reply = house.sense_bytes(body, &[]).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{name}: {}", reply.body);
        let outcomes = reply.outcomes();
        assert_eq!(outcomes.len(), count, "{name}");
        if name.starts_with("caliperEntity") || name.starts_with("caliperIdentifier") {
            assert_eq!(outcomes, ["ignored"], "{name}");
        } else if name.starts_with("caliperEvent") {
            assert_eq!(outcomes, ["accepted"], "{name}");
        }
        events += outcomes
            .iter()
            .filter(|outcome| *outcome == "accepted")
            .count();
        entities += outcomes
            .iter()
            .filter(|outcome| *outcome == "ignored")
            .count();
    }
    assert!(
        events > 130 && entities > 160,
        "{events} events, {entities} entities"
    );
    assert_eq!(house.events().await.len(), events);
    let text = house.text().await;
    for person in [
        "554433",
        "112233",
        "778899",
        "657585",
        "667788",
        "223344",
        "665544",
        "334455",
        "jane@",
        "\"email\"",
        "\"ipAddress\"",
        "\"userAgent\"",
        "person_name",
    ] {
        assert!(!text.contains(person), "{person}");
    }
}

/// The member that the name of a broken fixture blames, in small letters.
fn blamed(name: &str) -> String {
    let mistake = name.split_once('-').map_or("", |(_, mistake)| mistake);
    let mistake = mistake.trim_end_matches(".json");
    let starts = ["Malformed", "Malfromed", "Unknown", "Null", "No", "Wrong"];
    let mistake = starts
        .iter()
        .find_map(|start| mistake.strip_prefix(start))
        .unwrap_or(mistake);
    let ends = [
        "NotA",
        "Wrong",
        "Contain",
        "Invalid",
        "UnknownValue",
        "NotValid",
        "List",
        "EntityType",
    ];
    let end = ends.iter().filter_map(|end| mistake.find(end)).min();
    mistake[..end.unwrap_or(mistake.len())].to_lowercase()
}

/// Whether the answer blames it.
fn fits(name: &str, reply: &Reply) -> bool {
    let pointer = reply.body["errors"][0]["pointer"]
        .as_str()
        .unwrap_or_default();
    let member = pointer.to_lowercase();
    match blamed(name).as_str() {
        "badjson" => reply.code() == "invalid_json",
        "modifieddate" => member == "/datemodified",
        "context" => member == "/@context",
        "eventtype" => member == "/type",
        member_named => member.split('/').any(|step| step == member_named),
    }
}

#[tokio::test]
async fn broken_fixtures_are_refused_with_the_reason() {
    let Some(folder) = shared("caliper-1.2/invalid") else {
        return;
    };
    let house = House::new().await;
    let files = files(&folder);
    let mut taken = Vec::new();
    let mut unfit = Vec::new();
    for (name, body) in &files {
        let reply = house.sense_bytes(body.clone(), &[]).await;
        if reply.status.is_success() {
            taken.push(name.as_str());
        } else {
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{name}");
            let error = &reply.body["errors"][0];
            assert!(
                error["detail"].as_str().expect("text").ends_with('.'),
                "{name}"
            );
            if !fits(name, &reply) {
                unfit.push(format!("{name}: {error}"));
            }
        }
    }
    assert_eq!(unfit, Vec::<String>::new());
    let expected: Vec<_> = TAKEN.iter().map(|(name, _)| *name).collect();
    assert_eq!(taken, expected);
    let refused = files.len() - taken.len();
    println!("{refused} of {} broken fixtures are refused", files.len());
    assert!(refused * 100 >= files.len() * 95);
}

#[tokio::test]
async fn envelopes_of_canvas_become_events() {
    let Some(folder) = shared("canvas-live-events/caliper") else {
        return;
    };
    let house = House::new().await;
    let files = files(&folder);
    assert_eq!(files.len(), 3);
    for (name, body) in files {
        let reply = house.sense_bytes(body, &[]).await;
        assert_eq!(reply.outcomes(), ["accepted"], "{name}");
    }
    let hasher = house.hasher().await;
    let events = house.events().await;
    let of = |name: &str| {
        let mut named = events.iter().filter(|event| event.event_type == name);
        named.next().expect("stored")
    };

    let graded = of("assessment.graded");
    assert_eq!(
        graded.student_key,
        hasher.key("urn:instructure:canvas:user:21070000000000048")
    );
    assert_eq!(
        graded.course.as_deref(),
        Some("urn:instructure:canvas:course:21070000000000565")
    );
    assert_eq!(graded.time.to_rfc3339(), "2019-11-01T19:11:05.222+00:00");
    let Data::Assessment(data) = &graded.data else {
        panic!("{graded:?}");
    };
    assert_eq!((data.score, data.max_score), (Some(5.0), Some(1.0)));
    assert_eq!(
        data.assessment_id.as_deref(),
        Some("urn:instructure:canvas:assignment:21070000000000355")
    );
    assert_eq!(
        data.by_key,
        Some(hasher.key("urn:instructure:canvas:user:21070000000000987"))
    );

    let submitted: Vec<_> = events
        .iter()
        .filter(|event| event.event_type == "assessment.submitted")
        .collect();
    assert_eq!(submitted.len(), 2);
    for event in &submitted {
        assert_eq!(event.data.family(), Family::Assessment);
    }
    let text = house.text().await;
    for person in [
        "21070000000000048",
        "21070000000000987",
        "21070000000987123",
        "21070000000014012",
        "987123",
        "1243245",
        "ABC.123",
        "93.184.216.34",
        "user_login",
        "submissions/48",
        "Macintosh",
        "Test Submission",
    ] {
        assert!(!text.contains(person), "{person} in {text}");
    }
}
