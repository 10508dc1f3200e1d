//! Who a student is.

use super::{World, key};
use crate::names::{self, Name};

/// A student: what can be done, what will be done, and when.
#[derive(Debug, Clone)]
pub(crate) struct Student {
    pub(crate) index: u32,
    pub(crate) cohort: u32,
    /// Around 0, with deviation 1.
    pub(crate) ability: f64,
    /// Around 0, with deviation 1; it goes with ability a little.
    pub(crate) diligence: f64,
    /// The minute of the day around which homework is done.
    pub(crate) evening: u16,
    /// The share of classes to which the student comes.
    pub(crate) presence: f64,
    /// What the student uses outside school.
    pub(crate) app: App,
    /// The first day, of the school year.
    pub(crate) arrives: u16,
    pub(crate) fate: Fate,
    /// The day from which the student has another family name.
    renamed: Option<u16>,
}

/// How the year ends for a student; days are of the school year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays,
    /// Leaves the school; the first day without.
    Withdraws(u16),
    /// Does nothing any more from this day, and nobody noted it.
    Fades(u16),
}

/// What sends a student's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum App {
    Web,
    Android,
    Ios,
}

/// Days before the end in which a student does less and less.
const FADING: u16 = 28;

impl World {
    pub(crate) fn student(&self, index: u32) -> Student {
        let mut draw = self.draw(&[key::STUDENT, u64::from(index)]);
        let ability = draw.normal();
        let diligence = 0.4 * ability + 0.9 * draw.normal();
        let evening = 1_170 + (draw.normal() * 55.0) as i32;
        let presence = match draw.below(100) {
            0..72 => 0.975,
            72..87 => 0.93,
            87..95 => 0.87,
            _ => 0.74,
        };
        let app = match draw.below(100) {
            0..58 => App::Web,
            58..84 => App::Android,
            _ => App::Ios,
        };
        let late = draw.chance(0.02);
        let arrives = if late { draw.between(3, 40) as u16 } else { 0 };
        let leaves = draw.chance(if diligence < -0.8 { 0.13 } else { 0.02 });
        // Most who leave do so in the first weeks.
        let day = match draw.chance(0.4) {
            true => draw.between(12, 45),
            false => draw.between(46, 255),
        } as u16;
        let fate = match (leaves, draw.chance(0.5)) {
            (false, _) => Fate::Stays,
            (true, true) => Fate::Withdraws(day),
            (true, false) => Fate::Fades(day),
        };
        let renamed = draw.chance(0.01).then(|| draw.between(10, 60) as u16);
        Student {
            index,
            cohort: self.cohort_of(index),
            ability,
            diligence,
            evening: evening as u16,
            presence,
            app,
            arrives,
            fate,
            renamed,
        }
    }

    /// The name that a student has on a day of the school year.
    pub(crate) fn student_name(&self, index: u32, day: u16) -> Name {
        let mut draw = self.draw(&[key::NAME, 0, u64::from(index)]);
        let mut name = names::person(&mut draw);
        let renamed = self.student(index).renamed;
        if renamed.is_some_and(|renamed| renamed <= day) {
            name.family = names::family(&mut draw);
        }
        name
    }

    /// The name of a student's account, which does not change with the name.
    pub(crate) fn username(&self, index: u32) -> String {
        let name = self.student_name(index, 0);
        format!("{}.{}{index}", name.plain, name.family.to_lowercase())
    }

    pub(crate) fn student_email(&self, index: u32) -> String {
        format!("{}@students.{}", self.username(index), self.domain())
    }
}

/// The identifier of a student, by which events call the actor.
pub(crate) fn student_id(index: u32) -> String {
    format!("stu-{index:07}")
}

impl Student {
    /// The first day after the withdrawal.
    pub(crate) fn withdraws(&self) -> Option<u16> {
        match self.fate {
            Fate::Withdraws(day) => Some(day),
            _ => None,
        }
    }

    /// Whether the student is on the roster on a day.
    pub(crate) fn enrolled(&self, day: u16) -> bool {
        self.arrives <= day && self.withdraws().is_none_or(|last| day < last)
    }

    /// How much of the usual the student does on a day: less and less before the end.
    pub(crate) fn energy(&self, day: u16) -> f64 {
        let end = match self.fate {
            _ if day < self.arrives => return 0.0,
            Fate::Stays => return 1.0,
            Fate::Withdraws(end) | Fate::Fades(end) => end,
        };
        let left = end.saturating_sub(day).min(FADING);
        f64::from(left) / f64::from(FADING)
    }
}

impl App {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Web => "web-lms",
            Self::Android | Self::Ios => "mobile",
        }
    }

    pub(crate) fn platform(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }
}
