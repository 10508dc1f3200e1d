//! The configuration of a process: one section per part, each part's own struct.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use runtime::config::{Check, ConfigProblems};
use runtime::{MasterKey, Registry, Root, telemetry};
use serde::{Deserialize, Serialize};

use crate::data_dir;
use crate::whoever::whoever;

/// Everything that can be configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the embedded log and, unless `[lake] url` says otherwise, of
    /// the tables.
    pub data_dir: PathBuf,
    /// Authorities (PEM) that commands trust beside those of the system when they ask
    /// a running Chalkline over TLS.
    pub ca_file: Option<PathBuf>,
    /// The front door.
    pub ingest: ingest::Config,
    /// The table writer.
    pub transform: transform::Config,
    /// The SQL service.
    pub query: query::Config,
    /// Where the tables are.
    pub lake: LakeConfig,
    /// The log of `chalkline up`.
    pub log: LogConfig,
    /// The log of the services apart.
    pub kafka: eventlog::KafkaConfig,
    /// Where events wait while that log is away.
    pub spool: eventlog::SpoolConfig,
    /// Where the query service's records of who asked wait then; without a folder nobody
    /// is answered while the log is away.
    pub audit_spool: eventlog::SpoolConfig,
    /// Logs of the process.
    pub telemetry: telemetry::Config,
}

/// Where the tables and the tenants' documents are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeConfig {
    /// A path, `file:///path` or `s3://bucket/prefix`; `<data_dir>/lake` if absent.
    pub url: Option<String>,
    /// Options of the store, such as `AWS_ENDPOINT_URL`.
    pub options: BTreeMap<String, String>,
}

/// The embedded log, in `<data_dir>/log`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Partitions; may be raised later, never lowered.
    pub partitions: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("chalkline-data"),
            ca_file: None,
            ingest: ingest::Config::default(),
            transform: transform::Config::default(),
            query: query::Config::default(),
            lake: LakeConfig::default(),
            log: LogConfig::default(),
            kafka: eventlog::KafkaConfig::default(),
            spool: eventlog::SpoolConfig::default(),
            audit_spool: eventlog::SpoolConfig::default(),
            telemetry: telemetry::Config::default(),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { partitions: 8 }
    }
}

