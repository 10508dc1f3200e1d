//! The result and its score.

use serde_json::Value;

use super::Check;
use crate::outcome::Reason;

const MEMBERS: &[&str] = &[
    "score",
    "success",
    "completion",
    "response",
    "duration",
    "extensions",
];

pub fn check(check: &mut Check<'_>, value: &Value) {
    if let Some(result) = check.object(value, MEMBERS) {
        check.member(result, "score", score);
        check.member(result, "success", Check::boolean);
        check.member(result, "completion", Check::boolean);
        check.member(result, "response", |check, value| {
            check.text(value);
        });
        check.member(result, "duration", Check::duration);
        check.member(result, "extensions", Check::extensions);
    }
}

fn score(check: &mut Check<'_>, value: &Value) {
    let Some(score) = check.object(value, &["scaled", "raw", "min", "max"]) else {
        return;
    };
    let mut number = |name: &str| {
        let mut number = None;
        check.member(score, name, |check, value| number = check.number(value));
        number
    };
    let (scaled, raw, min, max) = (
        number("scaled"),
        number("raw"),
        number("min"),
        number("max"),
    );
    if scaled.is_some_and(|scaled| !(-1.0..=1.0).contains(&scaled)) {
        let detail = "Send a number from -1 to 1.";
        check.problem_of("scaled", Reason::OutOfRange, detail);
    }
    if let (Some(min), Some(max)) = (min, max)
        && min >= max
    {
        let detail = "Send a min that is less than max.";
        check.problem_of("min", Reason::OutOfRange, detail);
    }
    if let Some(raw) = raw
        && (min.is_some_and(|min| raw < min) || max.is_some_and(|max| raw > max))
    {
        let detail = "Send a number from min to max.";
        check.problem_of("raw", Reason::OutOfRange, detail);
    }
}
