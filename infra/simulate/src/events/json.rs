//! Writes events as JSON, by hand and into one buffer.

mod assessment;
mod members;
mod video;

use chrono::DateTime;

use super::event::{Detail, Event};
use super::{Actors, Term};
use crate::courses;
use crate::world::{App, World, school_id, staff_id};
use assessment::assessment;
use members::{decimal, hex, member, name, number, padded, text};
use video::video;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Writes events of a world.
pub(super) struct Writer<'w> {
    world: &'w World,
    term: Term,
    actors: Actors,
    /// The schools' identifiers.
    schools: Vec<String>,
    /// The last date that was written, by its number.
    date: (i64, String),
}

impl<'w> Writer<'w> {
    pub(super) fn new(world: &'w World, term: Term, actors: Actors) -> Self {
        Self {
            world,
            term,
            actors,
            schools: (0..world.schools()).map(school_id).collect(),
            date: (i64::MIN, String::new()),
        }
    }

    /// Appends the event as a line.
    pub(super) fn write(&mut self, event: &Event, to: &mut Vec<u8>) {
        let world = self.world;
        text(to, "{\"id\":\"");
        id(to, event);
        text(to, "\",\"type\":\"");
        text(to, event.detail.name());
        text(to, "\",\"time\":");
        self.time(to, event.at);
        text(to, ",\"actor\":\"");
        self.actor(to, event.student, event.app);
        if let Some(session) = event.session {
            text(to, "\",\"session\":\"");
            hex(to, session, 16);
        }
        let course = courses::get(world.course_index(event.section));
        text(to, "\",\"course\":\"");
        text(to, course.id);
        text(to, "\",\"section\":\"");
        section_id(to, world, event, course.id);
        text(to, "\",\"school\":\"");
        let school = world.cohorts[event.section.cohort as usize].school;
        text(to, &self.schools[school as usize]);
        if let Some(content) = event.content {
            text(to, "\",\"content\":\"");
            content.write_id(to);
            text(to, "\",\"content_version\":");
            to.push(b'0' + self.term.version(world, content, event.at));
            text(to, ",\"context\":{\"app\":\"");
        } else {
            text(to, "\",\"context\":{\"app\":\"");
        }
        match event.app {
            Some(app) => {
                text(to, app.name());
                text(to, "\",\"platform\":\"");
                text(to, app.platform());
                text(to, "\",\"locale\":\"en-US\"},\"data\":{");
            }
            None => text(to, "sis\"},\"data\":{"),
        }
        let before = to.len();
        self.data(to, event);
        // Every member ends with a comma.
        if to.len() > before {
            to.pop();
        }
        text(to, "}}\n");
    }

    fn data(&mut self, to: &mut Vec<u8>, event: &Event) {
        let world = self.world;
        match &event.detail {
            Detail::PageViewed => {
                text(to, "\"url\":\"");
                let course = world.course(event.section).id;
                world.write_url(course, event.content, to);
                text(to, "\",");
            }
            Detail::Clicked(element) => member(to, "element", element),
            Detail::Opened | Detail::Completed | Detail::Downloaded | Detail::Joined => {}
            Detail::SessionStarted | Detail::SessionEnded => {}
            Detail::Searched(query) => member(to, "query", query),
            Detail::ThreadViewed { thread } => thread_of(to, event, *thread),
            Detail::Posted { thread, reply_to } => {
                thread_of(to, event, *thread);
                text(to, "\"target\":\"post-");
                hex(to, event.id, 12);
                text(to, "\",");
                if let Some(classmate) = reply_to {
                    text(to, "\"reply_to\":\"");
                    self.actor(to, *classmate, event.app);
                    text(to, "\",");
                }
            }
            Detail::Voted { thread, post } => {
                thread_of(to, event, *thread);
                text(to, "\"target\":\"post-");
                hex(to, *post, 12);
                text(to, "\",\"value\":1,");
            }
            Detail::NotificationSent | Detail::NotificationOpened => {
                text(to, "\"target\":\"due/");
                if let Some(content) = event.content {
                    content.write_id(to);
                }
                text(to, "\",");
            }
            Detail::Enrolled(status) => {
                member(to, "status", status);
                member(to, "role", "student");
            }
            Detail::Booked {
                booking,
                starts,
                by,
            }
            | Detail::Rescheduled {
                booking,
                starts,
                by,
            } => {
                text(to, "\"booking\":\"");
                hex(to, *booking, 12);
                text(to, "\",\"scheduled_at\":");
                self.time(to, *starts);
                text(to, ",\"minutes\":30,");
                staff(to, *by);
            }
            Detail::Cancelled { booking, by } => {
                name(to, "booking", *booking);
                staff(to, *by);
            }
            Detail::Held {
                booking,
                minutes,
                by,
            } => {
                name(to, "booking", *booking);
                number(to, "minutes", (*minutes).into());
                member(to, "status", if *minutes == 0 { "no_show" } else { "held" });
                staff(to, *by);
            }
            Detail::Prompted { prompt, chars } => {
                name(to, "prompt", *prompt);
                number(to, "prompt_chars", (*chars).into());
            }
            Detail::Responded { prompt, chars } => {
                name(to, "prompt", *prompt);
                number(to, "response_chars", (*chars).into());
            }
            Detail::Rated { prompt, rating } => {
                name(to, "prompt", *prompt);
                text(
                    to,
                    if *rating > 0 {
                        "\"rating\":1,"
                    } else {
                        "\"rating\":-1,"
                    },
                );
            }
            Detail::Left { minutes } => number(to, "minutes", (*minutes).into()),
            Detail::Marked {
                status,
                minutes,
                by,
            } => {
                member(to, "status", status);
                number(to, "minutes", (*minutes).into());
                staff(to, *by);
            }
            Detail::Loaded { .. }
            | Detail::Played { .. }
            | Detail::Paused { .. }
            | Detail::Seeked { .. }
            | Detail::Progressed { .. }
            | Detail::RateChanged { .. }
            | Detail::CaptionsToggled { .. }
            | Detail::Watched { .. }
            | Detail::Stopped(_) => video(to, &event.detail),
            _ => assessment(to, event),
        }
    }

