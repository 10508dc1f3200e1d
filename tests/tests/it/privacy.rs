//! No actor stands in plain text in any file, table or process log.

use std::time::Duration;

use e2e::{Sandbox, event, files};
use eventlog::testing::KafkaBroker;
use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, KafkaConfig, KafkaLog};
use serde_json::{Value, json};

/// People as no test data names them by chance; each stands in a field that
/// may name people, in the way apps really fill it.
const ACTORS: [&str; 7] = [
    "Zoë Quuxington-Ünikat",
    "mailto:marvin.unikat@school.example",
    "https://lms.example/users/benutzer-9917",
    "студент-5512",
    "o'brien \"drop\" \\tables-7731",
    "  padded-4410\t",
    "MiXeD.Case.7741",
];

/// What must not be found: the part of each actor that no encoding changes,
/// and what else tells who somebody is. Long enough to stand nowhere by chance.
const NEEDLES: [&str; 11] = [
    "Quuxington",
    "marvin",
    "unikat",
    "benutzer-9917",
    "студент",
    "o'brien",
    "tables-7731",
    "padded-4410",
    "MiXeD.Case",
    "203.0.113.77",
    "Geckoid/7731",
];

fn events() -> Vec<Value> {
    let mut events = Vec::new();
    for (number, actor) in (0..).zip(ACTORS) {
        for kind in 0..event::types() {
            let mut event = event::nth(number * event::types() + kind);
            event["actor"] = json!(actor);
            // An event may name three people; none is another of them.
            let [teacher, friend] =
                [number + 3, number + 5].map(|n: u64| ACTORS[n as usize % ACTORS.len()]);
            event["data"]["by"] = json!(teacher);
            event["data"]["reply_to"] = json!(friend);
            // What apps send along without being asked.
            event["email"] = json!("marvin.unikat@school.example");
            event["user"] = json!({"name": actor, "profile": {"mail": "marvin@unikat.example"}});
            event["ip"] = json!("203.0.113.77");
            event["context"]["ip"] = json!("203.0.113.77");
            event["context"]["user_agent"] = json!("Mozilla/5.0 (X11; Linux) Geckoid/7731");
            event["data"]["actor"] = json!(actor);
            event["data"]["note"] = json!(format!(
                "written by {} for {}, seen by {}",
                actor.trim(),
                teacher.trim(),
                friend.trim()
            ));
            event["session"] = json!(format!("{}/{}", teacher.trim(), friend.trim()));
            events.push(event);
        }
    }
    events
}

/// The needles in UTF-8 and escaped as in JSON, all in lower case.
fn forms() -> Vec<Vec<u8>> {
    let escaped = |needle: &str| -> String {
        let escape = |c: char| match c {
            ' '..='~' => c.to_string(),
            _ => format!("\\u{:04x}", u32::from(c)),
        };
        needle.chars().map(escape).collect()
    };
    let mut forms: Vec<_> = NEEDLES
        .iter()
        .flat_map(|needle| [(*needle).to_owned(), escaped(needle)])
        .map(|form| form.into_bytes().to_ascii_lowercase())
        .collect();
    forms.sort();
    forms.dedup();
    forms
}

/// Fails when the bytes hold a needle, in whatever case.
#[track_caller]
fn assert_clean(place: &str, bytes: &[u8]) {
    let forms = forms();
    let mut by_first = vec![Vec::new(); 256];
    for form in &forms {
        by_first[usize::from(form[0])].push(form);
    }
    let lower = bytes.to_ascii_lowercase();
    for (at, first) in lower.iter().enumerate() {
        for form in &by_first[usize::from(*first)] {
            if lower[at..].starts_with(form) {
                let around = &bytes[at.saturating_sub(60)..bytes.len().min(at + 60)];
                let (needle, around) = (
                    String::from_utf8_lossy(form),
                    String::from_utf8_lossy(around),
                );
                panic!("{place} holds {needle:?}: …{around}…");
            }
        }
    }
}

/// Every record of a log, key, headers and bytes.
async fn scan_log(log: &dyn EventLog) -> usize {
    let mut records = 0;
    for partition in 0..log.partitions() {
        let tail = log.tail(partition).await.expect("it can be read");
        let mut next = log.head(partition).await.expect("it can be read");
        let mut reader = log.read(partition, next).await.expect("it can be read");
        while next < tail {
            let entries = reader.next(1 << 20, Duration::from_secs(1)).await;
            for entry in entries.expect("it can be read") {
                next = entry.position.offset + 1;
                assert_clean("a log key", &entry.record.key);
                for (name, value) in entry.record.headers.iter() {
                    assert_clean(&format!("the log header {name}"), value);
                }
                assert_clean("a log record", &entry.record.value);
                records += 1;
            }
        }
    }
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_in_any_file_table_or_log() {
    let mut sandbox = Sandbox::up().await;
    let events = scan_what_comes_of_events(&mut sandbox).await;
    // Its files are compressed: read them as what they are.
    let config = EmbeddedConfig::new(sandbox.data().join("log"));
    let log = EmbeddedLog::open(config).await.expect("it was closed");
    assert!(scan_log(&log).await >= events);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_in_a_kafka_topic() {
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::cluster(&kafka.address()).await;
    let events = scan_what_comes_of_events(&mut sandbox).await;
    let log = KafkaLog::open(KafkaConfig {
        brokers: kafka.address(),
        ..KafkaConfig::default()
    });
    let log = log.await.expect("the broker runs");
    assert!(scan_log(&log).await >= events);
}

/// Posts events of these people, good and bad, asks with their names, stops the
/// system and looks through its tables, files and process logs; answers how
/// many events were taken.
async fn scan_what_comes_of_events(sandbox: &mut Sandbox) -> usize {
    let events = events();
    for batch in events.chunks(50) {
        sandbox.post(batch).await.expect_status(202);
    }
    // What is refused must not be quoted either, nor what is asked.
    for actor in ACTORS {
        let mut bad = event::nth(0);
        bad["actor"] = json!(actor);
        bad["time"] = json!(actor);
        assert_eq!(sandbox.post(&[bad.clone()]).await.status, 400);
        let cut = &bad.to_string()[..40];
        sandbox
            .post_body(&[], format!("{cut}{actor}"))
            .await
            .expect_status(400);
        let sql = format!(
            "select * from video where no_such = '{}'",
            actor.replace('\'', "''")
        );
        assert_eq!(
            sandbox.ask(&sql, json!([])).await.expect("answers").status,
            400
        );
    }
    for table in event::TABLES {
        let expected = (0..events.len() as u64)
            .filter(|n| event::table(*n) == table)
            .count();
        sandbox.wait_for_count(table, expected as u64).await;
    }
    for table in [
        "clickstream",
        "video",
        "assessment",
        "duplicates",
        "quarantine",
        "tallies",
        "audit",
    ] {
        let rows = sandbox.rows(table, "log_partition, log_position").await;
        assert_clean(table, json!(rows).to_string().as_bytes());
    }

    sandbox.terminate(Duration::from_secs(60)).await;
    assert_clean("the process log", sandbox.logs().as_bytes());
    let files = files::all(&sandbox.data());
    assert!(
        files
            .iter()
            .any(|file| file.extension().is_some_and(|e| e == "parquet"))
    );
    for file in files {
        let bytes = std::fs::read(&file).expect("nothing runs that could remove it");
        assert_clean(&file.display().to_string(), &bytes);
    }
    events.len()
}
