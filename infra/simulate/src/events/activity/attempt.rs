//! Practice, quizzes, exams and projects.

use super::{HOUR, SECOND, Trail};
use crate::content::{Answer, Content};
use crate::draw::logistic;
use crate::events::event::Detail;

/// Times that a practice may be tried.
const ATTEMPTS: u8 = 3;

impl Trail<'_> {
    pub(super) fn practice(&mut self, content: Content) {
        self.content = Some(content);
        self.note(Detail::Opened);
        for attempt in 1..=ATTEMPTS {
            let wrong = self.attempt(content, attempt, true);
            let again = logistic(0.7 + 0.4 * self.student.diligence);
            if wrong < 2 || !self.draw.chance(again) {
                break;
            }
            self.pass(10, 120);
        }
        self.note(Detail::Completed);
        self.content = None;
    }

    pub(super) fn quiz(&mut self, content: Content) {
        self.content = Some(content);
        self.note(Detail::Opened);
        self.pass(2, 15);
        self.attempt(content, 1, false);
        self.content = None;
    }

    /// Answers all questions; how many are wrong.
    fn attempt(&mut self, content: Content, attempt: u8, may_ask: bool) -> u8 {
        let began = self.now;
        self.note(Detail::Started { attempt });
        let mut score = 0;
        for answer in self.world.answers(self.student, content, attempt) {
            let item = answer.item;
            self.pass(1, 3);
            self.note(Detail::ItemViewed { item, attempt });
            self.answer(answer, attempt);
            score += u8::from(answer.correct);
            if may_ask && !answer.correct && self.asks_the_tutor() {
                self.tutor();
            }
        }
        self.pass(2, 20);
        let duration = ((self.now - began) / 100) as u32;
        self.note(Detail::Submitted { attempt, duration });
        let graded = self.now + SECOND;
        self.note_by_server(
            graded,
            Detail::Graded {
                attempt,
                score,
                by: None,
            },
        );
        content.part.items() - score
    }

    fn answer(&mut self, answer: Answer, attempt: u8) {
        let item = answer.item;
        let step = i64::from(answer.duration) * 100 / i64::from(answer.hints + 1);
        for _ in 0..answer.hints {
            self.now += step;
            self.note(Detail::Hinted { item, attempt });
        }
        self.now += step;
        self.note(Detail::Answered {
            item,
            attempt,
            hints: answer.hints,
            response: answer.response,
            correct: answer.correct,
            duration: answer.duration,
        });
    }

    pub(super) fn project(&mut self, content: Content) {
        self.content = Some(content);
        self.note(Detail::Opened);
        self.note(Detail::Started { attempt: 1 });
        let began = self.now;
        self.pass(300, 3_000);
        let duration = ((self.now - began) / 100) as u32;
        self.note(Detail::Submitted {
            attempt: 1,
            duration,
        });
        let by = self.world.teacher(self.activity.section);
        let score = self.world.score(self.student, content, 1);
        // The teacher takes some days.
        let hours = i64::from(self.draw.between(20, 90));
        let graded = self.now + hours * HOUR;
        let grade = Detail::Graded {
            attempt: 1,
            score,
            by: Some(by),
        };
        self.note_by_server(graded, grade);
        if score < 18 && self.draw.chance(0.03) {
            let later = graded + i64::from(self.draw.between(10, 60)) * HOUR;
            let new = score + 2;
            self.note_by_server(
                later,
                Detail::Regraded {
                    old: score,
                    new,
                    by,
                },
            );
        }
        self.content = None;
    }
}
