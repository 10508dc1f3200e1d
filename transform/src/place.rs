//! place: when an event happened by our clock, and in which term.

use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use schemas::event::Event;
use schemas::{Calendar, Tenant, Term};

use crate::directory::Directory;
use crate::resolve::{Resolved, Sent, resolve};

/// A clock that is wrong by more than this was never set: it says how much time
/// passed between two events, but not on which day they were.
const LARGEST_ERROR: TimeDelta = TimeDelta::hours(24);

/// The years that a corrected time can lie in.
const YEARS: RangeInclusive<i32> = 0..=9999;

/// Where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed<'a> {
    /// The partition of its table.
    pub term: Term,
    /// When it happened, by our clock as far as we can tell.
    pub occurred_at: DateTime<Utc>,
    /// What was added to the sender's time; `None` when the sender did not say
    /// when it sent, or when that makes no time of it.
    pub clock_correction: Option<TimeDelta>,
    /// The sender's time and the corrected one lie in different terms. The
    /// sender's placed the event, or, if it was wrong by more than 24 hours,
    /// the corrected one.
    pub clock_crossed_term: bool,
    /// Whose it is, and in which section it was.
    pub resolved: Resolved<'a>,
}

/// What a tenant's events are placed by.
#[derive(Debug, Clone)]
pub(crate) struct Placer {
    pub tenant: Arc<Tenant>,
    /// What its roster says.
    pub directory: Arc<Directory>,
}

impl Placer {
    /// Places an event in the term of its section, where the roster knows both, else in
    /// one of its tenant's calendar, by the day in the tenant's time zone.
    ///
    /// When the sender says when it sent the event by its own clock, that clock's
    /// error is known: what passed between its sending and our receiving is taken
    /// to be nothing. An error of up to 24 hours moves no event into another term.
    pub fn place<'a>(&'a self, event: &'a Event) -> Placed<'a> {
        let corrected = event.sent_at.and_then(|sent_at| {
            let correction = event.received_at - sent_at;
            let time = event.time.checked_add_signed(correction)?;
            YEARS.contains(&time.year()).then_some((correction, time))
        });
        let (correction, occurred_at) = corrected.unzip();
        let occurred_at = occurred_at.unwrap_or(event.time);
        let [by_sender, by_us] = [event.time, occurred_at].map(|time| self.day_of(time));
        let is_believed = correction.is_none_or(is_believed);
        let sent = Sent {
            key: event.student_key,
            other: event.data.other_key(),
            course: event.course.as_deref(),
            section: event.section.as_deref(),
            school: event.school.as_deref(),
        };
        let believed = if is_believed { by_sender } else { by_us };
        let resolved = resolve(&self.directory, sent, believed);
        let term_of = |day| self.calendar().term_of(day);
        Placed {
            term: self.term(&resolved, believed),
            occurred_at,
            clock_correction: correction,
            clock_crossed_term: resolved.term.is_none() && term_of(by_us) != term_of(by_sender),
            resolved,
        }
    }

    /// The term of an event of a day.
    pub fn term(&self, resolved: &Resolved<'_>, day: NaiveDate) -> Term {
        let own = resolved.term.cloned();
        own.unwrap_or_else(|| self.calendar().term_of(day))
    }

    /// The day by which an event is placed that was placed before. `correction` is what
    /// was added to the sender's time.
    pub fn day(&self, occurred_at: DateTime<Utc>, correction: Option<TimeDelta>) -> NaiveDate {
        let by_sender = correction
            .filter(|correction| is_believed(*correction))
            .and_then(|correction| occurred_at.checked_sub_signed(correction));
        self.day_of(by_sender.unwrap_or(occurred_at))
    }

    /// The calendar by which events are placed whose section has no term: the tenant's,
    /// or, if it has none, the roster's.
    pub fn calendar(&self) -> &Calendar {
        if self.tenant.calendar.terms.is_empty() {
            &self.directory.calendar
        } else {
            &self.tenant.calendar
        }
    }

    /// The term of a moment by that calendar.
    pub fn term_of(&self, time: DateTime<Utc>) -> Term {
        self.calendar().term_of(self.day_of(time))
    }

    fn day_of(&self, time: DateTime<Utc>) -> NaiveDate {
        day(time, &self.tenant.time_zone)
    }
}

/// Whether a clock that is wrong by so much says on which day something was.
fn is_believed(correction: TimeDelta) -> bool {
    correction.abs() <= LARGEST_ERROR
}

