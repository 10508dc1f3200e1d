//! The school year: its sessions, holidays and days.

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Weekday};
use chrono_tz::Tz;

/// Weeks of a semester in the calendar, of which one is a break.
pub(crate) const WEEKS: u16 = 18;
/// Weeks of a semester with lessons of their own; one more has the final exams.
pub(crate) const LESSONS: u8 = 16;
/// The lesson week, from 0, in which the final exams are.
pub(crate) const FINALS: u8 = LESSONS;
/// Calendar weeks of the first grading period of a semester.
const GRADING_PERIOD_WEEKS: u64 = 9;
/// Weeks from the start of the first semester to that of the second.
const SECOND_SEMESTER: u64 = 21;

/// One half of the school year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Semester {
    /// August to December.
    Fall,
    /// January to May.
    Spring,
}

impl Semester {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Fall, Self::Spring];

    pub(crate) fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// A school year from August to May.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchoolYear {
    first: i32,
}

/// A part of the school year, as rosters call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier, also good for a term of a tenant's calendar.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `schoolYear`, `semester` or `gradingPeriod`.
    pub kind: &'static str,
    /// The session of which it is a part.
    pub parent: Option<String>,
    /// First day.
    pub start: NaiveDate,
    /// Last day.
    pub end: NaiveDate,
}

impl SchoolYear {
    /// The one that begins in August of this year; from 2000 to 2090.
    pub fn beginning(year: i32) -> Option<Self> {
        (2000..=2090)
            .contains(&year)
            .then_some(Self { first: year })
    }

    /// The one so many years before.
    pub(crate) fn earlier(self, years: u8) -> Self {
        Self {
            first: self.first - i32::from(years),
        }
    }

    /// The year in which it ends, by which rosters name it.
    pub fn ends_in(self) -> i32 {
        self.first + 1
    }

    /// `2026-27`.
    pub fn id(self) -> String {
        format!("{}-{:02}", self.first, self.ends_in() % 100)
    }

    /// The identifier of a semester: `2026-27-s1`.
    pub fn semester_id(self, semester: Semester) -> String {
        format!("{}-s{}", self.id(), semester.number())
    }

    /// Its first day, a Monday.
    pub fn start(self) -> NaiveDate {
        nth(self.first, 8, Weekday::Mon, 3)
    }

    /// Its last day.
    pub fn end(self) -> NaiveDate {
        self.last_day(Semester::Spring)
    }

    /// The first day of a semester, a Monday.
    pub fn first_day(self, semester: Semester) -> NaiveDate {
        match semester {
            Semester::Fall => self.start(),
            Semester::Spring => self.start() + Days::new(7 * SECOND_SEMESTER),
        }
    }

    /// The last day of a semester, a Friday.
    pub fn last_day(self, semester: Semester) -> NaiveDate {
        self.first_day(semester) + Days::new(u64::from(WEEKS) * 7 - 3)
    }

    /// The year, the semesters and their grading periods, wholes before their parts.
    pub fn sessions(self) -> Vec<Session> {
        let year = self.id();
        let mut sessions = vec![Session {
            title: format!("School year {}/{:02}", self.first, self.ends_in() % 100),
            kind: "schoolYear",
            parent: None,
            start: self.start(),
            end: self.end(),
            id: year.clone(),
        }];
        for semester in Semester::ALL {
            let (start, end) = (self.first_day(semester), self.last_day(semester));
            let id = self.semester_id(semester);
            let season = match semester {
                Semester::Fall => format!("Fall {}", self.first),
                Semester::Spring => format!("Spring {}", self.ends_in()),
            };
            sessions.push(Session {
                id: id.clone(),
                title: season,
                kind: "semester",
                parent: Some(year.clone()),
                start,
                end,
            });
            let middle = start + Days::new(7 * GRADING_PERIOD_WEEKS);
            for (part, start, end) in [(1, start, middle - Days::new(3)), (2, middle, end)] {
                let quarter = (semester.number() - 1) * 2 + part;
                sessions.push(Session {
                    id: format!("{year}-q{quarter}"),
                    title: format!("Quarter {quarter}"),
                    kind: "gradingPeriod",
                    parent: Some(id.clone()),
                    start,
                    end,
                });
            }
        }
        sessions
    }

    /// Days without school beside weekends, in order, and why.
    pub fn holidays(self) -> Vec<(NaiveDate, &'static str)> {
        let spring = self.ends_in();
        let mut holidays = vec![
            (nth(self.first, 9, Weekday::Mon, 1), "Labor Day"),
            (nth(self.first, 10, Weekday::Mon, 2), "Autumn holiday"),
        ];
        let weekdays = |monday: NaiveDate, why| (0..5).map(move |d| (monday + Days::new(d), why));
        holidays.extend(weekdays(
            self.break_start(Semester::Fall),
            "Thanksgiving break",
        ));
        let winter = self.last_day(Semester::Fall) + Days::new(3);
        for week in 0..(SECOND_SEMESTER - u64::from(WEEKS)) {
            holidays.extend(weekdays(winter + Days::new(7 * week), "Winter break"));
        }
        holidays.extend([
            (
                nth(spring, 1, Weekday::Mon, 3),
                "Martin Luther King Jr. Day",
            ),
            (nth(spring, 2, Weekday::Mon, 3), "Presidents' Day"),
        ]);
        holidays.extend(weekdays(self.break_start(Semester::Spring), "Spring break"));
        holidays
    }

