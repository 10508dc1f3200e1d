//! What the values of options may be, and the words for those that are not.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use schemas::{Family, Role, Table};

/// When a key stops working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// At this time.
    At(DateTime<Utc>),
    /// So long after it was issued.
    After(TimeDelta),
}

/// A value that a column has in the rows that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
}

/// A column and its value, as `column=value`.
pub fn filter(text: &str) -> Result<Filter, String> {
    let parts = text
        .split_once('=')
        .filter(|(column, _)| !column.is_empty());
    let (column, value) = parts.ok_or("write it as course_id=bio-101")?;
    Ok(Filter {
        column: column.to_owned(),
        value: value.to_owned(),
    })
}

/// A family's name.
pub fn family(text: &str) -> Result<Family, String> {
    Family::from_name(text).ok_or_else(|| {
        let names = Family::ALL.map(Family::as_str);
        format!("the families are {}", names.join(", "))
    })
}

/// A table of the lake's name.
pub fn lake_table(text: &str) -> Result<Table, String> {
    Table::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Table::all().map(Table::as_str).collect();
        format!("the tables are {}", names.join(", "))
    })
}

/// The roles that a token can be issued for.
pub fn roles() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .try_map(|name| Role::from_name(&name).ok_or("it is one of these"))
}

/// A whole number that is not zero.
pub fn at_least_one<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    let number = text.parse().ok();
    number.ok_or_else(|| "write a whole number of at least 1, for example 200".to_owned())
}

/// A time as RFC 3339 has it, or the first moment of a day in UTC.
pub fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || {
        text.parse()
            .ok()
            .map(|day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc())
    };
    let time = text.parse().ok().or_else(day);
    time.ok_or_else(|| "write it as 2026-09-14T08:00:00Z, or as 2026-09-14".to_owned())
}

/// A length of time as 90d, 12h, 30m or 45s.
pub fn period(text: &str) -> Result<TimeDelta, String> {
    let parsed = || {
        let unit = text.chars().next_back()?;
        let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
        // A hundred years are more than anybody means.
        let number = (0..=36_500).contains(&number).then_some(number)?;
        match unit {
            'd' => Some(TimeDelta::days(number)),
            'h' => Some(TimeDelta::hours(number)),
            'm' => Some(TimeDelta::minutes(number)),
            's' => Some(TimeDelta::seconds(number)),
            _ => None,
        }
    };
    parsed().ok_or_else(|| "write it as 90d, 12h or 30m".to_owned())
}

/// A time, or a length of time.
pub fn expiry(text: &str) -> Result<Expiry, String> {
    let at = || time(text).map(Expiry::At);
    let after = period(text).map(Expiry::After);
    after.or_else(|_| at()).map_err(|_| {
        "write a time as 2027-06-30T00:00:00Z or 2027-06-30, or how long it works as 90d, 12h"
            .to_owned()
    })
}

/// A time zone's name.
pub fn time_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        "name it as IANA does, a place or UTC, for example America/Chicago or Europe/Berlin"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn periods_and_ends_are_read_as_people_write_them() {
        assert_eq!(period("90d"), Ok(TimeDelta::days(90)));
        assert_eq!(period("0m"), Ok(TimeDelta::zero()));
        for bad in [
            "",
            "d",
            "90",
            "-1d",
            "1y",
            "1.5h",
            "99999999999999999999d",
            "9999999d",
            "5ü",
        ] {
            assert!(period(bad).is_err(), "{bad}");
        }
        assert_eq!(expiry("12h"), Ok(Expiry::After(TimeDelta::hours(12))));
        let day = "2027-06-30T00:00:00Z".parse().expect("a time");
        assert_eq!(expiry("2027-06-30"), Ok(Expiry::At(day)));
        assert!(expiry("tomorrow").is_err());
    }

    #[test]
    fn a_filter_is_a_column_and_a_value() {
        let read = filter("url=https://a.example/?b=c").expect("a filter");
        assert_eq!(read.column, "url");
        assert_eq!(read.value, "https://a.example/?b=c");
        assert!(filter("course_id").is_err() && filter("=bio").is_err());
    }

    #[test]
    fn limits_are_whole_numbers_of_at_least_one() {
        let read = at_least_one::<NonZeroU32>("200").map(NonZeroU32::get);
        assert_eq!(read, Ok(200));
        for bad in ["", "0", "-1", "1.5", "1e3", "4294967296"] {
            assert!(at_least_one::<NonZeroU32>(bad).is_err(), "{bad}");
        }
    }
}