    /// A time of RFC 3339, between quotes.
    fn time(&mut self, to: &mut Vec<u8>, at: i64) {
        let day = at.div_euclid(DAY);
        if self.date.0 != day {
            let time = DateTime::from_timestamp_millis(day * DAY).unwrap_or_default();
            self.date = (day, time.format("%Y-%m-%dT").to_string());
        }
        let rest = at.rem_euclid(DAY) as u32;
        to.push(b'"');
        text(to, &self.date.1);
        padded(to, rest / 3_600_000, 2);
        to.push(b':');
        padded(to, rest / 60_000 % 60, 2);
        to.push(b':');
        padded(to, rest / 1_000 % 60, 2);
        to.push(b'.');
        padded(to, rest % 1_000, 3);
        text(to, "Z\"");
    }

    /// What an app calls a student.
    fn actor(&self, to: &mut Vec<u8>, student: u32, app: Option<App>) {
        match (self.actors, app) {
            (Actors::PerApp, Some(App::Android | App::Ios)) => {
                text(to, "mailto:");
                text(to, &self.world.student_email(student));
            }
            _ => {
                text(to, "stu-");
                padded(to, student, 7);
            }
        }
    }
}

fn staff(to: &mut Vec<u8>, index: u32) {
    member(to, "by", &staff_id(index));
}

fn thread_of(to: &mut Vec<u8>, event: &Event, thread: u8) {
    text(to, "\"thread\":\"");
    if let Some(content) = event.content {
        content.write_id(to);
    }
    text(to, "/t");
    decimal(to, u32::from(thread) + 1);
    text(to, "\",");
}

/// A UUID of version 7: its time is the event's, its chance follows from what the event is.
fn id(to: &mut Vec<u8>, event: &Event) {
    let time = event.at as u64;
    hex(to, time >> 16, 8);
    to.push(b'-');
    hex(to, time, 4);
    text(to, "-7");
    hex(to, event.id >> 52, 3);
    to.push(b'-');
    hex(to, 0x8000 | (event.id >> 38 & 0x3fff), 4);
    to.push(b'-');
    let rest = event.id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(event.student);
    hex(to, rest, 12);
}

/// As `World::section_id` has it, without a text of its own.
fn section_id(to: &mut Vec<u8>, world: &World, event: &Event, course: &str) {
    let section = event.section;
    let cohort = &world.cohorts[section.cohort as usize];
    text(to, course);
    to.push(b'-');
    padded(
        to,
        cohort.school + 1,
        if cohort.school < 99 { 2 } else { 3 },
    );
    to.push(b'g');
    padded(to, cohort.grade.into(), 2);
    to.extend_from_slice(&[b's', b'0' + section.semester.number(), b'-']);
    let number = section.number + 1;
    padded(
        to,
        number,
        if number < 100 {
            2
        } else {
            number.ilog10() as usize + 1
        },
    );
}
