//! Many who enroll at once.

use std::collections::{BTreeMap, BTreeSet};

use e2e::Postgres;
use futures::future::join_all;
use rand::Rng as _;

use super::{add_section, add_students, count, drop_section, enroll, run, texts};

const CLIENTS: u32 = 200;
const SEATS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn of_200_clients_at_once_30_get_a_seat_and_the_others_wait_in_order() {
    let database = Postgres::shared().school();
    let pool = database.pool("lms_app", CLIENTS).await;
    let owner = database.pool("postgres", 1).await;
    add_students(&owner, CLIENTS).await;
    add_section(&owner, "race", SEATS as i32, CLIENTS as i32).await;

    // A connection each, before the first begins.
    let connections = join_all((0..CLIENTS).map(|_| pool.acquire())).await;
    let enrolling = connections
        .into_iter()
        .zip(1..)
        .map(|(connection, client)| async move {
            let student = format!("s-{client}");
            let mut connection = connection.expect("a connection");
            let place: (String, Option<i64>) =
                sqlx::query_as("SELECT status, place FROM lms.enroll($1, 'race')")
                    .bind(&student)
                    .fetch_one(&mut *connection)
                    .await
                    .unwrap_or_else(|error| panic!("{student}: {error}"));
            (student, place)
        });
    let answers: Vec<_> = enrolling.map(tokio::spawn).collect();
    let answers: BTreeMap<_, _> = join_all(answers)
        .await
        .into_iter()
        .map(|answer| answer.expect("it ends"))
        .collect();

    let mut inside = BTreeSet::new();
    let mut waiting = BTreeMap::new();
    for (student, (status, place)) in answers {
        match place {
            None => assert!(inside.insert(student), "{status}"),
            Some(place) => assert_eq!(waiting.insert(place, student), None, "place {place}"),
        }
    }
    assert_eq!(inside.len(), SEATS);
    // What each was told is what is stored: places 1 to 170, each once.
    let places: Vec<i64> = waiting.keys().copied().collect();
    let expected: Vec<i64> = (1..=i64::from(CLIENTS) - SEATS as i64).collect();
    assert_eq!(places, expected);
    let stored = texts(
        &owner,
        "SELECT person_id FROM lms.enrollments WHERE section_id = 'race' AND status = 'enrolled'",
    );
    let stored = stored.await;
    assert_eq!(stored.len(), SEATS);
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), inside);
    let order = "SELECT person_id FROM lms.waitlist WHERE section_id = 'race' ORDER BY place";
    assert_eq!(
        texts(&owner, order).await,
        waiting.into_values().collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_student_who_enrolls_everywhere_at_once_stays_below_the_cap() {
    let database = Postgres::shared().school();
    let pool = database.pool("lms_app", 12).await;
    let owner = database.pool("postgres", 1).await;
    add_students(&owner, 1).await;
    run(
        &owner,
        "UPDATE lms.people SET credit_cap = 5 WHERE person_id = 's-1'",
    )
    .await;
    for section in 0..12 {
        add_section(&owner, &format!("choir-{section}"), 10, 0).await;
    }
    let enrolling = (0..12).map(|section| {
        let pool = pool.clone();
        tokio::spawn(async move { enroll(&pool, "s-1", &format!("choir-{section}")).await })
    });
    let answers = join_all(enrolling.collect::<Vec<_>>()).await;
    let refused = answers
        .into_iter()
        .filter_map(|answer| answer.expect("it ends").err());
    let names = refused.map(|error| super::refusal::<()>(Err(error)).1);
    assert_eq!(names.collect::<Vec<_>>(), ["credit_cap_exceeded"; 7]);
    let taken =
        "SELECT count(*) FROM lms.enrollments WHERE person_id = 's-1' AND status = 'enrolled'";
    assert_eq!(count(&owner, taken).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_come_and_go_in_several_sections_never_lock_each_other_out() {
    const STUDENTS: u32 = 24;
    const STEPS: u32 = 15;
    let database = Postgres::shared().school();
    let pool = database.pool("lms_app", STUDENTS).await;
    let owner = database.pool("postgres", 1).await;
    add_students(&owner, STUDENTS).await;
    for section in ["a", "b", "c"] {
        add_section(&owner, section, 4, 30).await;
    }
    // Two of three at most, so that some who wait may no longer when it is their turn.
    run(
        &owner,
        "UPDATE lms.people SET credit_cap = 2 WHERE person_id LIKE 's-%'",
    )
    .await;
    let clients = (0..STUDENTS * 2).map(|client| {
        let pool = pool.clone();
        // Twice each student, so that she meets herself.
        let student = format!("s-{}", client % STUDENTS + 1);
        tokio::spawn(async move {
            for _ in 0..STEPS {
                let section = ["a", "b", "c"][rand::rng().random_range(0..3)];
                let failed = if rand::rng().random_bool(0.5) {
                    enroll(&pool, &student, section).await.err()
                } else {
                    drop_section(&pool, &student, section).await.err()
                };
                if let Some(error) = failed {
                    let (code, name) = super::refusal::<()>(Err(error));
                    let expected = ["already_enrolled", "credit_cap_exceeded", "not_enrolled"];
                    assert!(expected.contains(&name.as_str()), "{code} {name}");
                }
            }
        })
    });
    for client in join_all(clients.collect::<Vec<_>>()).await {
        client.expect("no other refusal");
    }
    let too_full = "SELECT count(*) FROM (
        SELECT section_id FROM lms.enrollments WHERE status = 'enrolled' AND role = 'student'
         GROUP BY 1 HAVING count(*) > 4) full_sections";
    assert_eq!(count(&owner, too_full).await, 0);
    let too_many = "SELECT count(*) FROM (
        SELECT person_id FROM lms.enrollments WHERE status = 'enrolled' AND person_id LIKE 's-%'
         GROUP BY 1 HAVING count(*) > 2) busy_people";
    assert_eq!(count(&owner, too_many).await, 0);
    let both =
        "SELECT count(*) FROM lms.waitlist w JOIN lms.enrollments e USING (section_id, person_id)
                 WHERE w.status = 'waiting' AND e.status = 'enrolled'";
    assert_eq!(count(&owner, both).await, 0);
    // Somebody did get in and somebody did move up, or this has tried nothing.
    let moved = "SELECT count(*) FROM lms.waitlist WHERE status = 'promoted'";
    assert!(count(&owner, moved).await > 0);
}
