//! Enrolling in the database that runs the school: while nobody asks for reports, while it
//! is asked for them, and while Chalkline is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use e2e::{Client, Database};
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::district::District;
use super::mirror::{Mirror, condition};
use super::peers::page;
use super::service::Service;
use super::statements;
use crate::latency::Latencies;
use crate::report::{Floor, Report, thousands};

/// Who enrolls: each in turn, in the section after the one before.
const STUDENTS: u64 = 20_000;
const SECTIONS: u64 = 1_000;
/// Connections of the LMS, and enrolments a second over all of them.
const CONNECTIONS: u64 = 8;
const PACE: f64 = 50.0;
/// Who asks for reports, and how soon again after asking, unless there is no answer yet.
const READERS: usize = 4;
const AGAIN: Duration = Duration::from_millis(500);
/// How often each way has its turn.
const ROUNDS: usize = 2;

/// Whom reports are asked of meanwhile.
enum Reports {
    None,
    /// Statements, and the pool that they are asked by.
    Database(PgPool, Vec<String>),
    /// Paths of pages.
    Service(Client, Vec<String>),
}

impl Reports {
    /// Asks for one of them, or does nothing.
    async fn ask(&self, place: usize) {
        match self {
            Self::None => {}
            Self::Database(pool, statements) => {
                let sql = &statements[place % statements.len()];
                let asked = sqlx::query(sql).fetch_all(pool).await;
                asked.unwrap_or_else(|error| panic!("{sql}: {error}"));
            }
            Self::Service(client, paths) => {
                let path = &paths[place % paths.len()];
                client.get(path).await.expect_status(200);
            }
        }
    }
}

/// What came of a way, in all rounds.
#[derive(Default)]
struct Outcome {
    enrolments: Latencies,
    enrolled: u64,
    reports: Latencies,
    reported: u64,
}

/// Each way by turns, `seconds` of it each time.
pub async fn measure(
    district: &District,
    service: &Service,
    mirror: &Mirror,
    seconds: u64,
    report: &mut Report,
) {
    let lms = mirror.postgres.school();
    fill(&lms);
    let pool = lms.pool("lms_app", CONNECTIONS as u32).await;
    let places = &district.places;
    let statements = statements::reports().into_iter().flat_map(|report| {
        let key = report.about[0];
        let all = if key == "section_id" {
            &places.sections
        } else {
            &places.videos
        };
        let ask =
            move |place: &String| page(&report.sql(&condition(&format!("{key} = '{place}'")), ""));
        all.iter().map(ask).collect::<Vec<_>>()
    });
    let principal = mirror.principal(READERS as u32).await;
    let client = service.client(&district.principal);
    let ways = [
        ("nobody asks for reports", Arc::new(Reports::None)),
        (
            "reports are asked of this database",
            Arc::new(Reports::Database(principal, statements.collect())),
        ),
        (
            "reports are asked of Chalkline",
            Arc::new(Reports::Service(client, places.reports())),
        ),
    ];
    let next = Arc::new(AtomicU64::new(0));
    let mut outcomes = [(); 3].map(|()| Outcome::default());
    for _ in 0..ROUNDS {
        for ((_, reports), outcome) in ways.iter().zip(&mut outcomes) {
            run(&pool, reports, &next, seconds, outcome).await;
        }
    }
    for ((what, _), outcome) in ways.iter().zip(&outcomes) {
        report.add(
            &format!("enrolling while {what}"),
            outcome.enrolments.summary(),
            outcome.enrolments.p99().as_secs_f64() * 1e3,
            Floor::None,
            format!(
                "{} enrolments at {PACE} a second over {CONNECTIONS} connections, from when each was \
                 due; {} reports by {READERS} readers, {}; {} events in the database",
                thousands(outcome.enrolled as f64),
                thousands(outcome.reported as f64),
                outcome.reports.summary(),
                thousands(mirror.events as f64),
            ),
        );
    }
}

