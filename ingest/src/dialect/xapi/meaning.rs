//! What a statement says, as one of our types of events.

use serde_json::Value;

use super::parts::Parts;
use super::video::{rate, seconds};
use super::vocabulary::{Thing, Verb, extension, extension as names};
use schemas::event::limits::POINTS;

/// The type of ours that says what the statement says, if one does.
///
/// A statement that lacks what a type must carry, the position of a `played` for
/// example, is still a good statement: it has no type of ours.
pub fn meaning(parts: &Parts) -> Option<&'static str> {
    use Thing::{Assessment, Course, Discussion, Item};

    let verb = parts.known_verb()?;
    let video = parts.is_of_video();
    let session = session(parts).is_some();
    let result = |name: &str| parts.result.contains_key(name);
    let when = |holds: bool, name: &'static str| holds.then_some(name);
    // Only activities have an id that a column takes.
    let thing = parts.thing()?;
    match verb {
        Verb::Initialized if video => Some("video.loaded"),
        Verb::Completed if video => Some("video.completed"),
        Verb::Terminated | Verb::Abandoned if video => Some("video.stopped"),
        Verb::Played => when(told(parts, names::TIME), "video.played"),
        Verb::Paused => when(told(parts, names::TIME), "video.paused"),
        Verb::Seeked => {
            let jump = told(parts, names::TIME_FROM) && told(parts, names::TIME_TO);
            when(jump, "video.seeked")
        }
        Verb::Interacted => video.then(|| control(parts)),

        Verb::Initialized if thing == Assessment => Some("assessment.started"),
        Verb::Initialized if session => Some("session.started"),
        Verb::Initialized | Verb::Opened => Some("content.opened"),
        Verb::Completed | Verb::Terminated if thing == Assessment => Some("assessment.submitted"),
        Verb::Submitted => Some("assessment.submitted"),
        Verb::Completed | Verb::Satisfied | Verb::Waived => Some("content.completed"),
        Verb::Progressed => when(is_complete(parts), "content.completed"),
        Verb::Terminated | Verb::Abandoned | Verb::LoggedOut => when(session, "session.ended"),
        Verb::LoggedIn => when(session, "session.started"),

        Verb::Answered => Some("item.answered"),
        Verb::Asked => when(thing == Item, "item.hinted"),
        // Open edX tells one attempt three times: as answered, as attempted by
        // the browser, and as attempted with its score.
        Verb::Attempted if thing == Item && result("response") => Some("item.answered"),
        Verb::Attempted | Verb::Earned if thing != Course && score(parts).is_some() => {
            Some("assessment.graded")
        }
        Verb::Attempted if thing == Item => Some("assessment.submitted"),
        Verb::Attempted if thing == Assessment => Some("assessment.started"),
        Verb::Attempted => Some("content.opened"),
        Verb::Earned => when(score(parts).is_some(), "grade.changed"),
        Verb::Passed | Verb::Failed if thing != Course && score(parts).is_some() => {
            Some("assessment.graded")
        }
        Verb::Passed | Verb::Failed => Some("grade.changed"),

        Verb::Viewed if thing == Discussion => Some("discussion.viewed"),
        Verb::Viewed => Some("content.opened"),
        Verb::Navigated => Some("page.viewed"),
        Verb::Downloaded => Some("resource.downloaded"),
        Verb::Posted => Some("discussion.posted"),
        Verb::Voted => Some("discussion.voted"),
        Verb::Searched => when(result("response"), "search.performed"),
        Verb::Registered | Verb::Unregistered => {
            when(parts.course().is_some(), "enrollment.changed")
        }
    }
}

/// The visit, as the profiles name it.
pub fn session(parts: &Parts) -> Option<(&'static str, String)> {
    [names::SESSION, names::CMI5_SESSION, names::EDX_SESSION]
        .into_iter()
        .find_map(|name| {
            let session = extension(&parts.surroundings, name)?.as_str()?;
            (!session.trim().is_empty()).then(|| (name, session.to_owned()))
        })
}

/// Points reached, and those that could be, where a column takes them.
pub fn score(parts: &Parts) -> Option<(f64, Option<f64>)> {
    let score = parts.result.get("score")?;
    let max = score["max"].as_f64();
    let max = max.filter(|max| (0.0..=POINTS).contains(max));
    match score["raw"].as_f64() {
        Some(raw) => (-POINTS..=POINTS).contains(&raw).then_some((raw, max)),
        None => Some((score["scaled"].as_f64()?, Some(1.0))),
    }
}

fn told(parts: &Parts, name: &str) -> bool {
    extension(&parts.outcome, name).and_then(seconds).is_some()
}

/// Which of the player's controls was used. The profile has one verb for all
/// and lets the sender tell only what has changed; many tell everything, and
/// then nobody can know.
fn control(parts: &Parts) -> &'static str {
    let told = |name: &str| {
        extension(&parts.outcome, name).is_some() || extension(&parts.surroundings, name).is_some()
    };
    let any = |names: &[&str]| names.iter().any(|name| told(name));
    let speed = parts.rate().is_some();
    let changed = extension(&parts.outcome, names::SPEED_TO).and_then(rate);
    if changed.is_some() || (speed && !any(names::CAPTIONS) && !any(names::CONTROLS)) {
        "video.rate_changed"
    } else if any(names::CAPTIONS) && !speed && !any(names::CONTROLS) {
        "video.captions_toggled"
    } else {
        "video.interacted"
    }
}

fn is_complete(parts: &Parts) -> bool {
    let progress = extension(&parts.outcome, names::CMI5_PROGRESS).and_then(Value::as_f64);
    parts.result.get("completion") == Some(&Value::Bool(true))
        || progress.is_some_and(|percent| percent >= 100.0)
}