/// The day at a place. At both ends of all time, where the place's own day
/// cannot be told, that of UTC.
fn day(time: DateTime<Utc>, zone: &impl TimeZone) -> NaiveDate {
    let utc = time.naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc).fix();
    utc.checked_add_offset(offset).unwrap_or(utc).date()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use schemas::event::{Data, Extra, Video};
    use schemas::{Calendar, StudentKey, TenantId, TermDates};
    use uuid::Uuid;

    use super::*;

    /// Without a roster.
    fn placer(tenant: Tenant) -> Placer {
        Placer {
            tenant: Arc::new(tenant),
            directory: Arc::default(),
        }
    }

    fn tenant(zone: &str) -> Tenant {
        let id = TenantId::new("demo").expect("a slug");
        let term = |id: &str, start: &str, end: &str| TermDates {
            id: id.parse().expect("a term"),
            name: None,
            start: start.parse().expect("a date"),
            end: end.parse().expect("a date"),
        };
        Tenant {
            time_zone: zone.parse().expect("a time zone"),
            calendar: Calendar {
                terms: vec![
                    term("fall-2026", "2026-08-20", "2026-12-18"),
                    term("spring-2027", "2027-01-11", "2027-05-28"),
                ],
            },
            ..Tenant::new(id, "Demo")
        }
    }

    fn time(text: &str) -> DateTime<Utc> {
        text.parse::<DateTime<chrono::FixedOffset>>()
            .expect("a time")
            .to_utc()
    }

    fn event(at: &str, sent_at: Option<&str>, received_at: &str) -> Event {
        Event {
            id: Uuid::nil(),
            event_type: "video.completed".to_owned(),
            dialect: "native".to_owned(),
            time: time(at),
            sent_at: sent_at.map(time),
            received_at: time(received_at),
            student_key: StudentKey::from_bytes([1; 16]),
            session: None,
            course: None,
            section: None,
            school: None,
            content: None,
            content_version: None,
            app: None,
            platform: None,
            locale: None,
            data: Data::Video(Video::default()),
            extra: Extra::default(),
        }
    }

    #[rstest]
    // A day begins when it does where the school is.
    #[case::first_second("America/New_York", "2026-08-20T04:00:00Z", "fall-2026")]
    #[case::second_before("America/New_York", "2026-08-20T03:59:59Z", "between-terms-2026")]
    #[case::east("Asia/Tokyo", "2026-08-19T15:00:00Z", "fall-2026")]
    #[case::utc("UTC", "2026-08-19T23:59:59.999999Z", "between-terms-2026")]
    #[case::half_hour_zone("Asia/Kolkata", "2026-08-19T18:30:00Z", "fall-2026")]
    #[case::beyond_12_hours("Pacific/Kiritimati", "2026-08-19T10:00:00Z", "fall-2026")]
    // A term ends with its last day, in winter time by then.
    #[case::last_second("America/New_York", "2026-12-19T04:59:59Z", "fall-2026")]
    #[case::second_after("America/New_York", "2026-12-19T05:00:00Z", "between-terms-2026")]
    // The sender's offset says when, not where.
    #[case::other_offset("America/New_York", "2026-08-20T09:59:59+06:00", "between-terms-2026")]
    #[case::new_year("Europe/Berlin", "2026-12-31T23:00:00Z", "between-terms-2027")]
    fn terms_follow_the_days_of_the_tenant(
        #[case] zone: &str,
        #[case] at: &str,
        #[case] term: &str,
    ) {
        let placer = placer(tenant(zone));
        let event = event(at, None, at);
        let placed = placer.place(&event);
        assert_eq!(placed.term.as_str(), term);
        assert_eq!(placed.occurred_at, time(at));
        assert_eq!(placed.clock_correction, None);
    }

    #[rstest]
    // The night in which clocks go back has its hour twice, on one day.
    #[case("2026-11-01T04:30:00Z")]
    #[case("2026-11-01T05:30:00Z")]
    #[case("2026-11-01T06:30:00Z")]
    // The hour that is skipped in spring.
    #[case("2027-03-14T07:30:00Z")]
    fn clock_changes_move_nothing(#[case] at: &str) {
        let mut tenant = tenant("America/New_York");
        for (id, day) in [("back", "2026-11-01"), ("forth", "2027-03-14")] {
            tenant.calendar.terms.push(TermDates {
                id: id.parse().expect("a term"),
                name: None,
                start: day.parse().expect("a date"),
                end: day.parse().expect("a date"),
            });
        }
        let expected = if at.starts_with("2026") {
            "back"
        } else {
            "forth"
        };
        let event = event(at, None, at);
        assert_eq!(placer(tenant).place(&event).term.as_str(), expected);
    }

    #[rstest]
    #[case::fast_clock("2026-10-01T10:05:00Z", "2026-10-01T10:06:00Z", "2026-10-01T10:01:00Z", -300_000, false)]
    #[case::slow_clock(
        "2026-10-01T09:00:00Z",
        "2026-10-01T09:00:30Z",
        "2026-10-01T10:00:30Z",
        3_600_000,
        false
    )]
    #[case::offline(
        "2026-10-01T09:00:00Z",
        "2026-10-05T09:00:00Z",
        "2026-10-05T09:00:01Z",
        1_000,
        false
    )]
    #[case::crossing(
        "2026-12-18T23:59:00Z",
        "2026-12-18T23:59:30Z",
        "2026-12-19T00:04:30Z",
        300_000,
        true
    )]
    fn the_senders_clock_is_corrected_but_moves_no_event_to_another_term(
        #[case] at: &str,
        #[case] sent_at: &str,
        #[case] received_at: &str,
        #[case] correction_ms: i64,
        #[case] crossed: bool,
    ) {
        let placer = placer(tenant("UTC"));
        let sent = event(at, Some(sent_at), received_at);
        let placed = placer.place(&sent);
        let correction = placed.clock_correction.expect("a correction");
        assert_eq!(correction.num_milliseconds(), correction_ms);
        assert_eq!(placed.occurred_at, time(at) + correction);
        assert_eq!(placed.clock_crossed_term, crossed);
        let on_time = event(at, None, at);
        assert_eq!(placed.term, placer.place(&on_time).term);
        let again = placer.day(placed.occurred_at, placed.clock_correction);
        assert_eq!(placer.calendar().term_of(again), placed.term);
    }

    #[rstest]
    // Up to a day, a wrong clock moves no event to another term.
    #[case::a_day_slow(
        "2026-12-18T12:00:00Z",
        "2026-12-18T12:00:00Z",
        "2026-12-19T12:00:00Z",
        "fall-2026",
        true
    )]
    #[case::a_day_fast(
        "2026-12-19T12:00:00Z",
        "2026-12-19T12:00:00Z",
        "2026-12-18T12:00:00Z",
        "between-terms-2026",
        true
    )]
    // Beyond, its time says nothing about the term.
    #[case::over_a_day_slow(
        "2026-12-18T12:00:00Z",
        "2026-12-18T12:00:00Z",
        "2026-12-19T12:00:00.001Z",
        "between-terms-2026",
        true
    )]
    #[case::over_a_day_fast(
        "2026-12-19T12:00:00.001Z",
        "2026-12-19T12:00:00.001Z",
        "2026-12-18T12:00:00Z",
        "fall-2026",
        true
    )]
    #[case::days_off_in_one_term(
        "2026-10-01T00:00:00Z",
        "2026-10-01T00:00:00Z",
        "2026-10-09T00:00:00Z",
        "fall-2026",
        false
    )]
    #[case::years_off(
        "2027-05-01T00:00:00Z",
        "2027-05-01T00:00:00Z",
        "2026-10-01T00:00:00Z",
        "fall-2026",
        true
    )]
    #[case::never_set(
        "1970-01-01T00:10:00Z",
        "1970-01-01T00:11:00Z",
        "2026-10-01T00:00:00Z",
        "fall-2026",
        true
    )]
    #[case::far_ahead(
        "9999-12-31T23:59:00Z",
        "9999-12-31T23:59:59Z",
        "2026-10-01T00:00:00Z",
        "fall-2026",
        true
    )]
    fn a_clock_that_is_wrong_by_more_than_a_day_places_nothing(
        #[case] at: &str,
        #[case] sent_at: &str,
        #[case] received_at: &str,
        #[case] term: &str,
        #[case] crossed: bool,
    ) {
        let placer = placer(tenant("UTC"));
        let sent = event(at, Some(sent_at), received_at);
        let placed = placer.place(&sent);
        let correction = time(received_at) - time(sent_at);
        assert_eq!(placed.occurred_at, time(at) + correction);
        assert_eq!(placed.clock_correction, Some(correction));
        assert_eq!(placed.term.as_str(), term);
        assert_eq!(placed.clock_crossed_term, crossed);
        let again = placer.day(placed.occurred_at, placed.clock_correction);
        assert_eq!(placer.calendar().term_of(again), placed.term);
    }

    #[rstest]
    // The sender's clock jumped between the event and its sending: what comes
    // of correcting it is no time.
    #[case::beyond_year_9999("9999-12-31T00:00:00Z", Some("1970-01-01T00:00:00Z"))]
    #[case::before_year_0("0001-01-01T00:00:00Z", Some("9999-12-31T00:00:00Z"))]
    #[case::end_of_time("+262142-12-31T23:59:59Z", Some("1970-01-01T00:00:00Z"))]
    #[case::start_of_time("-262143-01-01T00:00:00Z", Some("9999-12-31T00:00:00Z"))]
    #[case::end_of_time_uncorrected("+262142-12-31T23:59:59Z", None)]
    #[case::start_of_time_uncorrected("-262143-01-01T00:00:00Z", None)]
    fn times_beyond_the_calendar_are_placed_all_the_same(
        #[case] at: &str,
        #[case] sent_at: Option<&str>,
        #[values("Pacific/Kiritimati", "Pacific/Pago_Pago")] zone: &str,
        #[values(true, false)] has_terms: bool,
    ) {
        let mut tenant = tenant(zone);
        if !has_terms {
            tenant.calendar.terms.clear();
        }
        let placer = placer(tenant);
        let sent = event(at, sent_at, "2026-10-01T00:00:00Z");
        let placed = placer.place(&sent);
        assert_eq!(placed.occurred_at, time(at));
        assert_eq!(placed.clock_correction, None);
        assert!(!placed.clock_crossed_term);
    }
}
