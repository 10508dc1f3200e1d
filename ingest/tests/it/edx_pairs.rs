//! Open edX tells its events as xAPI too: both must become the same.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::event::{Data, Event};
use serde_json::{Value, json};

use crate::edx::{shared_data, stored, track};
use crate::edx_logs::assert_nobody;
use crate::house::House;

/// What differs between an event and its statement, and why.
const DIFFERENCES: &[(&str, &[&str], &str)] = &[
    ("complete_video", &["position"], LENGTH),
    (
        "edx.course.enrollment.activated.enterprise",
        &["content"],
        COURSE,
    ),
    (
        "edx.course.enrollment.activated.required.only.data",
        &["content"],
        COURSE,
    ),
    ("edx.course.enrollment.mode_changed", &["content"], COURSE),
    ("edx.course.grade.now_passed", &["content"], COURSE),
    ("edx.forum.comment.created", &["content"], POST),
    ("edx.forum.comment.edited", &["content", "target"], POST),
    ("edx.forum.comment.unreported", &["content", "target"], POST),
    (
        "edx.forum.response.deleted",
        &["content", "target", "type"],
        CALLED_RESPONSE,
    ),
    (
        "edx.forum.response.reported",
        &["content", "target", "type"],
        CALLED_RESPONSE,
    ),
    (
        "edx.forum.response.voted",
        &["content", "target", "thread"],
        POST,
    ),
    ("edx.forum.thread.deleted", &["content", "thread"], POST),
    ("edx.forum.thread.reported", &["content", "thread"], POST),
    ("edx.forum.thread.viewed", &["content"], POST),
    (
        "edx.grades.course.grade_calculated_letter_grade",
        &["content"],
        COURSE,
    ),
    (
        "edx.grades.subsection.grade_calculated.weighted_possible_0",
        &["correct"],
        OF_MANY,
    ),
    (
        "edx.problem.hint.demandhint_displayed",
        &["content", "family", "hints", "item", "type"],
        HELP,
    ),
    (
        "edx.special_exam.practice.attempt.submitted",
        &["duration"],
        EXAM,
    ),
    (
        "edx.special_exam.proctored.attempt.submitted",
        &["duration"],
        EXAM,
    ),
    (
        "edx.special_exam.timed.attempt.submitted",
        &["duration"],
        EXAM,
    ),
    ("problem_check(browser)", &["response"], FORM),
    (
        "problem_check(browser)legacy",
        &["assessment", "content", "item", "response"],
        OLD_FORM,
    ),
    (
        "problem_check(server).list_answers",
        &["attempt", "response"],
        PARTS,
    ),
    (
        "problem_check(server)_no_response_type",
        &["response"],
        PYTHON,
    ),
    (
        "problem_check(server,multiple_questions,incorrect)",
        &["attempt", "response"],
        PARTS,
    ),
    ("showanswer", &["content", "family", "item", "type"], HELP),
];

const LENGTH: &str =
    "the statement says the video's length as the position, which the event does not";
const COURSE: &str = "the statement's object is the course, which here is no content";
const POST: &str = "the statement's object is the post, which here is thread or target";
const CALLED_RESPONSE: &str =
    "a user is called response, as the name of the event says, and is hidden in it";
const OF_MANY: &str = "the statement says that a subsection is right, whose problems may be wrong";
const HELP: &str =
    "the statement's object is the hint or the answer, of which nobody knows the problem";
const EXAM: &str = "the statement says how long it took only beside the attempt";
const FORM: &str = "the statement does not say what was entered";
const OLD_FORM: &str = "the statement's object is the sequence of the page";
const PARTS: &str = "the answers and the attempt stand in statements of the parts, or nowhere";
const PYTHON: &str = "the statement has the answers as Python prints them";

/// What xAPI does not allow in statements of Open edX, and why it goes.
const MENDED: &[(&str, &str, &str)] = &[
    (
        "edx.grades.subsection.grade_calculated.weighted_possible_0",
        "/result/score/min",
        NO_RANGE,
    ),
    (
        "edx.special_exam.practice.attempt.submitted",
        ATTEMPT,
        NO_IRI,
    ),
    (
        "edx.special_exam.proctored.attempt.submitted",
        ATTEMPT,
        NO_IRI,
    ),
    ("edx.special_exam.timed.attempt.submitted", ATTEMPT, NO_IRI),
    (
        "problem_check(server).list_answers",
        "/object/objectType",
        NO_TYPE,
    ),
    (
        "problem_check(server,multiple_questions,incorrect)",
        "/object/objectType",
        NO_TYPE,
    ),
];

const ATTEMPT: &str = "/context/contextActivities/grouping";
const NO_RANGE: &str = "a score from 0 to 0";
const NO_IRI: &str = "an activity whose id is no IRI";
const NO_TYPE: &str = "a GroupActivity";

/// The statement without its id, which Open edX's tests give to several, and
/// without what xAPI does not allow.
fn mended(mut statement: Value, name: &str) -> Value {
    let wrong = MENDED.iter().find(|(file, ..)| *file == name);
    for pointer in ["/id"]
        .into_iter()
        .chain(wrong.map(|(_, pointer, _)| *pointer))
    {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        let parent = statement.pointer_mut(parent).and_then(Value::as_object_mut);
        let removed = parent.and_then(|parent| parent.remove(member));
        assert!(removed.is_some(), "{name} has {pointer}");
    }
    statement
}

