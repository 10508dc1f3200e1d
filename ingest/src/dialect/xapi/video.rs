//! The data of a video event: the extensions of the video profile.

use schemas::event::{Segment, Video};
use serde_json::Value;

use super::parts::Parts;
use super::vocabulary::{extension, extension as names, take};
use schemas::event::limits::{RATE, SEGMENTS, VIDEO_SECONDS};

impl Parts {
    /// Takes what a video event's columns hold. What makes no sense there, a
    /// negative time for example, stays where it is.
    pub fn take_video(&mut self) -> Video {
        let rate = self.rate();
        for extensions in [&mut self.outcome, &mut self.surroundings] {
            for name in [names::SPEED_TO, names::SPEED] {
                if rate.is_some() && extension(extensions, name).and_then(self::rate) == rate {
                    take(extensions, name, self::rate);
                }
            }
        }
        Video {
            position_seconds: take(&mut self.outcome, names::TIME, seconds),
            from_seconds: take(&mut self.outcome, names::TIME_FROM, seconds),
            to_seconds: take(&mut self.outcome, names::TIME_TO, seconds),
            duration_seconds: self.take_from_either(names::LENGTH, length),
            rate,
            played_segments: self.take_from_either(names::PLAYED_SEGMENTS, segments),
            progress: self.take_from_either(names::PROGRESS, share),
            ..Video::default()
        }
    }

    /// The profile has the length in the context and the rest in the result;
    /// players mix them up.
    fn take_from_either<T>(&mut self, name: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        take(&mut self.outcome, name, &read).or_else(|| take(&mut self.surroundings, name, &read))
    }

    /// How fast the video plays from here on.
    pub fn rate(&self) -> Option<f64> {
        extension(&self.outcome, names::SPEED_TO)
            .or_else(|| extension(&self.outcome, names::SPEED))
            .or_else(|| extension(&self.surroundings, names::SPEED))
            .and_then(rate)
    }
}

/// Seconds from the start of a video.
pub fn seconds(value: &Value) -> Option<f64> {
    number(value).filter(|seconds| (0.0..=VIDEO_SECONDS).contains(seconds))
}

/// The length of a video.
fn length(value: &Value) -> Option<f64> {
    seconds(value).filter(|seconds| *seconds > 0.0)
}

/// How fast a video plays, `1.25x` too.
pub fn rate(value: &Value) -> Option<f64> {
    number(value).filter(|rate| *rate > 0.0 && *rate <= RATE)
}

fn share(value: &Value) -> Option<f64> {
    number(value).filter(|share| (0.0..=1.0).contains(share))
}

/// A number, or text that is one; players send both.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().trim_end_matches(['x', 'X']).parse().ok()?,
        other => other.as_f64()?,
    };
    number.is_finite().then_some(number)
}

/// Everything played so far, `a[.]b[,]c[.]d`. A piece that only has begun, the
/// last `[,]e` while the video plays, covers nothing yet.
fn segments(value: &Value) -> Option<Vec<Segment>> {
    let text = value.as_str()?.trim();
    let mut segments = Vec::new();
    for piece in text.split("[,]").filter(|piece| !piece.trim().is_empty()) {
        let second = |text: &str| {
            let second: f64 = text.trim().parse().ok()?;
            (0.0..=VIDEO_SECONDS).contains(&second).then_some(second)
        };
        match piece.split_once("[.]") {
            None => {
                second(piece)?;
            }
            Some((from, to)) if to.trim().is_empty() => {
                second(from)?;
            }
            Some((from, to)) => {
                let (from, to) = (second(from)?, second(to)?);
                if from > to || segments.len() == SEGMENTS {
                    return None;
                }
                segments.push(Segment(from, to));
            }
        }
    }
    Some(segments)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("", &[])]
    #[case("0[.]459.48", &[(0.0, 459.48)])]
    #[case("0[.]253.6[,]121.582", &[(0.0, 253.6)])]
    #[case("0[.]12.5[,] 61 [.] 76 [,]", &[(0.0, 12.5), (61.0, 76.0)])]
    #[case("7[.]", &[])]
    fn played_segments_are_read(#[case] text: &str, #[case] expected: &[(f64, f64)]) {
        let expected = expected.iter().map(|(from, to)| Segment(*from, *to));
        assert_eq!(segments(&json!(text)), Some(expected.collect()));
    }

    #[rstest]
    #[case(json!("0,12"))]
    #[case(json!("12[.]3"))]
    #[case(json!("0[.]NaN"))]
    #[case(json!("-1[.]3"))]
    #[case(json!("0[.]1[.]2"))]
    #[case(json!(12))]
    #[case(json!("0[.]1000001"))]
    fn others_stay_where_they_are(#[case] value: Value) {
        assert_eq!(segments(&value), None);
    }

    #[rstest]
    #[case(json!("1.25x"), Some(1.25))]
    #[case(json!(2), Some(2.0))]
    #[case(json!("fast"), None)]
    #[case(json!("inf"), None)]
    #[case(json!(0), None)]
    #[case(json!(101), None)]
    fn rates(#[case] value: Value, #[case] expected: Option<f64>) {
        assert_eq!(rate(&value), expected);
    }
}
