//! The reports say of real data what others, who read only the files, say.

use std::collections::BTreeMap;

use e2e::{Sandbox, files, python};
use serde_json::{Map, Value, json};

type Row = Map<String, Value>;

/// A tenant's secret file: learners are keys under it.
fn secret(sandbox: &Sandbox) -> String {
    let path = format!("_tenants/{}/secret", sandbox.tenant.id);
    sandbox.lake().join(path).display().to_string()
}

/// Imports shipped files through the front door and waits for the reports.
async fn import(sandbox: &Sandbox, dialect: &str, path: &str) {
    let url = sandbox.address().ingest;
    let state = sandbox.path("import.json");
    let key = &sandbox.tenant.key;
    sandbox.cli(&[
        "import", dialect, path, "--key", key, "--url", &url, "--state", &state,
    ]);
    sandbox.wait_for_reports().await;
}

fn shipped(path: &str) -> String {
    let path = files::workspace().join("infra/chalkline/demo").join(path);
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// Rows as text, so that they can be sorted and compared.
fn cut(rows: &[Row], columns: &[&str]) -> Vec<String> {
    let cut = |row: &Row| {
        let cells: Vec<_> = columns.iter().map(|name| row[*name].to_string()).collect();
        cells.join(" ")
    };
    let mut rows: Vec<_> = rows.iter().map(cut).collect();
    rows.sort();
    rows
}

fn expected(answers: &Value, name: &str) -> Vec<Row> {
    serde_json::from_value(answers[name].clone()).expect("rows")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_watched_is_what_the_players_say() {
    let sandbox = Sandbox::up().await;
    let statements = shipped("funmooc/statements.jsonl.gz");
    import(&sandbox, "xapi", &statements).await;
    let answers = python::run("watched.py", &[&statements, &secret(&sandbox)]);

    // Who opened a video and watched nothing of it has a row as well.
    let watched = sandbox
        .report("video_watch", &[("distinct_seconds_from", "0.000001")])
        .await;
    let theirs = expected(&answers, "watched");
    let columns = ["student_key", "content_id", "distinct_seconds"];
    assert_eq!(watched.len(), 996);
    assert_eq!(cut(&watched, &columns), cut(&theirs, &columns));

    let mut curves: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let order = [("order", "content_id,second"), ("limit", "500")];
    for row in sandbox.report("video_retention", &order).await {
        let curve = curves.entry(row["content_id"].as_str().expect("a video").to_owned());
        let curve = curve.or_default();
        assert_eq!(row["second"], json!(curve.len()), "no second is missing");
        curve.push(row["viewers"].as_u64().expect("a count"));
    }
    for video in expected(&answers, "viewers") {
        let theirs: Vec<u64> = serde_json::from_value(video["viewers"].clone()).expect("counts");
        let ours = &curves[video["content_id"].as_str().expect("a video")];
        let (watched, rest) = ours.split_at(theirs.len());
        assert_eq!(watched, theirs, "{}", video["content_id"]);
        assert!(rest.iter().all(|viewers| *viewers == 0));
    }
    assert_eq!(curves.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_a_course_are_those_of_its_files() {
    let sandbox = Sandbox::up().await;
    let folder = shipped("oulad");
    import(&sandbox, "oulad", &folder).await;
    let answers = python::run("oulad_days.py", &[&folder, &secret(&sandbox)]);

    let days = sandbox.report("student_day", &[("limit", "10000")]).await;
    let columns = ["student_key", "day", "contents_opened"];
    let theirs = expected(&answers, "student_days");
    assert_eq!(days.len(), theirs.len());
    assert_eq!(cut(&days, &columns), cut(&theirs, &columns));

    let days = sandbox
        .report("section_day", &[("section_id", "aaa-2013j")])
        .await;
    let columns = [
        "day",
        "active_students",
        "clickstream_events",
        "assessment_events",
        "new_students",
    ];
    let active: Vec<Row> = days
        .into_iter()
        .filter(|day| day["active_students"] != json!(0))
        .collect();
    assert_eq!(
        cut(&active, &columns),
        cut(&expected(&answers, "section_days"), &columns)
    );

    let weeks = "SELECT CAST(date_trunc('week', day) AS date) AS week,
            count(DISTINCT student_key) AS students
        FROM student_day WHERE contents_opened > 0 OR sessions > 0 GROUP BY 1";
    assert_eq!(
        cut(&sandbox.sql(weeks).await, &["week", "students"]),
        cut(
            &expected(&answers, "active_students_per_week"),
            &["week", "students"]
        )
    );

    let assessments = "SELECT assessment_id,
            count(*) FILTER (WHERE event_type = 'assessment.submitted') AS submissions,
            count(score) FILTER (WHERE event_type = 'assessment.graded') AS scores,
            round(avg(score) FILTER (WHERE event_type = 'assessment.graded'), 2) AS mean_score
        FROM assessment GROUP BY 1";
    let columns = ["assessment_id", "submissions", "scores", "mean_score"];
    assert_eq!(
        cut(&sandbox.sql(assessments).await, &columns),
        cut(&expected(&answers, "submissions_per_assessment"), &columns)
    );
}
