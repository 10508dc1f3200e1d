//! The data of an assessment event.

use schemas::event::Assessment;
use serde_json::Value;

use super::meaning::score;
use super::parts::Parts;
use super::vocabulary::{Thing, Verb, extension as names, take};
use crate::dialect::duration;
use schemas::event::limits::{COUNT, DURATION_SECONDS};

impl Parts {
    /// Takes what the columns of an assessment event of this type hold.
    pub fn take_assessment(&mut self, event_type: &str) -> Assessment {
        let object = self.activity().map(str::to_owned);
        let thing = self.thing();
        let around = self.nearest(Thing::Assessment).map(str::to_owned);
        let (assessment_id, item_id) = match thing {
            _ if event_type.starts_with("item.") => (around, object),
            // The grade of a course is of no assessment.
            Some(Thing::Course) if event_type == "grade.changed" => (None, None),
            Some(Thing::Item) if event_type == "grade.changed" => (around.or(object), None),
            Some(Thing::Item) => (around.or_else(|| object.clone()), object),
            _ => (object, None),
        };
        let verb = self.known_verb();
        let points = score(self);
        let grade_new = (event_type == "grade.changed").then(|| match verb {
            Some(Verb::Failed) => "failed".to_owned(),
            Some(Verb::Earned) => points.map_or_else(String::new, |(score, _)| score.to_string()),
            _ => "passed".to_owned(),
        });
        Assessment {
            assessment_id,
            attempt: self.take_attempt(),
            item_id,
            response: take_text(&mut self.result, "response"),
            correct: self.take_success(),
            score: points.map(|(score, _)| score),
            max_score: self.take_score(points),
            duration_seconds: self.take_duration(),
            grade_new,
            ..Assessment::default()
        }
    }

    fn take_attempt(&mut self) -> Option<i32> {
        let read = |value: &Value| {
            let number = match value {
                Value::String(text) => text.parse().ok()?,
                other => i32::try_from(other.as_i64()?).ok()?,
            };
            (1..=COUNT).contains(&number).then_some(number)
        };
        let definition = self.definition.get_mut("extensions");
        let definition = definition.and_then(Value::as_object_mut);
        [
            Some(&mut self.outcome),
            Some(&mut self.surroundings),
            definition,
        ]
        .into_iter()
        .flatten()
        .find_map(|extensions| take(extensions, names::ATTEMPT, read))
    }

    fn take_success(&mut self) -> Option<bool> {
        self.result.remove("success")?.as_bool()
    }

    /// Leaves of the score what has no column; says the points that could be
    /// reached.
    fn take_score(&mut self, points: Option<(f64, Option<f64>)>) -> Option<f64> {
        let (_, max) = points?;
        if let Some(Value::Object(score)) = self.result.get_mut("score") {
            if score.remove("raw").is_none() {
                score.remove("scaled");
            } else if max.is_some() {
                score.remove("max");
            }
            if score.is_empty() {
                self.result.remove("score");
            }
        }
        max
    }

    fn take_duration(&mut self) -> Option<f64> {
        let text = self.result.get("duration")?.as_str()?;
        let seconds = duration::parse(text)?.seconds?;
        (seconds <= DURATION_SECONDS).then_some(())?;
        self.result.remove("duration");
        Some(seconds)
    }
}

/// Takes a member that is text.
pub fn take_text(members: &mut serde_json::Map<String, Value>, name: &str) -> Option<String> {
    match members.remove(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
