//! Visits: pages, searches and discussions.

use super::Trail;
use crate::content::{Content, Part};
use crate::draw::logistic;
use crate::events::event::Detail;

/// What is searched for beside the topics.
const QUERIES: [&str; 8] = [
    "how is this graded",
    "worked example",
    "formula sheet",
    "due date project",
    "what is on the exam",
    "definition",
    "study guide",
    "answer key practice",
];

/// What is clicked.
const ELEMENTS: [&str; 6] = [
    "glossary",
    "next-page",
    "bookmark",
    "figure-zoom",
    "read-aloud",
    "table-of-contents",
];

/// Threads of a forum.
const THREADS: u32 = 4;

impl Trail<'_> {
    /// A visit around something that is done: it begins on the page of the course.
    pub(super) fn visit(&mut self, mut deed: impl FnMut(&mut Self)) {
        self.app = Some(self.activity.app);
        self.session = Some(self.ids.bits());
        self.note(Detail::SessionStarted);
        self.pass(1, 4);
        self.note(Detail::PageViewed);
        self.pass(2, 20);
        deed(self);
        self.pass(1, 30);
        // Many close the window instead.
        if self.draw.chance(0.65) {
            self.note(Detail::SessionEnded);
        }
    }

    pub(super) fn lesson(&mut self, content: Content) {
        self.content = Some(content);
        self.note(Detail::PageViewed);
        self.pass(1, 3);
        self.note(Detail::Opened);
        self.pass(60, 600);
        if self.draw.chance(0.4) {
            self.clicks();
        }
        self.content = None;
    }

    pub(super) fn reading(&mut self, content: Content) {
        self.content = Some(content);
        self.note(Detail::PageViewed);
        self.pass(1, 3);
        self.note(Detail::Opened);
        for _ in 0..self.draw.below(4) {
            self.pass(20, 120);
            self.clicks();
        }
        self.pass(60, 400);
        if self.draw.chance(logistic(1.2 + self.student.diligence)) {
            self.note(Detail::Completed);
        }
        if self.draw.chance(0.3) {
            self.handout(content);
        }
        self.content = None;
    }

    fn clicks(&mut self) {
        let element = self.draw.pick(&ELEMENTS);
        self.note(Detail::Clicked(element));
    }

    fn handout(&mut self, content: Content) {
        let handout = Content {
            part: Part::Handout,
            ..content
        };
        self.pass(2, 20);
        self.about(handout, |trail| trail.note(Detail::Downloaded));
    }

    pub(super) fn looking_around(&mut self, content: Content) {
        if self.draw.chance(0.45) {
            let query = match self.draw.chance(0.7) {
                true => content.topic(),
                false => self.draw.pick(&QUERIES),
            };
            self.note(Detail::Searched(query));
            self.pass(3, 15);
        }
        for _ in 0..1 + self.draw.below(3) {
            let part = [Part::Reading, Part::Handout, Part::Video][self.draw.below(3) as usize];
            let lesson = content.lesson - self.draw.below(1 + u32::from(content.lesson % 4)) as u8;
            let other = Content {
                lesson,
                part,
                ..content
            };
            self.about(other, |trail| trail.note(Detail::PageViewed));
            self.pass(10, 150);
        }
        if self.draw.chance(0.35) {
            self.handout(content);
        }
        if self.draw.chance(0.25) {
            let lesson = content.lesson / 4 * 4;
            self.discussion(Content {
                lesson,
                part: Part::Forum,
                ..content
            });
        }
    }

    pub(super) fn discussion(&mut self, content: Content) {
        self.content = Some(content);
        for _ in 0..1 + self.draw.below(3) {
            let thread = self.draw.below(THREADS) as u8;
            self.note(Detail::ThreadViewed { thread });
            self.pass(15, 180);
            if self
                .draw
                .chance(logistic(-0.2 + 0.7 * self.student.diligence))
            {
                self.pass(40, 300);
                let classmate = self.draw.bits() as u32 >> 8;
                let classmate = self.world.classmate(self.activity.section, classmate);
                let replies = self.draw.chance(0.6) && classmate != self.student.index;
                let reply_to = replies.then_some(classmate);
                self.note(Detail::Posted { thread, reply_to });
            } else if self.draw.chance(0.35) {
                let post = self.draw.bits();
                self.note(Detail::Voted { thread, post });
            }
        }
        self.content = None;
    }
}
