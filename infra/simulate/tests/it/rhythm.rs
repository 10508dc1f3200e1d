//! What a school looks like in its events: what the reports are to find is there.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{Datelike as _, Timelike as _};
use chrono_tz::America::Chicago;
use simulate::{EventOptions, Semester, World};

use crate::read::{Came, events_of, school};

/// The events of the fall whose types begin like one of these.
fn fall<'a>(world: &'a World, types: &'a [&'a str]) -> impl Iterator<Item = Came> + use<'a> {
    events_of(world, &EventOptions::of(Semester::Fall), types)
}

#[test]
fn clicks_peak_in_class_hours_and_in_the_evening_and_rest_at_night() {
    let mut hours = [0; 24];
    let mut weekdays = [0; 7];
    for came in fall(&school(21, 60), &["page.", "content.", "item.", "element."]) {
        if came.text("/context/app") != "sis" {
            let local = came.at.with_timezone(&Chicago);
            hours[local.hour() as usize] += 1;
            weekdays[local.weekday().num_days_from_monday() as usize] += 1;
        }
    }
    let night: i32 = hours[2..6].iter().sum();
    let class: i32 = hours[8..14].iter().sum();
    let evening: i32 = hours[18..23].iter().sum();
    assert!(class > 15 * night && evening > 30 * night, "{hours:?}");
    let (school, weekend) = weekdays.split_at(5);
    let mean = |days: &[i32]| days.iter().sum::<i32>() / days.len() as i32;
    assert!(mean(school) > mean(weekend), "{weekdays:?}");
}

#[test]
fn quizzes_are_handed_in_before_they_are_due_most_of_them_just_before() {
    let mut days = [0; 7];
    for came in fall(&school(21, 150), &["assessment.submitted"]) {
        if came.kind() == "assessment.submitted" && came.text("/content").ends_with("quiz") {
            let local = came.at.with_timezone(&Chicago);
            days[local.weekday().num_days_from_monday() as usize] += 1;
        }
    }
    // Due on Friday; some go on after midnight.
    let before: i32 = days[..3].iter().sum();
    assert!(days[4] > days[3] && days[4] > before, "{days:?}");
    assert!(days[5] + days[6] < days[4] / 10, "{days:?}");
}

#[test]
fn drop_outs_fade_out() {
    let world = school(22, 400);
    let mut weeks: HashMap<String, HashSet<u32>> = HashMap::new();
    for came in fall(&world, &["session.started"]) {
        let week = (came.time().date_naive() - world.year().start()).num_days() as u32 / 7;
        let student = weeks.entry(came.text("/actor").to_owned()).or_default();
        student.insert(week);
    }
    let last = |student: &HashSet<u32>| student.iter().max().copied().unwrap_or(0);
    // Who has done nothing in the last three weeks has dropped out.
    let gone = weeks.values().filter(|weeks| last(weeks) < 15).count();
    assert!((2..40).contains(&gone), "{gone}");
    let share = |from: u32, to: u32| {
        let active = weeks
            .values()
            .filter(|weeks| weeks.iter().any(|w| (from..to).contains(w)));
        active.count() as f64 / weeks.len() as f64
    };
    assert!(share(1, 4) > 0.97 && share(14, 18) < share(1, 4));
}

#[test]
fn attendance_falls_into_all_bands() {
    let mut students: HashMap<String, [u32; 2]> = HashMap::new();
    for came in fall(&school(23, 250), &["attendance."]) {
        if came.kind() == "attendance.marked" {
            let [there, all] = students.entry(came.text("/actor").to_owned()).or_default();
            *there += u32::from(matches!(came.text("/data/status"), "present" | "tardy"));
            *all += 1;
        }
    }
    let mut bands = [0; 4];
    for [there, all] in students.values() {
        let percent = 100 * there / all;
        let band = [80, 90, 95]
            .iter()
            .filter(|bound| percent >= **bound)
            .count();
        bands[band] += 1;
    }
    assert!(bands.iter().all(|students| *students > 4), "{bands:?}");
    assert!(bands[2] + bands[3] > 150, "{bands:?}");
}

#[test]
fn videos_lose_viewers_and_are_watched_again_where_they_are_hard() {
    let (mut started, mut completed, mut again) = (0, 0, 0);
    let mut views: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for came in fall(&school(24, 120), &["video."]) {
        match came.kind() {
            "video.loaded" => started += 1,
            "video.completed" => completed += 1,
            "video.seeked" => {
                again += u32::from(came.number("/data/to") < came.number("/data/from"))
            }
            "video.progressed" => {
                let (from, to) = (came.number("/data/from"), came.number("/data/to"));
                assert!(from < to && to <= came.number("/data/duration"));
                let seconds = views.entry(came.text("/content").to_owned()).or_default();
                seconds.resize(seconds.len().max(to as usize + 1), 0);
                for second in &mut seconds[from as usize..to as usize] {
                    *second += 1;
                }
            }
            _ => {}
        }
    }
    let share = f64::from(completed) / f64::from(started);
    assert!((0.3..0.85).contains(&share), "{share}");
    assert!(again > started / 10, "{again} of {started}");
    // In many videos more watch some part of the middle than what came before it.
    let peaks = views.values().filter(|seconds| {
        let middle = seconds.len() / 5..seconds.len() * 4 / 5;
        let before = seconds[middle.start];
        seconds[middle]
            .iter()
            .any(|views| *views > before + before / 4)
    });
    let peaks = peaks.count();
    assert!(peaks * 3 > views.len(), "{peaks} of {}", views.len());
}

#[test]
fn grades_are_of_all_letters_and_some_change() {
    let mut letters: BTreeMap<String, u32> = BTreeMap::new();
    let (mut changed, mut regraded) = (0, 0);
    for came in fall(&school(25, 200), &["grade."]) {
        if came.kind() != "grade.changed" {
            continue;
        }
        match came.text("/data/category") {
            "final" => {
                *letters
                    .entry(came.text("/data/new").to_owned())
                    .or_default() += 1;
                changed += u32::from(came.text("/data/old") != came.text("/data/new"));
            }
            "projects" => regraded += 1,
            _ => {}
        }
    }
    assert_eq!(letters.len(), 5, "{letters:?}");
    let total: u32 = letters.values().sum();
    assert!(
        letters
            .values()
            .all(|count| *count * 100 > total && *count * 2 < total),
        "{letters:?}"
    );
    assert!(
        changed * 10 > total && regraded > 20,
        "{changed} {regraded}"
    );
}

#[test]
fn some_struggle_and_some_do_much_more_than_others() {
    let mut attempts: HashMap<String, HashMap<String, u32>> = HashMap::new();
    for came in fall(&school(26, 150), &["item.answered"]) {
        if came.kind() == "item.answered" && came.text("/data/assessment").ends_with("practice") {
            let items = attempts.entry(came.text("/actor").to_owned()).or_default();
            *items.entry(came.text("/data/item").to_owned()).or_default() += 1;
        }
    }
    let each = attempts.values().filter(|items| items.len() > 60);
    let mut each: Vec<_> = each
        .map(|items| f64::from(items.values().sum::<u32>()) / items.len() as f64)
        .collect();
    each.sort_by(f64::total_cmp);
    let (few, many) = (each[each.len() / 10], each[each.len() * 9 / 10]);
    assert!(many > 1.2 * few, "{few} {many}");
    let mut done: Vec<_> = attempts.values().map(HashMap::len).collect();
    done.sort_unstable();
    assert!(
        done[done.len() * 9 / 10] > 2 * done[done.len() / 10],
        "{done:?}"
    );
}
