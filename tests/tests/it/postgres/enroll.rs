//! The rules of enrolling, each with its code and name.

use e2e::Postgres;
use sqlx::PgPool;

use super::{add_section, add_students, count, drop_section, enroll, refusal, run, texts};

async fn school() -> PgPool {
    Postgres::shared().school().pool("postgres", 4).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_refuses_with_its_name() {
    let pool = school().await;
    let refused =
        async |student: &str, section: &str| refusal(enroll(&pool, student, section).await);
    let named = |code: &str, name: &str| (code.to_owned(), name.to_owned());

    let unknown = named("LE001", "unknown_student");
    assert_eq!(refused("nobody", "alg-101-01").await, unknown);
    assert_eq!(refused("t-ramirez", "alg-101-01").await, unknown);
    run(
        &pool,
        "UPDATE lms.people SET enabled = false WHERE person_id = 'stu-1006'",
    )
    .await;
    assert_eq!(refused("stu-1006", "alg-101-01").await, unknown);

    let unknown = named("LE002", "unknown_section");
    assert_eq!(refused("stu-1001", "nowhere").await, unknown);

    let closed = named("LE003", "term_closed");
    assert_eq!(refused("stu-1001", "his-101-00").await, closed);

    let missing = named("LE005", "prerequisite_missing");
    assert_eq!(refused("stu-1001", "bio-201-01").await, missing);
    // Who failed has not completed it.
    assert_eq!(refused("stu-1005", "bio-201-01").await, missing);
    let enrolled = enroll(&pool, "stu-1004", "bio-201-01").await;
    assert_eq!(enrolled.expect("who passed may").0, "enrolled");

    enroll(&pool, "stu-1001", "bio-101-01")
        .await
        .expect("there is a seat");
    let twice = named("LE004", "already_enrolled");
    assert_eq!(refused("stu-1001", "bio-101-01").await, twice);

    // Both meet on Monday at nine.
    let elsewhere = named("LE007", "schedule_conflict");
    assert_eq!(refused("stu-1001", "alg-101-01").await, elsewhere);

    // Of seven credits biology takes three, history two; a cap of one's own is stronger.
    enroll(&pool, "stu-1001", "his-101-01")
        .await
        .expect("there is a seat");
    run(
        &pool,
        "UPDATE lms.terms SET credit_cap = 5.5 WHERE term_id = 'fall'",
    )
    .await;
    let too_much = named("LE006", "credit_cap_exceeded");
    assert_eq!(refused("stu-1001", "mus-101-01").await, too_much);
    run(
        &pool,
        "UPDATE lms.people SET credit_cap = 6 WHERE person_id = 'stu-1001'",
    )
    .await;
    enroll(&pool, "stu-1001", "mus-101-01")
        .await
        .expect("six are allowed");

    add_section(&pool, "tiny", 0, 1).await;
    let waits = enroll(&pool, "stu-1002", "tiny").await.expect("one place");
    assert_eq!(waits, ("waitlisted".to_owned(), Some(1)));
    assert_eq!(refused("stu-1002", "tiny").await, twice);
    let full = named("LE008", "section_full");
    assert_eq!(refused("stu-1003", "tiny").await, full);

    let nothing = named("LE009", "not_enrolled");
    let dropped = drop_section(&pool, "stu-1003", "tiny").await;
    assert_eq!(refusal(dropped), nothing);
    let over = drop_section(&pool, "stu-1003", "his-101-00").await;
    assert_eq!(refusal(over), closed);

    // An old snapshot would not show what others did.
    let mut transaction = pool.begin().await.expect("a transaction");
    let begin = sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    begin
        .execute(&mut *transaction)
        .await
        .expect("its first statement");
    let enrolling = sqlx::query("SELECT lms.enroll('stu-1003', 'mus-101-01')");
    let isolated = enrolling.execute(&mut *transaction).await;
    assert_eq!(refusal(isolated), named("LE010", "wrong_isolation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_and_no_room_is_in_two_places() {
    let pool = school().await;
    let conflict = |name: &str| ("23P01".to_owned(), name.to_owned());
    let tried = async |sql: &str| sqlx::query(sql).execute(&pool).await;

    // Past the functions, a teacher of a section on Monday at nine.
    let teaches = "INSERT INTO lms.enrollments
                     (section_id, school_id, term_id, person_id, role, begin_date)
                   VALUES ('alg-101-01', 'north-high', 'fall', 't-ramirez', 'teacher', current_date)";
    assert_eq!(
        refusal(tried(teaches).await),
        conflict("one_place_at_a_time")
    );
    let room = "INSERT INTO lms.meetings (meeting_id, section_id, room, dates, minutes)
                SELECT 'extra', 'mus-101-01', '204', dates, '[560,600)'
                  FROM lms.meetings WHERE section_id = 'alg-101-01'";
    assert_eq!(
        refusal(tried(room).await),
        conflict("one_section_in_a_room")
    );

    // A meeting that is moved takes those who are there with it.
    enroll(&pool, "stu-1001", "bio-101-01")
        .await
        .expect("there is a seat");
    enroll(&pool, "stu-1001", "his-101-01")
        .await
        .expect("there is a seat");
    let moved = "UPDATE lms.meetings SET minutes = '[570,620)' WHERE section_id = 'his-101-01'";
    assert_eq!(refusal(tried(moved).await), conflict("one_place_at_a_time"));
    let later = "UPDATE lms.meetings SET minutes = '[840,890)' WHERE section_id = 'his-101-01'";
    tried(later).await.expect("she is free then");
    let hours = "SELECT minutes::text FROM lms.schedules WHERE person_id = 'stu-1001' ORDER BY lower(minutes)";
    assert_eq!(
        texts(&pool, hours).await,
        ["[540,590)", "[840,890)", "[3420,3470)"]
    );

    // One that is new or goes to another section, too.
    let new = "INSERT INTO lms.meetings (meeting_id, section_id, room, dates, minutes)
               SELECT 'new', 'mus-101-01', NULL, dates, '[6000,6050)'
                 FROM lms.meetings WHERE section_id = 'his-101-01'";
    tried(new).await.expect("nobody is there");
    tried("UPDATE lms.meetings SET section_id = 'his-101-01' WHERE meeting_id = 'new'")
        .await
        .expect("she is free then");
    assert_eq!(texts(&pool, hours).await.len(), 4);
    drop_section(&pool, "stu-1001", "his-101-01")
        .await
        .expect("she is in it");
    assert_eq!(texts(&pool, hours).await, ["[540,590)", "[3420,3470)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_is_free_goes_to_the_first_who_still_may() {
    let pool = school().await;
    add_students(&pool, 6).await;
    add_section(&pool, "small", 1, 10).await;
    for student in 1..=4 {
        let student = format!("s-{student}");
        enroll(&pool, &student, "small")
            .await
            .expect("a seat or a place");
    }
    // The first who waits may no longer: she takes all credits elsewhere.
    run(
        &pool,
        "UPDATE lms.people SET credit_cap = 3 WHERE person_id = 's-2'",
    )
    .await;
    enroll(&pool, "s-2", "alg-101-01")
        .await
        .expect("three credits");
    let moved = drop_section(&pool, "s-1", "small")
        .await
        .expect("he is in it");
    assert_eq!(moved.as_deref(), Some("s-3"));

    // She keeps her place, and gets the next seat when she may again.
    drop_section(&pool, "s-2", "alg-101-01")
        .await
        .expect("she is in it");
    let moved = drop_section(&pool, "s-3", "small")
        .await
        .expect("he is in it");
    assert_eq!(moved.as_deref(), Some("s-2"));

    // Nobody overtakes those who wait when there are more seats.
    run(
        &pool,
        "UPDATE lms.sections SET capacity = 2 WHERE section_id = 'small'",
    )
    .await;
    let waits = enroll(&pool, "s-5", "small").await.expect("a place");
    assert_eq!(waits, ("waitlisted".to_owned(), Some(1)));
    let inside = "SELECT person_id FROM lms.enrollments
                   WHERE section_id = 'small' AND status = 'enrolled' ORDER BY 1";
    assert_eq!(texts(&pool, inside).await, ["s-2", "s-4"]);
    enroll(&pool, "s-6", "small").await.expect("a place");
    run(
        &pool,
        "UPDATE lms.sections SET capacity = 9 WHERE section_id = 'small'",
    )
    .await;
    run(&pool, "CALL lms.fill('small')").await;
    assert_eq!(texts(&pool, inside).await, ["s-2", "s-4", "s-5", "s-6"]);
    let waiting = "SELECT count(*) FROM lms.waitlist WHERE status = 'waiting'";
    assert_eq!(count(&pool, waiting).await, 0);
}
