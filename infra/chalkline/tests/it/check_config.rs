use crate::{Folder, stderr};

#[test]
fn the_configuration_in_effect_is_printed_without_secrets() {
    let folder = Folder::new();
    let file = folder.write(
        "chalkline.toml",
        "[query]\njson_rows = 7\n[lake.options]\nAWS_SECRET_ACCESS_KEY = \"hush\"\n",
    );
    let config = folder.json(&["check-config", "--config", &file]);
    assert_eq!(config["query"]["json_rows"], 7);
    assert_eq!(config["ingest"]["listen"], "127.0.0.1:8080");
    assert_eq!(
        config["lake"]["options"]["AWS_SECRET_ACCESS_KEY"],
        "[redacted]"
    );

    let printed = folder.run(&["check-config", "--config", &file]).stdout;
    let printed = String::from_utf8(printed).expect("UTF-8");
    assert!(printed.contains("json_rows = 7"), "{printed}");
    assert!(!printed.contains("hush"), "{printed}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_by_every_command() {
    let folder = Folder::new();
    let file = folder.write(
        "chalkline.toml",
        "colour = \"red\"\n[log]\npartitions = 0\n",
    );
    for arguments in [&["check-config"][..], &["up"], &["tenant", "list"]] {
        let output = folder
            .command(arguments)
            .env("CHALKLINE_CONFIG", &file)
            .env("CHALKLINE_INGEST_LISTNE", "127.0.0.1:0")
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let problems = stderr(&output);
        for problem in [
            "colour",
            "did you mean CHALKLINE_INGEST_LISTEN?",
            "partitions",
        ] {
            assert!(problems.contains(problem), "{problem}: {problems}");
        }
    }
    assert!(!folder.data().exists(), "nothing was begun");
}

#[test]
fn wrong_arguments_end_with_2() {
    let folder = Folder::new();
    let output = folder.run(&["token", "issue", "--tenant", "demo", "--role", "king"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("steward, district_admin"),
        "{}",
        stderr(&output)
    );
}
