//! From an activity to its events.

mod attempt;
mod school;
mod tutor;
mod visit;
mod watch;

use super::event::{Detail, Event};
use super::plan::{Activity, Deed};
use super::term::Term;
use crate::content::Content;
use crate::draw::Draw;
use crate::world::{App, Student, World, key};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// The events of an activity, as they come one after the other.
struct Trail<'a> {
    world: &'a World,
    term: &'a Term,
    student: &'a Student,
    activity: &'a Activity,
    now: i64,
    session: Option<u64>,
    app: Option<App>,
    content: Option<Content>,
    draw: Draw,
    ids: Draw,
    events: &'a mut Vec<Event>,
}

/// Appends the events of an activity, mostly in order.
pub(super) fn events(world: &World, term: &Term, activity: &Activity, events: &mut Vec<Event>) {
    let parts = [
        activity.student.into(),
        activity.section.key(),
        activity.at as u64,
    ];
    let mut ids = world.draw(&[key::ACTIVITY, parts[0], parts[1], parts[2]]);
    let draw = Draw::new(ids.bits(), &[]);
    let student = world.student(activity.student);
    let mut trail = Trail {
        world,
        term,
        student: &student,
        activity,
        now: activity.at,
        session: None,
        app: None,
        content: None,
        draw,
        ids,
        events,
    };
    match activity.deed {
        Deed::Enrolled(status) => trail.note(Detail::Enrolled(status)),
        Deed::Meeting { came, online } => trail.meeting(came, online),
        Deed::Reminder(content) => trail.reminder(content),
        Deed::Booking => trail.booking(),
        Deed::Grades { last } => trail.grades(last),
        Deed::Lesson(content) => trail.visit(|trail| trail.lesson(content)),
        Deed::Reading(content) => trail.visit(|trail| trail.reading(content)),
        Deed::Watching(content) => trail.visit(|trail| trail.watching(content)),
        Deed::Review(content) => trail.visit(|trail| trail.review(content)),
        Deed::Practice(content) => trail.visit(|trail| trail.practice(content)),
        Deed::Quiz(content) | Deed::Exam(content) => trail.visit(|trail| trail.quiz(content)),
        Deed::Project(content) => trail.visit(|trail| trail.project(content)),
        Deed::Discussion(content) => trail.visit(|trail| trail.discussion(content)),
        Deed::Visit(content) => trail.visit(|trail| trail.looking_around(content)),
    }
}

impl Trail<'_> {
    fn note(&mut self, detail: Detail) {
        let (now, app, session) = (self.now, self.app, self.session);
        self.push(now, app, session, detail);
    }

    /// Something that the school's server notes, maybe later.
    fn note_by_server(&mut self, at: i64, detail: Detail) {
        self.push(at, None, None, detail);
    }

    fn push(&mut self, at: i64, app: Option<App>, session: Option<u64>, detail: Detail) {
        self.events.push(Event {
            at,
            id: self.ids.bits(),
            student: self.student.index,
            section: self.activity.section,
            session,
            app,
            content: self.content,
            detail,
        });
    }

    /// Lets some seconds go by.
    fn pass(&mut self, least: u32, most: u32) {
        let span = self.draw.between(least * 1_000, most * 1_000);
        self.now += i64::from(span);
    }

    /// Notes something about another content.
    fn about(&mut self, content: Content, note: impl FnOnce(&mut Self)) {
        let before = self.content.replace(content);
        note(self);
        self.content = before;
    }
}
