//! `chalkline roster sync`: rosters from a database, once or again and again.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use runtime::{Registry, Shutdown, telemetry};
use schemas::Tenant;
use transform::roster::{Address, Importer, Job, JobState, Mapping, SyncRequest};

use super::{Bar, ended, previewed, show, tenant};
use crate::Config;
use crate::cli::SyncPostgres;
use crate::output::Output;
use crate::whoever::whoever;

/// Reads a database once, or until it is told to stop.
pub async fn run(
    config: &Config,
    registry: &Registry,
    importer: &Importer,
    args: SyncPostgres,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::on_signals()?;
    let mut request = request(&args)?;
    request.stop = shutdown.token();
    let owner = tenant(registry, &args.of).await?;
    if args.dry_run {
        let (bar, progress) = Bar::new();
        let preview = importer.check_sync(&owner, request, args.show, progress);
        let preview = preview.await;
        bar.progress.end();
        return Ok(previewed(&preview.context("nothing was compared")?, output));
    }
    let Some(every) = args.every else {
        let job = once(importer, &owner, &request).await?;
        return told(importer, &owner, &request, &job, output).await;
    };
    telemetry::init(&config.telemetry)?;
    // No shorter than what a look costs.
    let every = every
        .to_std()
        .unwrap_or_default()
        .max(Duration::from_secs(1));
    let mut last = None;
    while !request.stop.is_cancelled() {
        // The tenant's time zone and prefixes may be others by now.
        let owner = tenant(registry, &args.of)
            .await
            .unwrap_or_else(|_| owner.clone());
        match once(importer, &owner, &request).await {
            Ok(job) => {
                if last.replace(job.state) != Some(job.state) || job.state != JobState::Unchanged {
                    told(importer, &owner, &request, &job, output).await?;
                }
            }
            Err(_) if request.stop.is_cancelled() => break,
            Err(error) => {
                last = None;
                crate::print_error(&error.context("it is tried again"), output.json);
            }
        }
        let pause = tokio::time::sleep(every);
        request.stop.run_until_cancelled(pause).await;
    }
    Ok(ExitCode::SUCCESS)
}

fn request(args: &SyncPostgres) -> anyhow::Result<SyncRequest> {
    let address: Address = args.url.parse().context("--url is wrong")?;
    let mut request = SyncRequest::new(address, whoever());
    if let Some(name) = &args.name {
        request.name = name.clone();
    }
    if let Some(file) = &args.mapping {
        let read = || format!("{} cannot be read", file.display());
        let text = std::fs::read_to_string(file).with_context(read)?;
        let mapping: Mapping = text.parse().with_context(|| file.display().to_string())?;
        request.mapping = Some(mapping);
    }
    let timeout = |time: TimeDelta| time.to_std().unwrap_or_default();
    request.statement_timeout = timeout(args.statement_timeout);
    request.lock_timeout = timeout(args.lock_timeout);
    request.full = args.full;
    request.full_every = args.full_every;
    request.forced = args.force;
    Ok(request)
}

async fn once(importer: &Importer, owner: &Tenant, request: &SyncRequest) -> anyhow::Result<Job> {
    let (bar, progress) = Bar::new();
    let done = importer.sync(owner, request.clone(), progress).await;
    bar.progress.end();
    done.context("nothing was imported")
}

/// Shows how it went.
async fn told(
    importer: &Importer,
    owner: &Tenant,
    request: &SyncRequest,
    job: &Job,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let source = importer.sources(&owner.id).get(&request.name).await?;
    let Some(source) = source else {
        return Ok(ended(job, output));
    };
    output.show(&source, show::source(&source));
    Ok(match job.state {
        JobState::Done | JobState::Unchanged => ExitCode::SUCCESS,
        _ => crate::failed(),
    })
}