    /// The grading period in which a day is.
    pub(crate) fn grading_period_id(self, day: NaiveDate) -> Option<String> {
        let mut sessions = self.sessions().into_iter();
        let is = |s: &Session| s.kind == "gradingPeriod" && (s.start..=s.end).contains(&day);
        sessions.find(is).map(|session| session.id)
    }

    /// The Monday of a lesson week.
    pub(crate) fn monday(self, semester: Semester, lesson: u8) -> NaiveDate {
        let monday = self.first_day(semester) + Days::new(7 * u64::from(lesson));
        match monday >= self.break_start(semester) {
            true => monday + Days::new(7),
            false => monday,
        }
    }

    fn break_start(self, semester: Semester) -> NaiveDate {
        match semester {
            Semester::Fall => nth(self.first, 11, Weekday::Thu, 4) - Days::new(3),
            Semester::Spring => self.first_day(Semester::Spring) + Days::new(7 * 9),
        }
    }

    /// The days of a semester, from its first Monday to its last Sunday.
    pub(crate) fn days(self, semester: Semester, zone: Tz) -> Vec<Day> {
        let noon = NaiveTime::MIN + TimeDelta::hours(12);
        let first = self.first_day(semester);
        let holidays = self.holidays();
        let mut days = Vec::new();
        let mut lesson = 0;
        for week in 0..WEEKS {
            let monday = first + Days::new(7 * u64::from(week));
            let free = monday == self.break_start(semester);
            for date in monday.iter_days().take(7) {
                let weekend = date.weekday().number_from_monday() > 5;
                days.push(Day {
                    date,
                    number: (date - self.start()).num_days() as u16,
                    weekday: date.weekday().num_days_from_monday() as u8,
                    lesson: (!free).then_some(lesson),
                    school: !weekend && !holidays.iter().any(|(day, _)| *day == date),
                    midnight: local(date, NaiveTime::MIN, zone),
                    noon: local(date, noon, zone),
                });
            }
            lesson += u8::from(!free);
        }
        days
    }
}

/// A day of a semester.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Day {
    pub(crate) date: NaiveDate,
    /// Days since the school year began.
    pub(crate) number: u16,
    /// From Monday, 0.
    pub(crate) weekday: u8,
    /// The lesson week, from 0 to [`FINALS`]; none in the break.
    pub(crate) lesson: Option<u8>,
    /// Whether there is school.
    pub(crate) school: bool,
    /// When it begins, in milliseconds of Unix time.
    pub(crate) midnight: i64,
    noon: i64,
}

impl Day {
    /// When its clocks show a minute of the day.
    pub(crate) fn at(&self, minute: u16) -> i64 {
        // Clocks are changed in the first hours.
        match minute {
            0..180 => self.midnight + i64::from(minute) * MINUTE,
            _ => self.noon + (i64::from(minute) - 720) * MINUTE,
        }
    }
}

const MINUTE: i64 = 60_000;

fn local(date: NaiveDate, time: NaiveTime, zone: Tz) -> i64 {
    let local = date.and_time(time);
    // A zone that changes its clocks at midnight has days that begin at one.
    let start = zone.from_local_datetime(&local).earliest();
    start
        .map_or_else(|| local.and_utc(), |start| start.to_utc())
        .timestamp_millis()
}

/// The `count`th weekday of its kind in a month.
fn nth(year: i32, month: u32, weekday: Weekday, count: u8) -> NaiveDate {
    NaiveDate::from_weekday_of_month_opt(year, month, weekday, count)
        .expect("every month has four of each weekday")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn year() -> SchoolYear {
        SchoolYear::beginning(2026).expect("a year")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn sessions_lie_in_their_parents() {
        let sessions = year().sessions();
        assert_eq!(sessions.len(), 7);
        for session in &sessions {
            assert!(session.start < session.end);
            assert!(
                session.id.parse::<schemas::Term>().is_ok(),
                "{}",
                session.id
            );
            let Some(parent) = &session.parent else {
                continue;
            };
            let parent = sessions.iter().find(|s| s.id == *parent).expect("a parent");
            assert!(parent.start <= session.start && session.end <= parent.end);
        }
        assert_eq!(sessions[1].start, day("2026-08-17"));
        assert_eq!(sessions[1].end, day("2026-12-18"));
    }

    #[test]
    fn every_year_has_seventeen_weeks_of_lessons_a_semester() {
        for first in 2000..=2090 {
            let year = SchoolYear::beginning(first).expect("a year");
            assert!(year.holidays().is_sorted());
            for semester in Semester::ALL {
                let days = year.days(semester, Tz::America__Chicago);
                let lessons = days.iter().filter_map(|day| day.lesson).max();
                assert_eq!(lessons, Some(FINALS), "{first}");
                let school = days.iter().filter(|day| day.school).count();
                assert!((82..=85).contains(&school), "{first}: {school}");
            }
        }
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        let days = year().days(Semester::Fall, Tz::America__Chicago);
        let at = |date| {
            days.iter()
                .find(|d| d.date == day(date))
                .expect("a day")
                .midnight
        };
        // Daylight saving ends on 1 November.
        assert_eq!(at("2026-11-02") - at("2026-11-01"), 25 * 3_600_000);
        assert_eq!(at("2026-08-17") % 86_400_000, 5 * 3_600_000);
        for date in days {
            assert_eq!(date.at(120) - date.midnight, 2 * 3_600_000);
            let evening = DateTime::from_timestamp_millis(date.at(1_439)).expect("a time");
            let evening = evening.with_timezone(&Tz::America__Chicago);
            assert_eq!(
                evening.naive_local().to_string(),
                format!("{} 23:59:00", date.date)
            );
        }
    }
}
