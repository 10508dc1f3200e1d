//! `chalkline compact`: upkeep by hand, of tables that nobody or somebody else
//! looks after.

use std::process::ExitCode;
use std::sync::Once;

use anyhow::{Context as _, bail};
use lake::{Lake, LakeTable};
use runtime::{Clock, Leases, Registry};
use schemas::{Table, TenantId};
use serde::Serialize;
use transform::maintenance::{Effort, LEASE, Searched, Upkeep};
use uuid::Uuid;

use super::registry;
use crate::import::Progress;
use crate::output::{Output, table};
use crate::{Config, cli};

/// A table before and after.
#[derive(Debug, Serialize)]
struct Line {
    tenant: TenantId,
    table: &'static str,
    files_before: usize,
    bytes_before: u64,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Planned {
        files_to_merge: usize,
        bytes_to_merge: u64,
    },
    Done {
        moved_rows: u64,
        files_after: usize,
        bytes_after: u64,
        deleted_files: usize,
        deleted_bytes: u64,
    },
}

/// Puts rows where they belong and merges small files, table after table, and
/// deletes what nobody needs.
pub async fn run(config: &Config, args: cli::Compact, output: Output) -> anyhow::Result<ExitCode> {
    let root = config.root()?;
    let tables: Vec<Table> = args
        .table
        .map_or(Table::all().collect(), |table| vec![table]);
    let lake = Lake::new(root.url().clone(), root.store(), root.options().clone());
    let settings = &config.transform.maintenance;
    let registry = registry(config)?;
    let upkeep = Upkeep::new(settings.clone(), lake, registry.clone(), Clock::system());
    let tenants = tenants(&registry, args.tenant).await?;
    let leases = Leases::new(root, LEASE, by_hand(), settings.lease());

    let (mut lines, mut repeated_events) = (Vec::new(), 0);
    for tenant in &tenants {
        if args.dry_run {
            for kind in &tables {
                lines.extend(plan(&upkeep, tenant, *kind).await?);
            }
            continue;
        }
        // The service that holds it stands back until it is given back.
        leases.take(tenant).await?;
        let work = async {
            if args.repeats {
                repeated_events += put_repeated_right(&upkeep, tenant).await?;
            }
            for kind in &tables {
                lines.extend(compact(&upkeep, tenant, *kind).await?);
            }
            anyhow::Ok(())
        };
        let done = tokio::select! {
            done = work => done,
            lost = keep(&leases, tenant, settings.lease() / 3) => lost,
        };
        leases.release(tenant).await?;
        done?;
    }
    show(&lines, args.dry_run, repeated_events, output);
    Ok(ExitCode::SUCCESS)
}

fn by_hand() -> String {
    format!("by-hand-{}", Uuid::now_v7())
}

/// The tenant that is asked for, or all.
async fn tenants(registry: &Registry, tenant: Option<TenantId>) -> anyhow::Result<Vec<TenantId>> {
    let Some(tenant) = tenant else {
        let mut all = registry.tenants().await?;
        // What belongs to nobody.
        all.push(TenantId::system());
        return Ok(all);
    };
    if registry.tenant(&tenant).await?.is_none() && tenant != TenantId::system() {
        bail!("there is no tenant {tenant}; chalkline tenant list shows all");
    }
    Ok(vec![tenant])
}

/// Renews the lease for as long as the work goes on, also when another one by
/// hand has taken it: then both work, and lose time only.
async fn keep(
    leases: &Leases,
    tenant: &TenantId,
    every: std::time::Duration,
) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(every).await;
        leases.hold(tenant).await?;
    }
}

async fn plan(upkeep: &Upkeep, tenant: &TenantId, kind: Table) -> anyhow::Result<Option<Line>> {
    let Some(table) = upkeep.open(tenant, kind).await? else {
        return Ok(None);
    };
    let merges = upkeep.merges(&table, Effort::All);
    let outcome = Outcome::Planned {
        files_to_merge: merges.iter().map(lake::Merge::files).sum(),
        bytes_to_merge: merges.iter().map(lake::Merge::bytes).sum(),
    };
    Ok(Some(line(tenant, &table, outcome)))
}

async fn put_repeated_right(upkeep: &Upkeep, tenant: &TenantId) -> anyhow::Result<u64> {
    let progress = Progress::new();
    let begun = Once::new();
    let tell = |searched: Searched| {
        begun.call_once(|| progress.begin(&format!("{tenant}: repeats"), "rows", searched.of, 0));
        progress.set(searched.rows);
    };
    let count = upkeep.put_repeated_right(tenant, true, &tell).await;
    progress.end();
    Ok(count?.unwrap_or(0))
}

async fn compact(upkeep: &Upkeep, tenant: &TenantId, kind: Table) -> anyhow::Result<Option<Line>> {
    let Some(mut table) = upkeep.open(tenant, kind).await? else {
        return Ok(None);
    };
    let before = table.clone();
    let moved_rows = upkeep.put_right(tenant, &mut table).await?;
    let merges = upkeep.merges(&table, Effort::All);
    let progress = Progress::new();
    if !merges.is_empty() {
        let bytes = merges.iter().map(lake::Merge::bytes).sum();
        progress.begin(&format!("{tenant}/{kind}"), "bytes", bytes, 0);
    }
    let merged = upkeep.merge(tenant, &mut table, Effort::All, |merged| {
        progress.advance(merged.bytes_before);
    });
    let merged = merged
        .await
        .with_context(|| format!("cannot compact {tenant}/{kind}"));
    progress.end();
    merged?;
    upkeep.checkpoint(tenant, &table).await?;
    let (_, deleted) = upkeep.clean(tenant, &mut table).await?;
    let outcome = Outcome::Done {
        moved_rows,
        files_after: table.files(),
        bytes_after: table.bytes(),
        deleted_files: deleted.removed + deleted.unnamed,
        deleted_bytes: deleted.bytes,
    };
    Ok(Some(line(tenant, &before, outcome)))
}

fn line(tenant: &TenantId, before: &LakeTable, outcome: Outcome) -> Line {
    Line {
        tenant: tenant.clone(),
        table: before.kind().as_str(),
        files_before: before.files(),
        bytes_before: before.bytes(),
        outcome,
    }
}

fn show(lines: &[Line], dry_run: bool, repeated_events: u64, output: Output) {
    let json = serde_json::json!({
        "dry_run": dry_run,
        "repeated_events": repeated_events,
        "tables": lines,
    });
    let rows = lines.iter().map(|line| {
        let (files, bytes, deleted) = match &line.outcome {
            Outcome::Planned {
                files_to_merge,
                bytes_to_merge,
            } => (*files_to_merge, *bytes_to_merge, String::new()),
            Outcome::Done {
                files_after,
                bytes_after,
                deleted_files,
                ..
            } => (*files_after, *bytes_after, deleted_files.to_string()),
        };
        [
            format!("{}/{}", line.tenant, line.table),
            line.files_before.to_string(),
            megabytes(line.bytes_before),
            files.to_string(),
            megabytes(bytes),
            deleted,
        ]
    });
    let headings = match dry_run {
        true => ["TABLE", "FILES", "MB", "WOULD MERGE", "MB", ""],
        false => ["TABLE", "FILES", "MB", "NOW", "MB", "DELETED"],
    };
    output.show(&json, table(headings, rows));
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
