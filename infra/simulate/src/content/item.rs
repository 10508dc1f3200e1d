//! Questions and how they are answered: by item response theory, with three parameters.

use super::{Content, Part};
use crate::draw::{Draw, logistic};
use crate::world::{Student, World, key};

/// What stands for the choices of a question.
pub(crate) const LETTERS: [&str; CHOICES as usize] = ["a", "b", "c", "d"];
const CHOICES: u32 = 4;
/// The chance of the right answer for who knows nothing.
const GUESSING: f64 = 0.2;
/// The question of whose answers the key names a wrong one: the seventh of one quiz of each
/// semester.
const MISKEYED: (u8, u8) = (5, 6);

/// A question with four choices.
#[derive(Debug, Clone, Copy)]
struct Item {
    difficulty: f64,
    discrimination: f64,
    right: u8,
    /// The choice that counts as right.
    key: u8,
    /// What most of those choose who are wrong.
    tempting: u8,
}

/// How a student answers a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answer {
    /// The question, from 0.
    pub(crate) item: u8,
    /// The choice, from 0; none when it is left out.
    pub(crate) response: Option<u8>,
    /// Whether it counts as right.
    pub(crate) correct: bool,
    pub(crate) hints: u8,
    /// Tenths of seconds.
    pub(crate) duration: u32,
}

impl Content {
    /// Whether the key to one of its questions is wrong, and to which.
    pub(crate) fn miskeyed(self) -> Option<u8> {
        let (lesson, item) = MISKEYED;
        (self.part == Part::Quiz && self.semester_lesson() == lesson).then_some(item)
    }
}

impl World {
    fn item(&self, content: Content, item: u8) -> Item {
        let mut draw = self.draw(&[key::ITEM, content.key(), u64::from(item)]);
        let right = draw.below(CHOICES) as u8;
        let other = |draw: &mut Draw| (right + 1 + draw.below(CHOICES - 1) as u8) % CHOICES as u8;
        let (mut difficulty, mut discrimination) = (draw.normal() - 0.4, 0.8 + draw.unit());
        match draw.below(100) {
            0..5 => discrimination = 0.15,
            5..12 => difficulty = -2.8,
            _ => {}
        }
        let tempting = other(&mut draw);
        let mut key = right;
        if content.miskeyed() == Some(item) {
            (difficulty, discrimination, key) = (-0.5, 1.7, tempting);
        }
        Item {
            difficulty,
            discrimination,
            right,
            key,
            tempting,
        }
    }

    /// The answers of a student's attempt, from 1, to all questions in order.
    pub(crate) fn answers(
        &self,
        student: &Student,
        content: Content,
        attempt: u8,
    ) -> impl Iterator<Item = Answer> {
        let parts = [u64::from(student.index), content.key(), u64::from(attempt)];
        let mut draw = self.draw(&[key::ATTEMPT, parts[0], parts[1], parts[2]]);
        // Some are better at a subject than at others, and all on the second try.
        let liking = [key::ATTEMPT, parts[0], u64::from(content.course)];
        let liking = 0.35 * self.draw(&liking).normal();
        let ability = student.ability + liking + 0.7 * f64::from(attempt - 1);
        let hurried = draw.chance(logistic(-3.2 - student.diligence));
        let may_ask = content.part == Part::Practice;
        let student_ability = student.ability;
        (0..content.part.items()).map(move |number| {
            let item = self.item(content, number);
            if hurried {
                return item.answered(
                    number,
                    Some(draw.below(CHOICES) as u8),
                    0,
                    8 + draw.below(40),
                );
            }
            let slow = 300.0 + 90.0 * (item.difficulty - student_ability) + 120.0 * draw.normal();
            let duration = slow.clamp(60.0, 3_000.0) as u32;
            if draw.chance(0.015) {
                return item.answered(number, None, 0, duration);
            }
            let stuck = logistic(item.difficulty - ability - 1.6);
            let hints = if may_ask && draw.chance(stuck) {
                1 + draw.below(2) as u8
            } else {
                0
            };
            let ability = ability + 0.5 * f64::from(hints);
            let knows = logistic(item.discrimination * (ability - item.difficulty));
            let response = if draw.chance(GUESSING + (1.0 - GUESSING) * knows) {
                item.right
            } else if draw.chance(0.6) {
                item.tempting
            } else {
                draw.below(CHOICES) as u8
            };
            item.answered(number, Some(response), hints, duration)
        })
    }

