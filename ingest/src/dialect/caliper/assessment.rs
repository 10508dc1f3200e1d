//! The data of an event of an assessment.

use chrono::DateTime;
use schemas::event::Assessment;
use schemas::event::limits::{COUNT, DURATION_SECONDS, POINTS};
use serde_json::Value;

use super::parts::{Parts, id, kind};
use crate::dialect::duration;

/// The data of an event of that type; notes what it takes.
pub fn assessment(
    parts: &Parts<'_>,
    event_type: &str,
    taken: &mut Vec<&'static str>,
) -> Assessment {
    let assignable = parts.assignable();
    let (assessment_id, item_id) = match assignable {
        Some(item) if event_type.starts_with("item.") => (around(item), id(item)),
        Some(item) if kind(item) == Some("AssessmentItem") => {
            (around(item).or_else(|| id(item)), id(item))
        }
        other => (other.and_then(id), None),
    };
    let mut data = Assessment {
        assessment_id: assessment_id.map(str::to_owned),
        item_id: item_id.map(str::to_owned),
        ..Assessment::default()
    };
    if let Some((attempt, place)) = parts.attempt() {
        data.attempt = count(attempt);
        if data.attempt.is_some() {
            taken.push(within(place, "count"));
        }
        data.duration_seconds = spent(attempt);
        if data.duration_seconds.is_some() {
            taken.push(within(place, "duration"));
        }
    }
    if event_type == "item.answered" {
        if let Some((response, place)) = response(parts.generated) {
            data.response = Some(response);
            taken.push(place);
        }
        data.duration_seconds = data.duration_seconds.or_else(|| spent(parts.generated));
        data.attempt = data.attempt.or_else(|| count(&parts.generated["attempt"]));
    }
    let max = match (score(parts), event_type) {
        (Some((points, place)), "assessment.graded") => {
            data.score = Some(points);
            taken.push(place);
            taken.push("/generated/maxScore");
            let points = &parts.generated;
            points["maxScore"]
                .as_f64()
                .or_else(|| points["maxResultScore"].as_f64())
        }
        _ => assignable.and_then(|assignable| assignable["maxScore"].as_f64()),
    };
    data.max_score = max.filter(|max| (0.0..=POINTS).contains(max));
    data
}

/// Points reached, where a column takes them, and where they are told.
pub fn score(parts: &Parts<'_>) -> Option<(f64, &'static str)> {
    [
        ("scoreGiven", "/generated/scoreGiven"),
        ("totalScore", "/generated/totalScore"),
        ("resultScore", "/generated/resultScore"),
    ]
    .into_iter()
    .find_map(|(name, place)| {
        let points = parts.generated[name].as_f64()?;
        (-POINTS..=POINTS)
            .contains(&points)
            .then_some((points, place))
    })
}

/// An answer as text, and where it stands in the event.
pub fn response(generated: &Value) -> Option<(String, &'static str)> {
    let places = [
        ("values", "/generated/values"),
        ("selections", "/generated/selections"),
        ("value", "/generated/value"),
        ("dateTimeSelected", "/generated/dateTimeSelected"),
    ];
    let mut told = places
        .iter()
        .map(|(name, place)| (&generated[*name], *place));
    let (value, place) = told.find(|(value, _)| !value.is_null())?;
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some((text, place))
}

/// What an item is a part of.
fn around(item: &Value) -> Option<&str> {
    id(&item["isPartOf"])
}

fn count(attempt: &Value) -> Option<i32> {
    let count = attempt["count"].as_f64()?;
    let whole = count.fract() == 0.0 && (1.0..=f64::from(COUNT)).contains(&count);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "in that range no whole number loses anything"
    )]
    whole.then_some(count as i32)
}

/// Seconds that something took, as it says or by when it began and ended.
fn spent(activity: &Value) -> Option<f64> {
    let told = || duration::parse(activity["duration"].as_str()?)?.seconds;
    let time = |name: &str| DateTime::parse_from_rfc3339(activity[name].as_str()?).ok();
    let between = || {
        let spent = time("endedAtTime")?.signed_duration_since(time("startedAtTime")?);
        spent.num_microseconds().map(|micros| micros as f64 / 1e6)
    };
    let seconds = told().or_else(between)?;
    (0.0..=DURATION_SECONDS)
        .contains(&seconds)
        .then_some(seconds)
}

/// The pointer to a member of an attempt that stands there.
fn within(place: &'static str, member: &str) -> &'static str {
    match (place, member) {
        ("/generated", "count") => "/generated/count",
        ("/generated", _) => "/generated/duration",
        ("/object", "count") => "/object/count",
        ("/object", _) => "/object/duration",
        (_, "count") => "/generated/attempt/count",
        _ => "/generated/attempt/duration",
    }
}
