//! Staff and guardians.

use super::{DISTRICT_STAFF, School, World, key};
use crate::courses::Subject;
use crate::names::{self, Name};

/// Somebody who works for a school or the district.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Staff {
    pub(crate) index: u32,
    /// None of the district's own.
    pub(crate) school: Option<u32>,
    pub(crate) role: StaffRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StaffRole {
    DistrictAdministrator,
    Principal,
    SiteAdministrator,
    Counselor,
    Teacher(Subject),
}

/// Those of a school who do not teach.
const OFFICE: [StaffRole; 3] = [
    StaffRole::Principal,
    StaffRole::SiteAdministrator,
    StaffRole::Counselor,
];

/// A guardian of a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guardian {
    pub(crate) student: u32,
    /// From 0.
    pub(crate) number: u8,
}

impl School {
    fn staff(&self) -> u32 {
        OFFICE.len() as u32 + Subject::ALL.len() as u32 * self.teachers
    }
}

impl World {
    pub(super) fn staff_end(&self, school: usize) -> u32 {
        let school = &self.schools[school];
        school.first_staff + school.staff()
    }

    pub(crate) fn staff_count(&self) -> u32 {
        self.staff_end(self.schools.len() - 1)
    }

    /// Somebody of the staff, by index.
    pub(crate) fn staff(&self, index: u32) -> Staff {
        if index < DISTRICT_STAFF {
            return Staff {
                index,
                school: None,
                role: StaffRole::DistrictAdministrator,
            };
        }
        let school = self.schools.partition_point(|s| s.first_staff <= index) - 1;
        let local = index - self.schools[school].first_staff;
        let role = match OFFICE.get(local as usize) {
            Some(role) => *role,
            None => {
                let teacher = local - OFFICE.len() as u32;
                let subject = teacher / self.schools[school].teachers;
                StaffRole::Teacher(Subject::ALL[subject as usize])
            }
        };
        Staff {
            index,
            school: Some(school as u32),
            role,
        }
    }

    /// The teacher of the sections of a school with this slot and number: of one a grade,
    /// which meet one after the other.
    pub(super) fn teacher_of(&self, school: u32, slot: u8, number: u32) -> u32 {
        let school = &self.schools[school as usize];
        school.first_staff + OFFICE.len() as u32 + u32::from(slot) * school.teachers + number
    }

    /// Whether somebody heads the department: the first teacher of a subject.
    pub(crate) fn heads(&self, index: u32) -> bool {
        let subject = |index| (self.staff(index).school, self.staff(index).role);
        matches!(self.staff(index).role, StaffRole::Teacher(_))
            && subject(index - 1) != subject(index)
    }

    pub(crate) fn staff_name(&self, index: u32) -> Name {
        names::person(&mut self.draw(&[key::NAME, 1, u64::from(index)]))
    }

    /// How many guardians a student has.
    pub(crate) fn guardians(&self, student: u32) -> u8 {
        let mut draw = self.draw(&[key::GUARDIANS, u64::from(student)]);
        1 + u8::from(draw.chance(0.6))
    }

    /// A guardian's name: mostly that of the child's family.
    pub(crate) fn guardian_name(&self, guardian: Guardian) -> Name {
        let Guardian { student, number } = guardian;
        let mut draw = self.draw(&[key::NAME, 2, u64::from(student), u64::from(number)]);
        let mut name = names::person(&mut draw);
        if draw.chance(0.75) {
            name.family = self.student_name(student, 0).family;
        }
        name
    }
}

/// The identifier of somebody of the staff.
pub(crate) fn staff_id(index: u32) -> String {
    format!("stf-{index:06}")
}

impl Guardian {
    pub(crate) fn id(self) -> String {
        format!("grd-{:07}-{}", self.student, self.number + 1)
    }
}
