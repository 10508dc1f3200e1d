//! Days and times as they are found in the wild.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

/// Which of day and month comes first in days written with slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOrder {
    /// `15/06/2023`
    DayFirst,
    /// `06/15/2023`
    MonthFirst,
}

/// How a day or time was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Written {
    /// `2023-05-01`
    Day(NaiveDate),
    /// `2023-05-01T18:25:43.511Z`, also without the last parts.
    Time(DateTime<Utc>),
    /// `1/05/2023`: the first and the second number and the year.
    Slashes(u32, u32, i32),
}

impl Written {
    /// Reads a day or a time; none for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(slashes) = slashes(text) {
            return Some(slashes);
        }
        let (day, time) = match text.split_once(['T', ' ']) {
            Some((day, time)) => (day, Some(time)),
            None => (text, None),
        };
        if day.len() != 10 {
            return None;
        }
        let day: NaiveDate = day.parse().ok()?;
        if !sensible(day) {
            return None;
        }
        let Some(time) = time else {
            return Some(Self::Day(day));
        };
        let whole = format!("{day}T{time}");
        if let Ok(time) = DateTime::parse_from_rfc3339(&whole) {
            return Some(Self::Time(time.with_timezone(&Utc)));
        }
        // Without an offset: UTC, as the binding has it.
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(&whole, form).ok())
            .map(|time| Self::Time(Utc.from_utc_datetime(&time)))
    }

    /// The day, if it can only be one; of a time that of its text in UTC.
    pub(crate) fn day(self, order: Option<DayOrder>) -> Result<NaiveDate, NotADay> {
        match self {
            Self::Day(day) => Ok(day),
            Self::Time(time) => Ok(time.date_naive()),
            Self::Slashes(first, second, year) => {
                let order = order
                    .or_else(|| order_of(first, second))
                    .or((first == second).then_some(DayOrder::DayFirst))
                    .ok_or(NotADay::Ambiguous)?;
                let (day, month) = match order {
                    DayOrder::DayFirst => (first, second),
                    DayOrder::MonthFirst => (second, first),
                };
                NaiveDate::from_ymd_opt(year, month, day).ok_or(NotADay::Impossible)
            }
        }
    }

    /// The time; of a day, its first moment in UTC.
    pub(crate) fn time(self, order: Option<DayOrder>) -> Result<DateTime<Utc>, NotADay> {
        match self {
            Self::Time(time) => Ok(time),
            other => other
                .day(order)
                .map(|day| Utc.from_utc_datetime(&day.and_time(NaiveTime::MIN))),
        }
    }
}

/// Why something with slashes is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotADay {
    /// Both numbers could be the month.
    Ambiguous,
    /// There is no such day in the order of its column.
    Impossible,
}

fn sensible(day: NaiveDate) -> bool {
    use chrono::Datelike;
    (1900..=2199).contains(&day.year())
}

fn slashes(text: &str) -> Option<Written> {
    // A time behind it is not looked at: exports of spreadsheets add 0:00.
    let day = text.split_once(' ').map_or(text, |(day, _)| day);
    let mut parts = day.split('/');
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if parts.next().is_some() || !digits(first, 2) || !digits(second, 2) || year.len() != 4 {
        return None;
    }
    let year: i32 = digits(year, 4).then(|| year.parse().ok())??;
    let (first, second): (u32, u32) = (first.parse().ok()?, second.parse().ok()?);
    let possible = (1..=31).contains(&first) && (1..=31).contains(&second);
    (possible && first.min(second) <= 12 && (1900..=2199).contains(&year))
        .then_some(Written::Slashes(first, second, year))
}

/// The order that two numbers prove, if they prove one.
fn order_of(first: u32, second: u32) -> Option<DayOrder> {
    match (first > 12, second > 12) {
        (true, false) => Some(DayOrder::DayFirst),
        (false, true) => Some(DayOrder::MonthFirst),
        _ => None,
    }
}

