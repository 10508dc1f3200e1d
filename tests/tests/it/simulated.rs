//! A simulated school goes in whole, however it is delivered, and its reports find what is
//! in it.

use e2e::Sandbox;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

const SCHOOL: [&str; 12] = [
    "simulate",
    "school",
    "--students",
    "60",
    "--year",
    "2024",
    "--from",
    "2024-09-16",
    "--until",
    "2024-10-01",
    "--seed",
    "7",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_school_is_stored_once_however_it_is_delivered() {
    let sandbox = Sandbox::up().await;
    let out = sandbox.path("school");
    let files = sandbox.cli(&[&SCHOOL[..], &["--out", &out]].concat());
    let written = files["files"].as_array().expect("a list of files");
    let events = written.last().expect("the events")["rows"]
        .as_u64()
        .expect("a count");

    let events_file = std::fs::File::open(format!("{out}/events.ndjson.gz")).expect("a file");
    let text = std::io::read_to_string(GzDecoder::new(events_file)).expect("text");
    assert_eq!(text.lines().count() as u64, events);
    let video = |line: &&str| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        event["type"]
            .as_str()
            .is_some_and(|name| name.starts_with("video."))
    };
    let videos = text.lines().filter(video).count() as u64;

    // In ideal order, then as the world delivers it: what is late at the end never comes.
    let key = sandbox.tenant.key.clone();
    let url = sandbox.address().ingest;
    for real in [&[][..], &["--real"][..]] {
        let state = sandbox.path(&format!("state-{}.json", real.len()));
        let target = ["--key", &key, "--url", &url, "--state", &state];
        let posted = sandbox.cli(&[&SCHOOL[..], real, &target].concat());
        assert_eq!(posted["rejected"], 0, "{posted}");
    }
    sandbox.wait_for_count("video", videos).await;

    let sql = "select count(*) as n from ledger where not balanced";
    e2e::eventually("the ledger balances", || async {
        let reply = sandbox
            .ask(sql, json!([]))
            .await
            .map_err(|error| error.to_string())?;
        let unbalanced = reply.json()["rows"][0]["n"].clone();
        (unbalanced == 0)
            .then_some(())
            .ok_or(format!("{unbalanced} hours do not"))
    })
    .await;
    e2e::eventually("the reports know the students", || async {
        let sql = "select count(distinct student_key) as n from student_day";
        let reply = sandbox
            .ask(sql, json!([]))
            .await
            .map_err(|error| error.to_string())?;
        let students = reply.json()["rows"][0]["n"].as_u64().unwrap_or(0);
        (students > 50)
            .then_some(())
            .ok_or(format!("{students} so far"))
    })
    .await;
}
