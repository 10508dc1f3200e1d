//! `chalkline tail` beside a running system, which stops in time while it listens.

use std::time::Duration;

use e2e::{Sandbox, event, eventually};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_sees_what_becomes_of_events() {
    let mut sandbox = Sandbox::up().await;
    let key = sandbox.tenant.key.clone();
    let tail = sandbox.spawn(
        "tail",
        &["tail", "--key", &key, "--outcome", "accepted", "rejected"],
    );
    let says = |words: &'static str, times: usize| {
        let said = tail.log().matches(words).count();
        (said >= times).then_some(()).ok_or_else(|| tail.log())
    };
    eventually("it listens", async || says("listening", 1)).await;
    let mut bad = event::nth(1);
    bad["content"] = json!(7);
    sandbox.post(&[event::nth(0), bad]).await.expect_status(200);
    let lines = async || {
        let log = tail.log();
        let lines = log.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        if lines.len() == 2 {
            Ok(lines)
        } else {
            Err(log)
        }
    };
    let lines = eventually("two outcomes", lines).await;
    assert_eq!(
        (&lines[0]["outcome"], &lines[0]["id"]),
        (&json!("accepted"), &json!(event::id(0)))
    );
    assert_eq!(
        (&lines[1]["code"], &lines[1]["pointer"]),
        (&json!("wrong_type"), &json!("/1/content"))
    );

    // A stream without end holds nothing up, and is taken up again.
    let stopped = sandbox.terminate(Duration::from_secs(10)).await;
    assert!(
        stopped
            .iter()
            .all(|status| status.is_some_and(|status| status.success()))
    );
    eventually("it notices", async || says("connecting again", 1)).await;
    sandbox.restart().await;
    eventually("it listens again", async || says("listening", 2)).await;
}
