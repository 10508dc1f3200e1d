//! The days of the semester that is simulated.

use crate::calendar::{Day, FINALS, Semester};
use crate::content::{Content, EXAM_DAY, Part};
use crate::world::World;

const DAY: i64 = 86_400_000;

/// A semester's days and where its lessons are among them.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub(crate) semester: Semester,
    pub(crate) days: Vec<Day>,
    /// The day of each lesson's Monday.
    mondays: Vec<usize>,
}

impl Term {
    pub(super) fn new(world: &World, semester: Semester) -> Self {
        let days = world.days(semester);
        let monday = |lesson| {
            let of_lesson = days.iter().position(|day| day.lesson == Some(lesson));
            of_lesson.expect("every semester has all lessons")
        };
        let mondays = (0..=FINALS).map(monday).collect();
        Self {
            semester,
            days,
            mondays,
        }
    }

    /// The number of a lesson's Monday among the days.
    pub(super) fn monday(&self, lesson: u8) -> usize {
        self.mondays[usize::from(lesson)]
    }

    /// When a graded content is over: the end of the day on which it is due.
    pub(super) fn due(&self, content: Content) -> i64 {
        let lesson = content.semester_lesson();
        let (lesson, weekday) = match content.part {
            Part::Final => (FINALS, EXAM_DAY + 1),
            Part::Midterm => (lesson, EXAM_DAY + 1),
            part => (lesson, part.due().unwrap_or_default()),
        };
        let day = self.monday(lesson) + usize::from(weekday);
        self.days[day].midnight + DAY
    }

    /// The version of a content at a time: mended ones are mended on a Thursday.
    pub(super) fn version(&self, world: &World, content: Content, at: i64) -> u8 {
        let thursday = || self.days[self.monday(content.semester_lesson()) + 3].midnight;
        1 + u8::from(world.is_revised(content) && at >= thursday())
    }
}