/// Students and sections beside those of the small school. Sections that follow each other
/// meet at different times, so that each student finds a seat and the time.
fn fill(lms: &Database) {
    lms.psql(&format!(
        "UPDATE lms.terms SET credit_cap = 99 WHERE term_id = 'fall';
         INSERT INTO lms.people (person_id, username, given_name, family_name)
         SELECT 's-' || n, 'name-' || n, 'Given', 'Family' FROM generate_series(0, {STUDENTS} - 1) n;
         INSERT INTO lms.roles (role_id, person_id, org_id, role)
         SELECT 'role-' || n, 's-' || n, 'north-high', 'student' FROM generate_series(0, {STUDENTS} - 1) n;
         INSERT INTO lms.sections
                (section_id, name, section_code, course_id, school_id, term_id, capacity, waitlist_capacity)
         SELECT 'x-' || n, 'Choir', 'X-' || n, 'mus-101', 'north-high', 'fall', {STUDENTS}, 0
           FROM generate_series(0, {SECTIONS} - 1) n;
         INSERT INTO lms.meetings (meeting_id, section_id, room, dates, minutes)
         SELECT 'x-' || n, 'x-' || n, NULL, daterange(t.start_date, t.end_date, '[]'),
                int4range(n % 100 * 100, n % 100 * 100 + 50)
           FROM generate_series(0, {SECTIONS} - 1) n JOIN lms.terms t ON t.term_id = 'fall'"
    ));
    // Not in a transaction with the others.
    lms.psql("VACUUM ANALYZE");
}

/// Enrolls for `seconds` while reports are asked for.
async fn run(
    pool: &PgPool,
    reports: &Arc<Reports>,
    next: &Arc<AtomicU64>,
    seconds: u64,
    outcome: &mut Outcome,
) {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    let asked = if matches!(**reports, Reports::None) {
        0
    } else {
        READERS
    };
    for reader in 0..asked {
        readers.spawn(read(Arc::clone(reports), reader * 7, Arc::clone(&is_over)));
    }
    let mut writers = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let lasting = Duration::from_secs(seconds);
        writers.spawn(enroll(pool.clone(), Arc::clone(next), connection, lasting));
    }
    while let Some(done) = writers.join_next().await {
        let (latencies, enrolled) = done.expect("a writer does not fail");
        outcome.enrolments += latencies;
        outcome.enrolled += enrolled;
    }
    is_over.store(true, Ordering::Relaxed);
    while let Some(done) = readers.join_next().await {
        let (latencies, reported) = done.expect("a reader does not fail");
        outcome.reports += latencies;
        outcome.reported += reported;
    }
}

/// One connection's share of the enrolments, and how long each took since it was due.
async fn enroll(
    pool: PgPool,
    next: Arc<AtomicU64>,
    connection: u64,
    lasting: Duration,
) -> (Latencies, u64) {
    let interval = Duration::from_secs_f64(CONNECTIONS as f64 / PACE);
    let begun = Instant::now() + interval.mul_f64(connection as f64 / CONNECTIONS as f64);
    let mut latencies = Latencies::default();
    let mut enrolled = 0;
    for round in 0_u32.. {
        let due = begun + interval * round;
        if interval * round >= lasting {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (student, turn) = (number % STUDENTS, number / STUDENTS);
        let section = (student + turn) % SECTIONS;
        let enrolling = sqlx::query("SELECT status FROM lms.enroll($1, $2)")
            .bind(format!("s-{student}"))
            .bind(format!("x-{section}"))
            .execute(&pool);
        enrolling.await.expect("there is a seat");
        latencies.add(due.elapsed());
        enrolled += 1;
    }
    (latencies, enrolled)
}

/// Asks for reports, one after the other, until it is over.
async fn read(reports: Arc<Reports>, first: usize, is_over: Arc<AtomicBool>) -> (Latencies, u64) {
    let mut latencies = Latencies::default();
    let mut reported = 0;
    // By steps that lead to another report each time.
    for place in (first..).step_by(31) {
        let asked = Instant::now();
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        reports.ask(place).await;
        latencies.add(asked.elapsed());
        reported += 1;
        tokio::time::sleep_until((asked + AGAIN).into()).await;
    }
    (latencies, reported)
}
