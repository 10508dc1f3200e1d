//! `import_sources`.

use std::collections::BTreeMap;

use lake::imports::{Found, ImportSource, ImportSources, JobState, Reached, Sync};
use serde_json::json;
use uuid::Uuid;

use super::jobs::changes;
use crate::school::{School, id, question, time, token};

fn source(name: &str, state: JobState) -> ImportSource {
    ImportSource {
        name: name.parse().expect("a name"),
        kind: "postgres".to_owned(),
        reached: None,
        last: Sync {
            state,
            started_at: time("2026-09-14T06:00:01Z"),
            finished_at: time("2026-09-14T06:00:03.5Z"),
            full: true,
            rows: BTreeMap::new(),
            tables: BTreeMap::new(),
            found: Found::default(),
            import: None,
            job: None,
            error: None,
        },
    }
}

/// One that is read with success, and one that never was.
async fn school() -> School {
    let school = School::new().await;
    let mut good = source("lms", JobState::Done);
    good.last = Sync {
        full: false,
        rows: [("users", 8), ("orgs", 1)]
            .map(|(table, rows)| (table.to_owned(), rows))
            .into(),
        tables: changes(),
        found: Found {
            fatal: 0,
            errors: 1,
            warnings: 2,
        },
        import: Some(7),
        job: Some(Uuid::from_u128(1)),
        ..good.last
    };
    good.reached = Some(Reached {
        database: "7351".to_owned(),
        watermark: 4711,
        definition: "abc".to_owned(),
        import: 7,
        at: time("2026-09-14T06:00:03.5Z"),
        full_at: time("2026-09-13T06:00:00Z"),
    });
    let mut bad = source("sis", JobState::Failed);
    bad.last.error = Some("cannot connect to the database sis".to_owned());
    let sources = ImportSources::new(school.lake.clone(), id("north"));
    for source in [bad, good] {
        sources.save(&source).await.expect("saves");
    }
    school
}

#[tokio::test]
async fn every_source_is_a_row() {
    let school = school().await;
    let rows = school
        .ask("north", "SELECT * FROM import_sources")
        .await
        .rows();
    assert_eq!(
        rows,
        json!([
            {
                "source": "lms", "kind": "postgres", "state": "done",
                "started_at": "2026-09-14T06:00:01Z", "finished_at": "2026-09-14T06:00:03.500Z",
                "duration_seconds": 2.5, "full": false, "rows_read": 9, "import": 7,
                "job_id": "00000000-0000-0000-0000-000000000001", "rows_added": 6,
                "rows_changed": 4, "rows_ended": 2, "rows_unchanged": 7, "fatal": 0, "errors": 1,
                "warnings": 2, "error": null, "last_success_at": "2026-09-14T06:00:03.500Z",
                "last_full_at": "2026-09-13T06:00:00Z", "last_import": 7, "watermark": 4711,
            },
            {
                "source": "sis", "kind": "postgres", "state": "failed",
                "started_at": "2026-09-14T06:00:01Z", "finished_at": "2026-09-14T06:00:03.500Z",
                "duration_seconds": 2.5, "full": true, "rows_read": 0, "import": null,
                "job_id": null, "rows_added": 0, "rows_changed": 0, "rows_ended": 0,
                "rows_unchanged": 0, "fatal": 0, "errors": 0, "warnings": 0,
                "error": "cannot connect to the database sis", "last_success_at": null,
                "last_full_at": null, "last_import": null, "watermark": null,
            },
        ])
    );
    let elsewhere = school.ask("south", "SELECT * FROM import_sources").await;
    assert_eq!(elsewhere.rows(), json!([]));
}

#[tokio::test]
async fn nothing_in_it_is_personal() {
    let school = school().await;
    let sql = "SELECT * FROM import_sources";
    let seen = school.ask("north", sql).await.rows();
    let request = question(&token("north", "analyst"), &json!({ "sql": sql }), "*/*");
    assert_eq!(school.answer(request).await.rows(), seen);
}
