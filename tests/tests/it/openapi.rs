//! Whatever is asked, every operation of every service answers as its document says, and
//! never with an error of its own.

use e2e::{Client, Sandbox, Schemathesis, event};
use serde_json::json;

/// A system with a roster, a few events, and reports that show them.
async fn school() -> Sandbox {
    let sandbox = Sandbox::up().await;
    let files = sandbox.school("60", "1.2");
    let tenant = ["--tenant", &sandbox.tenant.id];
    let roster = format!("{files}/roster.zip");
    sandbox.cli(&[&["roster", "import", &roster][..], &tenant].concat());
    let events = event::range(0..30);
    sandbox.post(&events).await.expect_status(202);
    sandbox.wait_for_reports().await;
    sandbox
}

/// A query token of a teacher of the roster.
async fn teacher(sandbox: &Sandbox) -> String {
    let sql = "SELECT min(user_id) AS teacher FROM enrollments WHERE role = 'teacher'";
    let user = sandbox.value(sql).await;
    let user = user.as_str().expect("a teacher");
    let tenant = &sandbox.tenant.id;
    let issue = ["token", "issue", "--tenant", tenant, "--role", "teacher"];
    let issued = sandbox.cli(&[&issue[..], &["--subject", user]].concat());
    issued["token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_as_the_document_says() {
    let sandbox = school().await;
    let teacher = teacher(&sandbox).await;
    let credentials = [Some(&*sandbox.tenant.token), Some(&*teacher), None];
    let address = &sandbox.address().query;
    let document = sandbox.get("/openapi.json").await.json();
    for credential in credentials {
        let asking = Schemathesis {
            address,
            credential,
            document: &document,
            without: &[],
            unjudged: &[],
        };
        tokio::task::block_in_place(|| asking.run());
    }
    // It still answers whoever asks well.
    assert_eq!(sandbox.value("SELECT 1 AS one").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_door_answers_as_its_document_says() {
    let sandbox = Sandbox::up().await;
    let address = &sandbox.address().ingest;
    let document = Client::send(sandbox.ingest_get("/openapi.json")).await;
    let document = document.expect("ingest answers").json();
    for credential in [Some(&*sandbox.tenant.key), None] {
        let asking = Schemathesis {
            address,
            credential,
            document: &document,
            // The answer of one has no end, and the other takes zip files alone, which
            // Schemathesis cannot make.
            without: &["/v1/tail", "/v1/roster"],
            // Of many events one that is wrong is answered among the others, and what
            // Segment's senders leave out or add is let pass.
            unjudged: &["negative_data_rejection"],
        };
        tokio::task::block_in_place(|| asking.run());
    }
    sandbox.post(&[event::nth(0)]).await.expect_status(202);
}
