//! The AI tutor, and lessons with a person.

use super::{HOUR, MINUTE, Trail};
use crate::events::event::Detail;

/// The hour of the day at which tutors give lessons.
const LESSON_HOUR: i64 = 15;
const DAY: i64 = 24 * HOUR;

impl Trail<'_> {
    /// Whether somebody asks after a wrong answer: one in three never does.
    pub(super) fn asks_the_tutor(&mut self) -> bool {
        !self.student.index.is_multiple_of(3) && self.draw.chance(0.1)
    }

    pub(super) fn tutor(&mut self) {
        let prompt = self.draw.bits();
        self.pass(8, 60);
        let chars = self.draw.between(12, 240) as u16;
        self.note(Detail::Prompted { prompt, chars });
        self.pass(2, 9);
        let chars = self.draw.between(150, 1_800) as u16;
        self.note(Detail::Responded { prompt, chars });
        self.pass(10, 90);
        if self.draw.chance(0.3) {
            let rating = if self.draw.chance(0.8) { 1 } else { -1 };
            self.note(Detail::Rated { prompt, rating });
        }
    }

    pub(super) fn booking(&mut self) {
        self.app = Some(self.activity.app);
        let by = self.world.teacher(self.activity.section);
        let booking = self.draw.bits();
        // In two or three days.
        let today = self.term.days.iter().rfind(|day| day.midnight <= self.now);
        let midnight = today.map_or(self.now, |day| day.midnight);
        let days = i64::from(self.draw.between(2, 3));
        let mut starts = midnight + days * DAY + LESSON_HOUR * HOUR + 30 * MINUTE;
        self.note(Detail::Booked {
            booking,
            starts,
            by,
        });
        if self.draw.chance(0.12) {
            self.now += i64::from(self.draw.between(1, 20)) * HOUR;
            starts += i64::from(self.draw.between(1, 2)) * DAY;
            self.note(Detail::Rescheduled {
                booking,
                starts,
                by,
            });
        }
        if self.draw.chance(0.1) {
            self.now += i64::from(self.draw.between(1, 20)) * HOUR;
            self.note(Detail::Cancelled { booking, by });
            return;
        }
        let no_show = self.draw.chance(0.12);
        let minutes = if no_show {
            0
        } else {
            self.draw.between(20, 40) as u8
        };
        let over = starts + (i64::from(minutes) + 2) * MINUTE;
        self.note_by_server(
            over,
            Detail::Held {
                booking,
                minutes,
                by,
            },
        );
    }
}
