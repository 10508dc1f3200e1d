//! What happens on a day: what each student does in each section, and when it begins.

use super::task::{TASK_DAYS, clock};
use super::term::Term;
use crate::calendar::{Day, FINALS, LESSONS};
use crate::content::{Content, EXAM_DAY, Part};
use crate::courses::Subject;
use crate::draw::{Draw, logistic};
use crate::world::{App, Section, Student, World, key};

/// The beginning of something whose events follow from it.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    /// In milliseconds of Unix time.
    pub(super) at: i64,
    pub(super) student: u32,
    pub(super) section: Section,
    pub(super) app: App,
    pub(super) deed: Deed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Enrolled(&'static str),
    /// A meeting of the section, of which the teacher notes who came.
    Meeting {
        came: Came,
        online: bool,
    },
    /// Work with the lesson in class.
    Lesson(Content),
    Reading(Content),
    Watching(Content),
    /// Watching again what was hard, before an exam.
    Review(Content),
    Practice(Content),
    Quiz(Content),
    Exam(Content),
    Project(Content),
    Discussion(Content),
    /// Looking around in a course.
    Visit(Content),
    /// The server reminds of what is due.
    Reminder(Content),
    /// A lesson with a tutor is booked.
    Booking,
    /// Grades in the course.
    Grades {
        last: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Present,
    Tardy,
    Absent,
    Excused,
}

/// One student on one day.
struct Planner<'a> {
    world: &'a World,
    term: &'a Term,
    day: &'a Day,
    /// The number of the day in the term.
    index: usize,
    student: &'a Student,
    energy: f64,
    draw: Draw,
    plan: &'a mut Vec<Activity>,
}

/// Appends what a student does on a day of the term.
pub(super) fn plan(
    world: &World,
    term: &Term,
    index: usize,
    student: &Student,
    plan: &mut Vec<Activity>,
) {
    let day = &term.days[index];
    let mut planner = Planner {
        world,
        term,
        day,
        index,
        student,
        energy: world.energy(student, day.number),
        draw: world.draw(&[key::DAY, student.index.into(), day.number.into()]),
        plan,
    };
    let withdraws = student.withdraws() == Some(day.number);
    if !withdraws && !student.enrolled(day.number) {
        return;
    }
    let away = planner.is_away();
    for slot in 0..Subject::ALL.len() as u8 {
        let section = world.section_on(student, term.semester, slot, day.number);
        planner.enrollment(section, withdraws);
        if withdraws {
            continue;
        }
        let came = planner.meeting(section, away);
        planner.exam(section, came);
        planner.lesson(section, came);
        planner.tasks(section);
        planner.reminders(section);
        planner.visit(section);
        planner.review(section);
        planner.booking(section);
        planner.grades(section);
    }
}

