//! Who sees what, as operators say it: tokens, policies, identity providers.

use std::io::Write as _;
use std::process::Stdio;

use rstest::rstest;
use serde_json::{Value, json};

use crate::{Folder, stderr};

const DEMO: [&str; 2] = ["--tenant", "demo"];

fn demo() -> Folder {
    let folder = Folder::new();
    folder.json(&["tenant", "add", "Demo"]);
    folder
}

fn issue(folder: &Folder, options: &[&str]) -> Value {
    folder.json(&[&["token", "issue"], &DEMO[..], options].concat())
}

#[test]
fn tokens_are_for_somebody_within_bounds_and_for_a_while() {
    let folder = demo();
    let teacher = issue(
        &folder,
        &["--role", "teacher", "--subject", "t-1", "--expires", "90d"],
    );
    assert_eq!(teacher["subject"], "t-1");
    assert_eq!(teacher["grant"], json!({}));
    let options = [
        "--role",
        "service",
        "--label",
        "portal",
        "--names",
        "--table",
        "users",
        "--table",
        "video",
        "--filter",
        "course_id=bio-101",
        "--filter",
        "course_id=bio-102",
        "--expires",
        "2099-06-30",
    ];
    let service = issue(&folder, &options);
    let grant = json!({
        "tables": ["users", "video"], "names": true,
        "filters": {"course_id": ["bio-101", "bio-102"]},
    });
    assert_eq!(service["grant"], grant);
    issue(&folder, &["--role", "school_admin", "--school", "org-n"]);

    let listed = folder.json(&[&["token", "list"], &DEMO[..]].concat());
    let listed = listed["tokens"].as_array().expect("tokens");
    assert_eq!(listed[0]["subject"], "t-1");
    assert!(listed[0]["expires_at"].is_string(), "{}", listed[0]);
    assert_eq!(listed[1]["grant"], grant);
    assert_eq!(listed[1]["expires_at"], "2099-06-30T00:00:00Z");
    assert_eq!(listed[2]["grant"], json!({"schools": ["org-n"]}));
    let text = folder.run(&[&["token", "list"], &DEMO[..]].concat()).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    let bounds = "tables=users,video course_id=bio-101,bio-102 names";
    assert!(text.contains(bounds), "{text}");
    assert!(text.contains("schools=org-n"), "{text}");
}

#[rstest]
#[case(&["--role", "teacher"], "a teacher is somebody")]
#[case(&["--role", "service"], "a service sees the tables that it is given")]
#[case(&["--role", "school_admin"], "a school_admin runs schools")]
#[case(&["--role", "analyst", "--names"], "names are for a service")]
#[case(&["--role", "service", "--table", "user"], "did you mean users?")]
#[case(&["--role", "analyst", "--filter", "colour=red"], "a column \"colour\"")]
fn tokens_that_make_no_sense_are_not_issued(#[case] options: &[&str], #[case] expected: &str) {
    let folder = demo();
    for command in [&["token", "issue"][..], &["link"]] {
        let refused = folder.run(&[command, &DEMO[..], options].concat());
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        assert!(stderr(&refused).contains(expected), "{}", stderr(&refused));
    }
    let listed = folder.json(&[&["token", "list"], &DEMO[..]].concat());
    assert_eq!(listed["tokens"], json!([]));
}

#[test]
fn what_holds_of_all_who_ask_is_set_and_shown() {
    let folder = demo();
    let set = |options: &[&str]| folder.json(&[&["tenant", "set", "demo"], options].concat());
    let changed = set(&["--minimum-cell", "20", "--former-sections-days", "0"]);
    assert_eq!(changed["minimum_cell"], 20);
    assert_eq!(changed["former_sections_days"], 0);
    let changed = set(&["--embed-origin", "https://portal.example/"]);
    assert_eq!(changed["embed_origins"], json!(["https://portal.example"]));
    assert_eq!(changed["minimum_cell"], 20);
    let shown = folder.json(&["tenant", "show", "demo"]);
    assert_eq!(shown["embed_origins"], json!(["https://portal.example"]));
    assert_eq!(set(&["--embed-origin", ""])["embed_origins"], json!([]));
    for options in [
        &["--minimum-cell", "0"],
        &["--embed-origin", "portal.example"],
    ] {
        let refused = folder.run(&[&["tenant", "set", "demo"], &options[..]].concat());
        assert_eq!(refused.status.code(), Some(2), "{options:?}");
    }
}

fn policy(change: &Value) -> Value {
    let mut policy = json!({
        "id": "absent", "reason": "Counsellors follow up who is absent.",
        "roles": ["teacher"], "tables": ["attendance"], "effect": "grant",
        "when": {"status": {"one_of": ["absent"]}},
    });
    for (name, value) in change.as_object().expect("an object") {
        policy[name] = value.clone();
    }
    policy
}