impl Config {
    /// The configuration of a TOML file and of variables, which win. Variables
    /// that do not start with `CHALKLINE_` are passed over, but for those of
    /// [`runtime::config::STANDARD`].
    ///
    /// # Errors
    /// All problems at once: unknown names, wrong types, impossible values.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        runtime::config::load(file, variables.into_iter())
    }

    /// Where the tables and the tenants' documents are.
    ///
    /// # Errors
    /// When the place cannot be understood or made.
    pub fn root(&self) -> anyhow::Result<Root> {
        if self.lake.url.is_none() {
            data_dir::make(&self.data_dir)?;
        }
        let location = self.lake_location();
        let options = self.lake.options.clone().into_iter().collect();
        Root::open(&location, options).with_context(|| format!("cannot open the lake {location}"))
    }

    /// The folder into which others put rosters and catalogues, if one is named.
    ///
    /// # Errors
    /// When the place cannot be understood or made.
    pub fn roster_inbox(&self) -> anyhow::Result<Option<Root>> {
        let open = |location: &String| {
            let options = self.lake.options.clone().into_iter().collect();
            Root::open(location, options)
                .with_context(|| format!("cannot open transform.roster.inbox {location}"))
        };
        self.transform.roster.inbox.as_ref().map(open).transpose()
    }

    /// Where the lake is: an address, or a path from the root.
    pub fn lake_location(&self) -> String {
        match &self.lake.url {
            Some(url) => url.clone(),
            None => {
                let folder = self.data_dir.join("lake");
                // Without a current folder the path stays as it was said.
                let folder = std::path::absolute(&folder).unwrap_or(folder);
                folder.display().to_string()
            }
        }
    }

    /// Whether the folder of rosters lies in the lake, or the lake in it.
    fn mixes_inbox_and_lake(&self) -> bool {
        let Some(inbox) = &self.transform.roster.inbox else {
            return false;
        };
        let [inbox, lake] = [inbox.clone(), self.lake_location()].map(|location| {
            let path = location.strip_prefix("file://").unwrap_or(&location);
            let path = match path.contains("://") {
                true => path.to_owned(),
                false => std::path::absolute(path)
                    .map_or_else(|_| path.to_owned(), |path| path.display().to_string()),
            };
            format!("{}/", path.trim_end_matches('/'))
        });
        inbox.starts_with(&lake) || lake.starts_with(&inbox)
    }

    /// Whether the lake's folder is there. A store is not asked: it tells itself
    /// what it does not have.
    pub fn has_lake(&self) -> bool {
        let location = self.lake_location();
        match reqwest::Url::parse(&location) {
            Ok(url) if url.scheme() == "file" => url.to_file_path().is_ok_and(|path| path.is_dir()),
            Ok(_) => true,
            Err(_) => Path::new(&location).is_dir(),
        }
    }

    /// Asks whether the lake can be used, so that a wrong address or key is an
    /// error at the start.
    ///
    /// # Errors
    /// When it cannot, with what to check.
    pub async fn check_lake(&self) -> anyhow::Result<()> {
        let checked = self.root()?.check().await;
        checked.context("cannot use the lake")
    }

    /// The tenants below a root, changed by who runs this process.
    pub fn registry(root: Root, master_key: Option<MasterKey>) -> Registry {
        let registry = match master_key {
            Some(key) => Registry::with_master_key(root, key),
            None => Registry::new(root),
        };
        registry.changed_by(whoever())
    }

    /// The embedded log of this data folder.
    pub fn embedded_log(&self) -> eventlog::EmbeddedConfig {
        let mut config = eventlog::EmbeddedConfig::new(self.data_dir.join("log"));
        config.partitions = self.log.partitions;
        config
    }
}