/// What both say, under one name each.
fn told(event: &Event) -> BTreeMap<&'static str, Value> {
    let mut told = BTreeMap::from([
        ("family", json!(event.data.family().as_str())),
        ("type", json!(event.event_type.replace("xapi.", "edx."))),
        ("time", json!(event.time)),
        ("session", json!(event.session)),
        ("course", json!(event.course.as_deref().map(bare))),
        ("content", json!(event.content.as_deref().map(bare))),
    ]);
    let round = |number: Option<f64>| json!(number.map(|number| (number * 1e3).round() / 1e3));
    let id = |text: &Option<String>| json!(text.as_deref().map(bare));
    match &event.data {
        Data::Video(data) => told.extend([
            ("position", round(data.position_seconds)),
            ("from", round(data.from_seconds)),
            ("to", round(data.to_seconds)),
            ("duration", round(data.duration_seconds)),
            ("rate", round(data.rate)),
        ]),
        Data::Assessment(data) => told.extend([
            ("assessment", id(&data.assessment_id)),
            ("item", id(&data.item_id)),
            ("attempt", json!(data.attempt)),
            (
                "response",
                data.response.as_deref().map_or(Value::Null, response),
            ),
            ("correct", json!(data.correct)),
            ("score", round(data.score)),
            ("max_score", round(data.max_score)),
            ("hints", json!(data.hints)),
            ("duration", round(data.duration_seconds)),
            ("new", json!(data.grade_new)),
        ]),
        Data::Clickstream(data) => told.extend([
            ("thread", id(&data.thread_id)),
            ("target", id(&data.target_id)),
            ("status", json!(data.status)),
        ]),
        _ => {}
    }
    told
}

/// What is of no type of ours is called by its whole name, or by its verb.
fn one_type(event: &BTreeMap<&'static str, Value>, stated: &mut BTreeMap<&'static str, Value>) {
    let (Some(name), Some(verb)) = (event["type"].as_str(), stated["type"].as_str()) else {
        return;
    };
    if let Some(verb) = verb.strip_prefix("edx.")
        && name.starts_with("edx.")
        && name.ends_with(&format!("_{verb}"))
    {
        stated.insert("type", event["type"].clone());
    }
}

/// An id without the site: statements name things by addresses.
fn bare(id: &str) -> &str {
    let Some(path) = id.strip_prefix("http://localhost:18000/") else {
        return id;
    };
    let ends = [
        "course/",
        "xblock/",
        "api/discussion/v1/comments/",
        "api/discussion/v1/threads/",
    ];
    let link = path.split_once("/jump_to/").map(|(_, block)| block);
    let end = ends.iter().find_map(|end| path.strip_prefix(end));
    end.or(link).unwrap_or(id)
}

/// Lists are JSON in both, with blanks in one.
fn response(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON")
}

#[tokio::test]
async fn an_event_and_its_statement_become_the_same() {
    let Some(folder) = shared_data("edx-events") else {
        return;
    };
    let (events, statements) = (House::new().await, House::new().await);
    let mut files: Vec<_> = std::fs::read_dir(folder.join("raw"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    files.sort();
    let mut pairs = 0;
    let mut wrong = Vec::new();
    for file in files {
        let raw = read(&folder.join("raw").join(&file));
        let reply = track(&events, raw.to_string(), "application/json").await;
        assert_eq!(reply.status, 202, "{file:?}: {}", reply.body);
        assert_nobody(&events, &reply, &[&raw.to_string()]).await;
        let event = stored(&events, &reply).await.remove(0);
        let file_of_statement = folder.join("xapi").join(&file);
        if !file_of_statement.exists() {
            continue;
        }
        pairs += 1;
        let statement = match read(&file_of_statement) {
            // The problem, then its parts.
            Value::Array(all) => all[0].clone(),
            one => one,
        };
        let name = file.to_str().expect("UTF-8").trim_end_matches(".json");
        let reply = statements.state(&mended(statement, name)).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.body);
        let all = statements.events().await;
        let stated = all.iter().find(|event| reply.body[0] == json!(event.id));
        let mut stated = told(stated.expect("stored"));
        let event = told(&event);
        one_type(&event, &mut stated);
        let differences: Vec<_> = event
            .keys()
            .chain(stated.keys().filter(|key| !event.contains_key(*key)))
            .filter(|key| {
                event.get(*key).unwrap_or(&Value::Null) != stated.get(*key).unwrap_or(&Value::Null)
            })
            .copied()
            .collect();
        let expected = DIFFERENCES.iter().find(|(file, ..)| *file == name);
        if differences != expected.map_or(&[][..], |(_, fields, _)| fields) {
            let both = differences
                .iter()
                .map(|key| format!("  {key}: {:?} | {:?}\n", event.get(key), stated.get(key)));
            wrong.push(format!(
                "{name}: {differences:?}\n{}",
                both.collect::<String>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(pairs, 39);
}
