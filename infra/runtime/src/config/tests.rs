use std::collections::BTreeMap;
use std::net::SocketAddr;

use rstest::rstest;
use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    data_dir: String,
    ingest: Section,
    lake: Lake,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Section {
    listen: SocketAddr,
    body_limit: u32,
    origins: Vec<String>,
    compress: bool,
    label: Option<String>,
    workers: Option<u16>,
    mode: Mode,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Fast,
    Safe,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Lake {
    url: Option<String>,
    password: Secret,
    options: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "./data".to_owned(),
            ingest: Section::default(),
            lake: Lake::default(),
        }
    }
}

impl Default for Section {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            body_limit: 4096,
            origins: Vec::new(),
            compress: true,
            label: None,
            workers: None,
            mode: Mode::Fast,
        }
    }
}

impl Check for Config {
    fn problems(&self) -> Vec<String> {
        let limit = self.ingest.body_limit;
        (limit < 1024)
            .then(|| format!("[ingest] body_limit: must be at least 1024, not {limit}"))
            .into_iter()
            .collect()
    }
}

fn env<'a>(variables: &'a [(&str, &str)]) -> impl Iterator<Item = (String, String)> + 'a {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

/// Loads `text` as a file, and gives each problem with the file's folder cut.
fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.toml");
    std::fs::write(&path, text).expect("written");
    let folder = format!("{}/", folder.path().display());
    load(Some(&path), env(variables)).map_err(|problems| {
        problems
            .problems()
            .iter()
            .map(|problem| problem.to_string().replace(&folder, ""))
            .collect()
    })
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let text = r#"
        data_dir = "/srv/a"
        [ingest]
        listen = "127.0.0.1:1"
        body_limit = 2048
        [lake.options]
        AWS_REGION = "eu-west-1"
        AWS_ALLOW_HTTP = "false"
    "#;
    let variables = [
        ("CHALKLINE_INGEST_LISTEN", "127.0.0.1:0"),
        (
            "CHALKLINE_INGEST_ORIGINS",
            "https://a.example, https://b.example",
        ),
        ("CHALKLINE_INGEST_COMPRESS", "false"),
        ("CHALKLINE_INGEST_LABEL", "12"),
        ("CHALKLINE_INGEST_WORKERS", "12"),
        ("CHALKLINE_INGEST_MODE", "safe"),
        ("CHALKLINE_LAKE_OPTIONS_AWS_ALLOW_HTTP", "true"),
        ("CHALKLINE_URL", "http://127.0.0.1:1"),
        ("PATH", "/bin"),
    ];
    let config = load_text(text, &variables).expect("no problems");
    assert_eq!(config.data_dir, "/srv/a");
    assert_eq!(
        config.ingest,
        Section {
            listen: ([127, 0, 0, 1], 0).into(),
            body_limit: 2048,
            origins: vec![
                "https://a.example".to_owned(),
                "https://b.example".to_owned()
            ],
            compress: false,
            label: Some("12".to_owned()),
            workers: Some(12),
            mode: Mode::Safe,
        }
    );
    let options: Vec<_> = config.lake.options.into_iter().collect();
    assert_eq!(
        options,
        [
            ("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()),
            ("AWS_REGION".to_owned(), "eu-west-1".to_owned()),
        ]
    );
}

#[test]
fn nothing_given_is_the_defaults() {
    let config: Config = load(None, std::iter::empty()).expect("no problems");
    assert_eq!(config, Config::default());
}

#[rstest]
#[case::key(
    "[ingest]\nlistne = 1",
    "c.toml: [ingest] listne: unknown; did you mean listen?"
)]
#[case::section(
    "[injest]\nlisten = 1",
    "c.toml: injest: unknown; did you mean ingest?"
)]
#[case::nothing_near("zebra = 1", "c.toml: zebra: unknown")]
#[case::type_of_value(
    "[ingest]\nbody_limit = \"big\"",
    "c.toml: [ingest] body_limit: invalid type: string \"big\", expected u32"
)]
#[case::range(
    "[ingest]\nbody_limit = -1",
    "c.toml: [ingest] body_limit: invalid value: integer `-1`, expected u32"
)]
#[case::address(
    "[ingest]\nlisten = \"here\"",
    "c.toml: [ingest] listen: invalid socket address syntax"
)]
#[case::choice(
    "[ingest]\nmode = \"slow\"",
    "c.toml: [ingest] mode: unknown variant `slow`, expected `fast` or `safe`"
)]
#[case::section_as_value(
    "ingest = 3",
    "c.toml: ingest: invalid type: integer `3`, expected struct Section"
)]
#[case::below_an_open_map(
    "[lake.options]\nAWS_REGION = 1",
    "c.toml: [lake.options] AWS_REGION: invalid type: integer `1`, expected a string"
)]
#[case::check(
    "[ingest]\nbody_limit = 10",
    "[ingest] body_limit: must be at least 1024, not 10"
)]
#[case::secret(
    "[lake]\npassword = 1234",
    "c.toml: [lake] password: has the wrong form"
)]
#[case::syntax(
    "[ingest]\nlisten = ",
    "c.toml:2: string values must be quoted, expected literal string"
)]
fn a_problem_of_the_file_names_its_place(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(load_text(text, &[]).expect_err("a problem"), [expected]);
}