/// What the values of one column prove about its order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    day_first: bool,
    month_first: bool,
}

impl Evidence {
    pub(crate) fn add(&mut self, value: &str) {
        if let Some(Written::Slashes(first, second, _)) = slashes(value) {
            match order_of(first, second) {
                Some(DayOrder::DayFirst) => self.day_first = true,
                Some(DayOrder::MonthFirst) => self.month_first = true,
                None => {}
            }
        }
    }

    /// The order, if all evidence agrees.
    pub(crate) fn order(self) -> Option<DayOrder> {
        match (self.day_first, self.month_first) {
            (true, false) => Some(DayOrder::DayFirst),
            (false, true) => Some(DayOrder::MonthFirst),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str, order: Option<DayOrder>) -> Option<Result<String, NotADay>> {
        Written::parse(text).map(|written| written.day(order).map(|day| day.to_string()))
    }

    #[test]
    fn days_in_the_forms_of_the_wild() {
        use DayOrder::{DayFirst, MonthFirst};
        let is = |day: &str| Some(Ok(day.to_owned()));
        for (text, order, expected) in [
            ("2023-05-01", None, is("2023-05-01")),
            ("2023-05-01T18:25:43.511Z", None, is("2023-05-01")),
            ("2023-05-01T23:30:00-05:00", None, is("2023-05-02")),
            ("2023-05-01 18:25:43", None, is("2023-05-01")),
            ("15/06/2023", None, is("2023-06-15")),
            ("06/15/2023", None, is("2023-06-15")),
            ("5/5/2023", None, is("2023-05-05")),
            ("1/05/2023", None, Some(Err(NotADay::Ambiguous))),
            ("1/05/2023", Some(DayFirst), is("2023-05-01")),
            ("1/05/2023", Some(MonthFirst), is("2023-01-05")),
            ("1/05/2023 0:00", Some(MonthFirst), is("2023-01-05")),
            (
                "15/06/2023",
                Some(MonthFirst),
                Some(Err(NotADay::Impossible)),
            ),
            ("31/02/2023", None, Some(Err(NotADay::Impossible))),
        ] {
            assert_eq!(day(text, order), expected, "{text} {order:?}");
        }
        for none in [
            "",
            "2023",
            "2023-02-30",
            "0001-01-01",
            "01-05-2023",
            "1/5/23",
            "13/13/2023",
            "0/1/2023",
            "1/2/3/2023",
            "2023-05-01T",
            "2023-05-01Tnoon",
            "9999-12-31",
        ] {
            assert_eq!(Written::parse(none), None, "{none}");
        }
    }

    #[test]
    fn times_keep_their_moment() {
        let time = |text: &str| {
            let time = Written::parse(text).and_then(|written| written.time(None).ok());
            time.map(|time| time.to_rfc3339())
        };
        assert_eq!(
            time("2023-05-01T23:30:00-05:00").as_deref(),
            Some("2023-05-02T04:30:00+00:00")
        );
        assert_eq!(
            time("2023-05-01").as_deref(),
            Some("2023-05-01T00:00:00+00:00")
        );
        assert_eq!(
            time("2023-05-01T10:00").as_deref(),
            Some("2023-05-01T10:00:00+00:00")
        );
    }

    #[test]
    fn a_column_proves_an_order_only_if_it_does_not_contradict_itself() {
        let order = |values: &[&str]| {
            let mut evidence = Evidence::default();
            values.iter().for_each(|value| evidence.add(value));
            evidence.order()
        };
        assert_eq!(
            order(&["1/05/2023", "15/06/2023"]),
            Some(DayOrder::DayFirst)
        );
        assert_eq!(
            order(&["1/05/2023", "06/15/2023"]),
            Some(DayOrder::MonthFirst)
        );
        assert_eq!(order(&["1/05/2023", "2/06/2023"]), None);
        assert_eq!(order(&["15/06/2023", "06/15/2023"]), None);
    }
}
