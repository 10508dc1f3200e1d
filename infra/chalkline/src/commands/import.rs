use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use schemas::{Credential, CredentialKind};
use serde_json::json;
use serde_json::value::RawValue;

use crate::client::Client;
use crate::edx::TrackingLogs;
use crate::import::{self, Progress, Source, State, Summary};
use crate::oulad::{CourseStarts, Oulad, write_roster};
use crate::output::Output;
use crate::xapi::Statements;
use crate::{Addresses, Config, cli, mapped};

/// Rows of each file whose events a dry run shows.
const SHOWN: usize = 10;

/// `chalkline import oulad DIR`.
pub async fn oulad(config: &Config, args: cli::Oulad, output: Output) -> anyhow::Result<ExitCode> {
    let starts = CourseStarts::new(args.course_start);
    let target = Target::open(config, args.target, &args.dir)?;
    if args.roster {
        oulad_roster(&target.client, args.dir.clone(), starts.clone()).await?;
    }
    let open = move || Oulad::open(&args.dir, starts);
    let source = tokio::task::spawn_blocking(open).await??;
    target.import(Arc::new(source), output).await
}

/// Imports the roster of a folder of OULAD; an error when it is not taken.
pub(super) async fn oulad_roster(
    client: &Client,
    folder: PathBuf,
    starts: CourseStarts,
) -> anyhow::Result<()> {
    let bundle = tokio::task::spawn_blocking(move || {
        let mut bundle = Cursor::new(Vec::new());
        write_roster(&folder, &starts, &mut bundle).map(|_| bundle.into_inner())
    });
    let job = client.import_roster(bundle.await??, "OULAD").await?;
    if !job.is_imported() {
        let why = job.error.unwrap_or(job.state);
        bail!("the roster was not imported: {why}");
    }
    Ok(())
}

/// `chalkline import xapi FILE…`.
pub async fn xapi(config: &Config, args: cli::Xapi, output: Output) -> anyhow::Result<ExitCode> {
    let target = Target::open(config, args.target, folder_of(&args.files))?;
    let open = move || Statements::open(&args.files);
    let source = tokio::task::spawn_blocking(open).await??;
    target.import(Arc::new(source), output).await
}

/// `chalkline import edx FILE…`.
pub async fn edx(config: &Config, args: cli::Edx, output: Output) -> anyhow::Result<ExitCode> {
    let target = Target::open(config, args.target, folder_of(&args.files))?;
    let open = move || TrackingLogs::open(&args.files);
    let source = tokio::task::spawn_blocking(open).await??;
    target.import(Arc::new(source), output).await
}

/// `chalkline import events --mapping FILE FILE…`.
pub async fn events(
    config: &Config,
    args: cli::Events,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let folder = folder_of(&args.files).to_owned();
    let open = move || mapped::open(&args.mapping, &args.files);
    let source = tokio::task::spawn_blocking(open).await??;
    if args.dry_run {
        let events = source.first(SHOWN)?;
        output.show(&json!({ "events": raw(&events)? }), events.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let target = Target::open(config, args.target, &folder)?;
    target.import(source, output).await
}

fn raw(events: &[String]) -> serde_json::Result<Vec<&RawValue>> {
    events
        .iter()
        .map(|event| serde_json::from_str(event))
        .collect()
}

/// The folder of the first of some files.
fn folder_of(files: &[PathBuf]) -> &Path {
    let folder = files.first().and_then(|file| file.parent());
    // The parent of a bare file name is empty.
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Where an import goes.
pub(super) struct Target {
    client: Client,
    state: State,
}

impl Target {
    /// `folder` is where the imported files lie.
    pub(super) fn open(config: &Config, args: cli::Target, folder: &Path) -> anyhow::Result<Self> {
        let key = Credential::parse(&args.key).context("--key is no write key")?;
        if key.kind != CredentialKind::Key {
            bail!("--key is a query token, a write key is needed: chalkline key issue");
        }
        if let Some(tenant) = args.tenant.filter(|tenant| *tenant != key.tenant) {
            bail!("the key belongs to tenant {}, not to {tenant}", key.tenant);
        }
        let running = || Addresses::read(&config.data_dir)?.ingest_url;
        let url = args
            .url
            .or_else(running)
            .unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
        let state = args
            .state
            .unwrap_or_else(|| State::default_path(folder, &config.data_dir, &key.tenant));
        Ok(Self {
            client: Client::trusting(&url, &args.key, config.ca_file.as_deref())?,
            state: State::open(state)?,
        })
    }

    pub(super) async fn import(
        mut self,
        source: Arc<dyn Source>,
        output: Output,
    ) -> anyhow::Result<ExitCode> {
        let progress = Progress::new();
        let summary = import::run(source, &self.client, &mut self.state, &progress).await?;
        output.show(&summary, text(&summary));
        Ok(if summary.rejected == 0 {
            ExitCode::SUCCESS
        } else {
            crate::failed()
        })
    }
}

fn text(summary: &Summary) -> String {
    let mut text = format!(
        "{} rows became {} events: {} accepted, {} duplicate, {} rejected.",
        summary.rows, summary.events, summary.accepted, summary.duplicate, summary.rejected
    );
    if summary.skipped_rows > 0 {
        text += &format!(" {} rows were there before.", summary.skipped_rows);
    }
    for rejection in &summary.rejections {
        text += &format!(
            "\n  {} row {}: {} ({})",
            rejection.table, rejection.row, rejection.detail, rejection.code
        );
    }
    text
}
