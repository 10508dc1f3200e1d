//! Durations of ISO 8601.

/// How long something took, as far as seconds can say it: years and months
/// have no fixed length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duration {
    /// Seconds, unless there are years or months, or more than a double holds.
    pub seconds: Option<f64>,
}

impl Duration {
    fn of(seconds: Option<f64>) -> Self {
        Self {
            seconds: seconds.filter(|seconds| seconds.is_finite()),
        }
    }
}

/// Reads `P1Y2M3DT4H5M6.7S` or `P4W`.
pub fn parse(text: &str) -> Option<Duration> {
    const DATE: [(u8, f64); 3] = [(b'Y', 0.0), (b'M', 0.0), (b'D', 86_400.0)];
    const TIME: [(u8, f64); 3] = [(b'H', 3_600.0), (b'M', 60.0), (b'S', 1.0)];

    let rest = text.strip_prefix('P')?;
    if let Some(weeks) = rest.strip_suffix('W') {
        return Some(Duration::of(Some(number(weeks)?.0 * 7.0 * 86_400.0)));
    }
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    let mut parts = Parts::default();
    parts.read(date, &DATE)?;
    parts.read(time, &TIME)?;
    Some(Duration::of(parts.fixed.then_some(parts.seconds)))
}

struct Parts {
    seconds: f64,
    fixed: bool,
    /// A part with a fraction was read: it must be the last.
    ended: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            seconds: 0.0,
            fixed: true,
            ended: false,
        }
    }
}

impl Parts {
    /// Reads numbers with these units, each at most once and in this order.
    fn read(&mut self, mut text: &str, units: &[(u8, f64)]) -> Option<()> {
        let mut units = units.iter();
        while !text.is_empty() {
            let end = text.find(|c: char| !(c.is_ascii_digit() || ".,".contains(c)))?;
            let unit = text.as_bytes()[end];
            let (_, seconds) = units.find(|(name, _)| *name == unit)?;
            let (value, fraction) = number(&text[..end])?;
            if self.ended {
                return None;
            }
            self.ended = fraction;
            self.seconds += value * seconds;
            self.fixed &= *seconds > 0.0;
            text = &text[end + 1..];
        }
        Some(())
    }
}

/// A number and whether it has a fraction.
fn number(text: &str) -> Option<(f64, bool)> {
    let text = text.replace(',', ".");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some((value, text.contains('.')))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("PT1M30.5S", Some(90.5))]
    #[case("PT1H0M0,1S", Some(3600.1))]
    #[case("P1DT1S", Some(86_401.0))]
    #[case("P4W", Some(2_419_200.0))]
    #[case("PT0S", Some(0.0))]
    #[case("P3Y1M29DT4H35M59.14S", None)]
    fn durations_are_read(#[case] text: &str, #[case] seconds: Option<f64>) {
        assert_eq!(parse(text), Some(Duration { seconds }));
    }

    #[rstest]
    #[case("")]
    #[case("P")]
    #[case("PT")]
    #[case("P1DT")]
    #[case("P4W1D")]
    #[case("PA1H0M0S")]
    #[case("PT1S1M")]
    #[case("PT1.5M1S")]
    #[case("PT.5S")]
    #[case("PT1")]
    #[case("1S")]
    #[case("PT-1S")]
    #[case("P1H")]
    #[case("PT1Sé")]
    fn others_are_refused(#[case] text: &str) {
        assert_eq!(parse(text), None);
    }
}
