//! `GET /v1/reports` and `GET /v1/reports/{name}`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use serde_json::{Value, json};

use super::request::MOST_ROWS;
use super::tags::Tags;
use super::{Asked, Request, Shape, collect};
use crate::Principal;
use crate::answer::{self, About, Format, Paging};
use crate::audit::Ask;
use crate::error::Error;
use crate::information_schema::described;
use crate::server::{Parts, counted, trace_id};
use crate::session::Fresh;

/// Lists the reports, each with its columns and its freshness.
pub(crate) async fn list(State(parts): State<Arc<Parts>>, headers: HeaderMap) -> Response {
    let trace_id = trace_id();
    counted("reports", &trace_id, listing(&parts, &headers, &trace_id)).await
}

/// Answers with one page of a report.
pub(crate) async fn read(
    State(parts): State<Arc<Parts>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let trace_id = trace_id();
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let query = query.unwrap_or_default();
    counted(
        "report",
        &trace_id,
        page(&parts, &headers, &name, &query, &trace_id),
    )
    .await
}

async fn listing(parts: &Parts, headers: &HeaderMap, trace_id: &str) -> Result<Response, Error> {
    let principal = parts.principal(headers).await?;
    let ask = parts.audit.ask(&principal, "reports", headers).await?;
    let asker = principal.clone();
    let now = parts.clock.now();
    let answered = parts.work(
        &principal,
        &ask,
        Format::Json,
        trace_id,
        |desk| async move {
            let fresh = desk.sessions.freshness(&asker).await?;
            let reports: Vec<Value> = fresh.iter().map(|fresh| entry(fresh, now)).collect();
            let rows = reports.len();
            let body = json!({ "reports": reports });
            answer::whole(&body, rows, &desk.sender).await
        },
    );
    ask.watched(answered).await
}

fn entry(fresh: &Fresh, now: DateTime<Utc>) -> Value {
    let report = fresh.report;
    json!({
        "name": report.name,
        "description": report.description,
        "grain": report.grain,
        "visibility": report.visibility.as_str(),
        "columns": described(report),
        "data_as_of": fresh.data_as_of.map(answer::rfc3339),
        "lag_seconds": lag_seconds(fresh.data_as_of, now),
        "recomputing": fresh.is_outdated,
    })
}

async fn page(
    parts: &Parts,
    headers: &HeaderMap,
    name: &str,
    query: &str,
    trace_id: &str,
) -> Result<Response, Error> {
    let principal = parts.principal(headers).await?;
    let ask = parts.audit.ask(&principal, "report", headers).await?;
    let answered = page_of(parts, &principal, &ask, headers, name, query, trace_id);
    ask.watched(answered).await
}

async fn page_of(
    parts: &Parts,
    principal: &Principal,
    ask: &Arc<Ask>,
    headers: &HeaderMap,
    name: &str,
    query: &str,
    trace_id: &str,
) -> Result<Response, Error> {
    let report = schemas::report(name).ok_or_else(|| Error::UnknownReport {
        detail: format!(
            "There is no such report; there are {}.",
            schemas::reports()
                .iter()
                .map(|report| report.name)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    })?;
    ask.addresses(report.name, query);
    let most = MOST_ROWS.min(parts.config.json_rows);
    let request = Request::parse(query, &Shape::of(report), most)?;
    let format = match request.format {
        Some(format) => format,
        None => Format::accepted(headers)?,
    };
    let asked = Asked {
        request,
        address: query.to_owned(),
        format,
        holds: Tags::held(headers),
    };
    let asker = principal.clone();
    let clock = parts.clock.clone();
    // Whatever the format, a page lies in memory as a whole.
    let most_bytes = parts.config.json_bytes;
    parts
        .work(principal, ask, format, trace_id, |desk| async move {
            let shape = Shape::of(report);
            let found = desk
                .sessions
                .page(&asker, report, &asked, &desk.means)
                .await?;
            let mut paging = Paging {
                report: Some(report.name),
                next_address: None,
                next_cursor: None,
                lag_seconds: lag_seconds(found.data_as_of, clock.now()),
            };
            let about = |paging| About {
                data_as_of: found.data_as_of,
                tag: found.tag,
                paging: Some(paging),
            };
            let Some(rows) = found.rows else {
                return answer::unchanged(about(paging), &desk.sender).await;
            };
            let page = collect(rows, &shape, &asked.request, most_bytes).await?;
            let next = page.next.as_deref();
            paging.next_address = next.map(|cursor| asked.request.address(&shape, cursor));
            paging.next_cursor = page.next;
            let about = about(paging);
            let columns = page.rows.schema();
            let rows = stream::iter([Ok(page.rows)]);
            let rows = Box::pin(RecordBatchStreamAdapter::new(columns, rows));
            answer::produce(rows, about, false, format, desk.bounds, &desk.sender).await
        })
        .await
}

/// By how much an answer may be behind.
fn lag_seconds(data_as_of: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<f64> {
    let lag = now - data_as_of?;
    Some(lag.num_milliseconds().max(0) as f64 / 1000.0)
}
