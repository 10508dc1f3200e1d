//! What the school itself notes: attendance, reminders and grades.

use schemas::event::Attendance;

use super::{HOUR, MINUTE, SECOND, Trail};
use crate::content::{Category, Content};
use crate::draw::logistic;
use crate::events::event::{Detail, Grade};
use crate::events::plan::Came;
use crate::world::{PERIOD_MINUTES, key};

/// Letter grades and the percentage from which they are given.
const GRADES: [(u32, Grade); 5] = [(90, "A"), (80, "B"), (70, "C"), (60, "D"), (0, "F")];

impl Trail<'_> {
    pub(super) fn meeting(&mut self, came: Came, online: bool) {
        let late = match came {
            Came::Tardy => self.draw.between(6, 20),
            _ => 0,
        };
        let minutes = match came {
            Came::Absent | Came::Excused => 0,
            _ => u32::from(PERIOD_MINUTES) - late,
        } as u8;
        let began = self.activity.at;
        if online && minutes > 0 {
            self.app = Some(self.activity.app);
            let early = i64::from(self.draw.below(180)) * SECOND;
            self.now = began + i64::from(late) * MINUTE + early;
            self.note(Detail::Joined);
            self.now = began + (i64::from(late) + i64::from(minutes)) * MINUTE - early;
            self.note(Detail::Left { minutes });
        }
        let [present, absent, tardy, excused] = Attendance::STATUSES;
        let status = match came {
            Came::Present => present,
            Came::Tardy => tardy,
            Came::Absent => absent,
            Came::Excused => excused,
        };
        let by = self.world.teacher(self.activity.section);
        let marked = began + (i64::from(late).max(6) + 4) * MINUTE;
        let note = Detail::Marked {
            status,
            minutes,
            by,
        };
        self.note_by_server(marked, note);
    }

    pub(super) fn reminder(&mut self, content: Content) {
        self.content = Some(content);
        self.note(Detail::NotificationSent);
        if self
            .draw
            .chance(logistic(-0.3 + 0.8 * self.student.diligence))
        {
            // At once, or when there is time.
            let most = if self.draw.chance(0.5) { 15 } else { 14 * 60 };
            self.now += i64::from(self.draw.between(1, most)) * MINUTE;
            self.app = Some(self.activity.app);
            self.note(Detail::NotificationOpened);
        }
        self.content = None;
    }

    pub(super) fn grades(&mut self, last: bool) {
        let by = self.world.teacher(self.activity.section);
        let Some(new) = self.grade(self.activity.at) else {
            return;
        };
        let half = self.term.days[self.term.days.len() / 2].midnight;
        let old = last.then(|| self.grade(half)).flatten();
        self.now += i64::from(self.draw.below(3)) * HOUR;
        self.note(Detail::CourseGrade { old, new, last, by });
    }

    /// The grade in the course by what was due until then; what is missing counts nothing.
    fn grade(&self, until: i64) -> Option<Grade> {
        let course = self.world.course_index(self.activity.section);
        let (mut points, mut weights) = (0, 0);
        for category in Category::ALL {
            let (mut reached, mut possible) = (0, 0);
            for content in Content::of_semester(course, self.term.semester) {
                let due = || self.term.due(content) < until;
                if content.part.category() != Some(category) || !due() {
                    continue;
                }
                possible += u32::from(content.part.max_score().unwrap_or_default());
                if self.world.did(self.term, self.student, content) {
                    reached += u32::from(self.world.score(self.student, content, 1));
                }
            }
            let weight = u32::from(category.weight());
            if let Some(share) = (weight * reached * 100).checked_div(possible) {
                points += share;
                weights += weight;
            }
        }
        let percent = points.checked_div(weights)?;
        // Teachers grade on a curve.
        let curve = self.world.hash(&[key::ITEM, course.into()]) as u32 % 5 + 8;
        let grade = GRADES
            .into_iter()
            .find(|(from, _)| percent + curve >= *from);
        grade.map(|(_, grade)| grade)
    }
}
