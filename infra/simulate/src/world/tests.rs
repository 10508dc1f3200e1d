use std::collections::{HashMap, HashSet};

use rstest::rstest;

use super::*;
use crate::courses::Subject;

fn world(schools: u32, students: u32) -> World {
    let size = Size::District { schools, students };
    World::new(5, size, SchoolYear::beginning(2026).expect("a year")).expect("a world")
}

#[rstest]
#[case(Size::School { students: 19 })]
#[case(Size::District { schools: 0, students: 100 })]
#[case(Size::District { schools: 1_000, students: 100_000 })]
#[case(Size::District { schools: 3, students: 59 })]
#[case(Size::School { students: 5_000_001 })]
fn sizes_that_are_no_school_are_refused(#[case] size: Size) {
    let year = SchoolYear::beginning(2026).expect("a year");
    assert!(World::new(1, size, year).is_err());
}

#[test]
fn every_student_is_in_one_cohort() {
    let world = world(7, 4_321);
    let mut next = 0;
    for (index, cohort) in world.cohorts.iter().enumerate() {
        assert_eq!(cohort.first_student, next);
        assert!(cohort.students > 0);
        assert_eq!(world.cohort_of(next), index as u32);
        next += cohort.students;
    }
    assert_eq!(next, 4_321);
}

#[test]
fn no_teacher_and_no_room_has_two_meetings_at_once() {
    let world = world(4, 3_000);
    for semester in Semester::ALL {
        let mut taken = HashSet::new();
        for section in world.sections_of(semester) {
            let school = world.cohorts[section.cohort as usize].school;
            let (period, teacher) = (world.period(section), world.teacher(section));
            let staff = world.staff(teacher);
            assert_eq!(staff.school, Some(school));
            assert_eq!(
                staff.role,
                StaffRole::Teacher(world.course(section).subject)
            );
            for weekday in (0..7).filter(|day| section.meets(*day)) {
                assert!(taken.insert((format!("teacher {teacher}"), weekday, period)));
                let room = format!("room {school} {}", world.room(section));
                assert!(taken.insert((room, weekday, period)));
            }
        }
    }
}

#[test]
fn a_student_is_in_one_section_a_slot_and_sections_have_seats() {
    let world = world(2, 900);
    for semester in Semester::ALL {
        let mut seats: HashMap<Section, u32> = HashMap::new();
        let day = world.last_day(semester);
        for index in 0..world.students() {
            let student = world.student(index);
            let members: Vec<_> = world.memberships(&student, semester).collect();
            let current: Vec<_> = members.iter().filter(|m| m.ends.is_none()).collect();
            if !student.enrolled(day) {
                assert!(current.is_empty());
                continue;
            }
            let periods: HashSet<_> = current.iter().map(|m| world.period(m.section)).collect();
            assert_eq!((current.len(), periods.len()), (5, 5));
            for member in current {
                let slot = member.section.slot;
                assert_eq!(
                    member.section,
                    world.section_on(&student, semester, slot, day)
                );
                *seats.entry(member.section).or_default() += 1;
            }
        }
        assert!(seats.values().all(|taken| *taken <= section::CAPACITY));
        assert_eq!(seats.len() as u64, world.sections());
    }
}

#[test]
fn classmates_are_in_the_section() {
    let world = world(1, 300);
    for section in world.sections_of(Semester::Fall) {
        for number in 0..40 {
            let student = world.student(world.classmate(section, number));
            let mut members = world.memberships(&student, Semester::Fall);
            let late = student.withdraws().is_some() || student.arrives > 0;
            assert!(late || members.any(|member| member.section == section));
        }
    }
}

#[test]
fn teachers_are_found_by_index() {
    let world = world(5, 2_000);
    let mut subjects: HashMap<_, u32> = HashMap::new();
    for index in 0..world.staff_count() {
        let staff = world.staff(index);
        assert_eq!(staff.index, index);
        if let StaffRole::Teacher(subject) = staff.role {
            *subjects.entry(subject.code()).or_default() += 1;
        }
    }
    assert_eq!(subjects.len(), Subject::ALL.len());
}

#[test]
fn few_students_drop_out() {
    let world = world(3, 20_000);
    let (mut withdrawn, mut faded, mut late) = (0, 0, 0);
    for index in 0..world.students() {
        let student = world.student(index);
        withdrawn += u32::from(matches!(student.fate, Fate::Withdraws(_)));
        faded += u32::from(matches!(student.fate, Fate::Fades(_)));
        late += u32::from(student.arrives > 0);
    }
    for (what, count) in [("withdrawn", withdrawn), ("faded", faded), ("late", late)] {
        assert!((300..600).contains(&count), "{what}: {count}");
    }
}
