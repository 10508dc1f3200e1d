//! From an empty folder to a report: everything in this process, three events
//! over HTTP, one question in SQL.
//!
//! ```sh
//! cargo run --workspace --example first_report
//! ```

use std::time::Duration;

use anyhow::{Context as _, bail};
use chalkline::client::{Answer, Client, Dialect};
use chalkline::{Config, compose, issue_key, issue_token};
use runtime::{Metrics, Shutdown};
use schemas::{Role, Tenant, TenantId};

/// Two students watch a page and answer a question.
const EVENTS: [&str; 3] = [
    r#"{"id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", "type": "content.opened",
        "time": "2026-09-14T10:00:00Z", "actor": "stu-1041", "course": "bio-101",
        "content": "bio-101/cell-division"}"#,
    r#"{"id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02", "type": "content.opened",
        "time": "2026-09-14T10:05:00Z", "actor": "stu-2077", "course": "bio-101",
        "content": "bio-101/cell-division", "data": {"count": 3}}"#,
    r#"{"id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a03", "type": "content.opened",
        "time": "2026-09-14T10:09:00Z", "actor": "stu-2077", "course": "bio-101",
        "content": "bio-101/quiz"}"#,
];

const REPORT: &str = "
    SELECT content_id, count(DISTINCT student_key) AS students, sum(coalesce(\"count\", 1)) AS opened
    FROM clickstream
    WHERE course_id = 'bio-101'
    GROUP BY content_id
    ORDER BY content_id";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chalkline::install_crypto();
    let folder = tempfile::tempdir()?;
    let mut config = Config {
        data_dir: folder.path().to_owned(),
        ..Config::default()
    };
    // Any free ports.
    config.ingest.listen.set_port(0);
    config.transform.listen.set_port(0);
    config.query.listen.set_port(0);

    // The three services and the log between them, as `chalkline up` runs them.
    let shutdown = Shutdown::new();
    let services = compose::up(&config, None, Metrics::detached(), &shutdown).await?;
    let addresses = services.addresses().clone();
    let registry = services.registry().clone();
    let serving = tokio::spawn(services.run());

    // A school, a key to post events and a token to ask.
    let school = TenantId::new("north-high")?;
    registry
        .create(&Tenant::new(school.clone(), "North High"))
        .await?;
    let key = issue_key(&registry, &school, |_| {}).await?;
    let token = issue_token(&registry, &school, Role::Steward, |_| {}).await?;

    let url = addresses.ingest_url.context("ingest listens")?;
    let door = Client::new(&url, &key.reveal());
    // NDJSON wants one event a line.
    let lines = EVENTS.map(|event| event.replace('\n', " "));
    let lines = lines.iter().map(String::as_str);
    let receipt = door.post(Dialect::Native, lines).await?;
    println!("posted: {} events", receipt.results.len());

    let url = addresses.query_url.context("query listens")?;
    let report = ask_until_all_are_there(&Client::new(&url, &token.reveal())).await?;
    for row in &report.rows {
        println!("{}", serde_json::to_string(row)?);
    }

    shutdown.trigger();
    serving.await?
}

/// Events are in SQL a few seconds after they were accepted.
async fn ask_until_all_are_there(query: &Client) -> anyhow::Result<Answer> {
    for _ in 0..120 {
        let report = query.sql(REPORT).await?;
        if report.rows.len() == 2 {
            return Ok(report);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    bail!("the events did not appear")
}
