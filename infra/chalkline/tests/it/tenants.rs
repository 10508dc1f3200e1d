use serde_json::json;

use crate::{Folder, stderr};

#[test]
fn tenants_keys_and_tokens_are_made_listed_and_revoked() {
    let folder = Folder::new();
    let calendar = folder.write(
        "terms.toml",
        "[[terms]]\nid = \"fall\"\nstart = \"2026-08-20\"\nend = \"2026-12-20\"\n",
    );
    let added = folder.json(&[
        "tenant",
        "add",
        "North High",
        "--calendar",
        &calendar,
        "--time-zone",
        "America/Chicago",
    ]);
    assert_eq!(
        added,
        json!({ "tenant": "north-high", "name": "North High" })
    );

    let key = folder.json(&[
        "key",
        "issue",
        "--tenant",
        "north-high",
        "--label",
        "web",
        "--family",
        "video",
        "clickstream",
    ]);
    let secret = key["key"].as_str().expect("a key");
    let id = key["id"].as_str().expect("an id");
    assert!(secret.starts_with(&format!("ck_north-high_{id}_")), "{key}");
    let token = folder.json(&[
        "token",
        "issue",
        "--tenant",
        "north-high",
        "--role",
        "analyst",
    ]);
    let token_id = token["id"].as_str().expect("an id");
    assert!(
        token["token"]
            .as_str()
            .expect("a token")
            .starts_with("ct_north-high_")
    );
    assert_eq!(token["role"], "analyst");

    let shown = folder.json(&["tenant", "show", "north-high"]);
    assert_eq!(shown["time_zone"], "America/Chicago");
    assert_eq!(shown["calendar"]["terms"][0]["id"], "fall");
    assert_eq!(
        shown["keys"][0]["families"],
        json!(["video", "clickstream"])
    );
    assert!(shown["keys"][0].get("hash").is_none());

    folder.json(&["key", "revoke", "--tenant", "north-high", id]);
    folder.json(&["token", "revoke", "--tenant", "north-high", token_id]);
    let keys = folder.json(&["key", "list", "--tenant", "north-high"]);
    let tokens = folder.json(&["token", "list", "--tenant", "north-high"]);
    assert!(keys["keys"][0]["revoked_at"].is_string(), "{keys}");
    assert!(tokens["tokens"][0]["revoked_at"].is_string(), "{tokens}");

    let tenants = folder.json(&["tenant", "list"]);
    assert_eq!(tenants["tenants"][0]["tenant"], "north-high");
}

#[test]
fn prefixes_are_set_changed_and_shown() {
    let folder = Folder::new();
    let lms = "https://lms.example/users/";
    folder.json(&["tenant", "add", "Demo", "--actor-prefix", lms]);
    let shown = folder.json(&["tenant", "show", "demo"]);
    assert_eq!(shown["actor_prefixes"], json!([lms]));
    assert_eq!(shown["id_prefixes"], json!([]));

    // What is not named stays.
    let courses = ["https://lms.example/c/", "https://old.example/c/"];
    let set = folder.json(&[
        "tenant",
        "set",
        "demo",
        "--id-prefix",
        courses[0],
        "--id-prefix",
        courses[1],
    ]);
    let expected = json!({
        "tenant": "demo", "actor_prefixes": [lms], "id_prefixes": courses,
        "former_sections_days": 30, "minimum_cell": 10, "embed_origins": [],
    });
    assert_eq!(set, expected);
    let set = folder.json(&["tenant", "set", "demo", "--actor-prefix", ""]);
    assert_eq!(set["actor_prefixes"], json!([]));
    assert_eq!(set["id_prefixes"], json!(courses));
    let text = folder.run(&["tenant", "set", "demo", "--id-prefix", lms]);
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    assert!(text.contains("Cut from actors: nothing\n"), "{text}");
    assert!(!folder.run(&["tenant", "set", "demo"]).status.success());
}

