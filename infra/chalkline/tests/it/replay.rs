use std::os::unix::fs::PermissionsExt as _;

use rstest::rstest;
use serde_json::{Value, json};

use crate::up::Up;
use crate::{Folder, stderr};

#[test]
fn where_nothing_is_wrong_there_is_nothing_to_replay() {
    let folder = Folder::new();
    folder.json(&["tenant", "add", "North"]);
    let up = Up::start(&folder);
    let output = folder.run(&["replay", "--quarantine"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        said.trim(),
        "Nothing to replay: the quarantine has no such records."
    );
    let said = folder.json(&["replay", "--from", "2020-01-01", "--tenant", "north"]);
    assert_eq!(said["entered"], 0);
    assert_eq!(said["found"], json!([]));

    let output = folder.run(&["replay", "--quarantine", "--tenant", "south"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("there is no tenant south"));

    assert_eq!(up.stop(), Some(0));
    let output = folder.run(&["replay", "--quarantine"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "is at rest: start `chalkline up` there, then say this again";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}

#[tokio::test]
async fn the_door_for_commands_opens_to_who_may_read_the_folder() {
    let folder = Folder::new();
    let up = Up::start(&folder);
    let path = folder.data().join("admin.json");
    let mode = std::fs::metadata(&path).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let file = std::fs::read(&path).expect("it can be read");
    let admin: Value = serde_json::from_slice(&file).expect("JSON");
    let url = admin["url"].as_str().expect("an address");
    let token = admin["token"].as_str().expect("a token");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");

    chalkline::install_crypto();
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let post = |token: Option<&str>, body: &'static str| {
        let request = client.post(format!("{url}/v1/replay")).body(body);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    for wrong in [None, Some("wrong"), Some("")] {
        let answer = post(wrong, "{}").send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{wrong:?}");
    }
    let answer = post(Some(token), "{}").send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    let request =
        r#"{"of":{"missing":{"from":null,"to":null}},"tenant":null,"rate":9,"dry_run":true}"#;
    let answer = post(Some(token), request).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let lines = answer.text().await.expect("a body");
    let last = lines.lines().next_back().expect("a line");
    let last: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(last["summary"]["entered"], 0, "{lines}");

    assert_eq!(up.stop(), Some(0));
    assert!(!path.exists());
}

#[rstest]
#[case::nothing(&["replay"], "required")]
#[case::both(&["replay", "--quarantine", "--from", "2026-01-01"], "cannot be used with")]
#[case::no_time(&["replay", "--from", "yesterday"], "write it as 2026-09-14T08:00:00Z")]
#[case::no_rate(&["replay", "--quarantine", "--rate", "0"], "is not in 1..")]
#[case::of_the_log(&["replay", "--from", "2026-01-01", "--stage", "decode"], "cannot be used with")]
fn what_makes_no_sense_is_refused_with_the_reason(
    #[case] arguments: &[&str],
    #[case] expected: &str,
) {
    let folder = Folder::new();
    let output = folder.run(arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}

#[test]
fn a_time_that_ends_before_it_begins_is_refused() {
    let folder = Folder::new();
    let output = folder.run(&["replay", "--from", "2026-02-01", "--to", "2026-01-01"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "the first has to be earlier";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}
