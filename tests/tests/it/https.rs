//! Everything over TLS, with a certificate of the school's own.

use std::path::Path;
use std::process::{Command, Output};

use e2e::{Certificates, Sandbox, chalkline, event, eventually};
use serde_json::{Value, json};

/// Of curl: the server's certificate is of nobody it trusts.
const UNTRUSTED: i32 = 60;
/// Of curl: it took too long.
const TIMED_OUT: i32 = 28;

fn curl(arguments: &[&str]) -> Output {
    Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--noproxy",
            "*",
        ])
        .args(arguments)
        .output()
        .expect("curl is installed")
}

/// Posts JSON over HTTP/2; the version and the status, and the body.
fn post(authority: &Path, url: &str, credential: &str, body: &Value) -> (String, Value) {
    let authority = authority.display().to_string();
    let output = curl(&[
        "--cacert",
        &authority,
        "--http2",
        "--header",
        &format!("Authorization: Bearer {credential}"),
        "--json",
        &body.to_string(),
        "--write-out",
        "\n%{http_version} %{http_code}",
        url,
    ]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let (body, told) = text.rsplit_once('\n').expect("a last line");
    let body = serde_json::from_str(body).expect("JSON");
    (told.to_owned(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_questions_and_commands_go_over_tls() {
    let certificates = Certificates::new();
    let settings = certificates.settings();
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let sandbox = Sandbox::up_with(&settings).await;
    let (authority, address) = (certificates.authority(), sandbox.address());
    for url in [&address.ingest, &address.query] {
        assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    }

    // As a client app and an analyst do, with no code of ours.
    let (key, token) = (&sandbox.tenant.key, &sandbox.tenant.token);
    let url = format!("{}/v1/events", address.ingest);
    let (told, answer) = post(&authority, &url, key, &json!([event::nth(0)]));
    assert_eq!((told.as_str(), &answer["accepted"]), ("2 202", &json!(1)));
    let table = event::table(0);
    let question = json!({ "sql": format!("select event_id from {table}") });
    let url = format!("{}/v1/sql", address.query);
    eventually("the event can be asked for", || async {
        let (told, answer) = post(&authority, &url, token, &question);
        let is_there = told == "2 200" && answer["rows"] == json!([{ "event_id": event::id(0) }]);
        is_there.then_some(()).ok_or(format!("{told} {answer}"))
    })
    .await;

    // Who does not know the authority, and who forgets the s, is told so and hangs nowhere.
    for url in [&address.ingest, &address.query] {
        let ready = format!("{url}/readyz");
        assert_eq!(curl(&[&ready]).status.code(), Some(UNTRUSTED));
        let output = curl(&[&ready.replace("https://", "http://")]);
        assert!(!output.status.success(), "{output:?}");
        assert_ne!(output.status.code(), Some(TIMED_OUT), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }

    // The commands, which find the addresses in the data folder.
    let link = sandbox.cli(&["link", "--tenant", &sandbox.tenant.id]);
    let page = link["page_url"].as_str().expect("text");
    assert!(page.starts_with(&address.query), "{page}");
    let statement = json!({
        "actor": { "mbox": "mailto:ann@school.example" },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/attended" },
        "object": { "id": "https://lms.example/bio-101" },
        "timestamp": "2026-09-14T10:00:00Z",
    });
    let file = sandbox.write("statements.jsonl", &statement.to_string());
    sandbox.cli(&["import", "xapi", &file, "--key", key]);

    let without = chalkline()
        .args(["link", "--tenant", &sandbox.tenant.id])
        .env("CHALKLINE_DATA_DIR", sandbox.data())
        .output()
        .expect("chalkline starts");
    assert_eq!(without.status.code(), Some(1), "{without:?}");
    let told = String::from_utf8_lossy(&without.stderr);
    assert!(told.contains(&address.query), "{told}");
}
