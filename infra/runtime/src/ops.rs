//! The endpoints for operators: `/healthz`, `/readyz` and `/metrics`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::{Health, Metrics};

/// Routes that answer without a credential and hold no tenant's data:
///
/// - `/healthz`: 200 while every component moves, else 503 (restart it);
/// - `/readyz`: 200 when every component is ready, else 503 naming each that is
///   not and why (send nothing yet); ready with the status `degraded` when one
///   tenant's work waits for somebody to mend something;
/// - `/metrics`: Prometheus text.
pub fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(health)
        .merge(
            Router::new()
                .route("/metrics", get(render))
                .with_state(metrics),
        )
}

async fn healthz(State(health): State<Health>) -> Response {
    let stuck = health.stuck();
    if stuck.is_empty() {
        return Json(json!({ "status": "alive" })).into_response();
    }
    let components: Vec<_> = stuck
        .iter()
        .map(|(name, silent)| {
            let reason = format!("has not moved for {} s", silent.as_secs());
            json!({ "component": name, "reason": reason })
        })
        .collect();
    unavailable(json!({ "status": "stuck", "components": components }))
}

async fn readyz(State(health): State<Health>) -> Response {
    let unready = health.unready();
    if !unready.is_empty() {
        return unavailable(json!({ "status": "not_ready", "components": named(unready) }));
    }
    let degraded = health.degraded();
    if !degraded.is_empty() {
        let body = json!({ "status": "degraded", "components": named(degraded) });
        return Json(body).into_response();
    }
    Json(json!({ "status": "ready" })).into_response()
}

fn named(reasons: BTreeMap<&'static str, String>) -> Vec<serde_json::Value> {
    let named = |(name, reason)| json!({ "component": name, "reason": reason });
    reasons.into_iter().map(named).collect()
}

async fn render(State(metrics): State<Metrics>) -> Response {
    let text = metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn unavailable(body: serde_json::Value) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn get(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn unready_components_are_named_with_their_reasons() {
        let health = Health::new();
        let router = router(health.clone(), Metrics::detached());
        assert_eq!(get(&router, "/readyz").await.0, StatusCode::OK);

        let log = health.check("log");
        let lake = health.check("lake");
        lake.ready();
        let (status, body) = get(&router, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&body).expect("JSON"),
            json!({
                "status": "not_ready",
                "components": [{ "component": "log", "reason": "starting" }],
            })
        );
        assert_eq!(get(&router, "/healthz").await.0, StatusCode::OK);

        log.degraded("a table is damaged");
        let (status, body) = get(&router, "/readyz").await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            body.contains("degraded") && body.contains("a table is damaged"),
            "{body}"
        );

        log.ready();
        let (status, body) = get(&router, "/readyz").await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::OK, r#"{"status":"ready"}"#)
        );
    }

    #[tokio::test]
    async fn metrics_are_prometheus_text() {
        let recorder = crate::telemetry::recorder();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("chalkline_tests_total").increment(3);
        });
        let metrics = Metrics::of(&recorder);
        let (status, body) = get(&router(Health::new(), metrics), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("chalkline_tests_total 3"), "{body}");
    }
}
