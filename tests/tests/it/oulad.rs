//! Real data goes in, is resumed exactly, and the demo's answers are right.

use std::path::PathBuf;

use e2e::{Process, Sandbox, files, python};
use serde_json::{Value, json};

/// The full presentations if they are at hand, else the shipped slice.
fn data() -> PathBuf {
    match files::shared_data().map(|folder| folder.join("oulad")) {
        Some(folder) if folder.is_dir() => folder,
        _ => {
            println!("no shared data: importing the slice of the demo only");
            files::workspace().join("infra/chalkline/demo/oulad")
        }
    }
}

/// The rows of one of the demo's three questions.
async fn answer(sandbox: &Sandbox, question: &str) -> Value {
    let path = format!("infra/chalkline/demo/answers/{question}.sql");
    let sql = std::fs::read_to_string(files::workspace().join(path)).expect("the demo asks it");
    json!(sandbox.sql(&sql).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_is_resumed_exactly_and_the_answers_are_right() {
    let sandbox = Sandbox::up().await;
    let folder = data();
    let folder = folder.to_str().expect("a path in UTF-8");
    let expected = python::run("oulad.py", &[folder]);
    let clicks = expected["clicks"].as_u64().expect("a count");
    let assessments = expected["assessments"].as_u64().expect("a count");

    let state = sandbox.path("import.json");
    let (tenant, key) = (sandbox.tenant.id.clone(), sandbox.tenant.key.clone());
    let url = sandbox.address().ingest;
    let arguments = [
        "import", "oulad", folder, "--roster", "--tenant", &tenant, "--key", &key, "--url", &url,
        "--state", &state,
    ];
    let import = || sandbox.spawn("import", &arguments);
    let under_way = |import: &mut Process| {
        assert!(import.exited().is_none(), "{}", import.log());
    };

    // Once asked to stop, once killed, then left alone.
    for (part, stop) in [(5, "INT"), (3, "KILL")] {
        let mut import = import();
        e2e::eventually("part of the import is stored", || async {
            let sql = "select count(*) as n from clickstream";
            let reply = sandbox.ask(sql, json!([])).await;
            let reply = reply.map_err(|error| error.to_string())?.json();
            let stored = reply["rows"][0]["n"].as_u64().unwrap_or(0);
            (stored > clicks / part)
                .then_some(())
                .ok_or(format!("{stored} so far"))
        })
        .await;
        under_way(&mut import);
        import.signal(stop);
        e2e::until("the import ended", || import.exited().is_some()).await;
    }
    let mut last = import();
    e2e::until("the import is through", || last.exited().is_some()).await;
    let end = last.exited().expect("it ended");
    assert!(end.success(), "{}", last.log());

    // Exact duplicate rows of the file are all kept: a row is an event.
    sandbox.wait_for_count("clickstream", clicks).await;
    sandbox.wait_for_count("assessment", assessments).await;
    let sum = sandbox
        .value("select sum(\"count\") as n from clickstream")
        .await;
    assert_eq!(sum, expected["clicks_sum"]);

    // The roster is that of the registrations, on each day on which something changes.
    let enrolled = "SELECT section_id, day,
            sum(sum(change)) OVER (PARTITION BY section_id ORDER BY day) AS enrolled
        FROM (SELECT section_id, begin_date AS day, 1 AS change FROM enrollments
              UNION ALL
              SELECT section_id, CAST(end_date + INTERVAL '1 day' AS DATE), -1 FROM enrollments
              WHERE end_date IS NOT NULL)
        GROUP BY section_id, day ORDER BY section_id, day";
    let enrolled = json!(sandbox.sql(enrolled).await);
    assert_eq!(enrolled, expected["enrolled_per_day"]);
    // And the events are of people and sections that it knows.
    let unknown = "SELECT count(*) AS n FROM clickstream WHERE unknown IS NOT NULL";
    assert_eq!(sandbox.value(unknown).await, json!(0));

    for question in [
        "clicks_per_week",
        "enrolled_per_week",
        "mean_score_per_assessment",
    ] {
        assert_eq!(
            answer(&sandbox, question).await,
            expected[question],
            "{question}"
        );
    }
    // Reports follow a little later.
    let question = "active_students_per_week";
    e2e::eventually("the weeks are those of the files", || async {
        let answer = answer(&sandbox, question).await;
        (answer == expected[question])
            .then_some(())
            .ok_or(format!("{answer}"))
    })
    .await;
}

#[test]
fn the_demo_answers_by_itself() {
    let slice = files::workspace().join("infra/chalkline/demo/oulad");
    let expected = python::run("oulad.py", &[slice.to_str().expect("a path in UTF-8")]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = e2e::chalkline()
        .args(["demo", "--once", "--json", "--data-dir"])
        .arg(folder.path())
        .env("CHALKLINE_INGEST_LISTEN", "127.0.0.1:0")
        .env("CHALKLINE_QUERY_LISTEN", "127.0.0.1:0")
        .env("CHALKLINE_TRANSFORM_LISTEN", "127.0.0.1:0")
        .output()
        .expect("chalkline starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shown: Value = serde_json::from_slice(&output.stdout).expect("--json prints JSON");
    for question in [
        "enrolled_per_week",
        "clicks_per_week",
        "active_students_per_week",
        "mean_score_per_assessment",
    ] {
        assert_eq!(
            shown["answers"][question]["rows"], expected[question],
            "{question}"
        );
    }
    let videos = shown["answers"]["most_watched_videos"]["rows"].as_array();
    assert_eq!(videos.expect("rows").len(), 5);
    let page = shown["page_url"].as_str().expect("a page");
    assert!(page.contains("/#code=") && !page.contains("ct_"), "{page}");
}
