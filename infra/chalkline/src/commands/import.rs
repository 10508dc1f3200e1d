use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use schemas::{Credential, CredentialKind};

use crate::client::Client;
use crate::import::{self, Progress, State, Summary};
use crate::oulad::{CourseStarts, Oulad};
use crate::output::Output;
use crate::{Addresses, Config, cli};

/// `chalkline import oulad DIR`.
pub async fn oulad(config: &Config, args: cli::Oulad, output: Output) -> anyhow::Result<ExitCode> {
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
        .unwrap_or_else(|| State::default_path(&args.dir, &config.data_dir, &key.tenant));
    let mut state = State::open(state)?;
    let starts = CourseStarts::new(args.course_start);
    let source = tokio::task::spawn_blocking(move || Oulad::open(&args.dir, starts)).await??;

    let client = Client::new(&url, &args.key);
    let summary = import::run(Arc::new(source), &client, &mut state, &Progress::new()).await?;
    output.show(&summary, text(&summary));
    Ok(if summary.rejected == 0 {
        ExitCode::SUCCESS
    } else {
        crate::failed()
    })
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
