//! Who asked what stays known, whatever is killed; learners are told who saw them.

use e2e::{Client, Sandbox, Tenant, eventually};
use eventlog::testing::KafkaBroker;
use futures::StreamExt;
use reqwest::header::ACCEPT;
use serde_json::{Map, Value, json};

type Row = Map<String, Value>;

/// A client with another token of the sandbox's tenant; `options` as for `chalkline token
/// issue`.
fn with_token(sandbox: &Sandbox, options: &[&str]) -> Client {
    let issue = ["token", "issue", "--tenant", &sandbox.tenant.id];
    let issued = sandbox.cli(&[&issue[..], options].concat());
    let token = issued["token"].as_str().expect("a token").to_owned();
    sandbox.with_tenant(Tenant {
        token,
        ..sandbox.tenant.clone()
    })
}

/// The first of these rows, once there is one.
async fn found(client: &Client, sql: &str) -> Row {
    eventually(sql, || async {
        let mut rows = client.sql(sql).await;
        match rows.is_empty() {
            true => Err("no row yet".to_owned()),
            false => Ok(rows.remove(0)),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_known_after_a_kill() {
    let mut sandbox = Sandbox::up().await;
    let sql = "SELECT value AS n, 'Ann Smith' AS name FROM generate_series(1, 900000)";
    let url = format!("{}/v1/sql", sandbox.address().query);
    let answer = sandbox
        .http()
        .post(url)
        .bearer_auth(&sandbox.tenant.token)
        .header(ACCEPT, "text/csv")
        .json(&json!({ "sql": sql }))
        .send()
        .await
        .expect("an answer begins");
    assert_eq!(answer.status(), 200);
    let mut body = answer.bytes_stream();
    body.next().await.expect("a byte").expect("it arrives");
    sandbox.crash();
    drop(body);
    sandbox.restart().await;

    let killed = "SELECT statement, outcome, tables FROM query_audit \
                  WHERE statement LIKE 'SELECT value AS n, #%'";
    let row = found(&sandbox, killed).await;
    assert_eq!(row["outcome"], Value::Null);
    let statement = row["statement"].as_str().expect("a text");
    assert!(statement.contains("generate_series(#"), "{statement}");
    assert!(!statement.contains("Ann"), "{statement}");
    // Who asks the audit is in it.
    let asked = "SELECT outcome, rows FROM query_audit \
                 WHERE array_has(tables, 'query_audit') AND outcome = 'answered'";
    assert_eq!(found(&sandbox, asked).await["outcome"], "answered");
    let books = "SELECT count(*) AS n FROM ledger WHERE NOT balanced";
    assert_eq!(sandbox.value(books).await, json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn learners_are_told_who_saw_them() {
    let sandbox = Sandbox::up_with(&[("CHALKLINE_ADMIN", "Grace Lee")]).await;
    let roster = format!("{}/roster.zip", sandbox.school("60", "1.2"));
    let imported = sandbox.cli(&["roster", "import", &roster, "--tenant", &sandbox.tenant.id]);
    assert_eq!(imported["state"], "done");
    let family = "SELECT s.user_id AS student, g.user_id AS guardian
        FROM guardians r
        JOIN roles s ON s.role = 'student' AND s.user_id IN (r.user_id, r.agent_id)
        JOIN roles g ON g.role IN ('guardian', 'parent', 'relative')
            AND g.user_id IN (r.user_id, r.agent_id)
        LIMIT 1";
    let family = found(&sandbox, family).await;
    let [student, guardian] =
        ["student", "guardian"].map(|who| family[who].as_str().expect("an id"));
    let learner = with_token(&sandbox, &["--role", "student", "--subject", student]);
    let parent = with_token(&sandbox, &["--role", "guardian", "--subject", guardian]);

    let names = "SELECT given_name FROM users WHERE user_id <> 'Ann Smith'";
    eventually("the guardian may ask", || async {
        let reply = parent.ask(names, json!([])).await;
        let reply = reply.map_err(|error| error.to_string())?;
        (reply.status == 200)
            .then_some(())
            .ok_or_else(|| reply.text())
    })
    .await;
    let path = "/v1/audit/who-saw-me";
    let sighting = eventually("the student is told", || async {
        let reply = learner.get(path).await;
        let rows = reply.json()["rows"].as_array().cloned().unwrap_or_default();
        let by_guardian = |row: &&Value| row["role"] == "guardian";
        rows.iter()
            .find(by_guardian)
            .cloned()
            .ok_or_else(|| reply.text())
    })
    .await;
    assert_eq!(sighting["students"], json!([student]));
    assert_eq!(sighting["tables"], json!(["users"]));
    assert_eq!(sighting["certain"], json!(true));
    assert_eq!(sighting.get("statement"), None);
    assert_eq!(
        parent
            .get("/v1/audit/who-saw-me?student=nobody")
            .await
            .status,
        400
    );
    assert_eq!(sandbox.get(path).await.status, 403);

    // Stewards see both sides, by key.
    let shown = format!(
        "SELECT d.subject_key, i.user_id FROM disclosures d
        JOIN identities i ON i.student_key = d.student_key
        WHERE d.role = 'guardian' AND i.user_id = '{student}'"
    );
    let shown = found(&sandbox, &shown).await;
    let key = shown["subject_key"].as_str().expect("a key");
    let who = format!("SELECT DISTINCT user_id FROM identities WHERE student_key = '{key}'");
    assert_eq!(sandbox.value(&who).await, json!(guardian));
    for hidden in ["audit", "query_audit", "disclosures", "admin_audit"] {
        let reply = parent
            .ask(&format!("SELECT * FROM {hidden}"), json!([]))
            .await;
        assert_eq!(
            reply.expect("query answers").json()["code"],
            "table_not_shown"
        );
    }
    let issued = "SELECT count(*) AS n FROM admin_audit WHERE part = 'tokens' AND change = 'added'";
    assert_eq!(sandbox.value(issued).await, json!(3));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("Linux has it");
    let by = "SELECT changed_by FROM admin_audit WHERE part = 'tokens' LIMIT 1";
    let by = sandbox.value(by).await;
    let by = by.as_str().expect("a text");
    assert!(by.starts_with("Grace Lee as "), "{by}");
    assert!(by.ends_with(&format!("@{}", host.trim())), "{by}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_kafka_nobody_is_answered_who_cannot_be_recorded() {
    let mut kafka = KafkaBroker::start().await;
    let roles = ["transform", "query"];
    let sandbox = Sandbox::roles(&kafka.address(), &roles).await;
    let asked = "SELECT 1 AS one, 'before' AS what";
    assert_eq!(sandbox.sql(asked).await.len(), 1);
    kafka.kill();
    let reply = sandbox.ask("SELECT 2 AS two", json!([])).await;
    let reply = reply.expect("query answers");
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert_eq!(reply.json()["code"], "audit_unavailable");
    let kafka = kafka.restart().await;
    // Until the broker is back this is refused as well.
    eventually("questions are answered again", || async {
        let reply = sandbox.ask("SELECT 3 AS three", json!([])).await;
        let status = reply.map_err(|error| error.to_string())?.status;
        (status == 200)
            .then_some(())
            .ok_or_else(|| status.to_string())
    })
    .await;
    let before = "SELECT outcome FROM query_audit WHERE statement LIKE 'SELECT #% AS one%'";
    assert_eq!(found(&sandbox, before).await["outcome"], "answered");
    drop(kafka);
}
