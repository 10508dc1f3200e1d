//! Events: valid, in order, as often as they were asked for.

use std::collections::{HashMap, HashSet};

use chrono::{TimeDelta, Utc};
use jsonschema::Validator;
use rstest::rstest;
use schemas::event::{EventType, json_schema};
use simulate::{Actors, Bundle, Catalog, Delivery, EventOptions, Events, Semester, Version};

use crate::read::{Came, district, events, rows, school};

/// The schema of a type, and nothing beside what it lists.
fn validators() -> HashMap<&'static str, Validator> {
    let strict = |event_type: &EventType| {
        let mut schema = json_schema(event_type);
        schema["additionalProperties"] = false.into();
        for object in ["data", "context"] {
            schema["properties"][object]["additionalProperties"] = false.into();
        }
        jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("a schema")
    };
    EventType::all()
        .iter()
        .map(|t| (t.name, strict(t)))
        .collect()
}

#[rstest]
#[case(Delivery::Ideal, Actors::SourcedId)]
#[case(Delivery::Real, Actors::PerApp)]
fn every_event_is_valid_and_every_type_occurs(#[case] delivery: Delivery, #[case] actors: Actors) {
    let world = district(11, 2, 60);
    let validators = validators();
    let mut seen = HashSet::new();
    let options = EventOptions {
        delivery,
        actors,
        until: Some("2025-11-01T00:00:00Z".parse().expect("a time")),
        ..EventOptions::of(Semester::Fall)
    };
    for came in events(&world, &options) {
        let validator = &validators[came.kind()];
        if let Err(error) = validator.validate(&came.event) {
            panic!("{error}: {}", came.event);
        }
        let server_only = EventType::from_name(came.kind()).is_some_and(|t| t.server_only);
        assert_eq!(
            server_only,
            came.text("/context/app") == "sis",
            "{}",
            came.event
        );
        seen.insert(came.kind().to_owned());
    }
    // Of videos nothing but playing is simulated.
    let mut unseen: Vec<_> = EventType::all().iter().map(|t| t.name).collect();
    unseen.retain(|name| !seen.contains(*name));
    assert_eq!(unseen, ["video.interacted"]);
}

#[test]
fn in_ideal_order_events_come_once_and_as_they_happened() {
    let world = school(12, 30);
    let events: Vec<_> = events(&world, &EventOptions::of(Semester::Spring)).collect();
    let ids: HashSet<_> = events.iter().map(|came| came.text("/id")).collect();
    assert_eq!(ids.len(), events.len());
    assert!(events.is_sorted_by_key(|came| came.at));
    assert!(events.iter().all(|came| came.time() == came.at));
}

#[test]
fn in_real_order_some_come_twice_and_some_late() {
    let world = school(12, 30);
    let options = EventOptions::of(Semester::Fall);
    let ideal: Vec<_> = events(&world, &options).collect();
    let real = EventOptions {
        delivery: Delivery::Real,
        ..options
    };
    let real: Vec<_> = events(&world, &real).collect();
    assert!(real.is_sorted_by_key(|came| came.at));
    // Once each is the same set.
    let text = |events: &[Came]| -> HashSet<String> {
        events.iter().map(|came| came.event.to_string()).collect()
    };
    assert!(text(&ideal) == text(&real));
    let share = |count: usize| count as f64 / ideal.len() as f64;
    let twice = share(real.len() - ideal.len());
    assert!((0.008..0.013).contains(&twice), "{twice}");
    let late = |hours| {
        let late = real
            .iter()
            .filter(|came| came.at - came.time() > TimeDelta::hours(hours));
        share(late.count())
    };
    assert!((0.01..0.05).contains(&late(1)), "{}", late(1));
    assert!((0.001..0.02).contains(&late(20)), "{}", late(20));
    let out_of_order = real
        .windows(2)
        .filter(|pair| pair[0].time() > pair[1].time());
    assert!(share(out_of_order.count()) > 0.05);
}