#[rstest]
#[case::unknown(
    "CHALKLINE_INGEST_LISTNE",
    "1",
    "unknown; did you mean CHALKLINE_INGEST_LISTEN?"
)]
#[case::whole_section("CHALKLINE_LAKE_OPTIONS", "1", "unknown; did you mean CHALKLINE_LAKE_")]
#[case::number(
    "CHALKLINE_INGEST_BODY_LIMIT",
    "big",
    "invalid type: string \"big\", expected u32"
)]
#[case::truth(
    "CHALKLINE_INGEST_COMPRESS",
    "maybe",
    "invalid type: string \"maybe\", expected a boolean"
)]
#[case::injection("CHALKLINE_INGEST_WORKERS", "1\nother = 2", "invalid type: string")]
fn a_problem_of_the_environment_names_its_variable(
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    let problems = load_text("", &[(name, value)]).expect_err("a problem");
    assert_eq!(problems.len(), 1, "{problems:?}");
    let expected = format!("{name}: {expected}");
    assert!(problems[0].starts_with(&expected), "{problems:?}");
}

#[test]
fn all_problems_are_listed_at_once() {
    let text = r#"
        data_dri = "/srv"
        [ingest]
        listen = 3
        body_limit = 1
        colour = "blue"
    "#;
    let variables = [
        ("CHALKLINE_INGEST_WORKERS", "many"),
        ("CHALKLINE_TRANSFROM_SPEED", "9"),
    ];
    let problems = load_text(text, &variables).expect_err("problems");
    let starts = [
        "c.toml: data_dri: ",
        "c.toml: [ingest] colour: ",
        "c.toml: [ingest] listen: ",
        "CHALKLINE_TRANSFROM_SPEED: ",
        "CHALKLINE_INGEST_WORKERS: ",
        "[ingest] body_limit: ",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
    for start in starts {
        let found = problems.iter().any(|problem| problem.starts_with(start));
        assert!(found, "{start} in {problems:#?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_beside_the_others() {
    let missing = Path::new("/nonexistent/c.toml");
    let error = load::<Config>(Some(missing), env(&[("CHALKLINE_X", "1")])).expect_err("problems");
    assert_eq!(error.problems().len(), 2);
    assert!(
        error
            .to_string()
            .contains("/nonexistent/c.toml: cannot be read")
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let variables = [
        ("CHALKLINE_LAKE_PASSWORD", "hunter2"),
        ("CHALKLINE_LAKE_OPTIONS_AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("CHALKLINE_LAKE_OPTIONS_AWS_REGION", "eu-west-1"),
    ];
    let config = load_text("", &variables).expect("no problems");
    assert_eq!(config.lake.password.expose(), "hunter2");
    assert!(!format!("{:?}", config.lake.password).contains("hunter2"));

    let shown = dump(&config);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("AWS_REGION = \"eu-west-1\""), "{shown}");
    assert!(shown.contains("body_limit = 4096"), "{shown}");
}

#[test]
fn variables_that_all_programs_know_stand_for_ours_where_there_is_such_a_key() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Traced {
        telemetry: crate::telemetry::Config,
    }
    impl Check for Traced {
        fn problems(&self) -> Vec<String> {
            self.telemetry.problems()
        }
    }
    let standard = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_SERVICE_NAME", "school"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
    ];
    let traced: Traced = load(None, env(&standard)).expect("no problems");
    let endpoint = traced.telemetry.otlp_endpoint.as_deref();
    assert_eq!(endpoint, Some("http://collector:4318"));
    assert_eq!(traced.telemetry.service_name, "school");

    let both = [
        standard[0],
        standard[1],
        ("CHALKLINE_TELEMETRY_SERVICE_NAME", "ours"),
    ];
    let traced: Traced = load(None, env(&both)).expect("no problems");
    assert_eq!(traced.telemetry.service_name, "ours");

    let wrong = load::<Traced>(None, env(&[(standard[0].0, "collector")]));
    assert!(wrong.is_err());
    let _: Config = load(None, env(&standard)).expect("nothing of this stands for anything");
}
