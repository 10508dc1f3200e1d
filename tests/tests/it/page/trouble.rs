//! What the page says when it is refused, kept waiting or left alone; each is
//! made to happen, none is played by a stand-in.

use e2e::{Browser, Sandbox, Window, event};
use serde_json::json;

use super::{REASON, address, click, count, picture, run, text};

/// Every section shows what it has: one that did not get its turn in time tries again by
/// itself.
const SHOWN: &str = "[...document.querySelectorAll('section[data-ready]:not(#sql)')]\
    .every((section) => ['ready', 'empty'].includes(section.dataset.state))";

/// Waits until an element's text has these words.
async fn says(browser: &mut Browser, selector: &str, words: &str) {
    let found = format!("({})?.includes({})", text(selector), json!(words));
    browser.wait_for(&found).await;
}

#[tokio::test]
async fn what_goes_wrong_is_said_and_what_comes_back_is_noticed() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = port.local_addr().expect("an address").to_string();
    drop(port);
    let mut sandbox = Sandbox::up_with(&[
        ("CHALKLINE_QUERY_LISTEN", &listen),
        ("CHALKLINE_QUERY_CONCURRENCY", "1"),
        ("CHALKLINE_QUERY_TENANT_CONCURRENCY", "1"),
        ("CHALKLINE_QUERY_QUEUE_SECONDS", "2"),
        ("CHALKLINE_QUERY_TIMEOUT_SECONDS", "60"),
    ])
    .await;
    sandbox.post(&event::range(0..120)).await.expect_status(202);
    sandbox
        .wait_for_count("video", count(0..120, "video"))
        .await;
    // Later the only turn is taken, and the page shows what it had before.
    sandbox.wait_for_reports().await;
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(SHOWN).await;

    // 403: a statement that does more than read.
    run(&mut browser, "DELETE FROM video").await;
    let refused = sandbox.ask("DELETE FROM video", json!([])).await;
    let refused = refused.expect("answers").expect_status(403).json();
    assert_eq!(
        browser.evaluate(&text("#sql .state p")).await,
        refused["detail"]
    );
    browser.screenshot(&picture("refused"), true).await;

    // 503: the tenant's only turn is taken.
    let busy = {
        let asker = e2e::Client::clone(&sandbox);
        let endless = "SELECT count(*) FROM generate_series(1, 2000000) a \
            CROSS JOIN generate_series(1, 10000000000) b WHERE a.value + b.value = -1";
        tokio::spawn(async move { asker.ask(endless, json!([])).await })
    };
    says(&mut browser, "#freshness-text", "Not live").await;
    run(&mut browser, "SELECT count(*) AS n FROM video").await;
    says(&mut browser, "#sql .state", "query_queue_timeout").await;
    browser.screenshot(&picture("busy"), true).await;
    busy.abort();
    says(&mut browser, "#freshness-text", "Live").await;

    // Nobody answers.
    browser.wait_for(SHOWN).await;
    sandbox.crash();
    says(&mut browser, "#freshness-text", "No connection").await;
    run(&mut browser, "SELECT count(*) AS n FROM video").await;
    says(&mut browser, "#sql .state", "does not answer").await;
    click(&mut browser, "#activity-term").await;
    browser
        .evaluate("document.getElementById('activity-term').dispatchEvent(new Event('change'))")
        .await;
    says(&mut browser, "#activity [data-notice]", "Not updated").await;
    browser.screenshot(&picture("offline"), true).await;
    sandbox.restart().await;
    says(&mut browser, "#freshness-text", "Live").await;
    browser
        .wait_for("document.querySelector('#activity [data-notice]').textContent === ''")
        .await;

    // 401: the token is revoked under a page that is open.
    let token = browser
        .evaluate("sessionStorage.getItem('chalkline.token')")
        .await;
    let id = token.as_str().and_then(|token| token.split('_').nth(2));
    let tenant = sandbox.tenant.id.clone();
    sandbox.cli(&["token", "revoke", "--tenant", &tenant, id.expect("an id")]);
    browser
        .wait_for(&format!("({REASON}).includes('revoked')"))
        .await;
    let rows = "document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.evaluate(rows).await, json!(0));
    browser.screenshot(&picture("revoked"), false).await;
}