    /// The points of a student's attempt.
    pub(crate) fn score(&self, student: &Student, content: Content, attempt: u8) -> u8 {
        if content.part == Part::Project {
            let parts = [u64::from(student.index), content.key()];
            let mut draw = self.draw(&[key::ATTEMPT, parts[0], parts[1]]);
            let care = 14.5 + 1.8 * student.ability + 1.6 * student.diligence;
            return (care + 1.8 * draw.normal()).clamp(2.0, 20.0) as u8;
        }
        let answers = self.answers(student, content, attempt);
        answers.filter(|answer| answer.correct).count() as u8
    }
}

impl Item {
    fn answered(self, item: u8, response: Option<u8>, hints: u8, duration: u32) -> Answer {
        Answer {
            item,
            response,
            correct: response == Some(self.key),
            hints,
            duration,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{SchoolYear, Size, World};

    use super::*;
    use crate::calendar::Semester;

    fn world() -> World {
        let size = Size::School { students: 1_500 };
        World::new(3, size, SchoolYear::beginning(2026).expect("a year")).expect("a world")
    }

    /// The share of right answers and the correlation of each item with the rest.
    fn analysis(world: &World, content: Content) -> Vec<(f64, f64)> {
        let answers: Vec<Vec<_>> = (0..world.students())
            .map(|index| world.answers(&world.student(index), content, 1).collect())
            .map(|answers: Vec<Answer>| {
                answers
                    .iter()
                    .map(|a| f64::from(u8::from(a.correct)))
                    .collect()
            })
            .collect();
        let mean = |xs: &[f64]| xs.iter().sum::<f64>() / xs.len() as f64;
        (0..usize::from(content.part.items()))
            .map(|item| {
                let own: Vec<_> = answers.iter().map(|a| a[item]).collect();
                let rest: Vec<_> = answers
                    .iter()
                    .map(|a| a.iter().sum::<f64>() - a[item])
                    .collect();
                let (m, n) = (mean(&own), mean(&rest));
                let covariance: f64 = own.iter().zip(&rest).map(|(x, y)| (x - m) * (y - n)).sum();
                let square = |xs: &[f64], m: f64| xs.iter().map(|x| (x - m) * (x - m)).sum::<f64>();
                (m, covariance / (square(&own, m) * square(&rest, n)).sqrt())
            })
            .collect()
    }

    #[test]
    fn questions_are_easy_and_hard_and_only_the_miskeyed_one_is_answered_by_the_weak() {
        let world = world();
        let (mut easy, mut hard) = (0, 0);
        for content in Content::of_semester(1, Semester::Fall).filter(|c| c.part == Part::Quiz) {
            for (item, (right, discrimination)) in analysis(&world, content).into_iter().enumerate()
            {
                let miskeyed = content.miskeyed() == Some(item as u8);
                assert_eq!(
                    discrimination < 0.0,
                    miskeyed,
                    "{content:?} {item}: {discrimination}"
                );
                easy += u32::from(right > 0.79);
                hard += u32::from(right < 0.5);
            }
        }
        assert!((5..35).contains(&easy), "{easy}");
        assert!((5..35).contains(&hard), "{hard}");
    }

    #[test]
    fn a_second_attempt_is_better() {
        let world = world();
        let content = Content {
            course: 1,
            lesson: 2,
            part: Part::Practice,
        };
        let total = |attempt| -> u32 {
            let students = (0..500).map(|index| world.student(index));
            students
                .map(|s| u32::from(world.score(&s, content, attempt)))
                .sum()
        };
        assert!(total(2) > total(1) + 100);
    }
}
