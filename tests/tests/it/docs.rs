//! What can be asked of each service is told to programs and to people.

use e2e::{Address, Browser, Sandbox, Window, python};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_keeps_the_rules_of_openapi() {
    let sandbox = Sandbox::up().await;
    for service in [sandbox.address().ingest, sandbox.address().query] {
        let address = format!("{service}/openapi.json");
        let answer = reqwest::get(address).await.expect("answers");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let document = answer.bytes().await.expect("a body");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("openapi.json");
        std::fs::write(&file, document).expect("written");
        let checked = python::run("openapi.py", &[file.to_str().expect("UTF-8")]);
        assert_eq!(checked, json!({ "errors": [] }), "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_shown_as_they_are_and_ask_nobody() {
    let sandbox = Sandbox::up().await;
    let Address { ingest, query } = sandbox.address();
    let ingest = (ingest, "Chalkline: the front door", "rate-exceeded");
    let query = (query, "Chalkline: questions and answers", "query-timeout");
    let windows = [Window::DESKTOP, Window::PHONE];
    for ((service, title, code), window) in [ingest, query]
        .iter()
        .flat_map(|service| windows.map(|window| (service, window)))
    {
        let mut browser = Browser::open(window).await;
        browser.goto(&format!("{service}/docs")).await;
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
        assert_eq!(shown["title"], *title);
        assert!(shown["operations"].as_u64() > Some(15), "{shown}");
        assert_eq!(shown["styled"], "sticky");
        assert_eq!(
            (&shown["wide"], &shown["loaded"]),
            (&json!(false), &json!(0))
        );
        assert_eq!(browser.faults(), Vec::<String>::new());
        let code = format!("document.getElementById('code-{code}') !== null");
        assert_eq!(browser.evaluate(&code).await, Value::Bool(true));
    }
}
