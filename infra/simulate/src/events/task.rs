//! When a student does what is to be done: some at once, most before it is due, in the
//! evening.

use super::Term;
use crate::content::{Content, Part};
use crate::draw::{Draw, logistic};
use crate::world::{Student, World, key};

/// What a student plans to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    /// Days after the Monday of the lesson.
    pub(super) day: u8,
    /// The minute of the day.
    pub(super) minute: u16,
    /// Out of 65,536: it is done when this is less than what the student does of all.
    threshold: u32,
    chance: u32,
}

/// Tasks are done before so many days have gone by since the Monday of their lesson.
pub(super) const TASK_DAYS: u8 = 14;

impl Task {
    /// Whether it is done, by somebody with so much energy that day.
    pub(super) fn is_done(self, energy: f64) -> bool {
        f64::from(self.threshold) < f64::from(self.chance) * energy
    }
}

impl World {
    pub(super) fn task(&self, student: &Student, content: Content) -> Option<Task> {
        let usual = match content.part {
            Part::Reading => 0.2,
            Part::Video => 1.0,
            Part::Practice => 0.8,
            Part::Forum => -0.6,
            Part::Quiz => 2.7,
            Part::Project => 2.3,
            Part::Handout | Part::Midterm | Part::Final => return None,
        };
        let mut draw = self.draw(&[key::TASK, student.index.into(), content.key()]);
        let chance = logistic(usual + 0.9 * student.diligence);
        let threshold = draw.below(1 << 16);
        let (day, last_moment) = match content.part.due() {
            Some(due) => due_day(due, content.part, student, &mut draw),
            None => (free_day(student, &mut draw), false),
        };
        let weekend = day % 7 > 4;
        let minute = match last_moment {
            // Ever more towards midnight.
            true => {
                let early = draw.unit();
                1_430 - (early * early * 400.0) as u16
            }
            false => clock(student, weekend, &mut draw),
        };
        Some(Task {
            day,
            minute,
            threshold,
            chance: (chance * 65_536.0) as u32,
        })
    }

    /// Whether the student did it in the semester.
    pub(super) fn did(&self, term: &Term, student: &Student, content: Content) -> bool {
        let Some(task) = self.task(student, content) else {
            return self.takes_exam(term, student, content);
        };
        let day = term.monday(content.semester_lesson()) + usize::from(task.day);
        let Some(day) = term.days.get(day) else {
            return false;
        };
        student.enrolled(day.number) && task.is_done(self.energy(student, day.number))
    }

    pub(super) fn takes_exam(&self, term: &Term, student: &Student, content: Content) -> bool {
        let lesson = match content.part {
            Part::Final => crate::calendar::FINALS,
            _ => content.semester_lesson(),
        };
        let day = term.days[term.monday(lesson)].number;
        let sick = self.hash(&[key::TASK, student.index.into(), content.key()]) % 100 < 3;
        student.enrolled(day) && student.energy(day) > 0.3 && !sick
    }

    /// How much of the usual a student does on a day; some weeks nothing or half.
    pub(super) fn energy(&self, student: &Student, day: u16) -> f64 {
        let week = u64::from(day / 7);
        let energy = student.energy(day);
        match self.hash(&[key::SLACK, student.index.into(), week]) % 100 {
            0..4 => 0.0,
            4..14 => 0.5 * energy,
            _ => energy,
        }
    }
}

/// The day of what is due, and whether it is done in its last hours.
fn due_day(due: u8, part: Part, student: &Student, draw: &mut Draw) -> (u8, bool) {
    let late = matches!(part, Part::Practice | Part::Project);
    let hurry = logistic(-0.3 - 0.8 * student.diligence);
    match draw.unit() {
        share if late && share > 0.96 => (due + 1 + draw.below(3) as u8, false),
        share if share < 0.65 * hurry + 0.15 => (due, draw.chance(0.7)),
        _ => {
            let before = [1, 1, 1, 2, 2, 3, 4][draw.below(7) as usize];
            (due.saturating_sub(before), false)
        }
    }
}

/// The day of what is never due: in its week or some days after.
fn free_day(student: &Student, draw: &mut Draw) -> u8 {
    let later = logistic(-1.5 - 0.6 * student.diligence);
    match draw.chance(later) {
        true => draw.between(7, 10) as u8,
        false => draw.between(0, 6).min(draw.between(0, 6)) as u8,
    }
}

/// A minute of the day: in the evening, after school, at lunch or before school.
pub(super) fn clock(student: &Student, weekend: bool, draw: &mut Draw) -> u16 {
    let evening = f64::from(student.evening) + 75.0 * draw.normal();
    let evening = evening.clamp(960.0, 1_435.0) as u16;
    match (weekend, draw.below(100)) {
        (_, 0..58) => evening,
        (false, 58..80) => draw.between(14 * 60, 17 * 60) as u16,
        (false, 80..92) => draw.between(11 * 60 + 5, 12 * 60) as u16,
        (false, 92..97) => draw.between(6 * 60 + 30, 8 * 60) as u16,
        (true, 58..97) => draw.between(9 * 60 + 30, 17 * 60) as u16,
        // The few of the night.
        _ => draw.between(0, 90) as u16,
    }
}
