//! A page of another site posts with a public key while it is being closed, in a real
//! browser.

use std::time::Duration;

use e2e::{Browser, Sandbox, Window, event};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_closed_posts_with_a_public_key_of_its_site() {
    let sandbox = Sandbox::up().await;
    let ingest = sandbox.address().ingest;
    // The same server by another name is another site.
    let site = ingest.replace("127.0.0.1", "localhost");
    let issue = |site: &str| {
        let issue = ["key", "issue", "--tenant", &sandbox.tenant.id, "--public"];
        let rights = ["--family", "clickstream", "--origin", site];
        let key = sandbox.cli(&[&issue[..], &rights[..]].concat());
        key["key"].as_str().expect("a key").to_owned()
    };
    let (key, other) = (issue(&site), issue("https://other.example"));
    let address = |key: &str| format!("{ingest}/v1/events?key={key}");
    // A beacon is told nothing: until the keys are known, another page's request is.
    let clicks = [0, 3, 6].map(event::nth);
    for (key, origin) in [(&key, site.as_str()), (&other, "https://other.example")] {
        let post = || {
            let post = reqwest::Client::new().post(address(key));
            post.header("origin", origin).body(clicks[0].to_string())
        };
        while post().send().await.expect("answers").status() != 202 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
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
