//! Times as senders write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, Utc};

use crate::outcome::{Reason, Rejection};

/// How far ahead of our clock an event may happen: more is a broken clock.
const AHEAD: TimeDelta = TimeDelta::hours(24);

/// Reads an RFC 3339 time to the microsecond.
///
/// # Errors
/// [`Reason::TimeWithoutOffset`] or [`Reason::InvalidTime`], at `pointer`.
pub fn parse(text: &str, pointer: &str) -> Result<DateTime<Utc>, Rejection> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc().trunc_subsecs(6));
    }
    let (reason, detail) = if is_local(text) {
        (
            Reason::TimeWithoutOffset,
            "Add the offset from UTC to the time, for example Z or +02:00.",
        )
    } else {
        (
            Reason::InvalidTime,
            "Send the time as RFC 3339, for example 2026-09-14T10:00:00.123Z.",
        )
    };
    Err(Rejection::new(reason, pointer, detail))
}

fn is_local(text: &str) -> bool {
    [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
    ]
    .iter()
    .any(|format| NaiveDateTime::parse_from_str(text, format).is_ok())
        || NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// Refuses times that only a broken clock tells. With `sent_at` the sender's
/// clock is corrected by ours first: one that began again in 1970 is of use.
///
/// # Errors
/// [`Reason::TimeInFuture`] and [`Reason::TimeTooOld`].
pub fn check(
    time: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
) -> Result<(), Rejection> {
    // Years of four digits, which is what RFC 3339 has, cannot overflow here.
    let time = time + sent_at.map_or(TimeDelta::zero(), |sent_at| received_at - sent_at);
    if time > received_at + AHEAD {
        let detail = "Set the sender's clock, or send sent_at, read from the clock that told the \
                      time: the time is more than 24 hours ahead.";
        return Err(Rejection::new(Reason::TimeInFuture, "/time", detail));
    }
    let earliest = DateTime::from_timestamp(631_152_000, 0).expect("1990 is a year");
    if time < earliest {
        let detail = "Set the sender's clock, or send sent_at, read from the clock that told the \
                      time: the time lies before 1990.";
        return Err(Rejection::new(Reason::TimeTooOld, "/time", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[rstest]
    #[case("2026-09-14T10:00:00Z", "2026-09-14T10:00:00Z")]
    #[case("2026-09-14T10:00:00.1234567+02:00", "2026-09-14T08:00:00.123456Z")]
    #[case("2026-09-14t10:00:00z", "2026-09-14T10:00:00Z")]
    fn times_are_read_to_the_microsecond(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse(text, "/time"), Ok(at(expected)));
    }

    #[rstest]
    #[case("2026-09-14T10:00:00", Reason::TimeWithoutOffset)]
    #[case("2026-09-14T10:00:00.5", Reason::TimeWithoutOffset)]
    #[case("2026-09-14 10:00:00", Reason::TimeWithoutOffset)]
    #[case("2026-09-14", Reason::TimeWithoutOffset)]
    #[case("14.9.2026", Reason::InvalidTime)]
    #[case("2026-02-30T10:00:00Z", Reason::InvalidTime)]
    #[case("1789380000", Reason::InvalidTime)]
    #[case("", Reason::InvalidTime)]
    fn other_texts_are_refused(#[case] text: &str, #[case] reason: Reason) {
        let rejection = parse(text, "/sent_at").expect_err("refused");
        assert_eq!(
            (rejection.reason, rejection.pointer.as_str()),
            (reason, "/sent_at")
        );
    }

    #[rstest]
    #[case("2026-09-15T10:00:00Z", None, None)]
    #[case("2026-09-15T10:00:01Z", None, Some(Reason::TimeInFuture))]
    #[case("2027-01-01T00:00:00Z", Some("2027-01-01T00:00:05Z"), None)]
    #[case(
        "2026-09-14T00:00:00Z",
        Some("2026-09-01T00:00:00Z"),
        Some(Reason::TimeInFuture)
    )]
    #[case("1990-01-01T00:00:00Z", None, None)]
    #[case("1989-12-31T23:59:59Z", None, Some(Reason::TimeTooOld))]
    // A clock that began again in 1970 is known by what it says of the sending.
    #[case("1970-01-01T00:03:00Z", Some("1970-01-01T00:05:00Z"), None)]
    #[case("1970-01-01T00:03:00Z", None, Some(Reason::TimeTooOld))]
    #[case("9999-01-01T00:00:00Z", Some("9999-01-01T00:00:00Z"), None)]
    // Both ends, by the corrected time.
    #[case("2026-09-14T10:00:00Z", Some("2026-09-13T10:00:00Z"), None)]
    #[case(
        "2026-09-14T10:00:00.000001Z",
        Some("2026-09-13T10:00:00Z"),
        Some(Reason::TimeInFuture)
    )]
    #[case("1990-01-01T00:01:00Z", Some("2026-09-14T10:01:00Z"), None)]
    #[case(
        "1990-01-01T00:00:59Z",
        Some("2026-09-14T10:01:00Z"),
        Some(Reason::TimeTooOld)
    )]
    #[case(
        "2026-09-14T10:00:00Z",
        Some("9999-12-31T23:59:59Z"),
        Some(Reason::TimeTooOld)
    )]
    #[case(
        "9999-12-31T23:59:59Z",
        Some("0000-01-01T00:00:00Z"),
        Some(Reason::TimeInFuture)
    )]
    fn broken_clocks_are_told_by_the_corrected_time(
        #[case] time: &str,
        #[case] sent_at: Option<&str>,
        #[case] reason: Option<Reason>,
    ) {
        let checked = check(at(time), sent_at.map(at), at("2026-09-14T10:00:00Z"));
        assert_eq!(checked.err().map(|rejection| rejection.reason), reason);
    }
}
