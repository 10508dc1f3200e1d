//! What is taught: the contents of a course, its videos and its questions.

mod item;

use chrono::{Days, NaiveDate};

use crate::calendar::{FINALS, LESSONS, Semester};
use crate::courses::{self, Course};
use crate::world::{World, key};

pub(crate) use item::{Answer, LETTERS};

/// Lessons of a year.
pub(crate) const YEAR_LESSONS: u8 = LESSONS * 2;
/// Lessons of a unit.
pub(crate) const UNIT_LESSONS: u8 = YEAR_LESSONS / courses::UNITS as u8;

/// Something that students open, watch, answer or hand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Content {
    /// The index of its course.
    pub(crate) course: u8,
    /// The lesson of the year to which it belongs, from 0.
    pub(crate) lesson: u8,
    pub(crate) part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    Reading,
    Video,
    Handout,
    Practice,
    Forum,
    Quiz,
    Project,
    Midterm,
    Final,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Reading,
        Self::Video,
        Self::Handout,
        Self::Practice,
        Self::Forum,
        Self::Quiz,
        Self::Project,
        Self::Midterm,
        Self::Final,
    ];

    /// What it is, in the words of catalogues.
    pub(crate) fn kind_of_content(self) -> &'static str {
        match self {
            Self::Reading => "page",
            Self::Video => "video",
            Self::Handout => "file",
            Self::Forum => "discussion",
            Self::Project => "assignment",
            Self::Practice | Self::Quiz | Self::Midterm | Self::Final => "assessment",
        }
    }

    /// What it is, for rosters.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Reading => "page",
            Self::Video => "video",
            Self::Handout => "document",
            Self::Practice => "practice",
            Self::Forum => "discussion",
            Self::Quiz => "quiz",
            Self::Project => "assignment",
            Self::Midterm | Self::Final => "exam",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Video => "video",
            Self::Handout => "handout",
            Self::Practice => "practice",
            Self::Forum => "forum",
            Self::Quiz => "quiz",
            Self::Project => "project",
            Self::Midterm => "midterm",
            Self::Final => "final",
        }
    }

    /// Its category in the gradebook and the category's weight.
    pub(crate) fn category(self) -> Option<Category> {
        match self {
            Self::Quiz => Some(Category::Quizzes),
            Self::Project => Some(Category::Projects),
            Self::Midterm | Self::Final => Some(Category::Exams),
            _ => None,
        }
    }

    /// Questions that it asks.
    pub(crate) fn items(self) -> u8 {
        match self {
            Self::Practice => 6,
            Self::Quiz => 10,
            Self::Midterm | Self::Final => 20,
            _ => 0,
        }
    }

    /// The most points it gives.
    pub(crate) fn max_score(self) -> Option<u8> {
        match self {
            Self::Project => Some(20),
            _ => Some(self.items()).filter(|items| *items > 0),
        }
    }

    /// The weekday on which it is due, from Monday, 0, at the end of the day.
    pub(crate) fn due(self) -> Option<u8> {
        match self {
            Self::Forum => Some(3),
            Self::Quiz => Some(4),
            Self::Practice | Self::Project => Some(6),
            _ => None,
        }
    }
}

/// A category of the gradebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Quizzes,
    Projects,
    Exams,
}

impl Category {
    pub(crate) const ALL: [Self; 3] = [Self::Quizzes, Self::Projects, Self::Exams];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quizzes => "quizzes",
            Self::Projects => "projects",
            Self::Exams => "exams",
        }
    }

    /// In percent of the grade.
    pub(crate) fn weight(self) -> u8 {
        match self {
            Self::Quizzes => 40,
            Self::Projects | Self::Exams => 30,
        }
    }
}

/// When a content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) assigned: NaiveDate,
    /// The day at whose end it is due.
    pub(crate) due: Option<NaiveDate>,
}

/// A video; places are in tenths of seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Video {
    pub(crate) length: u32,
    /// Where it is hard, so that students go back.
    pub(crate) hard: [(u32, u32); 2],
    /// How hard it is there, like a question's difficulty.
    pub(crate) difficulty: f64,
}

impl Content {
    /// What a course has in a lesson of the year.
    pub(crate) fn of_lesson(course: u8, lesson: u8) -> impl Iterator<Item = Self> {
        let there = move |part: &Part| match part {
            Part::Forum => lesson.is_multiple_of(UNIT_LESSONS),
            Part::Project => lesson % UNIT_LESSONS == UNIT_LESSONS - 1,
            Part::Quiz => lesson % 2 == 1,
            Part::Midterm => lesson % LESSONS == LESSONS / 2,
            Part::Final => lesson % LESSONS == LESSONS - 1,
            _ => true,
        };
        let content = move |part| Self {
            course,
            lesson,
            part,
        };
        Part::ALL.into_iter().filter(there).map(content)
    }

    /// What a course has in a semester.
    pub(crate) fn of_semester(course: u8, semester: Semester) -> impl Iterator<Item = Self> {
        let first = semester as u8 * LESSONS;
        (first..first + LESSONS).flat_map(move |lesson| Self::of_lesson(course, lesson))
    }