impl Planner<'_> {
    fn add(&mut self, minute: u16, section: Section, app: App, deed: Deed) {
        let moment = i64::from(self.draw.below(60_000));
        self.plan.push(Activity {
            at: self.day.at(minute) + moment,
            student: self.student.index,
            section,
            app,
            deed,
        });
    }

    /// Whether the student is at home all day, and whether it is excused.
    fn is_away(&mut self) -> Option<Came> {
        let missing = (1.0 - self.student.presence) * 0.8 + 0.5 * (1.0 - self.energy);
        let away = self.draw.chance(missing) || self.student.energy(self.day.number) == 0.0;
        let excused = self.draw.chance(0.45);
        away.then_some(if excused { Came::Excused } else { Came::Absent })
    }

    fn enrollment(&mut self, section: Section, withdraws: bool) {
        let (world, day) = (self.world, self.day.number);
        let begins = world.first_day(section.semester).max(self.student.arrives) == day;
        if withdraws {
            self.add(16 * 60, section, App::Web, Deed::Enrolled("withdrawn"));
        } else if begins {
            self.add(6 * 60, section, App::Web, Deed::Enrolled("active"));
        } else if let Some(before) = day.checked_sub(1) {
            let before = world.section_on(self.student, section.semester, section.slot, before);
            if before != section && day > world.first_day(section.semester) {
                self.add(6 * 60, before, App::Web, Deed::Enrolled("dropped"));
                self.add(6 * 60 + 1, section, App::Web, Deed::Enrolled("active"));
            }
        }
    }

    fn meeting(&mut self, section: Section, away: Option<Came>) -> Option<Came> {
        if !(self.day.school && section.meets(self.day.weekday)) {
            return None;
        }
        let first_period = self.world.period(section) == 0;
        let came = match (away, self.draw.unit()) {
            (Some(away), _) => away,
            (None, share) if share < (1.0 - self.student.presence) * 0.2 => Came::Absent,
            (None, share) if share > if first_period { 0.95 } else { 0.98 } => Came::Tardy,
            _ => Came::Present,
        };
        let online = self.world.is_online(section);
        let bell = self.world.bell(section);
        self.add(bell, section, App::Web, Deed::Meeting { came, online });
        Some(came)
    }

    fn exam(&mut self, section: Section, came: Option<Came>) {
        if came.is_none() {
            return;
        }
        let Some(lesson) = self.day.lesson else {
            return;
        };
        // Who does not meet on the day of exams has it on the next.
        let day = if section.meets(EXAM_DAY) {
            EXAM_DAY
        } else {
            EXAM_DAY + 1
        };
        let part = match lesson {
            FINALS => Part::Final,
            lesson if lesson == LESSONS / 2 => Part::Midterm,
            _ => return,
        };
        let content = self.content(section, lesson.min(LESSONS - 1), part);
        if self.day.weekday == day && self.world.takes_exam(self.term, self.student, content) {
            let bell = self.world.bell(section) + 1;
            self.add(bell, section, App::Web, Deed::Exam(content));
        }
    }

    fn lesson(&mut self, section: Section, came: Option<Came>) {
        let lesson = self.day.lesson.filter(|lesson| *lesson < LESSONS);
        let (Some(Came::Present | Came::Tardy), Some(lesson)) = (came, lesson) else {
            return;
        };
        // The whole class works with it, or nobody.
        let today = [key::CLASS, section.key(), self.day.number.into()];
        if self.world.hash(&today) % 100 < 45 && self.draw.chance(0.9) {
            let content = self.content(section, lesson, Part::Reading);
            let minute = self.world.bell(section) + 8 + self.draw.below(5) as u16;
            self.add(minute, section, App::Web, Deed::Lesson(content));
        }
    }

    /// What was to be done in the last weeks and is done today.
    fn tasks(&mut self, section: Section) {
        for lesson in 0..LESSONS {
            let monday = self.term.monday(lesson);
            if monday > self.index {
                break;
            }
            let since = self.index - monday;
            if since >= usize::from(TASK_DAYS) {
                continue;
            }
            let of_year = self.lesson_of_year(lesson);
            for content in Content::of_lesson(self.world.course_index(section), of_year) {
                let Some(task) = self.world.task(self.student, content) else {
                    continue;
                };
                if usize::from(task.day) != since || !task.is_done(self.energy) {
                    continue;
                }
                let deed = match content.part {
                    Part::Reading => Deed::Reading(content),
                    Part::Video => Deed::Watching(content),
                    Part::Practice => Deed::Practice(content),
                    Part::Quiz => Deed::Quiz(content),
                    Part::Project => Deed::Project(content),
                    _ => Deed::Discussion(content),
                };
                let on_web = matches!(content.part, Part::Quiz | Part::Project);
                let app = if on_web && self.draw.chance(0.9) {
                    App::Web
                } else {
                    self.student.app
                };
                self.add(task.minute, section, app, deed);
            }
        }
    }

    fn reminders(&mut self, section: Section) {
        let Some(lesson) = self.day.lesson.filter(|lesson| *lesson < LESSONS) else {
            return;
        };
        let course = self.world.course_index(section);
        for content in Content::of_lesson(course, self.lesson_of_year(lesson)) {
            let due = content.part.due().filter(|_| content.is_graded());
            if due == Some(self.day.weekday + 1) {
                self.add(16 * 60, section, self.student.app, Deed::Reminder(content));
            }
        }
    }

    fn visit(&mut self, section: Section) {
        let usual = logistic(-3.2 + 0.8 * self.student.diligence);
        if self.draw.chance(usual * self.energy) {
            let lesson = self.day.lesson.unwrap_or(0).min(LESSONS - 1);
            let content = self.content(section, lesson, Part::Handout);
            let minute = clock(self.student, self.day.weekday > 4, &mut self.draw);
            self.add(minute, section, self.student.app, Deed::Visit(content));
        }
    }

    fn review(&mut self, section: Section) {
        let before_exam = self.day.weekday < EXAM_DAY;
        let last = match self.day.lesson {
            Some(FINALS) if before_exam => LESSONS,
            Some(lesson) if before_exam && lesson == LESSONS / 2 => lesson,
            _ => return,
        };
        let usual = logistic(-0.8 + 0.8 * self.student.diligence);
        if self.draw.chance(usual * self.energy) {
            let lesson = self.draw.below(last.into()) as u8;
            let content = self.content(section, lesson, Part::Video);
            let minute = clock(self.student, false, &mut self.draw);
            self.add(minute, section, self.student.app, Deed::Review(content));
        }
    }

    /// Some book a tutor at the beginning of the week, for its end.
    fn booking(&mut self, section: Section) {
        let weak = self.student.ability < -0.8;
        let usual = if weak { 0.02 } else { 0.003 };
        let early = self.day.weekday < 3 && self.day.lesson.is_some();
        if early && self.draw.chance(usual * self.energy) {
            let minute = clock(self.student, false, &mut self.draw).max(8 * 60);
            self.add(minute, section, self.student.app, Deed::Booking);
        }
    }

    fn grades(&mut self, section: Section) {
        let half = self.term.monday(LESSONS / 2 + 1) + 4;
        let end = self.term.monday(FINALS) + 4;
        if self.index == half || self.index == end {
            let last = self.index == end;
            self.add(16 * 60 + 30, section, App::Web, Deed::Grades { last });
        }
    }

    fn content(&self, section: Section, lesson: u8, part: Part) -> Content {
        Content {
            course: self.world.course_index(section),
            lesson: self.lesson_of_year(lesson),
            part,
        }
    }

    fn lesson_of_year(&self, lesson: u8) -> u8 {
        self.term.semester as u8 * LESSONS + lesson
    }
}