#[test]
fn policies_are_checked_set_changed_and_removed() {
    let folder = demo();
    let run = |words: &[&str]| folder.json(&[&["policy"], words, &DEMO[..]].concat());
    let file = folder.write("absent.json", &policy(&json!({})).to_string());
    assert_eq!(run(&["check", &file])["sound"], json!(["absent"]));
    assert_eq!(run(&["list"])["policies"], json!([]));
    assert_eq!(run(&["set", &file])["replaced"], false);
    let other = policy(&json!({"reason": "They do."}));
    let file = folder.write("absent.json", &other.to_string());
    assert_eq!(run(&["set", &file])["replaced"], true);
    assert_eq!(run(&["list"])["policies"], json!([other]));
    assert_eq!(run(&["check"])["sound"], json!(["absent"]));
    let shown = folder.json(&["tenant", "show", "demo"]);
    assert_eq!(shown["policies"], json!([other]));

    let wrong = policy(&json!({"tables": ["attendances"], "roles": []}));
    let file = folder.write("wrong.json", &wrong.to_string());
    for command in ["check", "set"] {
        let refused = folder.run(&[&["policy", command, &file], &DEMO[..]].concat());
        assert_eq!(refused.status.code(), Some(1));
        let text = stderr(&refused);
        assert!(text.contains("did you mean attendance?"), "{text}");
        assert!(text.contains("roles:"), "{text}");
    }
    run(&["remove", "absent"]);
    let again = folder.run(&[&["policy", "remove", "absent"], &DEMO[..]].concat());
    assert!(
        stderr(&again).contains("no policy absent"),
        "{}",
        stderr(&again)
    );
    assert_eq!(run(&["list"])["policies"], json!([]));
}

#[test]
fn a_policy_may_come_from_another_program() {
    let folder = demo();
    let mut command = folder.command(&[&["policy", "set", "-"], &DEMO[..]].concat());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().expect("it starts");
    let mut input = running.stdin.take().expect("its input");
    let document = policy(&json!({})).to_string();
    input.write_all(document.as_bytes()).expect("it reads");
    drop(input);
    let ended = running.wait_with_output().expect("it ends");
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(text.contains("Policy absent is set"), "{text}");
}

fn provider(change: &Value) -> Value {
    let mut provider = json!({
        "issuer": "https://login.example", "audience": "chalkline",
        "claims": {"role": {"values": {"Faculty": "teacher"}}},
    });
    for (name, value) in change.as_object().expect("an object") {
        provider[name] = value.clone();
    }
    provider
}

#[test]
fn providers_are_trusted_shown_and_trusted_no_more() {
    let folder = demo();
    folder.json(&["tenant", "add", "Other"]);
    let file = folder.write("provider.json", &provider(&json!({})).to_string());
    let set = folder.json(&["tenant", "idp", "set", "demo", &file]);
    assert_eq!(set["replaced"], false);
    let again = folder.json(&["tenant", "idp", "set", "demo", &file]);
    assert_eq!(again["replaced"], true);
    let shown = folder.json(&["tenant", "idp", "show", "demo"]);
    let shown = &shown["identity_providers"];
    assert_eq!(shown[0]["issuer"], "https://login.example");
    assert_eq!(shown[0]["clock_skew_s"], 60);
    assert_eq!(shown.as_array().map(Vec::len), Some(1));

    // A token opens one tenant.
    let shared = folder.run(&["tenant", "idp", "set", "other", &file]);
    let text = stderr(&shared);
    assert!(text.contains("an audience of its own"), "{text}");

    for (change, expected) in [
        (json!({"issuer": "http://login.example"}), "issuer:"),
        (json!({"algorithms": ["HS256"]}), "HS256"),
        (json!({"match": "given_name"}), "given_name"),
        (json!({"secret": "x"}), "secret"),
    ] {
        let file = folder.write("wrong.json", &provider(&change).to_string());
        let refused = folder.run(&["tenant", "idp", "set", "demo", &file]);
        assert_eq!(refused.status.code(), Some(1), "{change}");
        assert!(stderr(&refused).contains(expected), "{}", stderr(&refused));
    }
    let issuer = "https://login.example";
    folder.json(&["tenant", "idp", "remove", "demo", issuer]);
    let gone = folder.run(&["tenant", "idp", "remove", "demo", issuer]);
    assert!(
        stderr(&gone).contains("trusts no provider"),
        "{}",
        stderr(&gone)
    );
    let nothing = folder.run(&["tenant", "idp", "check", "demo"]);
    assert!(stderr(&nothing).contains("idp set"), "{}", stderr(&nothing));
}

#[test]
fn a_provider_that_does_not_answer_is_said() {
    let folder = demo();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let issuer = format!("http://{}", unused.local_addr().expect("an address"));
    drop(unused);
    let document = provider(&json!({ "issuer": issuer }));
    let file = folder.write("provider.json", &document.to_string());
    let checked = folder.run(&["tenant", "idp", "check", "demo", "--file", &file, "--json"]);
    assert_eq!(checked.status.code(), Some(1));
    let checked: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    let error = checked["identity_providers"][0]["error"].as_str();
    assert!(
        error.is_some_and(|error| error.contains("does not answer")),
        "{checked}"
    );
}