#[test]
fn events_name_what_the_roster_and_the_catalogue_have() {
    let world = district(5, 2, 40);
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = Bundle::new(&world, Version::V1_2).later(110);
    bundle
        .write_folder(folder.path(), &mut |_| {})
        .expect("a bundle");
    let catalog = folder.path().join("catalog");
    Catalog::new(&world)
        .write_folder(&catalog, &mut |_| {})
        .expect("a catalogue");
    let column = |folder: &std::path::Path, file: &str, column: &str| -> HashSet<String> {
        rows(folder, file)
            .into_iter()
            .map(|row| row[column].clone())
            .collect()
    };
    let people = column(folder.path(), "users.csv", "sourcedId");
    let classes = column(folder.path(), "classes.csv", "sourcedId");
    let courses = column(folder.path(), "courses.csv", "sourcedId");
    let schools = column(folder.path(), "orgs.csv", "sourcedId");
    let contents = column(&catalog, "contents.csv", "content_id");
    let items = column(&catalog, "alignments.csv", "item_id");
    for came in events(&world, &EventOptions::of(Semester::Fall)) {
        for (pointer, known) in [
            ("/actor", &people),
            ("/data/by", &people),
            ("/data/reply_to", &people),
            ("/section", &classes),
            ("/course", &courses),
            ("/school", &schools),
            ("/content", &contents),
            ("/data/assessment", &contents),
            ("/data/item", &items),
        ] {
            let id = came.text(pointer);
            assert!(
                id.is_empty() || known.contains(id),
                "{pointer}: {}",
                came.event
            );
        }
    }
}

#[test]
fn a_mobile_app_may_call_students_otherwise() {
    let world = school(5, 40);
    let options = EventOptions {
        actors: Actors::PerApp,
        ..EventOptions::of(Semester::Fall)
    };
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = Bundle::new(&world, Version::V1_1).later(110);
    bundle
        .write_folder(folder.path(), &mut |_| {})
        .expect("a bundle");
    let users = rows(folder.path(), "users.csv");
    let emails: HashSet<_> = users.into_iter().map(|row| row["email"].clone()).collect();
    let mut mobile = 0;
    for came in events(&world, &options) {
        let email = came.text("/actor").strip_prefix("mailto:");
        assert_eq!(email.is_some(), came.text("/context/app") == "mobile");
        assert!(email.is_none_or(|email| emails.contains(email)));
        mobile += u32::from(email.is_some());
    }
    assert!(mobile > 1_000);
}

#[test]
fn stretches_of_days_fit_together() {
    let world = school(5, 30);
    let all = EventOptions::of(Semester::Fall);
    let days = Events::new(&world, &all);
    let whole: Vec<_> = events(&world, &all).collect();
    let estimate = days.estimate() as f64 / whole.len() as f64;
    assert!((0.5..1.8).contains(&estimate), "{estimate}");
    let from = "2025-10-13".parse().expect("a date");
    let until = "2025-10-20T05:00:00Z".parse().expect("a time");
    let week = EventOptions {
        from: Some(from),
        until: Some(until),
        ..all
    };
    let week: Vec<_> = events(&world, &week).collect();
    let start = "2025-10-13T05:00:00Z"
        .parse::<chrono::DateTime<Utc>>()
        .expect("a time");
    assert!(week.iter().all(|came| (start..until).contains(&came.at)));
    let whole: HashSet<_> = whole.iter().map(|came| came.event.to_string()).collect();
    assert!(
        week.iter()
            .all(|came| whole.contains(&came.event.to_string()))
    );
    assert!(week.len() > 1_000);
}

#[test]
fn batches_hold_all_lines() {
    let world = school(5, 30);
    let options = EventOptions::of(Semester::Fall);
    let count = events(&world, &options).count();
    let batches: Vec<_> = Events::new(&world, &options).batches(500).collect();
    assert!(
        batches
            .iter()
            .rev()
            .skip(1)
            .all(|batch| batch.events == 500)
    );
    assert!(batches.is_sorted_by_key(|batch| batch.reached));
    let lines = |batch: &simulate::Batch| batch.lines.iter().filter(|b| **b == b'\n').count();
    assert!(batches.iter().all(|batch| lines(batch) == batch.events));
    assert_eq!(
        batches.iter().map(|batch| batch.events).sum::<usize>(),
        count
    );
}
