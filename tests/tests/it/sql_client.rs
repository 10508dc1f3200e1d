//! `chalkline sql` asks a running system, in scripts and in a terminal.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use e2e::{Sandbox, chalkline, event, python};
use serde_json::{Value, json};

/// What a run of the client left behind.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// `chalkline sql` in the sandbox's data folder, without a token.
fn client(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = chalkline();
    command
        .arg("sql")
        .args(arguments)
        .env("CHALKLINE_DATA_DIR", sandbox.data())
        .env("XDG_STATE_HOME", sandbox.path("state"))
        .env("NO_COLOR", "1")
        .env_remove("PAGER");
    command
}

fn finish(mut command: Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chalkline starts");
    let mut stdin = child.stdin.take().expect("its input is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    Ran {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn run(sandbox: &Sandbox, arguments: &[&str], input: &str) -> Ran {
    finish(client(sandbox, arguments), input)
}

impl Ran {
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_answered_in_every_format() {
    let sandbox = Sandbox::up().await;
    sandbox.post(&[event::nth(0)]).await.expect_status(202);
    sandbox.wait_for_count(event::table(0), 1).await;

    // Without a token: it makes its own, and keeps it for the next run alone.
    let counted = run(&sandbox, &["SELECT count(*) AS n FROM clickstream"], "");
    assert!(counted.err.contains("(1 row, "), "{}", counted.err);
    assert!(counted.err.contains("complete up to 20"), "{}", counted.err);
    assert!(counted.done().starts_with(" n\n---\n"));
    let kept = std::fs::metadata(sandbox.data().join("sql.json")).expect("kept");
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    run(&sandbox, &["SELECT 1"], "").done();
    let tokens = sandbox.cli(&["token", "list", "--tenant", &sandbox.tenant.id]);
    let made = tokens["tokens"].as_array().expect("a list").iter();
    assert_eq!(made.filter(|token| token["label"] == "sql").count(), 1);

    let sql = "SELECT 1.50 AS d, 'a,b' AS t, NULL AS e";
    let formats = [
        ("csv", "d,t,e\r\n1.5,\"a,b\",\r\n"),
        ("ndjson", "{\"d\":1.5,\"t\":\"a,b\",\"e\":null}\n"),
        (
            "markdown",
            "| d | t | e |\n| --: | --- | --- |\n| 1.5 | a,b |  |\n",
        ),
    ];
    for (format, expected) in formats {
        let shown = run(&sandbox, &["--format", format, "-c", sql], "").done();
        assert_eq!(shown, expected, "{format}");
    }
    let shown = run(&sandbox, &["-c", sql], "").done();
    assert!(shown.contains(" 1.5 | a,b | NULL\n"), "{shown}");
    let document = run(&sandbox, &["--json", sql], "").done();
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["rows"][0]["t"], "a,b");
    let file = sandbox.path("rows.arrow");
    run(&sandbox, &["--format", "arrow", "-o", &file, sql], "").done();
    assert!(std::fs::read(&file).expect("written").len() > 100);

    let params = [
        "-q",
        "-p",
        "b",
        "-p",
        "7",
        "SELECT $1 AS a, $2 + 1 AS b",
        "--format",
        "csv",
    ];
    assert_eq!(run(&sandbox, &params, "").done(), "a,b\r\nb,8\r\n");

    // What others wrote steers no terminal, and programs get it as it is.
    let escape = "SELECT chr(27) || '[2J' AS t";
    assert!(run(&sandbox, &[escape], "").done().contains("\\u{1b}[2J"));
    let raw = run(&sandbox, &["--format", "csv", escape], "").done();
    assert_eq!(raw, "t\r\n\u{1b}[2J\r\n");

    // A long answer goes through as it comes.
    let many = "SELECT value FROM generate_series(1, 300000)";
    let lines = run(&sandbox, &["--format", "ndjson", many], "").done();
    assert_eq!(lines.lines().count(), 300_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_ends_at_its_first_error() {
    let sandbox = Sandbox::up().await;
    let script = "-- a; comment\nSELECT ';' AS a;\n\\format csv\nSELECT 2 AS b; SELECT\n 3 AS c\n";
    let ran = run(&sandbox, &["-q"], script);
    assert_eq!(ran.err, "");
    assert_eq!(ran.done(), " a\n---\n ;\nb\r\n2\r\nc\r\n3\r\n");

    let bad = sandbox.write(
        "bad.sql",
        "SELECT 1 AS a;\n\nSELECT\n 1 + ) AS x;\nSELECT 2 AS b;\n",
    );
    let ran = run(&sandbox, &["-q", "-f", &bad, "--format", "csv"], "");
    assert_eq!((ran.code, ran.out.as_str()), (1, "a\r\n1\r\n"));
    for part in [
        "bad.sql:3: sql_syntax (400): ",
        "LINE 2:  1 + ) AS x\n",
        "^",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }

    let including = sandbox.write("including.sql", &format!("\\i {bad}\n"));
    let ran = run(&sandbox, &["-f", &including], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("including.sql:1: "), "{}", ran.err);
    let itself = sandbox.path("itself.sql");
    sandbox.write("itself.sql", &format!("\\i {itself}\n"));
    let ran = run(&sandbox, &["-f", &itself], "");
    assert!(ran.err.contains("does it include itself?"), "{}", ran.err);

    let ran = run(&sandbox, &["\\nonsense"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("\\? shows all"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_what_there_is_can_be_asked() {
    let sandbox = Sandbox::up().await;
    let rows = |arguments: &[&str]| -> Vec<Value> {
        let shown = run(&sandbox, &[&["-q", "--json"], arguments].concat(), "").done();
        serde_json::from_str(&shown).expect("JSON")
    };
    let tables = rows(&["\\d"]);
    assert!(tables.iter().any(|row| row["table"] == "video_retention"));
    let columns = rows(&["\\d video"]);
    let key = columns.iter().find(|row| row["column"] == "student_key");
    assert_eq!(key.expect("a column")["class"], "key");
    let functions = rows(&["\\h date_t"]);
    assert!(
        functions.iter().any(|row| row["kind"] == "scalar"),
        "{functions:?}"
    );
    let reports = rows(&["\\r"]);
    assert!(reports.iter().any(|row| row["report"] == "student_day"));
    let who = rows(&["\\w"]);
    let is = |what: &str| {
        let row = who.iter().find(|row| row["what"] == what);
        row.expect("it is said")["is"].clone()
    };
    assert_eq!(
        (is("tenant"), is("role")),
        (json!(sandbox.tenant.id), json!("steward"))
    );

    let ran = run(&sandbox, &["\\d videos"], "");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("there is no table videos: there is video"),
        "{}",
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_is_asked_with_a_token_alone() {
    let sandbox = Sandbox::up().await;
    let url = sandbox.address().query;
    let elsewhere = sandbox.path("elsewhere");
    let ask = |url: &str, token: Option<&str>| {
        let mut command = client(&sandbox, &["-q", "--format", "csv", "SELECT 1 AS a"]);
        command.env("CHALKLINE_DATA_DIR", &elsewhere);
        command.env("CHALKLINE_URL", url);
        if let Some(token) = token {
            command.env("CHALKLINE_TOKEN", token);
        }
        finish(command, "")
    };
    assert_eq!(ask(&url, Some(&sandbox.tenant.token)).done(), "a\r\n1\r\n");
    for (url, token, told) in [
        (url.as_str(), None, "CHALKLINE_TOKEN"),
        (url.as_str(), Some("ct_nobody_00000000_x"), "token_"),
        (url.as_str(), Some(sandbox.tenant.key.as_str()), "write key"),
        (
            "http://127.0.0.1:1",
            Some(sandbox.tenant.token.as_str()),
            "does not answer",
        ),
        (
            sandbox.address().ingest.as_str(),
            Some(sandbox.tenant.token.as_str()),
            "no query service",
        ),
    ] {
        let ran = ask(url, token);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
        assert!(
            !ran.err.contains(&sandbox.tenant.token),
            "no secret is shown"
        );
    }
    assert!(
        !std::path::Path::new(&elsewhere).exists(),
        "no lake is begun"
    );
}

/// What a session at a terminal of so many columns shows.
fn sit(sandbox: &Sandbox, columns: u32, arguments: &[&str], steps: &Value) -> Value {
    let client = client(sandbox, arguments);
    let mut command: Vec<String> = vec!["env".to_owned(), "TERM=xterm".to_owned()];
    for (name, value) in client.get_envs() {
        let name = name.to_string_lossy();
        command.push(match value {
            Some(value) => format!("{name}={}", value.to_string_lossy()),
            None => format!("--unset={name}"),
        });
    }
    // What is unset has to stand before what is set.
    command[1..].sort_by_key(|word| !word.starts_with("--unset"));
    command.push(client.get_program().to_string_lossy().into_owned());
    let arguments = client
        .get_args()
        .map(|word| word.to_string_lossy().into_owned());
    command.extend(arguments);
    let mut words = vec![columns.to_string(), steps.to_string()];
    words.extend(command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    python::run("terminal.py", &words)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_at_a_terminal_remembers_completes_and_cancels() {
    let sandbox = Sandbox::up().await;
    let prompt = format!("{}=> ", sandbox.tenant.id);
    // One side is held in memory, and must not fill it.
    let endless = "SELECT count(*) FROM generate_series(1, 2000000) a CROSS JOIN \
                   generate_series(1, 10000000000) b WHERE a.value + b.value = -1;\r";
    let session = json!([
        ["", prompt],
        // Several lines are one statement, and one entry of the history.
        ["SELECT 40 + 2\r", "\n"],
        ["AS answer;\r", "(1 row, ", prompt],
        ["\\d video_retention\r", "viewers", prompt],
        ["\\x\r", "one below the other: on", prompt],
        ["SELECT 'one' AS below;\r", "-[ record 1 ]", prompt],
        ["\\x off\r", "one below the other: off", prompt],
        // Once the tables are known, Tab completes their names and their columns.
        ["SELECT * FROM video_ret\t", "video_retention", true],
        [" WHERE retention\t", "retention_rate"],
        ["\u{3}", prompt],
        ["\\tim\t\r", "Timing is off", prompt],
        ["SELECT nonsense;\r", "ERROR: unknown_column (400)", prompt],
        ["\\frob\r", "\\? shows all", prompt],
        [endless, "Ctrl-C ends the query"],
        ["\u{3}", "Cancelled.", prompt],
        ["SELECT 'still ' || 'here' AS t;\r", "still here", prompt],
        ["SELECT chr(27) || ']0;x' AS t;\r", "\\u{1b}]0;x", prompt],
        ["\\format csv\r", "The format is csv", prompt],
        ["SELECT chr(27) || '[31m' AS t;\r", "\\u{1b}[31m", prompt],
        ["\u{4}", ""]
    ]);
    let sat = sit(&sandbox, 100, &[], &session);
    assert_eq!(sat["code"], 0, "{sat}");
    let screen = sat["screen"].as_str().expect("text");
    assert!(
        !screen.contains("\u{1b}]0;x") && !screen.contains("\u{1b}[31m"),
        "{screen}"
    );

    let file = sandbox.path("state/chalkline/sql_history");
    let mode = std::fs::metadata(&file)
        .expect("it remembers")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let history = std::fs::read_to_string(&file).expect("text");
    assert!(history.contains("SELECT 40 + 2\\nAS answer;"), "{history}");
    assert!(!history.contains("ct_"), "{history}");

    // The next session has what this one was told; a narrow terminal what fits.
    let wide = "SELECT repeat('x', 60) AS a, repeat('y', 60) AS b;\r";
    let again = json!([
        ["", prompt],
        ["\u{1b}[A\u{1b}[A\u{1b}[A\u{1b}[A\r", "still here", prompt],
        [wide, "xxx…", prompt],
        ["quit\r", ""]
    ]);
    let sat = sit(
        &sandbox,
        60,
        &["--no-history"],
        &json!([["", prompt], ["\\q\r", ""]]),
    );
    assert_eq!(sat["code"], 0, "{sat}");
    let sat = sit(&sandbox, 60, &[], &again);
    assert_eq!(sat["code"], 0, "{sat}");
}