#[test]
fn what_an_option_takes_is_said() {
    let folder = Folder::new();
    let zone = folder.run(&["tenant", "add", "Demo", "--time-zone", "Mars/X"]);
    assert!(
        stderr(&zone).contains("America/Chicago"),
        "{}",
        stderr(&zone)
    );
    let issue = ["token", "issue", "--tenant", "demo", "--role"];
    let role = folder.run(&[&issue[..], &["king"]].concat());
    assert!(
        stderr(&role).contains("steward, district_admin"),
        "{}",
        stderr(&role)
    );
    let help = folder.run(&["token", "issue", "--help"]);
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    assert!(help.contains("analyst, service]"), "{help}");
}

#[test]
fn people_see_the_secret_once_with_a_note() {
    let folder = Folder::new();
    folder.json(&["tenant", "add", "Demo"]);
    let output = folder.run(&["key", "issue", "--tenant", "demo"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let secret = text.lines().next().expect("a line");
    assert!(secret.starts_with("ck_demo_"), "{text}");
    assert!(text.contains("shown this once"), "{text}");
    let listed = folder.run(&["key", "list", "--tenant", "demo"]).stdout;
    let listed = String::from_utf8(listed).expect("UTF-8");
    let hidden = secret.rsplit('_').next().expect("a secret part");
    assert!(!listed.contains(hidden), "{listed}");
}

#[test]
fn what_cannot_be_done_is_one_sentence() {
    let folder = Folder::new();
    folder.json(&["tenant", "add", "Demo"]);
    let backwards = folder.write(
        "terms.json",
        r#"{"terms": [{"id": "fall", "start": "2026-12-20", "end": "2026-08-20"}]}"#,
    );
    for (arguments, expected) in [
        (&["tenant", "add", "Demo"][..], "demo exists already"),
        (&["tenant", "add", "学校"], "give one with --id"),
        (&["key", "issue", "--tenant", "other"], "no tenant other"),
        (
            &["key", "revoke", "--tenant", "demo", "x"],
            "tenant demo has no key x",
        ),
        (&["tenant", "show", "other"], "no tenant other"),
        (
            &["tenant", "add", "Back", "--calendar", &backwards],
            "term fall ends before it starts",
        ),
    ] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));

        let output = folder.run(&[arguments, &["--json"]].concat());
        let error: serde_json::Value =
            serde_json::from_slice(&output.stderr).expect("JSON on standard error");
        assert!(error["error"]["message"].is_string());
    }
}

#[test]
fn commands_in_the_wrong_folder_say_so_and_leave_nothing() {
    let folder = Folder::new();
    for arguments in [
        &["key", "issue", "--tenant", "demo"][..],
        &["key", "list", "--tenant", "demo"],
        &["key", "revoke", "--tenant", "demo", "x"],
        &["token", "issue", "--tenant", "demo", "--role", "steward"],
        &["tenant", "list"],
        &["tenant", "show", "demo"],
        &["link"],
    ] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let expected = format!("no Chalkline data in {}", folder.data().display());
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
        assert!(!folder.data().exists(), "{arguments:?}");
    }
    // The first tenant begins a lake, and says where.
    let output = folder.run(&["tenant", "add", "Demo"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.contains(&folder.data().display().to_string()),
        "{text}"
    );
}

#[test]
fn a_link_needs_a_tenant_and_a_page() {
    let folder = Folder::new();
    folder.json(&["tenant", "add", "Demo"]);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", unused.local_addr().expect("an address"));
    drop(unused);
    let output = folder.run(&["link", "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("does not answer"),
        "{}",
        stderr(&output)
    );

    // Whoever listens where an `up` would gets no token that was made for it.
    for command in [&["link"][..], &["sql", "SELECT 1"]] {
        let before = folder.json(&["token", "list", "--tenant", "demo"]);
        let output = folder.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let expected = format!("no chalkline up runs in {}", folder.data().display());
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
        assert_eq!(
            folder.json(&["token", "list", "--tenant", "demo"]),
            before,
            "{command:?}"
        );
    }

    folder.json(&["tenant", "add", "Other"]);
    let output = folder.run(&["link", "--url", &url]);
    assert!(stderr(&output).contains("--tenant"), "{}", stderr(&output));
}