    pub(crate) fn of_course(self) -> &'static Course {
        courses::get(self.course)
    }

    pub(crate) fn semester(self) -> Semester {
        Semester::ALL[usize::from(self.lesson / LESSONS)]
    }

    /// The lesson of its semester, from 0.
    pub(crate) fn semester_lesson(self) -> u8 {
        self.lesson % LESSONS
    }

    /// The unit of its course, from 0.
    pub(crate) fn unit(self) -> u8 {
        self.lesson / UNIT_LESSONS
    }

    /// The unit that a question is about: exams ask about all of their semester.
    pub(crate) fn unit_of_item(self, item: u8) -> u8 {
        match self.part {
            Part::Midterm | Part::Final => {
                let units = self.unit() % (LESSONS / UNIT_LESSONS) + 1;
                self.semester() as u8 * (LESSONS / UNIT_LESSONS) + item % units
            }
            _ => self.unit(),
        }
    }

    pub(crate) fn topic(self) -> &'static str {
        self.of_course().topics[usize::from(self.unit())]
    }

    pub(crate) fn id(self) -> String {
        let mut id = Vec::new();
        self.write_id(&mut id);
        String::from_utf8_lossy(&id).into_owned()
    }

    /// `bio-101/03-video`.
    pub(crate) fn write_id(self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.of_course().id.as_bytes());
        let number = self.lesson + 1;
        to.extend_from_slice(&[b'/', b'0' + number / 10, b'0' + number % 10, b'-']);
        to.extend_from_slice(self.part.name().as_bytes());
    }

    pub(crate) fn title(self) -> String {
        let number = self.lesson % UNIT_LESSONS + 1;
        let topic = self.topic();
        match self.part {
            Part::Reading => format!("{topic}, part {number}"),
            Part::Video => format!("{topic}, part {number}: explained"),
            Part::Handout => format!("{topic}, part {number}: worksheet"),
            Part::Practice => format!("{topic}, part {number}: practice"),
            Part::Forum => format!("{topic}: questions and ideas"),
            Part::Quiz => format!("{topic}: quiz {}", number / 2),
            Part::Project => format!("{topic}: project"),
            Part::Midterm => format!("{}: midterm exam", self.of_course().title),
            Part::Final => format!("{}: final exam", self.of_course().title),
        }
    }

    /// A number for draws about it.
    pub(crate) fn key(self) -> u64 {
        u64::from(self.course) << 16 | u64::from(self.lesson) << 8 | self.part as u64
    }

    /// Points in a gradebook.
    pub(crate) fn is_graded(self) -> bool {
        self.part.category().is_some()
    }
}

/// The weekday on which exams are, from Monday, 0: of midterms in the week of their
/// lesson, of finals in the week after all lessons. Sections that do not meet then have it
/// on the day after.
pub(crate) const EXAM_DAY: u8 = 2;

impl World {
    pub(crate) fn dates(&self, content: Content) -> Dates {
        let lesson = content.semester_lesson();
        let monday = |lesson| self.year().monday(content.semester(), lesson);
        let day = |monday, weekday: u8| monday + Days::new(weekday.into());
        match content.part {
            Part::Midterm | Part::Final => {
                let week = if content.part == Part::Final {
                    FINALS
                } else {
                    lesson
                };
                let exam = day(monday(week), EXAM_DAY);
                Dates {
                    assigned: exam,
                    due: Some(exam),
                }
            }
            part => Dates {
                assigned: monday(lesson),
                due: part.due().map(|weekday| day(monday(lesson), weekday)),
            },
        }
    }

    pub(crate) fn video(&self, content: Content) -> Video {
        let mut draw = self.draw(&[key::CONTENT, content.key()]);
        let length = draw.between(2_400, 8_400);
        let mut place = |from: u32, to: u32| {
            let start = length / 100 * draw.between(from, to);
            (start, start + draw.between(180, 400))
        };
        let hard = [place(28, 42), place(58, 74)];
        Video {
            length,
            hard,
            difficulty: draw.normal(),
        }
    }

    /// Whether a content was mended in the middle of its week, and is version 2 since.
    pub(crate) fn is_revised(&self, content: Content) -> bool {
        let part = matches!(content.part, Part::Reading | Part::Video | Part::Handout);
        part && self
            .hash(&[key::CONTENT, content.key(), 1])
            .is_multiple_of(12)
    }

    /// Writes the address of a content, or of the page of a course.
    pub(crate) fn write_url(&self, course: &str, content: Option<Content>, to: &mut Vec<u8>) {
        to.extend_from_slice(b"https://lms.");
        to.extend_from_slice(self.domain().as_bytes());
        to.extend_from_slice(b"/courses/");
        match content {
            Some(content) => content.write_id(to),
            None => to.extend_from_slice(course.as_bytes()),
        }
    }
}

/// The code of the standard with which an item of a unit is aligned.
pub(crate) fn standard(course: &Course, unit: u8, item: u8) -> String {
    let (subject, side) = (course.subject.code(), ['a', 'b'][usize::from(item % 2)]);
    format!(
        "{}.{}.{}{side}",
        subject.to_uppercase(),
        course.id,
        unit + 1
    )
}
