//! Timestamps of ISO 8601, a little more of it than RFC 3339 has.

use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};

/// A point in time as a statement tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// To the microsecond; UTC where nothing else is said.
    pub time: DateTime<Utc>,
    /// Whether it says its offset from UTC.
    pub has_offset: bool,
}

/// Reads a date and a time, with or without offset. The specification forbids
/// the offset -00:00, which says that nobody knows it.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.to_ascii_uppercase();
    let (date, rest) = text.split_once('T').filter(|(date, _)| date.len() <= 10)?;
    let zone = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone);
    let local = format!("{date}T{}", clock.replace(',', "."));
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y%m%dT%H%M%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&local, format).ok())?;
    let offset = if zone.is_empty() {
        Some(0)
    } else {
        minutes(zone)
    }?;
    let time = local.checked_sub_signed(TimeDelta::minutes(offset))?;
    Some(Timestamp {
        time: time.and_utc().trunc_subsecs(6),
        has_offset: !zone.is_empty(),
    })
}

/// `Z`, `+02:00`, `+0200` or `+02`, in minutes.
fn minutes(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = zone.split_at(1);
    let (hours, minutes) = match rest.len() {
        2 => (rest, "00"),
        4 => rest.split_at_checked(2)?,
        5 => rest.split_once(':')?,
        _ => return None,
    };
    let number = |text: &str, end: i64| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = text.parse().ok()?;
        (digits && number < end).then_some(number)
    };
    let minutes = number(hours, 24)? * 60 + number(minutes, 60)?;
    match sign {
        "+" => Some(minutes),
        "-" if minutes > 0 => Some(-minutes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-09-14T10:00:00.123Z", "2026-09-14T10:00:00.123Z", true)]
    #[case(
        "2021-11-24T20:54:24.199228+00:00",
        "2021-11-24T20:54:24.199228Z",
        true
    )]
    #[case("2026-09-14T12:00:00+0200", "2026-09-14T10:00:00Z", true)]
    #[case("2026-09-14T05:00:00-05", "2026-09-14T10:00:00Z", true)]
    #[case("2026-09-14T10:00", "2026-09-14T10:00:00Z", false)]
    #[case("20260914T100000Z", "2026-09-14T10:00:00Z", true)]
    fn times_are_read(#[case] text: &str, #[case] time: &str, #[case] has_offset: bool) {
        let time = time.parse().expect("a time");
        assert_eq!(parse(text), Some(Timestamp { time, has_offset }));
    }

    #[rstest]
    #[case("should fail")]
    #[case("01/011/2015")]
    #[case("2008-09-15")]
    #[case("2008-09-15T15:53:00.601-00")]
    #[case("2008-09-15T15:53:00.601-0000")]
    #[case("2008-09-15T15:53:00.601-00:00")]
    #[case("2008-09-15T15:53:00.601+25:00")]
    #[case("2008-09-15T15:53:00.601+1é0")]
    #[case("2008-13-15T15:53:00Z")]
    #[case("2008-09-15T15:53:00ZZ")]
    fn others_are_refused(#[case] text: &str) {
        assert_eq!(parse(text), None);
    }
}
