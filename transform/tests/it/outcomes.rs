use eventlog::Record;
use schemas::tally::{Tally, TallyCount};
use schemas::{
    AuditAsker, AuditEnd, AuditReads, AuditRecord, AuditType, Family, Role, Table, headers,
};
use uuid::Uuid;

use crate::support::{PARTITIONS, Sandbox, event, family, ids, raw, record, tenant_id, time};

/// The record of a query's end.
pub fn asked(tenant: &str) -> Record {
    let record = AuditRecord {
        id: Uuid::from_u128(1),
        record_type: AuditType::Finished,
        time: time("2026-09-14T10:00:00Z"),
        query_id: Uuid::from_u128(2),
        asker: AuditAsker {
            role: Role::Teacher,
            subject_key: Some("k".to_owned()),
            credential: "token".to_owned(),
            credential_id: "t1".to_owned(),
            credential_parent: None,
        },
        door: "sql".to_owned(),
        client: None,
        statement: None,
        parameters: Vec::new(),
        reads: AuditReads {
            tables: vec!["video".to_owned()],
            ..AuditReads::default()
        },
        queued_ms: None,
        end: Some(AuditEnd {
            outcome: "answered".to_owned(),
            rows: 2,
            student_keys: Some(vec!["a".to_owned(), "b".to_owned()]),
            ..AuditEnd::default()
        }),
    };
    raw(
        format!("{tenant}/_audit/2").into_bytes(),
        &[
            (headers::TENANT, tenant),
            (headers::KIND, headers::kind::AUDIT),
            (headers::RECEIVED_AT, "1789000000000000"),
        ],
        serde_json::to_vec(&record).expect("JSON"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_becomes_a_row_of_exactly_one_table() {
    let sandbox = Sandbox::new().await;
    let mut records: Vec<_> = (0..30)
        .map(|number| record("demo", &event(number, family(number))))
        .collect();
    // The same event again, and its id under another student and family.
    records.push(record("demo", &event(3, family(3))));
    let mut other = event(4, Family::Video);
    other.student_key = event(5, Family::Video).student_key;
    records.push(record("demo", &other));
    let broken = event(100, Family::Video);
    let mut bad = record("demo", &broken);
    bad.value = bytes::Bytes::from_static(b"{\"id\":\"Ann Smith\"}");
    records.push(bad);
    records.push(record("nobody", &event(101, Family::Video)));
    records.push(raw(
        b"x".to_vec(),
        &[("colour", "blue")],
        b"\xff\x00".to_vec(),
    ));
    let tally = Tally {
        minute: time("2026-09-14T10:00:00Z"),
        node: "node-1".to_owned(),
        counts: vec![TallyCount {
            family: Some(Family::Video),
            outcome: "rejected".to_owned(),
            reason: Some("unknown_type".to_owned()),
            events: 3,
        }],
    };
    records.push(raw(
        b"demo/_tally".to_vec(),
        &[
            (headers::TENANT, "demo"),
            (headers::KIND, headers::kind::TALLY),
            (headers::RECEIVED_AT, "1789000000000000"),
        ],
        serde_json::to_vec(&tally).expect("JSON"),
    ));
    records.push(asked("demo"));
    records.push(asked("nobody"));
    let count = records.len();
    sandbox.append(records).await;
    sandbox.run_to_the_end().await;

    assert_eq!(sandbox.stored("demo").await, ids(0..30));
    let columns = ["event_id", "same_content"];
    let duplicates = sandbox.rows("demo", Table::Duplicates, &columns).await;
    let expected = ids(3..5).into_iter().zip(["true", "false"]);
    let expected: Vec<_> = expected.map(|(id, same)| [id, same.to_owned()]).collect();
    assert_eq!(duplicates, expected);

    let columns = ["stage", "reason", "attempt", "family", "headers"];
    let quarantine = sandbox.rows("demo", Table::Quarantine, &columns).await;
    assert_eq!(quarantine.len(), 1);
    assert_eq!(quarantine[0][0], "decode");
    assert!(!quarantine[0][1].contains("Ann"), "{quarantine:?}");
    assert_eq!(quarantine[0][3], "video");
    assert!(quarantine[0][4].contains(r#""tenant":"demo""#));

    let system = sandbox.rows("_system", Table::Quarantine, &columns).await;
    let stages: Vec<_> = system.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(stages, ["place", "place", "route"]);
    assert_eq!(system[0][1], "there is no such tenant");

    let columns = ["family", "outcome", "reason", "events"];
    let tallies = sandbox.rows("demo", Table::Tallies, &columns).await;
    assert_eq!(tallies, [["video", "rejected", "unknown_type", "3"]]);

    let columns = [
        "event_type",
        "role",
        "term",
        "tables",
        "rows",
        "student_count",
        "student_keys",
    ];
    let audit = sandbox.rows("demo", Table::Audit, &columns).await;
    let expected = [
        "query.finished",
        "teacher",
        "2026-27",
        "[video]",
        "2",
        "2",
        "[a, b]",
    ];
    assert_eq!(audit, [expected]);
    // Nobody counts it among the events.
    assert_eq!(sandbox.counted("demo").await, 33);

    let places = sandbox.places(&["demo", "_system"]).await;
    let mut distinct = places.clone();
    distinct.dedup();
    assert_eq!((places.len(), distinct.len()), (count, count));
    assert_eq!(sandbox.floors().await.len(), PARTITIONS as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_no_row_of_any_table_and_nobody_counts_it() {
    let sandbox = Sandbox::new().await;
    let notice = |tenant: &str, value: &str| {
        raw(
            format!("{tenant}/_roster").into_bytes(),
            &[
                (headers::TENANT, tenant),
                (headers::KIND, headers::kind::ROSTER_UPLOADED),
                (headers::RECEIVED_AT, "1789000000000000"),
            ],
            value.as_bytes().to_vec(),
        )
    };
    let mut records: Vec<_> = (0..9)
        .map(|number| record("demo", &event(number, family(number))))
        .collect();
    let job = r#"{"job":"0199b2f4-6c1e-7d3a-9a53-0a8f2a1d9c11","checksum":"00","bytes":7}"#;
    records.insert(4, notice("demo", job));
    records.push(notice("demo", "of another version"));
    records.push(notice("nobody", job));
    sandbox.append(records).await;
    let running = sandbox.start();
    sandbox.wait_for_the_end().await;
    sandbox.wait_for_the_counts().await;
    running.stop().await.expect("stops");

    assert_eq!(sandbox.stored("demo").await, ids(0..9));
    assert_eq!(sandbox.places(&["demo", "_system"]).await.len(), 9);
    assert_eq!(sandbox.counted("demo").await, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_arrives() {
    let sandbox = Sandbox::new().await;
    let golden = include_str!("../../../schemas/golden/event-v1.ndjson");
    let events: Vec<_> = golden
        .lines()
        .zip(Family::ALL)
        .map(|(line, family)| {
            schemas::event::Event::decode(family, 1, line.as_bytes()).expect("decodes")
        })
        .collect();
    let records = events.iter().map(|event| record("demo", event)).collect();
    sandbox.append(records).await;
    sandbox.run_to_the_end().await;

    let columns = [
        "event_type",
        "type_version",
        "dialect",
        "occurred_at",
        "sent_at",
        "received_at",
        "clock_correction_ms",
        "term",
        "student_key",
        "session_id",
        "course_id",
        "section_id",
        "school_id",
        "content_id",
        "content_version",
        "app",
        "platform",
        "locale",
        "extra",
        "url",
        "target_id",
        "value",
        "count",
        "thread_id",
        "reply_to_key",
        "status",
    ];
    let rows = sandbox
        .rows("demo", Table::Events(Family::Clickstream), &columns)
        .await;
    let expected = [
        "discussion.posted",
        "1",
        "native",
        "2026-09-14T10:00:00.373417Z",
        "2026-09-14T10:00:01Z",
        "2026-09-14T10:00:01.250417Z",
        "250",
        "2026-27",
        "6f1d0c8be1fbb0a7a2d4c5f60718293a",
        "9f2c",
        "bio-101",
        "bio-101-03",
        "north",
        "bio-101/forum",
        "∅",
        "web-lms",
        "web",
        "en-GB",
        r#"{"data":{"mood":"curious"}}"#,
        "https://lms.example/forum/7",
        "post-12",
        "3",
        "1",
        "thread-7",
        "00112233445566778899aabbccddeeff",
        "∅",
    ];
    assert_eq!(rows, [expected]);

    let columns = [
        "from_seconds",
        "to_seconds",
        "duration_seconds",
        "rate",
        "played_segments",
        "progress",
    ];
    let rows = sandbox
        .rows("demo", Table::Events(Family::Video), &columns)
        .await;
    let segments =
        "[{from_seconds: 0.0, to_seconds: 12.5}, {from_seconds: 61.0, to_seconds: 76.0}]";
    assert_eq!(rows, [["61.0", "76.0", "412.5", "1.25", segments, "0.07"]]);

    let columns = [
        "assessment_id",
        "attempt",
        "item_id",
        "response",
        "correct",
        "score",
        "max_score",
        "hints",
        "duration_seconds",
    ];
    let rows = sandbox
        .rows("demo", Table::Events(Family::Assessment), &columns)
        .await;
    assert_eq!(
        rows,
        [[
            "quiz-1",
            "2",
            "q7",
            r#"["a","c"]"#,
            "true",
            "1.0",
            "1.0",
            "0",
            "12.25"
        ]]
    );

    let rows = sandbox
        .rows(
            "demo",
            Table::Events(Family::Attendance),
            &["status", "minutes", "by_key"],
        )
        .await;
    assert_eq!(
        rows,
        [["tardy", "37.5", "00112233445566778899aabbccddeeff"]]
    );

    let columns = [
        "prompt_id",
        "prompt_chars",
        "response_chars",
        "rating",
        "tutor_key",
        "booking_id",
        "minutes",
        "scheduled_at",
        "status",
    ];
    let rows = sandbox
        .rows("demo", Table::Events(Family::Tutoring), &columns)
        .await;
    assert_eq!(
        rows,
        [[
            "p-1",
            "120",
            "900",
            "-1.0",
            "00112233445566778899aabbccddeeff",
            "b-77",
            "45.0",
            "2026-09-15T15:30:00.000001Z",
            "confirmed"
        ]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_event_goes_to_its_own_term_and_a_wrong_clock_to_the_senders() {
    let sandbox = Sandbox::new().await;
    let mut late = event(1, Family::Video);
    late.time = time("2024-03-01T12:00:00Z");
    let mut skewed = event(2, Family::Video);
    skewed.time = time("2026-07-31T23:59:59Z");
    skewed.sent_at = Some(time("2026-08-01T00:00:00Z"));
    skewed.received_at = time("2026-08-01T00:10:00Z");
    let records = [&late, &skewed, &event(3, Family::Video)];
    sandbox
        .append(records.map(|event| record("demo", event)).to_vec())
        .await;
    sandbox.run_to_the_end().await;

    let columns = ["term", "occurred_at", "extra"];
    let rows = sandbox
        .rows("demo", Table::Events(Family::Video), &columns)
        .await;
    let flag = r#"{"clock_crossed_term":true}"#;
    assert_eq!(
        rows,
        [
            ["2023-24", "2024-03-01T12:00:00Z", "∅"],
            ["2025-26", "2026-08-01T00:09:59Z", flag],
            ["2026-27", "2026-09-14T10:00:03Z", "∅"],
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ages_ahead_is_corrected_and_its_time_not_kept() {
    let sandbox = Sandbox::new().await;
    let mut ahead = event(1, Family::Video);
    ahead.time = time("9999-12-31T23:59:58Z");
    ahead.sent_at = Some(time("9999-12-31T23:59:59Z"));
    ahead.received_at = time("2026-09-14T10:00:05Z");
    sandbox.append(vec![record("demo", &ahead)]).await;
    sandbox.run_to_the_end().await;

    let rows = sandbox
        .rows(
            "demo",
            Table::Events(Family::Video),
            &["occurred_at", "sent_at"],
        )
        .await;
    assert_eq!(rows, [["2026-09-14T10:00:04Z", "∅"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tenants_share_a_round_and_no_rows() {
    let sandbox = Sandbox::new().await;
    let names: Vec<String> = (0..12).map(|n| format!("school-{n}")).collect();
    for name in &names {
        sandbox.tenant(name).await;
    }
    // Every tenant posts the same ids.
    let records = names
        .iter()
        .flat_map(|name| (0..6).map(move |number| record(name, &event(number, family(number)))));
    sandbox.append(records.collect()).await;
    sandbox.run_to_the_end().await;
    for name in &names {
        assert_eq!(sandbox.stored(name).await, ids(0..6), "{name}");
        let duplicates = sandbox.lake.open(&tenant_id(name), Table::Duplicates).await;
        assert!(duplicates.expect("opens").is_none(), "no empty tables");
    }
}
