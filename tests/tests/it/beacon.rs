//! A page of another site posts with a public key, in a real browser: while it is being
//! closed, and reading the answer.

use std::time::Duration;

use e2e::{Browser, Sandbox, Window, event};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_closed_posts_with_a_public_key_of_its_site() {
    let sandbox = Sandbox::up().await;
    let ingest = sandbox.address().ingest;
    // The same server by another name is another site.
    let site = ingest.replace("127.0.0.1", "localhost");
    let (key, other) = (
        issue(&sandbox, &site, &[]),
        issue(&sandbox, "https://other.example", &[]),
    );
    let address = |key: &str| format!("{ingest}/v1/events?key={key}");
    // A beacon is told nothing: until the keys are known, another page's request is.
    let clicks = [0, 3, 6].map(event::nth);
    for (key, origin) in [(&key, site.as_str()), (&other, "https://other.example")] {
        until_known(&address(key), origin, &clicks[0]).await;
    }

    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&site).await;
    let beacon = |key: &str, click: usize| {
        let (address, event) = (json!(address(key)), json!(clicks[click].to_string()));
        format!("navigator.sendBeacon({address}, {event})")
    };
    // One of the other key is sent, too, and is refused by the site it comes from.
    let (refused, taken) = (beacon(&other, 1), beacon(&key, 2));
    let script = format!("addEventListener('pagehide', () => {{ {refused}; {taken} }})");
    browser.evaluate(&script).await;
    browser.goto(&format!("{ingest}/v1/schemas")).await;
    sandbox.wait_for_count("clickstream", 2).await;
    let copies = sandbox.copies("clickstream").await;
    let expected = [0, 6].map(|number| (event::id(number), 1));
    assert_eq!(copies.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_posts_and_reads_the_answer() {
    let sandbox = Sandbox::up().await;
    let ingest = sandbox.address().ingest;
    let site = ingest.replace("127.0.0.1", "localhost");
    let key = issue(&sandbox, &site, &[]);
    let slow = issue(&sandbox, &site, &["--rate", "1"]);
    let other = issue(&sandbox, "https://other.example", &[]);
    let clicks = [0, 6].map(event::nth);
    for (key, origin) in [
        (&key, site.as_str()),
        (&slow, site.as_str()),
        (&other, "https://other.example"),
    ] {
        let address = format!("{ingest}/v1/events?key={key}");
        until_known(&address, origin, &clicks[0]).await;
    }

    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&site).await;
    // Both headers make the browser ask first.
    let mut post = async |key: &str, body: &Value| {
        let address = json!(format!("{ingest}/v1/events"));
        let headers = json!({
            "authorization": format!("Bearer {key}"), "content-type": "application/json",
        });
        let body = json!(body.to_string());
        let script = format!(
            "fetch({address}, {{ method: 'POST', headers: {headers}, body: {body} }})\
             .then(async (answer) => ({{ status: answer.status, body: await answer.json(), \
             retry: answer.headers.get('retry-after') }}))"
        );
        browser.evaluate(&script).await
    };
    let taken = post(&key, &clicks[1]).await;
    assert_eq!(
        (&taken["status"], &taken["body"]["accepted"]),
        (&json!(202), &json!(1))
    );
    let refused = post(&other, &clicks[1]).await;
    assert_eq!(
        (&refused["status"], &refused["body"]["code"]),
        (&json!(403), &json!("origin_not_allowed"))
    );
    // Ten of one a second come in at once, and not again in the next ten seconds, to which
    // up to half as much is added by chance.
    let ten: Value = (0..10).map(|_| clicks[1].clone()).collect();
    let mut told = post(&slow, &ten).await;
    while told["status"] != 429 {
        told = post(&slow, &ten).await;
    }
    assert_eq!(told["body"]["code"], "rate_exceeded");
    let seconds = told["retry"].as_str().and_then(|text| text.parse().ok());
    assert!(
        seconds.is_some_and(|seconds: u64| (1..=15).contains(&seconds)),
        "{told}"
    );
    sandbox.wait_for_count("clickstream", 2).await;
}

/// Issues a public key for the pages of a site.
fn issue(sandbox: &Sandbox, site: &str, limits: &[&str]) -> String {
    let issue = ["key", "issue", "--tenant", &sandbox.tenant.id, "--public"];
    let rights = ["--family", "clickstream", "--origin", site];
    let key = sandbox.cli(&[&issue[..], &rights[..], limits].concat());
    key["key"].as_str().expect("a key").to_owned()
}

/// Posts as a page of the origin does until the key in the address is known.
async fn until_known(address: &str, origin: &str, click: &Value) {
    let post = || {
        let post = reqwest::Client::new().post(address);
        post.header("origin", origin).body(click.to_string())
    };
    while post().send().await.expect("answers").status() != 202 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
