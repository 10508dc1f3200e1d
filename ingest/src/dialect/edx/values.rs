//! Values of a tracking event's members: numbers and texts, whichever JSON type
//! the player or the server chose for them.

use schemas::event::limits::{COUNT, POINTS, RATE, VIDEO_SECONDS};
use serde_json::{Map, Value};

/// The value of the first of these members that can be read.
pub fn peek<T>(
    members: &Map<String, Value>,
    names: &[&str],
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    names.iter().find_map(|name| read(members.get(*name)?))
}

/// Takes the first of these members that can be read. What no column takes
/// stays where it is.
pub fn take<T>(
    members: &mut Map<String, Value>,
    names: &[&str],
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    names.iter().find_map(|name| {
        let value = read(members.get(*name)?)?;
        members.remove(*name);
        Some(value)
    })
}

/// A text that is more than blanks.
pub fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// A text of at most so many bytes.
pub fn text_of(longest: usize) -> impl Fn(&Value) -> Option<String> {
    move |value| text(value).filter(|text| text.len() <= longest)
}

/// A number, or text that is one; players send both.
pub fn number(value: &Value) -> Option<f64> {
    let number: f64 = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    number.is_finite().then_some(number)
}

/// Seconds from the start of a video.
pub fn seconds(value: &Value) -> Option<f64> {
    number(value).filter(|seconds| (0.0..=VIDEO_SECONDS).contains(seconds))
}

/// The length of a video; players say 0 as long as they do not know it.
pub fn length(value: &Value) -> Option<f64> {
    seconds(value).filter(|seconds| *seconds > 0.0)
}

/// How fast a video plays.
pub fn rate(value: &Value) -> Option<f64> {
    number(value).filter(|rate| *rate > 0.0 && *rate <= RATE)
}

/// Points reached.
pub fn points(value: &Value) -> Option<f64> {
    number(value).filter(|points| (-POINTS..=POINTS).contains(points))
}

/// Points that could be reached.
pub fn most_points(value: &Value) -> Option<f64> {
    number(value).filter(|points| (0.0..=POINTS).contains(points))
}

/// Which try it is.
pub fn attempt(value: &Value) -> Option<i32> {
    let number = i32::try_from(value.as_i64()?).ok()?;
    (1..=COUNT).contains(&number).then_some(number)
}

/// Text as it is, any other JSON as text.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_stays_where_it_is() {
        let mut event = json!({"currentTime": -1, "current_time": "7.5", "duration": 0});
        let event = event.as_object_mut().expect("an object");
        assert_eq!(
            take(event, &["currentTime", "current_time"], seconds),
            Some(7.5)
        );
        assert_eq!(take(event, &["duration"], length), None);
        assert_eq!(
            Value::Object(event.clone()),
            json!({"currentTime": -1, "duration": 0})
        );
    }

    #[test]
    fn numbers_that_make_no_sense_are_none() {
        for value in [
            json!("NaN"),
            json!("inf"),
            json!(null),
            json!([1]),
            json!(1e7),
        ] {
            assert_eq!(seconds(&value), None, "{value}");
        }
        assert_eq!(rate(&json!("1.50")), Some(1.5));
        assert_eq!(attempt(&json!(0)), None);
        assert_eq!(text(&json!(" ")), None);
    }
}
