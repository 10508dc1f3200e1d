//! What the page shows and offers depends on who reads it.

use e2e::{Browser, Sandbox, Window, event};
use serde_json::json;

use super::{LOADED, LOGGED_IN, click, issue, picture, submit};

/// Runs each example in turn; their names, and what became of them.
const RUN_ALL: &str = "(async () => { \
    const [choice, box] = ['sql-examples', 'sql'].map((id) => document.getElementById(id)); \
    const told = []; \
    for (let at = 0; at < choice.options.length; at += 1) { \
        choice.selectedIndex = at; \
        choice.dispatchEvent(new Event('change')); \
        while (box.dataset.ready !== 'true') await new Promise(requestAnimationFrame); \
        told.push([choice.options[at].textContent, box.dataset.state]); \
    } \
    return told })()";

#[tokio::test]
async fn every_reader_is_offered_statements_that_are_answered() {
    let sandbox = Sandbox::up().await;
    let roster = format!("{}/roster.zip", sandbox.school("60", "1.2"));
    sandbox.cli(&["roster", "import", &roster, "--tenant", &sandbox.tenant.id]);
    let student = "SELECT min(user_id) AS u FROM enrollments WHERE role = 'student'";
    let student = sandbox.value(student).await;
    let student = student.as_str().expect("an id");
    let mut events = event::range(0..2 * event::types());
    for event in &mut events {
        event["actor"] = json!(student);
    }
    sandbox.post(&events).await.expect_status(202);
    sandbox.wait_for_reports().await;

    let learner = issue(&sandbox, &["--role", "student", "--subject", student]).await;
    let analyst = issue(&sandbox, &["--role", "analyst"]).await;
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&sandbox.address().query).await;
    for (role, token, sees_rows) in [
        ("student", &learner, true),
        // One student alone is no group.
        ("analyst", &analyst, false),
        ("steward", &sandbox.tenant.token, true),
    ] {
        submit(&mut browser, token).await;
        browser.wait_for(LOGGED_IN).await;
        browser.wait_for(LOADED).await;
        // The first runs by itself once the box is seen.
        // What loads above it moves it out of sight again.
        browser
            .wait_for(
                "(document.getElementById('sql').scrollIntoView(), \
                 document.getElementById('sql').dataset.ready === 'true')",
            )
            .await;
        let rows = "document.querySelectorAll('#sql-result tbody tr').length > 0";
        assert_eq!(browser.evaluate(rows).await, json!(sees_rows), "{role}");
        browser
            .screenshot(&picture(&format!("reader-{role}")), true)
            .await;

        let told = browser.evaluate(RUN_ALL).await;
        for example in told.as_array().expect("a list") {
            let is_answered = example[1] == "ready" || example[1] == "empty";
            assert!(is_answered, "{role}: {example}");
        }
        let is_offered = |name: &str| {
            told.as_array()
                .is_some_and(|all| all.iter().any(|of| of[0] == name))
        };
        assert_eq!(is_offered("Active students per week"), role == "steward");
        assert!(is_offered("Day by day"), "{role}: {told}");

        if role == "student" {
            // What they watched is theirs to see, how everybody did is not.
            let video = "[document.getElementById('video').dataset.state, document.getElementById('video-curves').hidden]";
            assert_eq!(browser.evaluate(video).await, json!(["ready", true]));
        }
        // Whoever it is, events are counted.
        let freshness = "document.getElementById('freshness').dataset.kind === 'live'";
        browser.wait_for(freshness).await;
        click(&mut browser, "#logout").await;
        browser
            .wait_for("!document.getElementById('login').hidden")
            .await;
    }

    // Who sees no events at all is told how fresh the reports are.
    let dashboard = ["--role", "service", "--table", "section_day"];
    let dashboard = issue(&sandbox, &dashboard).await;
    submit(&mut browser, &dashboard).await;
    browser.wait_for(LOGGED_IN).await;
    let freshness = "document.getElementById('freshness').dataset.kind === 'live'";
    browser.wait_for(freshness).await;
}
