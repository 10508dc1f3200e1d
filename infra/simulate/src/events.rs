//! The events of a semester, in order.

mod activity;
mod delivery;
mod event;
mod json;
mod plan;
mod queue;
mod task;
mod term;

use chrono::{DateTime, NaiveDate, Utc};

use crate::calendar::Semester;
use crate::world::World;

pub use delivery::Delivery;

use event::Event;
use json::Writer;
use plan::Activity;
use queue::Queue;
pub(crate) use term::Term;

/// By what names events call students.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Actors {
    /// By the roster's `sourcedId`.
    #[default]
    SourcedId,
    /// As apps do: the mobile app by the roster's e-mail, all others by `sourcedId`.
    PerApp,
}

/// Which events are made, and how they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventOptions {
    /// The semester.
    pub semester: Semester,
    /// The first day, where not all of the semester is wanted.
    pub from: Option<NaiveDate>,
    /// What would arrive at this time or later does not come: the front door takes no
    /// events of the future.
    pub until: Option<DateTime<Utc>>,
    /// The order, and whether all come once.
    pub delivery: Delivery,
    /// How students are called.
    pub actors: Actors,
}

impl EventOptions {
    /// All of a semester in ideal order.
    pub fn of(semester: Semester) -> Self {
        Self {
            semester,
            from: None,
            until: None,
            delivery: Delivery::default(),
            actors: Actors::default(),
        }
    }
}

/// The events of a semester. What is held is about a day's plan and the events of some
/// minutes; of [`Delivery::Real`] also those that phones still hold.
pub struct Events<'w> {
    world: &'w World,
    term: Term,
    delivery: Delivery,
    until: i64,
    /// The day of the term whose activities are in `plan`, or that comes next.
    next_day: usize,
    first_day: usize,
    /// The last first.
    plan: Vec<Activity>,
    queue: Queue,
    scratch: Vec<Event>,
    writer: Writer<'w>,
}

/// Some events, as newline-delimited JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// An event a line, as `POST /v1/events` takes them as `application/x-ndjson`.
    pub lines: Vec<u8>,
    /// How many.
    pub events: usize,
    /// When the last of them happened or, of [`Delivery::Real`], arrived.
    pub reached: DateTime<Utc>,
}

/// Students of whom the number of events is counted to tell that of all.
const SAMPLE: u32 = 16;

impl<'w> Events<'w> {
    /// The events of a world.
    pub fn new(world: &'w World, options: &EventOptions) -> Self {
        let term = Term::new(world, options.semester);
        let first_day = match options.from {
            Some(from) => term.days.iter().take_while(|day| day.date < from).count(),
            None => 0,
        };
        Self {
            world,
            delivery: options.delivery,
            until: options
                .until
                .map_or(i64::MAX, |until| until.timestamp_millis()),
            next_day: first_day,
            first_day,
            plan: Vec::new(),
            queue: Queue::default(),
            scratch: Vec::new(),
            writer: Writer::new(world, term.clone(), options.actors),
            term,
        }
    }

    /// About how many events there will be: those of some students, for all.
    pub fn estimate(&self) -> u64 {
        let students = self.world.students();
        let sample = SAMPLE.min(students);
        let (mut plan, mut events) = (Vec::new(), Vec::new());
        let mut count = 0;
        for index in 0..sample {
            let index = (u64::from(index) * u64::from(students) / u64::from(sample)) as u32;
            let student = self.world.student(index);
            for day in self.first_day..self.term.days.len() {
                if self.term.days[day].midnight < self.until {
                    plan::plan(self.world, &self.term, day, &student, &mut plan);
                }
            }
            for activity in plan.drain(..) {
                activity::events(self.world, &self.term, &activity, &mut events);
                count += events
                    .drain(..)
                    .filter(|event| event.at < self.until)
                    .count() as u64;
            }
        }
        count * u64::from(students) / u64::from(sample)
    }

    /// Appends the next event as a line of JSON, and says when it happened or, of
    /// [`Delivery::Real`], arrived; none when there are no more.
    pub fn next_line(&mut self, to: &mut Vec<u8>) -> Option<DateTime<Utc>> {
        let (turn, event) = self.next_event()?;
        self.writer.write(&event, to);
        DateTime::from_timestamp_millis(turn)
    }

    /// The events in batches of this many, the last one of fewer.
    pub fn batches(self, events: usize) -> Batches<'w> {
        Batches {
            events: self,
            size: events.max(1),
        }
    }

    fn next_event(&mut self) -> Option<(i64, Event)> {
        loop {
            // Nothing comes before the next activity any more.
            let safe = match (self.plan.last(), self.term.days.get(self.next_day)) {
                (Some(activity), _) => activity.at,
                (None, Some(day)) => day.midnight,
                (None, None) => i64::MAX,
            };
            match self.queue.pop(safe) {
                Some((turn, _)) if turn >= self.until => return None,
                Some(next) => return Some(next),
                None => {}
            }
            if let Some(activity) = self.plan.pop() {
                self.take(&activity);
            } else if !self.plan_day() {
                return None;
            }
        }
    }

    fn take(&mut self, activity: &Activity) {
        activity::events(self.world, &self.term, activity, &mut self.scratch);
        match self.delivery {
            Delivery::Ideal => {
                for event in self.scratch.drain(..) {
                    self.queue.push(event.at, event);
                }
            }
            Delivery::Real => {
                let events = std::mem::take(&mut self.scratch);
                let queue = &mut self.queue;
                let mut push = |turn, event| queue.push(turn, event);
                self.world.deliver(events, &mut push);
            }
        }
    }

    /// Plans the next day; false when there is none.
    fn plan_day(&mut self) -> bool {
        let day = self.next_day;
        let Some(midnight) = self.term.days.get(day).map(|day| day.midnight) else {
            return false;
        };
        self.next_day += 1;
        if midnight < self.until {
            for index in 0..self.world.students() {
                let student = self.world.student(index);
                plan::plan(self.world, &self.term, day, &student, &mut self.plan);
            }
            self.plan.sort_by_key(|activity| activity.at);
            self.plan.reverse();
        }
        true
    }
}

/// Events in batches.
pub struct Batches<'w> {
    events: Events<'w>,
    size: usize,
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch {
            lines: Vec::with_capacity(self.size * 420),
            events: 0,
            reached: DateTime::UNIX_EPOCH,
        };
        while batch.events < self.size
            && let Some(reached) = self.events.next_line(&mut batch.lines)
        {
            batch.events += 1;
            batch.reached = reached;
        }
        (batch.events > 0).then_some(batch)
    }
}
