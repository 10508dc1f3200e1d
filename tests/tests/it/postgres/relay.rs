//! The outbox: from a transaction of the LMS to a row of our tables, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::{Database, Postgres, Process, Sandbox, eventually, until};
use seaweed::{Fate, Moment, Proxy};
use serde_json::json;
use sqlx::PgPool;

use super::{add_section, add_students, count, drop_section, enroll, run, texts};

const UNSENT: &str = "SELECT count(*) FROM chalkline.outbox WHERE sent_at IS NULL";

fn relay(sandbox: &Sandbox, database: &Database, url: &str, more: &[&str]) -> Process {
    let address = database.url("chalkline_relay");
    let arguments = ["outbox", "relay", "--database", &address, "--url", url];
    let key = ["--key", &sandbox.tenant.key];
    sandbox.spawn("relay", &[&arguments[..], &key, more].concat())
}

async fn wait_until_sent(pool: &PgPool) {
    eventually("all events are sent", || async {
        let unsent = count(pool, UNSENT).await;
        (unsent == 0)
            .then_some(())
            .ok_or(format!("{unsent} are not"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_becomes_rows_and_what_does_not_leaves_nothing() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let pool = database.pool("postgres", 2).await;

    let mut transaction = pool.begin().await.expect("a transaction");
    let enrolls = sqlx::query("SELECT lms.enroll('stu-1003', 'bio-101-01')");
    enrolls
        .execute(&mut *transaction)
        .await
        .expect("there is a seat");
    transaction.rollback().await.expect("rolled back");
    assert_eq!(
        count(&pool, "SELECT count(*) FROM chalkline.outbox").await,
        0
    );

    // Looking so rarely, it goes by what it is told.
    let url = sandbox.address().ingest;
    let mut relay = relay(&sandbox, &database, &url, &["--interval", "12h"]);
    enroll(&pool, "stu-1001", "bio-101-01")
        .await
        .expect("there is a seat");
    wait_until_sent(&pool).await;
    for sql in [
        "INSERT INTO lms.grades (assignment_id, section_id, person_id, score, graded_by)
         VALUES ('quiz-cells', 'bio-101-01', 'stu-1001', 14, 't-ramirez')",
        "UPDATE lms.grades SET score = 15.5, reason = 'added up wrong'",
    ] {
        run(&pool, sql).await;
    }
    drop_section(&pool, "stu-1001", "bio-101-01")
        .await
        .expect("she is in it");
    wait_until_sent(&pool).await;

    sandbox.wait_for_count("clickstream", 2).await;
    let changes = "select event_id, status, role, course_id, section_id, school_id, app
                     from clickstream order by event_id";
    let changes = sandbox.sql(changes).await;
    let ids = "SELECT id::text FROM chalkline.outbox
                WHERE event ->> 'type' = 'enrollment.changed' ORDER BY id";
    for ((change, id), status) in changes
        .iter()
        .zip(texts(&pool, ids).await)
        .zip(["active", "inactive"])
    {
        let expected = json!({
            "event_id": id, "status": status, "role": "student", "course_id": "bio-101",
            "section_id": "bio-101-01", "school_id": "north-high", "app": "lms",
        });
        assert_eq!(json!(change), expected);
    }
    sandbox.wait_for_count("assessment", 2).await;
    let grades = "select event_type, score, grade_old, grade_new, reason, category
                    from assessment order by event_type";
    let grades = sandbox.sql(grades).await;
    assert_eq!(grades[0]["event_type"], json!("assessment.graded"));
    assert_eq!(grades[0]["score"].as_f64(), Some(14.0));
    assert_eq!(grades[1]["event_type"], json!("grade.changed"));
    assert_eq!(grades[1]["grade_old"], json!("14"));
    assert_eq!(grades[1]["grade_new"], json!("15.5"));
    assert_eq!(grades[1]["reason"], json!("added up wrong"));

    relay.signal("TERM");
    let ended = relay.exit_within(Duration::from_secs(60)).await;
    assert_eq!(ended.expect("it ends").code(), Some(0));
    assert!(
        relay.log().contains(r#"{"sent":4,"rejected":0}"#),
        "{}",
        relay.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_posting_and_marking_it_stores_each_event_once() {
    const STUDENTS: u32 = 60;
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let pool = database.pool("postgres", 4).await;
    add_students(&pool, STUDENTS).await;
    add_section(&pool, "large", STUDENTS as i32, 0).await;
    for student in 1..=STUDENTS {
        enroll(&pool, &format!("s-{student}"), "large")
            .await
            .expect("there is a seat");
    }

    // The front door has taken the events; the relay is not to hear of it.
    let (answered, killed) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let url = sandbox.address().ingest;
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let told = (Arc::clone(&answered), Arc::clone(&killed));
    let proxy = Proxy::before(port.expect("a port"), move |moment, _| match moment {
        Moment::Asked => Fate::Passed,
        Moment::Answered => {
            told.0.store(true, Ordering::Release);
            while !told.1.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(10));
            }
            Fate::Lost
        }
    });
    let mut first = relay(&sandbox, &database, proxy.endpoint(), &[]);
    until("the events were answered", || {
        answered.load(Ordering::Acquire)
    })
    .await;
    first.kill();
    killed.store(true, Ordering::Release);
    // It takes PostgreSQL a moment to see that nobody is there.
    eventually("its transaction is over", || async {
        let connections = "SELECT count(*) FROM pg_stat_activity
                            WHERE usename = 'chalkline_relay' AND datname = current_database()";
        let left = count(&pool, connections).await;
        (left == 0)
            .then_some(())
            .ok_or(format!("{left} connections"))
    })
    .await;
    assert_eq!(count(&pool, UNSENT).await, i64::from(STUDENTS));
    sandbox
        .wait_for_count("clickstream", u64::from(STUDENTS))
        .await;

    // Two at once share what is left, and end when nothing is.
    let mut relays = ["second", "third"].map(|name| {
        let address = database.url("chalkline_relay");
        let arguments = [
            "outbox",
            "relay",
            "--once",
            "--database",
            &address,
            "--url",
            &url,
        ];
        sandbox.spawn(
            name,
            &[&arguments[..], &["--key", &sandbox.tenant.key]].concat(),
        )
    });
    for relay in &mut relays {
        let ended = relay.exit_within(Duration::from_secs(120)).await;
        assert_eq!(ended.expect("it ends").code(), Some(0), "{}", relay.log());
    }
    assert_eq!(count(&pool, UNSENT).await, 0);
    enroll(&pool, "stu-1001", "bio-101-01")
        .await
        .expect("there is a seat");
    let mut last = relay(&sandbox, &database, &url, &["--once"]);
    let ended = last.exit_within(Duration::from_secs(120)).await;
    assert_eq!(ended.expect("it ends").code(), Some(0), "{}", last.log());

    // What came after all repetitions is there: so are they, as duplicates.
    sandbox
        .wait_for_count("clickstream", u64::from(STUDENTS) + 1)
        .await;
    let copies = sandbox.copies("clickstream").await;
    let ids = texts(&pool, "SELECT id::text FROM chalkline.outbox ORDER BY 1").await;
    assert_eq!(
        copies.into_iter().collect::<Vec<_>>(),
        ids.into_iter().map(|id| (id, 1)).collect::<Vec<_>>()
    );
    sandbox
        .wait_for_count("duplicates", u64::from(STUDENTS))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_taken_is_set_aside_and_nothing_waits_behind_it() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let pool = database.pool("postgres", 1).await;
    run(&pool, "INSERT INTO chalkline.outbox (event) VALUES
        ('{\"type\": \"video.forgotten\", \"time\": \"2026-09-14T10:00:00Z\", \"actor\": \"stu-1001\"}')").await;
    // More than any body may have, on its own and with others.
    run(&pool, "INSERT INTO chalkline.outbox (event) VALUES (jsonb_build_object('type', 'page.viewed',
        'time', now(), 'actor', 'stu-1001', 'data', jsonb_build_object('url', repeat('x', 20000000))))").await;
    enroll(&pool, "stu-1001", "bio-101-01")
        .await
        .expect("there is a seat");

    let url = sandbox.address().ingest;
    let mut relay = relay(&sandbox, &database, &url, &["--once"]);
    let ended = relay.exit_within(Duration::from_secs(120)).await;
    assert_eq!(ended.expect("it ends").code(), Some(0), "{}", relay.log());
    assert!(
        relay.log().contains(r#"{"sent":1,"rejected":2}"#),
        "{}",
        relay.log()
    );
    sandbox.wait_for_count("clickstream", 1).await;
    let reasons = "SELECT reason ->> 'code' FROM chalkline.outbox WHERE rejected_at IS NOT NULL
                    ORDER BY position";
    let reasons = texts(&pool, reasons).await;
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert_eq!(reasons[0], "unknown_type");
    let details = "SELECT count(*) FROM chalkline.outbox WHERE reason ->> 'detail' <> ''";
    assert_eq!(count(&pool, details).await, 2);

    // A key that is none is no fault of the events.
    run(
        &pool,
        "UPDATE chalkline.outbox SET rejected_at = NULL, reason = NULL",
    )
    .await;
    let address = database.url("chalkline_relay");
    let wrong = [
        "outbox",
        "relay",
        "--database",
        &address,
        "--url",
        &url,
        "--key",
        "ck_test-school_a_b",
    ];
    let mut refused = sandbox.spawn("refused", &wrong);
    let ended = refused.exit_within(Duration::from_secs(120)).await;
    assert_eq!(ended.expect("it ends").code(), Some(1), "{}", refused.log());
    assert_eq!(count(&pool, UNSENT).await, 2);
}
