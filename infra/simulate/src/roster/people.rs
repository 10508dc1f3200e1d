//! Users, their roles and demographics.

use super::orgs::two_digits;
use super::{Bundle, Version};
use crate::Error;
use crate::courses::Subject;
use crate::names::Name;
use crate::table::{Rows, Table, row};
use crate::world::{Guardian, Staff, StaffRole, Student, key, school_id, staff_id, student_id};

/// What the two versions of the users file have in common.
struct User {
    id: String,
    enabled: bool,
    org: String,
    role: &'static str,
    username: String,
    name: Name,
    identifier: String,
    email: String,
    phone: String,
    agents: String,
    grade: String,
}

impl<'w> Bundle<'w> {
    pub(super) fn people_tables(&self) -> Vec<Table<'w>> {
        let mut tables = vec![self.users()];
        if self.version == Version::V1_2 {
            tables.push(self.roles());
        }
        tables.push(self.demographics());
        tables
    }

    fn users(&self) -> Table<'w> {
        let bundle = self.clone();
        self.table("users", move |rows| {
            if bundle.since.is_none() {
                for index in 0..bundle.world.staff_count() {
                    bundle.user(bundle.staff_user(index), rows)?;
                }
            }
            for index in 0..bundle.world.students() {
                bundle.family(&bundle.world.student(index), rows)?;
            }
            Ok(())
        })
    }

    /// A student and the guardians.
    fn family(&self, student: &Student, rows: &mut dyn Rows) -> Result<(), Error> {
        if student.arrives > self.day {
            return Ok(());
        }
        let new = self.since.is_none_or(|since| student.arrives > since);
        let renamed = |since| {
            let name = |day| self.world.student_name(student.index, day);
            name(since) != name(self.day) || student.enrolled(since) != student.enrolled(self.day)
        };
        if new || self.since.is_some_and(renamed) {
            self.user(self.student_user(student), rows)?;
        }
        if new {
            for number in 0..self.world.guardians(student.index) {
                let student = student.index;
                self.user(self.guardian_user(Guardian { student, number }), rows)?;
            }
        }
        Ok(())
    }

    fn student_user(&self, student: &Student) -> User {
        let (world, index) = (self.world, student.index);
        let agents = (0..world.guardians(index)).map(|number| {
            let student = index;
            Guardian { student, number }.id()
        });
        let cohort = &world.cohorts[student.cohort as usize];
        User {
            id: student_id(index),
            enabled: student.enrolled(self.day),
            org: school_id(cohort.school),
            role: "student",
            username: world.username(index),
            name: world.student_name(index, self.day),
            identifier: format!("{:07}", 3_000_000 + index),
            email: world.student_email(index),
            phone: String::new(),
            agents: agents.collect::<Vec<_>>().join(","),
            grade: two_digits(cohort.grade),
        }
    }

    fn guardian_user(&self, guardian: Guardian) -> User {
        let world = self.world;
        let id = guardian.id();
        let name = world.guardian_name(guardian);
        let cohort = world.cohort_of(guardian.student) as usize;
        let number = 100 + world.hash(&[key::GUARDIANS, guardian.student.into(), 1]) % 100;
        User {
            enabled: true,
            org: school_id(world.cohorts[cohort].school),
            role: "guardian",
            username: id.clone(),
            identifier: id.clone(),
            email: format!("{}.{id}@families.{}", name.plain, world.domain()),
            // 555-0100 to 555-0199 are nobody's.
            phone: format!("+1 555-0{number}"),
            agents: student_id(guardian.student),
            grade: String::new(),
            id,
            name,
        }
    }

    fn staff_user(&self, index: u32) -> User {
        let world = self.world;
        let staff = world.staff(index);
        let name = world.staff_name(index);
        let username = format!("{}.{}.s{index}", name.plain, name.family.to_lowercase());
        User {
            id: staff_id(index),
            enabled: true,
            org: self.org_of(staff),
            role: self.role_of(staff.role),
            email: format!("{username}@{}", world.domain()),
            identifier: format!("{:06}", 700_000 + index),
            phone: String::new(),
            agents: String::new(),
            grade: String::new(),
            username,
            name,
        }
    }

    fn org_of(&self, staff: Staff) -> String {
        staff.school.map_or_else(|| self.world.root_id(), school_id)
    }

    fn role_of(&self, role: StaffRole) -> &'static str {
        match (role, self.version) {
            (StaffRole::Teacher(_), _) => "teacher",
            (StaffRole::Counselor, Version::V1_1) => "aide",
            (_, Version::V1_1) => "administrator",
            (StaffRole::DistrictAdministrator, _) => "districtAdministrator",
            (StaffRole::Principal, _) => "principal",
            (StaffRole::SiteAdministrator, _) => "siteAdministrator",
            (StaffRole::Counselor, _) => "counselor",
        }
    }

    fn user(&self, user: User, rows: &mut dyn Rows) -> Result<(), Error> {
        let enabled = if user.enabled { "true" } else { "false" };
        let ids = format!("{{ldap:{}}}", user.username);
        let Name { given, family, .. } = &user.name;
        let (given, family) = (*given, family.as_str());
        match self.version {
            Version::V1_1 => {
                let cells = row![
                    user.id,
                    "",
                    "",
                    enabled,
                    user.org,
                    user.role,
                    user.username,
                    ids,
                    given,
                    family,
                    "",
                    user.identifier,
                    user.email,
                    "",
                    user.phone,
                    user.agents,
                    user.grade,
                    "",
                ];
                self.mark(cells, false);
                rows.row(cells)
            }
            Version::V1_2 => {
                let preferred = self.preferred(&user.id, given);
                let cells = row![
                    user.id,
                    "",
                    "",
                    enabled,
                    user.username,
                    ids,
                    given,
                    family,
                    "",
                    user.identifier,
                    user.email,
                    "",
                    user.phone,
                    user.agents,
                    user.grade,
                    "",
                    "",
                    "",
                    preferred,
                    "",
                    "",
                    user.org,
                    "",
                ];
                self.mark(cells, false);
                rows.row(cells)
            }
        }
    }

    /// What some are called: the first letters of their name.
    fn preferred(&self, id: &str, given: &'static str) -> Option<String> {
        let key = id
            .bytes()
            .fold(0, |key: u64, byte| key * 31 % 1_000_003 + u64::from(byte));
        let some = self.world.hash(&[key::NAME, 3, key]).is_multiple_of(40);
        let short = some && given.chars().count() > 5;
        short.then(|| given.chars().take(3).collect())
    }

    fn roles(&self) -> Table<'w> {
        let bundle = self.clone();
        self.table("roles", move |rows| {
            let world = bundle.world;
            if bundle.since.is_none() {
                for index in 0..world.staff_count() {
                    let staff = world.staff(index);
                    bundle.role(
                        staff_id(index),
                        bundle.role_of(staff.role),
                        0,
                        bundle.org_of(staff),
                        rows,
                    )?;
                    // A department of one's own to head.
                    if let (StaffRole::Teacher(subject), Some(school)) = (staff.role, staff.school)
                        && world.heads(index)
                    {
                        bundle.second_role(index, school, subject, rows)?;
                    }
                }
            }
            for index in 0..world.students() {
                let student = world.student(index);
                let new = bundle.since.is_none_or(|since| student.arrives > since);
                if student.arrives > bundle.day || !new {
                    continue;
                }
                let org = || school_id(world.cohorts[student.cohort as usize].school);
                bundle.role(student_id(index), "student", student.arrives, org(), rows)?;
                for number in 0..world.guardians(index) {
                    let guardian = Guardian {
                        student: index,
                        number,
                    };
                    bundle.role(guardian.id(), "guardian", student.arrives, org(), rows)?;
                }
            }
            Ok(())
        })
    }

    fn role(
        &self,
        user: String,
        role: &str,
        begins: u16,
        org: String,
        rows: &mut dyn Rows,
    ) -> Result<(), Error> {
        let id = format!("rol-{user}");
        let (begins, ends) = (self.date_of(begins), self.world.year().end());
        let cells = row![id, "", "", user, "primary", role, begins, ends, org, ""];
        self.mark(cells, false);
        rows.row(cells)
    }

    fn second_role(
        &self,
        staff: u32,
        school: u32,
        subject: Subject,
        rows: &mut dyn Rows,
    ) -> Result<(), Error> {
        let user = staff_id(staff);
        let id = format!("rol-{user}-head");
        let org = format!("dep-{:03}-{}", school + 1, subject.code());
        let (begins, ends) = (self.date_of(0), self.world.year().end());
        rows.row(row![
            id,
            "",
            "",
            user,
            "secondary",
            "siteAdministrator",
            begins,
            ends,
            org,
            "",
        ])
    }

    fn demographics(&self) -> Table<'w> {
        let bundle = self.clone();
        self.table("demographics", move |rows| {
            let world = bundle.world;
            for index in 0..world.students() {
                let student = world.student(index);
                let new = bundle.since.is_none_or(|since| student.arrives > since);
                if student.arrives > bundle.day || !new {
                    continue;
                }
                let mut draw = world.draw(&[key::STUDENT, index.into(), 1]);
                let grade = world.cohorts[student.cohort as usize].grade;
                // Five and some days when the first grade began.
                let years = i32::from(grade) + 6;
                let days = chrono::Days::new(draw.below(360).into());
                let start = world.year().start();
                let born = start - chrono::Months::new(12 * years as u32) + days;
                let sex = ["female", "male", "unspecified"][match draw.below(100) {
                    0..49 => 0,
                    49..98 => 1,
                    _ => 2,
                }];
                let cells = row![
                    student_id(index),
                    "",
                    "",
                    born,
                    sex,
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                ];
                bundle.mark(cells, false);
                rows.row(cells)?;
            }
            Ok(())
        })
    }
}
