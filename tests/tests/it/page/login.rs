//! Who gets in, by link and by token, and what stays of a session: nothing.

use e2e::{Browser, Sandbox, Window, event};
use serde_json::json;

use super::{
    LOADED, LOGGED_IN, REASON, address, click, count, issue, link, picture, run, submit, text,
};

#[tokio::test]
async fn whoever_may_not_is_told_why_and_an_empty_school_what_to_do() {
    let sandbox = Sandbox::up().await;
    let home = sandbox.address().query;
    let mut browser = Browser::open(Window::PHONE).await;

    // A link that was used, and two that never were any.
    let used = address(&sandbox);
    browser.goto(&used).await;
    browser.wait_for(LOGGED_IN).await;
    click(&mut browser, "#logout").await;
    browser
        .wait_for("!document.getElementById('login').hidden")
        .await;
    for (link, expected) in [
        (used.as_str(), "chalkline link"),
        (&format!("{home}/#token=%"), "history"),
        (&format!("{home}/#code=%E0"), "used already"),
    ] {
        browser.goto(link).await;
        browser
            .wait_for(&format!("({REASON}).includes({})", json!(expected)))
            .await;
        assert_eq!(browser.evaluate("location.hash").await, json!(""));
        assert_eq!(browser.evaluate("sessionStorage.length").await, json!(0));
    }
    browser.screenshot(&picture("login"), false).await;

    // Nobody's token, a write key, a token that was copied badly, and the right one.
    let stranger = sandbox.tenant.token.replace("ct_", "ct_no-");
    let mut other = e2e::Client::clone(&sandbox);
    other.tenant.token.clone_from(&stranger);
    let refusal = other.get("/v1/tables").await.expect_status(401).json();
    let refusal = refusal["detail"].as_str().expect("a sentence");
    let badly = sandbox.tenant.token.replace("ct_", "ct_é");
    for (token, expected) in [
        (&stranger, refusal),
        (&sandbox.tenant.key, "write key"),
        (&badly, "“é”"),
    ] {
        submit(&mut browser, token).await;
        browser
            .wait_for(&format!("({REASON}).includes({})", json!(expected)))
            .await;
    }
    browser.forget();
    submit(&mut browser, &sandbox.tenant.token).await;
    browser.wait_for(LOGGED_IN).await;
    assert_eq!(
        browser.evaluate("document.activeElement.id").await,
        json!("title")
    );
    browser.wait_for(LOADED).await;
    let states = "[...document.querySelectorAll('section[data-state]:not(#sql)')].map((s) => s.dataset.state)";
    assert_eq!(browser.evaluate(states).await, json!(vec!["empty"; 6]));
    let advice = browser.evaluate(&text("#video .state")).await;
    assert!(
        advice.as_str().expect("text").contains("Send video."),
        "{advice}"
    );
    browser.screenshot(&picture("empty"), true).await;
    assert_eq!(
        browser
            .evaluate("document.documentElement.scrollWidth")
            .await,
        json!(375)
    );
    assert_eq!(browser.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_ends_with_all_that_it_showed_and_is_not_replaced_unasked() {
    let sandbox = Sandbox::up().await;
    let other = sandbox.tenant("Other School", &[]).tenant.id;
    sandbox.post(&event::range(0..60)).await.expect_status(202);
    sandbox.wait_for_count("video", count(0..60, "video")).await;
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(LOADED).await;
    run(&mut browser, "SELECT event_id FROM video").await;

    let asked = "document.getElementById('dialog').open";
    let tenant = text("#tenant");
    browser.goto(&link(&sandbox, &other)).await;
    browser.wait_for(asked).await;
    browser.screenshot(&picture("other-school"), false).await;
    click(&mut browser, "#dialog button:last-child").await;
    browser.wait_for(&format!("!{asked}")).await;
    assert_eq!(browser.evaluate(&tenant).await, json!(sandbox.tenant.id));
    let cell = browser.evaluate(&text("#sql tbody td")).await;
    assert!(cell.is_string(), "{cell}");

    // What does not log in says so, and changes nothing.
    browser
        .goto(&link(&sandbox, &other).replace("#code=", "#code=x"))
        .await;
    browser.wait_for(asked).await;
    click(&mut browser, "#dialog button").await;
    assert_eq!(browser.evaluate(&tenant).await, json!(sandbox.tenant.id));

    browser.goto(&link(&sandbox, &other)).await;
    browser.wait_for(asked).await;
    click(&mut browser, "#dialog button.primary").await;
    browser
        .wait_for(&format!("{tenant} === {}", json!(other)))
        .await;
    browser.wait_for(LOADED).await;
    let rows = "document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.evaluate(rows).await, json!(0));

    // Logging out leaves neither rows nor what was typed, also to whoever goes back.
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(asked).await;
    click(&mut browser, "#dialog button.primary").await;
    browser
        .wait_for(&format!("{tenant} === {}", json!(sandbox.tenant.id)))
        .await;
    run(&mut browser, "SELECT event_id AS mine FROM video").await;
    click(&mut browser, "#logout").await;
    browser
        .wait_for("!document.getElementById('login').hidden")
        .await;
    assert_eq!(browser.evaluate(rows).await, json!(0));
    assert_eq!(browser.evaluate("sessionStorage.length").await, json!(0));
    let typed = "document.getElementById('sql-text').value.includes('mine')";
    assert_eq!(browser.evaluate(typed).await, json!(false));
}

/// The sections of the page that are there, and then the ways to them.
const THERE: &str = "[...document.querySelectorAll('main section, nav a')]\
    .filter((part) => !part.hidden).map((part) => part.id || part.hash).join(' ')";

#[tokio::test]
async fn a_page_has_the_sections_of_which_its_reader_sees_something() {
    let sandbox = Sandbox::up().await;
    sandbox.post(&event::range(0..12)).await.expect_status(202);
    sandbox.wait_for_reports().await;
    let token = issue(&sandbox, &["--role", "student", "--subject", "stu-1"]).await;

    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&sandbox.address().query).await;
    submit(&mut browser, &token).await;
    browser.wait_for(LOGGED_IN).await;
    browser.wait_for(LOADED).await;
    let there = browser.evaluate(THERE).await;
    let there = there.as_str().expect("a text");
    for (part, is_there) in [
        ("#ledger", false),
        ("ledger", false),
        ("#answers", false),
        ("answers", false),
        ("#video", true),
        ("video", true),
        ("#sql", true),
        ("sql", true),
    ] {
        let found = there.split(' ').any(|found| found == part);
        assert_eq!(found, is_there, "{part} in {there}");
    }
    // Where there is nothing nobody is told to send what is not theirs to send.
    let said = browser.evaluate(&text("#content")).await;
    let said = said.as_str().expect("text");
    assert!(said.contains("No video was watched here yet"), "{said}");
    assert!(!said.contains("Send "), "{said}");
    browser.screenshot(&picture("student"), true).await;

    click(&mut browser, "#logout").await;
    browser
        .wait_for("!document.getElementById('login').hidden")
        .await;
    submit(&mut browser, &sandbox.tenant.token).await;
    browser.wait_for(LOGGED_IN).await;
    browser.wait_for(LOADED).await;
    let all = "activity video answers assessments ledger sql";
    let there = browser.evaluate(THERE).await;
    let there = there.as_str().expect("a text");
    for section in all.split(' ') {
        assert!(there.split(' ').any(|part| part == section), "{there}");
    }
}
