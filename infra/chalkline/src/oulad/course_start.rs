use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// The stated first day of one presentation: `2013J=2013-10-05`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseStart {
    presentation: String,
    day: NaiveDate,
}

impl FromStr for CourseStart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (presentation, day) = text
            .split_once('=')
            .filter(|(presentation, _)| !presentation.is_empty())
            .ok_or("write PRESENTATION=DATE, for example 2013J=2013-10-05")?;
        Ok(Self {
            presentation: presentation.to_ascii_uppercase(),
            day: day
                .parse()
                .map_err(|_| format!("{day:?} is no date: write YYYY-MM-DD"))?,
        })
    }
}

/// When presentations begin.
///
/// The year and letter of a presentation say it unless it is stated otherwise:
/// `B` begins on 1 February, `J` on 1 October.
#[derive(Debug, Clone, Default)]
pub struct CourseStarts {
    stated: BTreeMap<String, NaiveDate>,
}

impl CourseStarts {
    /// The usual starts, except those that are stated.
    pub fn new(stated: impl IntoIterator<Item = CourseStart>) -> Self {
        Self {
            stated: stated
                .into_iter()
                .map(|start| (start.presentation, start.day))
                .collect(),
        }
    }

    /// The first day of a presentation; `None` when it is neither stated nor
    /// follows from its name.
    pub fn first_day(&self, presentation: &str) -> Option<NaiveDate> {
        if let Some(day) = self.stated.get(presentation) {
            return Some(*day);
        }
        let year = presentation.get(..4)?.parse().ok()?;
        let month = match presentation.get(4..)? {
            "B" => 2,
            "J" => 10,
            _ => return None,
        };
        NaiveDate::from_ymd_opt(year, month, 1)
    }
}

/// 12:00 UTC of the day `day` days after `first`; `None` beyond the calendar.
///
/// Noon lies in the same day in almost every time zone.
pub fn noon(first: NaiveDate, day: i64) -> Option<DateTime<Utc>> {
    let date = first.checked_add_signed(TimeDelta::try_days(day)?)?;
    let noon = NaiveTime::from_hms_opt(12, 0, 0).expect("noon is a time");
    Some(date.and_time(noon).and_utc())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2013B", Some("2013-02-01"))]
    #[case("2013J", Some("2013-10-05"))]
    #[case("2014J", Some("2014-10-01"))]
    #[case("2013K", None)]
    #[case("J", None)]
    #[case("", None)]
    fn starts_follow_from_the_name_unless_stated(
        #[case] presentation: &str,
        #[case] expected: Option<&str>,
    ) {
        let starts = CourseStarts::new(["2013j=2013-10-05".parse().expect("a start")]);
        let day = starts.first_day(presentation).map(|day| day.to_string());
        assert_eq!(day.as_deref(), expected);
    }

    #[rstest]
    #[case("2013J")]
    #[case("=2013-10-01")]
    #[case("2013J=October")]
    fn other_shapes_are_refused(#[case] text: &str) {
        assert!(text.parse::<CourseStart>().is_err());
    }

    #[test]
    fn days_count_from_the_first_and_may_lie_before_it() {
        let first = "2013-10-01".parse().expect("a date");
        assert_eq!(
            noon(first, -10).expect("a time").to_rfc3339(),
            "2013-09-21T12:00:00+00:00"
        );
        assert_eq!(noon(first, i64::MAX), None);
    }
}
