//! A new key and a revoked key take effect while the system runs.

use std::time::Duration;

use e2e::{Client, Sandbox, Tenant, event};

/// Promised are 5 seconds, which a test with a clock of its own proves in
/// `runtime`; this is for a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_tokens_work_and_cease_to_work_soon() {
    let sandbox = Sandbox::up().await;
    // The running system has just read the tenant.
    sandbox.post(&[event::nth(0)]).await.expect_status(202);
    sandbox.wait_for_count(event::table(0), 1).await;

    let tenant = sandbox.tenant.id.as_str();
    let key = sandbox.cli(&["key", "issue", "--tenant", tenant]);
    let issue = ["token", "issue", "--tenant", tenant, "--role", "steward"];
    let token = sandbox.cli(&issue);
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let other = sandbox.with_tenant(Tenant {
        key: text(&key["key"]),
        token: text(&token["token"]),
        ..sandbox.tenant.clone()
    });
    wait_for(&other, [202, 200]).await;

    // A credential's third part is its id.
    let id = |credential: &str| credential.split('_').nth(2).expect("an id").to_owned();
    for (command, id) in [
        ("key", id(&other.tenant.key)),
        ("token", id(&other.tenant.token)),
    ] {
        sandbox.cli(&[command, "revoke", "--tenant", tenant, &id]);
    }
    wait_for(&other, [401, 401]).await;
    // The others are as before.
    sandbox.post(&[event::nth(1)]).await.expect_status(202);
    sandbox.sql("select 1 as one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_when_it_was_said_to_and_another_takes_its_place() {
    let sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant.id.as_str();
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let with = |key: &serde_json::Value| {
        sandbox.with_tenant(Tenant {
            key: text(&key["key"]),
            ..sandbox.tenant.clone()
        })
    };
    let issue = ["key", "issue", "--tenant", tenant, "--label", "lms"];
    let short = sandbox.cli(&[&issue[..], &["--expires", "10s"]].concat());
    let old = sandbox.cli(&issue);
    wait_for(&with(&short), [202, 200]).await;
    wait_for(&with(&short), [401, 200]).await;

    wait_for(&with(&old), [202, 200]).await;
    let id = text(&old["id"]);
    let new = sandbox.cli(&["key", "rotate", "--tenant", tenant, &id, "--grace", "0m"]);
    wait_for(&with(&new), [202, 200]).await;
    wait_for(&with(&old), [401, 200]).await;
    let listed = sandbox.cli(&["key", "list", "--tenant", tenant]);
    let listed = listed["keys"].as_array().expect("keys").iter();
    let like = listed.filter(|key| key["label"] == "lms").count();
    assert_eq!(like, 3);
}

/// Waits until posting and asking answer with these statuses.
async fn wait_for(client: &Client, expected: [u16; 2]) {
    let answered = async {
        loop {
            let posted = client.post(&[event::nth(2)]).await.status;
            let asked = client.ask("select 1 as one", serde_json::json!([])).await;
            if [posted, asked.expect("query answers").status] == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let answered = tokio::time::timeout(LIMIT, answered).await;
    answered.unwrap_or_else(|_| panic!("not {expected:?} within {LIMIT:?}"));
}
