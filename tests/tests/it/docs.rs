//! What can be asked of the front door is told to programs and to people.

use e2e::{Browser, Sandbox, Window, python};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_keeps_the_rules_of_openapi() {
    let sandbox = Sandbox::up().await;
    let address = format!("{}/openapi.json", sandbox.address().ingest);
    let answer = reqwest::get(address).await.expect("answers");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let document = answer.bytes().await.expect("a body");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document).expect("written");
    let checked = python::run("openapi.py", &[file.to_str().expect("UTF-8")]);
    assert_eq!(checked, json!({ "errors": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_shown_as_it_is_and_asks_nobody() {
    let sandbox = Sandbox::up().await;
    for window in [Window::DESKTOP, Window::PHONE] {
        let mut browser = Browser::open(window).await;
        browser
            .goto(&format!("{}/docs", sandbox.address().ingest))
            .await;
        let shown = browser
            .evaluate(
                "({ title: document.querySelector('h1').textContent, \
                 operations: document.querySelectorAll('article').length, \
                 styled: getComputedStyle(document.querySelector('.top')).position, \
                 wide: document.documentElement.scrollWidth > innerWidth, \
                 loaded: performance.getEntriesByType('resource') \
                 .filter((entry) => !entry.name.startsWith('data:')).length })",
            )
            .await;
        assert_eq!(shown["title"], "Chalkline: the front door");
        assert!(shown["operations"].as_u64() > Some(20), "{shown}");
        assert_eq!(shown["styled"], "sticky");
        assert_eq!(
            (&shown["wide"], &shown["loaded"]),
            (&json!(false), &json!(0))
        );
        assert_eq!(browser.faults(), Vec::<String>::new());
        let code = "document.getElementById('code-rate-exceeded') !== null";
        assert_eq!(browser.evaluate(code).await, Value::Bool(true));
    }
}
