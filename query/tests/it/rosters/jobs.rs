//! `import_jobs` and `import_diagnostics`.

use std::collections::BTreeMap;
use std::time::Duration;

use lake::imports::{Counts, Found, ImportKind, Job, JobState, Jobs};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::school::{School, id, question, time, token};

fn job(number: u128, state: JobState) -> Job {
    let created_at = time("2026-09-14T06:00:00Z");
    let (id, source) = (Uuid::from_u128(number), format!("roster-{number}.zip"));
    Job {
        state,
        started_at: Some(time("2026-09-14T06:00:01Z")),
        finished_at: Some(time("2026-09-14T06:00:03.5Z")),
        ..Job::new(id, ImportKind::Import, source, "Grace", created_at)
    }
}

/// What an import has changed.
pub fn changes() -> BTreeMap<String, Counts> {
    let counts = |added, unchanged| Counts {
        added,
        changed: 2,
        ended: 1,
        unchanged,
    };
    [("users", counts(5, 7)), ("orgs", counts(1, 0))]
        .map(|(table, counts)| (table.to_owned(), counts))
        .into()
}

async fn school() -> School {
    let school = School::new().await;
    let jobs = Jobs::new(school.lake.clone(), id("north"), Duration::from_secs(60));
    let done = Job {
        import: Some(1),
        checksum: Some("abc".to_owned()),
        tables: changes(),
        found: Found {
            fatal: 0,
            errors: 1,
            warnings: 2,
        },
        ..job(1, JobState::Done)
    };
    let refused = Job {
        error: Some("it would end 80 % of users".to_owned()),
        ..job(2, JobState::Refused)
    };
    let back = Job {
        kind: ImportKind::Rollback { to: 1 },
        forced: true,
        ..job(4, JobState::Done)
    };
    for job in [&done, &refused, &job(3, JobState::Unchanged), &back] {
        jobs.save(job).await.expect("saves");
    }
    let csv = "severity,code,file,line,column,count,detail,advice\n\
               error,duplicate_id,users.csv,3,sourcedId,1,\"again, and again\",Mend it.\n\
               warning,encoding,users.csv,,,2,not UTF-8,Export as UTF-8.\n";
    let saved = jobs.save_diagnostics(done.id, csv.into()).await;
    saved.expect("saves");
    school
}

#[tokio::test]
async fn every_job_is_a_row() {
    let school = school().await;
    let sql = "SELECT state, kind, rolled_back_to, import, forced, checksum, rows_added AS added, \
               rows_changed + rows_ended AS other, rows_unchanged AS kept, duration_seconds AS took, \
               errors, warnings, error, imported_by FROM import_jobs ORDER BY job_id";
    let rows = school.ask("north", sql).await.rows();
    let row = |own: Value| {
        let mut row = json!({
            "state": "done", "kind": "import", "rolled_back_to": null, "import": null,
            "forced": false, "checksum": null, "added": 0, "other": 0, "kept": 0, "took": 2.5,
            "errors": 0, "warnings": 0, "error": null, "imported_by": "Grace",
        });
        for (name, value) in own.as_object().expect("an object") {
            row[name] = value.clone();
        }
        row
    };
    assert_eq!(
        rows,
        json!([
            row(
                json!({ "import": 1, "checksum": "abc", "added": 6, "other": 6, "kept": 7,
                "errors": 1, "warnings": 2 })
            ),
            row(json!({ "state": "refused", "error": "it would end 80 % of users" })),
            row(json!({ "state": "unchanged" })),
            row(json!({ "kind": "rollback", "rolled_back_to": 1, "forced": true })),
        ])
    );
    let elsewhere = school.ask("south", "SELECT * FROM import_jobs").await;
    assert_eq!(elsewhere.rows(), json!([]));
}

#[tokio::test]
async fn an_analyst_is_not_told_who_it_was() {
    let school = school().await;
    let sql = "SELECT count(*) AS n, count(imported_by) AS named FROM import_jobs";
    let request = question(&token("north", "analyst"), &json!({ "sql": sql }), "*/*");
    let answer = school.answer(request).await;
    assert_eq!(answer.rows(), json!([{ "n": 4, "named": 0 }]));
}

#[tokio::test]
async fn diagnostics_are_rows_of_their_jobs() {
    let school = school().await;
    let sql = "SELECT j.source, d.severity, d.code, d.file, d.line, d.column, d.count, d.detail, d.advice \
               FROM import_diagnostics d JOIN import_jobs j ON j.job_id = d.job_id ORDER BY d.code";
    assert_eq!(
        school.ask("north", sql).await.rows(),
        json!([
            { "source": "roster-1.zip", "severity": "error", "code": "duplicate_id",
              "file": "users.csv", "line": 3, "column": "sourcedId", "count": 1,
              "detail": "again, and again", "advice": "Mend it." },
            { "source": "roster-1.zip", "severity": "warning", "code": "encoding",
              "file": "users.csv", "line": null, "column": null, "count": 2,
              "detail": "not UTF-8", "advice": "Export as UTF-8." },
        ])
    );
}
