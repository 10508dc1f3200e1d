//! Timestamps of ISO 8601, of which RFC 3339 has a part.

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};

/// A point in time as a statement tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// To the microsecond; UTC where nothing else is said.
    pub time: DateTime<Utc>,
    /// Whether RFC 3339 has this form too.
    pub of_rfc3339: bool,
}

/// Reads a date and a time: `2026-09-14T10:00:00.123+02:00`, and of ISO 8601
/// also `20260914T100000`, without seconds, with a comma, without offset, with
/// one of `+02` or `+0200`, and the end of a day as 24:00. A second 60 is read
/// at the end of a UTC day only.
///
/// The specification forbids the offset -00:00, which says that nobody knows it.
pub fn parse(text: &str) -> Option<Timestamp> {
    let mut text = Reader {
        rest: text.as_bytes(),
    };
    let year = text.digits(4)?;
    let extended = text.takes(b"-");
    let month = text.digits(2)?;
    (text.takes(b"-") == extended).then_some(())?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, text.digits(2)?)?;
    text.takes(b"Tt").then_some(())?;
    let hour = text.digits(2)?;
    (text.takes(b":") == extended).then_some(())?;
    let minute = text.digits(2)?;
    let has_seconds = match extended {
        true => text.takes(b":"),
        false => text.rest.first().is_some_and(u8::is_ascii_digit),
    };
    let second = if has_seconds { text.digits(2)? } else { 0 };
    let comma = text.rest.starts_with(b",");
    let nanos = if has_seconds && text.takes(b".,") {
        text.fraction()?
    } else {
        0
    };
    let zone = text.zone(extended)?;
    text.rest.is_empty().then_some(())?;

    let end_of_day = hour == 24 && (minute, second, nanos) == (0, 0, 0);
    if !(hour < 24 || end_of_day) || minute > 59 || second > 60 {
        return None;
    }
    let seconds = TimeDelta::seconds(i64::from(hour * 3600 + minute * 60 + second));
    let time = date.and_hms_opt(0, 0, 0)?.and_utc() + seconds + TimeDelta::nanoseconds(nanos);
    let time = time.checked_sub_signed(TimeDelta::minutes(zone.minutes))?;
    if second == 60 && time.time().signed_duration_since(NaiveTime::MIN) >= TimeDelta::seconds(1) {
        return None;
    }
    Some(Timestamp {
        time: time.trunc_subsecs(6),
        of_rfc3339: extended && has_seconds && !comma && !end_of_day && zone.of_rfc3339,
    })
}

/// An offset from UTC.
struct Zone {
    minutes: i64,
    of_rfc3339: bool,
}

/// What is still to be read.
struct Reader<'t> {
    rest: &'t [u8],
}