impl Check for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = [
            self.ingest.problems(),
            self.transform.problems(),
            self.query.problems(),
            self.spool.problems(),
            self.telemetry.problems(),
        ]
        .concat();
        if self.log.partitions == 0 {
            problems.push("log.partitions must be at least 1".to_owned());
        }
        if self.mixes_inbox_and_lake() {
            problems.push(
                "transform.roster.inbox must lie beside the lake, not in it or around it"
                    .to_owned(),
            );
        }
        if let Err(error) = self.kafka.check() {
            problems.push(format!("kafka: {error}"));
        }
        let audit = self.audit_spool.problems().into_iter();
        problems.extend(audit.map(|problem| format!("audit_{problem}")));
        let deadline = self.kafka.request_deadline_ms;
        for (name, spool) in [("spool", &self.spool), ("audit_spool", &self.audit_spool)] {
            if spool.dir.is_some() && spool.patience_ms >= deadline {
                problems.push(format!(
                    "{name}.patience_ms must be below kafka.request_deadline_ms, {deadline}"
                ));
            }
        }
        if self.spool.dir.is_some() && self.spool.dir == self.audit_spool.dir {
            problems.push(
                "audit_spool.dir must be another folder than spool.dir: each is one process's"
                    .to_owned(),
            );
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("chalkline.toml");
        std::fs::write(&path, file).expect("written");
        let variables = variables.iter();
        Config::load(
            Some(&path),
            variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn nothing_said_gives_working_defaults_on_loopback() {
        let config = load("", &[("PATH", "/bin")]).expect("loads");
        assert_eq!(config.ingest.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.query.listen.to_string(), "127.0.0.1:8081");
        assert_eq!(config.transform.listen.to_string(), "127.0.0.1:8082");
        assert_eq!(config.data_dir, Path::new("chalkline-data"));
    }

    #[test]
    fn variables_win_over_the_file() {
        let file = "data_dir = '/a'\n[ingest]\nlisten = '127.0.0.1:1'\n[log]\npartitions = 2\n";
        let variables = [
            ("CHALKLINE_DATA_DIR", "/b"),
            ("CHALKLINE_INGEST_LISTEN", "127.0.0.1:0"),
        ];
        let config = load(file, &variables).expect("loads");
        assert_eq!(config.data_dir, Path::new("/b"));
        assert_eq!(config.ingest.listen.port(), 0);
        assert_eq!(config.log.partitions, 2);
    }

    #[rstest]
    #[case("colour = 'red'", &[], &["colour"])]
    #[case("[ingest]\ncolour = 'red'", &[], &["colour"])]
    #[case("", &[("CHALKLINE_INGEST_COLOUR", "red")], &["CHALKLINE_INGEST_COLOUR"])]
    #[case("", &[("CHALKLINE_QUERY_LISTEN", "here")], &["CHALKLINE_QUERY_LISTEN"])]
    #[case(
        "colour = 'red'\n[log]\npartitions = 'many'",
        &[("CHALKLINE_INGEST_COLOUR", "red")],
        &["colour", "partitions", "CHALKLINE_INGEST_COLOUR"],
    )]
    #[case("[log]\npartitions = 0\n[query]\njson_rows = 0", &[], &["partitions", "json_rows"])]
    #[case(
        "[spool]\nmax_age_hours = 0\npatience_ms = 15000",
        &[("CHALKLINE_SPOOL_DIR", "/spool")],
        &["spool.max_age_hours", "spool.patience_ms"],
    )]
    #[case(
        "[audit_spool]\nmax_age_hours = 0",
        &[("CHALKLINE_SPOOL_DIR", "/spool"), ("CHALKLINE_AUDIT_SPOOL_DIR", "/spool")],
        &["audit_spool.max_age_hours", "audit_spool.dir"],
    )]
    fn all_problems_are_named_at_once(
        #[case] file: &str,
        #[case] variables: &[(&str, &str)],
        #[case] names: &[&str],
    ) {
        let problems = load(file, variables).expect_err("refused").to_string();
        for name in names {
            assert!(problems.contains(name), "{name} is not in: {problems}");
        }
    }

    #[rstest]
    #[case("data_dir = '/data'", "/data/lake/inbox", false)]
    #[case("data_dir = '/data'", "/data/", false)]
    #[case("data_dir = '/data'", "file:///data/lake", false)]
    #[case("data_dir = '/data'", "/data/lake-inbox", true)]
    #[case("[lake]\nurl = 's3://school/lake'", "s3://school/lake/in", false)]
    #[case("[lake]\nurl = 's3://school/lake'", "s3://school/inbox", true)]
    #[case("[lake]\nurl = 's3://school'", "/srv/inbox", true)]
    fn the_folder_of_rosters_lies_beside_the_lake(
        #[case] file: &str,
        #[case] inbox: &str,
        #[case] is_sound: bool,
    ) {
        let variables = [("CHALKLINE_TRANSFORM_ROSTER_INBOX", inbox)];
        assert_eq!(load(file, &variables).is_ok(), is_sound);
    }

    #[test]
    fn secrets_are_not_printed() {
        let file = "[lake.options]\nAWS_SECRET_ACCESS_KEY = 'hush'\nAWS_REGION = 'eu-west-1'\n\
                    [kafka.properties]\n'ssl.key.password' = 'hush'\n\
                    [kafka.security.sasl]\nmechanism = 'PLAIN'\nusername = 'me'\npassword = 'hush'\n";
        let printed = runtime::config::dump(&load(file, &[]).expect("loads"));
        assert!(!printed.contains("hush"), "{printed}");
        assert!(printed.contains("eu-west-1"), "{printed}");
    }
}
