//! The jobs that import rosters and catalogues: how one is promised, and how they are told.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use eventlog::Record;
use runtime::inbox::Stored;
use schemas::roster::job::{Job, RosterUploaded};
use schemas::{TenantId, headers};
use serde_json::{Value, json};
use uuid::Uuid;

use super::receive::{receive, unavailable};
use super::{Announced, sender};
use crate::authenticate::Sender;
use crate::error::Error;
use crate::service::Door;

/// How many jobs are listed.
pub const LISTED: usize = 50;

/// Takes an upload, and promises that it will be imported: it and its job are stored. The
/// id of the job, which is that of an earlier one if the same waits already.
pub async fn take(
    door: &Door,
    sender: &Sender,
    announced: Announced,
    body: Body,
) -> Result<Uuid, Error> {
    let tenant = &sender.tenant.id;
    let id = Uuid::now_v7();
    let received = receive(&door.inbox, tenant, id, &announced, body, &door.config).await;
    let (stored, file) = received?;
    let Announced { what, options, .. } = announced;
    let job = Job {
        checksum: Some(stored.checksum.clone()),
        forced: options.forced,
        delta: options.delta,
        uploaded: true,
        file,
        ..Job::new(
            id,
            what.kind(),
            options.source,
            name(sender),
            door.clock.now(),
        )
    };
    if let Some(same) = same(door, tenant, &job).await {
        remove(door, tenant, id).await;
        return Ok(same);
    }
    match door.inbox.create_job(tenant, &job).await {
        Ok(true) => {}
        Ok(false) => return Err(Error::Internal),
        Err(error) => {
            remove(door, tenant, id).await;
            return Err(unavailable(error));
        }
    }
    metrics::counter!("chalkline_ingest_roster_uploads_total").increment(1);
    tracing::info!(tenant.id = %tenant, job = %id, size_bytes = stored.bytes, "an upload was taken");
    notify(door, tenant, id, &stored).await;
    Ok(id)
}

/// The job that imports the same in the same way and is the last one that waits: after it
/// nothing else comes, so it is as good as another. What cannot be known is not asked
/// twice.
async fn same(door: &Door, tenant: &TenantId, job: &Job) -> Option<Uuid> {
    let waiting = door.inbox.waiting_of(tenant).await.ok()?;
    let mut others = waiting
        .into_iter()
        .rev()
        .filter(|other| other.job != job.id);
    let other = door.inbox.job(tenant, others.next()?.job).await.ok()??;
    let how = |job: &Job| (job.kind, job.forced, job.delta);
    let is_same = (&other.checksum, &other.file) == (&job.checksum, &job.file);
    (is_same && how(&other) == how(job) && other.state.is_open()).then_some(other.id)
}

/// Removes a bundle that nobody was promised anything of. If that fails it is removed
/// some day by whoever imports.
async fn remove(door: &Door, tenant: &TenantId, job: Uuid) {
    if let Err(error) = door.inbox.remove(tenant, job).await {
        let error: &dyn std::error::Error = &error;
        tracing::debug!(tenant.id = %tenant, %job, error, "a bundle was left in the inbox");
    }
}

/// Who sends, as people know them.
fn name(sender: &Sender) -> String {
    let id = &sender.scope.key_id;
    let key = sender.tenant.keys.iter().find(|key| key.id == *id);
    let label = key.and_then(|key| key.label.clone());
    label.unwrap_or_else(|| format!("key {id}"))
}

/// Says in the log that there is something to do. What is to be done is stored; if the
/// log does not take the notice, it is found a little later.
async fn notify(door: &Door, tenant: &TenantId, job: Uuid, stored: &Stored) {
    let notice = RosterUploaded {
        job,
        checksum: stored.checksum.clone(),
        bytes: stored.bytes,
    };
    let received_at = door.clock.now().timestamp_micros().to_string();
    let headers = [
        (headers::TENANT, tenant.as_str()),
        (headers::KIND, headers::kind::ROSTER_UPLOADED),
        (headers::RECEIVED_AT, &received_at),
    ];
    let record = Record {
        key: format!("{tenant}/_roster").into(),
        headers: headers.into_iter().collect(),
        value: serde_json::to_vec(&notice)
            .expect("a notice has only texts and numbers")
            .into(),
    };
    let appended = door.log.append(vec![record]).await;
    if let Some(Err(error)) = appended.into_iter().next() {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(tenant.id = %tenant, %job, error, "the log did not take the notice of a roster");
    }
}

/// The answer to whoever has sent a roster or a catalogue.
pub fn promise(job: Uuid) -> impl IntoResponse {
    let url = url(job);
    let body = Json(json!({ "job": job, "url": url }));
    (StatusCode::ACCEPTED, [(header::LOCATION, url)], body)
}

fn url(job: Uuid) -> String {
    format!("/v1/roster/jobs/{job}")
}

/// `GET /v1/roster/jobs`: the newest ones.
pub async fn list(State(door): State<Arc<Door>>, request: Request) -> Result<Json<Value>, Error> {
    let (parts, _) = request.into_parts();
    let sender = sender(&door, &parts).await?;
    let jobs = door.inbox.jobs(&sender.tenant.id, LISTED).await;
    let jobs: Vec<_> = jobs.map_err(unavailable)?.iter().map(shown).collect();
    Ok(Json(json!({ "jobs": jobs })))
}

/// `GET /v1/roster/jobs/<job>`.
pub async fn show(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, Error> {
    let (_, job) = find(&door, &id, request).await?;
    Ok(Json(shown(&job)))
}

/// `GET /v1/roster/jobs/<job>/diagnostics.csv`.
pub async fn diagnostics(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<impl IntoResponse, Error> {
    let (tenant, job) = find(&door, &id, request).await?;
    let found = door.inbox.diagnostics(&tenant, job.id).await;
    let csv = found.map_err(unavailable)?.ok_or(Error::NoDiagnostics)?;
    let name = format!(r#"attachment; filename="{}.diagnostics.csv""#, job.id);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, csv))
}

/// The job of an upload, of the key's tenant.
async fn find(door: &Door, id: &str, request: Request) -> Result<(TenantId, Job), Error> {
    let (parts, _) = request.into_parts();
    let tenant = sender(door, &parts).await?.tenant.id.clone();
    let id: Uuid = id.parse().map_err(|_| Error::NoJob)?;
    let job = door.inbox.job(&tenant, id).await.map_err(unavailable)?;
    let job = job.filter(|job| job.uploaded).ok_or(Error::NoJob)?;
    Ok((tenant, job))
}

/// The job as whoever sent its bundle reads it.
fn shown(job: &Job) -> Value {
    let mut shown = serde_json::to_value(job).expect("texts and numbers are JSON");
    if let Some(members) = shown.as_object_mut() {
        members.remove("uploaded");
        members.remove("lost");
        let url = url(job.id);
        if job.finished_at.is_some() {
            members.insert(
                "diagnostics".to_owned(),
                json!(format!("{url}/diagnostics.csv")),
            );
        }
        members.insert("url".to_owned(), json!(url));
    }
    shown
}