impl Reader<'_> {
    /// Takes one of these bytes if it comes next.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        let takes = self.rest.first().is_some_and(|byte| bytes.contains(byte));
        if takes {
            self.rest = &self.rest[1..];
        }
        takes
    }

    /// A number of so many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        digits.iter().try_fold(0, |number, byte| {
            Some(number * 10 + char::from(*byte).to_digit(10)?)
        })
    }

    /// The digits of a fraction, in nanoseconds.
    fn fraction(&mut self) -> Option<i64> {
        let count = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
        let nanos = padded.fold(0, |nanos, byte| nanos * 10 + i64::from(byte - b'0'));
        (count > 0).then_some(nanos)
    }

    /// Nothing, `Z`, `+02`, `+02:00` or, in the basic format, `+0200`; that in
    /// the other format too, as many senders have it.
    fn zone(&mut self, extended: bool) -> Option<Zone> {
        let of_rfc3339 = !self.rest.is_empty();
        if !of_rfc3339 || self.takes(b"Zz") {
            return Some(Zone {
                minutes: 0,
                of_rfc3339,
            });
        }
        let west = self.takes(b"-");
        (west || self.takes(b"+")).then_some(())?;
        let hours = self.digits(2)?;
        let colon = self.takes(b":");
        let minutes = if colon || !self.rest.is_empty() {
            self.digits(2)?
        } else {
            0
        };
        let offset = i64::from(hours * 60 + minutes);
        if hours > 23 || minutes > 59 || (west && offset == 0) || (colon && !extended) {
            return None;
        }
        Some(Zone {
            minutes: if west { -offset } else { offset },
            of_rfc3339: colon,
        })
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
    #[case("2026-09-14t10:00:00z", "2026-09-14T10:00:00Z", true)]
    #[case("2026-09-14T10:00:00.1234567899Z", "2026-09-14T10:00:00.123456Z", true)]
    #[case("2026-09-14T02:30:00-07:30", "2026-09-14T10:00:00Z", true)]
    #[case("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", true)]
    #[case("2017-01-01T00:59:60.5+01:00", "2017-01-01T00:00:00.5Z", true)]
    #[case("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", true)]
    #[case("2026-09-14T12:00:00+0200", "2026-09-14T10:00:00Z", false)]
    #[case("2026-09-14T05:00:00-05", "2026-09-14T10:00:00Z", false)]
    #[case("2026-09-14T10:00:00", "2026-09-14T10:00:00Z", false)]
    #[case("2026-09-14T10:00:00,5Z", "2026-09-14T10:00:00.5Z", false)]
    #[case("2026-09-14T10:00Z", "2026-09-14T10:00:00Z", false)]
    #[case("2026-09-14T10:00", "2026-09-14T10:00:00Z", false)]
    #[case("2026-09-14T24:00:00Z", "2026-09-15T00:00:00Z", false)]
    #[case("2026-09-14T24:00Z", "2026-09-15T00:00:00Z", false)]
    #[case("20260914T100000Z", "2026-09-14T10:00:00Z", false)]
    #[case("20260914T1000", "2026-09-14T10:00:00Z", false)]
    #[case("20260914T120000.5+0200", "2026-09-14T10:00:00.5Z", false)]
    fn times_are_read(#[case] text: &str, #[case] time: &str, #[case] of_rfc3339: bool) {
        let time = time.parse().expect("a time");
        assert_eq!(parse(text), Some(Timestamp { time, of_rfc3339 }));
    }

    #[rstest]
    #[case("")]
    #[case("should fail")]
    #[case("01/011/2015")]
    #[case("2008-09-15")]
    #[case("2008-09-15T15")]
    #[case("2008-09-15 15:53:00Z")]
    #[case("2008-09-15T15:53:00.601-00")]
    #[case("2008-09-15T15:53:00.601-0000")]
    #[case("2008-09-15T15:53:00.601-00:00")]
    #[case("2008-09-15T15:53:00.601+25:00")]
    #[case("2008-09-15T15:53:00.601+00:60")]
    #[case("2008-09-15T15:53:00.601+1é0")]
    #[case("2008-09-15T15:53:00.601+1")]
    #[case("2008-09-15T15:53:00.601+100")]
    #[case("2008-13-15T15:53:00Z")]
    #[case("2008-02-30T15:53:00Z")]
    #[case("2008-9-15T15:53:00Z")]
    #[case("+2008-09-15T15:53:00Z")]
    #[case("-2008-09-15T15:53:00Z")]
    #[case("12008-09-15T15:53:00Z")]
    #[case("2008-0915T15:53:00Z")]
    #[case("200809-15T15:53:00Z")]
    #[case("20080915T15:53:00Z")]
    #[case("2008-09-15T155300Z")]
    #[case("20080915T155300+02:00")]
    #[case("2008-09-15T5:53:00Z")]
    #[case("2008-09-15T15:3:00Z")]
    #[case("2008-09-15T15:53:0Z")]
    #[case("2008-09-15T15:53:00.Z")]
    #[case("2008-09-15T15:53.5Z")]
    #[case("2008-09-15T15:53:61Z")]
    #[case("2008-09-15T15:53:60Z")]
    #[case("2016-12-31T23:59:60+01:00")]
    #[case("2008-09-15T15:60:00Z")]
    #[case("2008-09-15T24:00:01Z")]
    #[case("2008-09-15T25:00:00Z")]
    #[case("2008-09-15T15:53:00ZZ")]
    #[case("2008-09-15T15:53:00Z ")]
    #[case(" 2008-09-15T15:53:00Z")]
    #[case("2008-09-15T15:53:00 Z")]
    fn others_are_refused(#[case] text: &str) {
        assert_eq!(parse(text), None);
    }
}
