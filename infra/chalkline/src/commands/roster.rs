//! `chalkline roster`: rosters, past the running service.

mod show;
mod sync;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, anyhow, bail};
use lake::Lake;
use runtime::{Clock, Leases, Registry};
use schemas::Tenant;
use serde_json::json;
use transform::roster::{Importer, Job, JobState, LEASE, Phase, Preview, Request, Step};
use uuid::Uuid;

use super::registry;
use crate::Config;
use crate::cli::{OfTenant, Roster, RosterImport, RosterSync};
use crate::import::Progress;
use crate::output::Output;
use crate::whoever::whoever;

/// What whoever stops it should know.
const STOPPED: &str = "stopped; nothing of it is seen, and it can be said again";

/// Does what is said of rosters.
pub async fn run(config: &Config, command: Roster, output: Output) -> anyhow::Result<ExitCode> {
    let registry = registry(config)?;
    let importer = importer(config, registry.clone())?;
    match command {
        Roster::Import(args) => {
            let tenant = tenant(&registry, &args.of).await?;
            let RosterImport {
                bundle,
                dry_run,
                show,
                force,
                ..
            } = args;
            let mut request = Request::new(bundle, whoever());
            request.forced = force;
            import(&importer, &tenant, request, dry_run.then_some(show), output).await
        }
        Roster::Sync(RosterSync::Postgres(args)) => {
            sync::run(config, &registry, &importer, *args, output).await
        }
        Roster::Sources(of) => {
            let tenant = tenant(&registry, &of).await?;
            let sources = importer.sources(&tenant.id).list().await?;
            let now = Clock::system().now();
            output.show(&sources, show::sources(&sources, now));
            Ok(ExitCode::SUCCESS)
        }
        Roster::Rollback { to, of } => {
            let tenant = tenant(&registry, &of).await?;
            let by = whoever();
            let job = told(|progress| importer.rollback(&tenant, to, &by, progress)).await?;
            Ok(ended(&job, output))
        }
        Roster::Imports(of) => {
            let tenant = tenant(&registry, &of).await?;
            let imports = importer.imports(&tenant.id).list().await?;
            output.show(&imports, show::imports(&imports));
            Ok(ExitCode::SUCCESS)
        }
        Roster::Jobs { last, of } => {
            let tenant = tenant(&registry, &of).await?;
            let jobs = importer.jobs(&tenant.id, last).await?;
            output.show(&jobs, show::jobs(&jobs));
            Ok(ExitCode::SUCCESS)
        }
        Roster::Diagnostics { job, csv, of } => {
            let tenant = tenant(&registry, &of).await?;
            let found = importer.diagnostics(&tenant.id, job).await?;
            let found = found.ok_or_else(|| unknown(job))?;
            if csv {
                output.say(String::from_utf8_lossy(&found));
                return Ok(ExitCode::SUCCESS);
            }
            let rows = show::diagnostics(&found)?;
            output.show(&rows, show::diagnostics_table(&rows));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn unknown(job: Uuid) -> anyhow::Error {
    anyhow!("no bundle was read by a job {job}; `chalkline roster jobs` lists them")
}

pub(super) fn importer(config: &Config, registry: Registry) -> anyhow::Result<Importer> {
    let root = config.root()?;
    let lake = Lake::new(root.url().clone(), root.store(), root.options().clone());
    // No two have one name: the lease of one that was killed has to run out.
    let holder = format!("by-hand-{}", Uuid::now_v7());
    let leases = Leases::new(root, LEASE, holder, config.transform.maintenance.lease());
    Ok(Importer::new(lake, registry, leases, Clock::system()))
}

/// The tenant that is named, or the only one.
pub(super) async fn tenant(registry: &Registry, of: &OfTenant) -> anyhow::Result<Arc<Tenant>> {
    let id = match &of.tenant {
        Some(id) => id.clone(),
        None => match registry.tenants().await?.as_slice() {
            [only] => only.clone(),
            [] => bail!("there is no tenant; `chalkline tenant add` makes one"),
            several => {
                let names: Vec<_> = several.iter().take(5).map(ToString::to_string).collect();
                bail!("say whose rosters with --tenant: {}, …", names.join(", "))
            }
        },
    };
    let tenant = registry.tenant(&id).await?;
    tenant.ok_or_else(|| anyhow!("there is no tenant {id}; chalkline tenant list shows all"))
}

/// Imports, or shows so many rows of each table that would change.
pub(super) async fn import(
    importer: &Importer,
    tenant: &Tenant,
    request: Request,
    show: Option<usize>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    if let Some(most) = show {
        let check = |progress| importer.check(tenant, request, most, progress);
        let preview = told(check).await?;
        return Ok(previewed(&preview, output));
    }
    let job = told(|progress| importer.import(tenant, request, progress)).await?;
    Ok(ended(&job, output))
}

fn previewed(preview: &Preview, output: Output) -> ExitCode {
    let shown = json!({
        "tables": preview.tables.iter().map(|(entity, diff)| (entity.name(), diff))
            .collect::<std::collections::BTreeMap<_, _>>(),
        "found": preview.found,
        "refused": preview.refusal.as_ref().map(ToString::to_string),
    });
    output.show(&shown, show::preview(preview));
    match preview.refusal {
        Some(_) => crate::failed(),
        None => ExitCode::SUCCESS,
    }
}

/// Shows how far the work is, and ends it when it is told to.
async fn told<T, F>(work: impl FnOnce(transform::roster::Progress) -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, transform::roster::RosterError>>,
{
    let (bar, progress) = Bar::new();
    let done = tokio::select! {
        done = work(progress) => done.context("nothing was imported"),
        _ = tokio::signal::ctrl_c() => Err(anyhow!(STOPPED)),
    };
    bar.progress.end();
    done
}

/// The progress bar, a stretch for each phase that takes long.
#[derive(Default)]
struct Bar {
    progress: Progress,
    phase: Mutex<Option<Phase>>,
}

impl Bar {
    /// The bar, and what tells it how far the work is.
    fn new() -> (Arc<Self>, transform::roster::Progress) {
        let bar = Arc::new(Self::default());
        let teller = Arc::clone(&bar);
        (bar, Arc::new(move |step: Step| teller.show(step)))
    }

    fn show(&self, step: Step) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *phase != Some(step.phase) {
            self.progress.end();
            match (step.phase, step.of) {
                (Phase::Waiting, _) => eprintln!("Another import is under way; this one waits."),
                (phase, Some(of)) => self.progress.begin(phase.as_str(), "rows", of, 0),
                (phase, None) => eprintln!("{}", phase.as_str()),
            }
            *phase = Some(step.phase);
        }
        self.progress.set(step.rows);
    }
}

fn ended(job: &Job, output: Output) -> ExitCode {
    output.show(job, show::job(job));
    match job.state {
        JobState::Done | JobState::Unchanged => ExitCode::SUCCESS,
        _ => crate::failed(),
    }
}
