//! The endpoints for operators: `/healthz`, `/readyz` and `/metrics`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::{ComponentHealth, Condition, Health, Metrics};

/// Routes that answer without a credential and hold no tenant's data:
///
/// - `/healthz`: 200 while every component moves, else 503 (restart it);
/// - `/readyz`: 200 when every component is ready, else 503 (send nothing yet);
///   200 with the status `degraded` when some work waits for somebody to mend
///   something. The body says of each component how it is, why and since when;
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
    let components = health.components();
    let is = |kind: fn(&Condition) -> bool| components.iter().any(|one| kind(&one.condition));
    let status = if is(|condition| matches!(condition, Condition::NotReady(_))) {
        "not_ready"
    } else if is(|condition| matches!(condition, Condition::Degraded(_))) {
        "degraded"
    } else {
        "ready"
    };
    let evidence: Vec<_> = components.iter().map(evidence).collect();
    let body = json!({ "status": status, "components": evidence });
    if status == "not_ready" {
        unavailable(body)
    } else {
        Json(body).into_response()
    }
}

/// How a component is, why and since when.
fn evidence(component: &ComponentHealth) -> Value {
    let (status, reason) = match &component.condition {
        Condition::Ready => ("ready", None),
        Condition::Degraded(reason) => ("degraded", Some(reason)),
        Condition::NotReady(reason) => ("not_ready", Some(reason)),
    };
    let mut evidence = json!({
        "component": component.name,
        "status": status,
        "since": component.since.to_rfc3339_opts(SecondsFormat::Millis, true),
    });
    if let Some(reason) = reason {
        evidence["reason"] = json!(reason);
    }
    evidence
}

async fn render(State(metrics): State<Metrics>) -> Response {
    let text = metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn unavailable(body: Value) -> Response {
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
    async fn each_component_is_named_with_its_reason_and_since_when() {
        let health = Health::new();
        let router = router(health.clone(), Metrics::detached());
        let ask = async || {
            let (status, body) = get(&router, "/readyz").await;
            let body: Value = serde_json::from_str(&body).expect("JSON");
            (status.as_u16(), body)
        };
        assert_eq!(
            ask().await,
            (200, json!({ "status": "ready", "components": [] }))
        );

        let log = health.check("log");
        let lake = health.check("lake");
        lake.ready();
        let (status, body) = ask().await;
        let since = |n: usize| body["components"][n]["since"].clone();
        for n in [0, 1] {
            let since = since(n);
            let since = since.as_str().expect("text");
            assert!(
                since.parse::<chrono::DateTime<chrono::Utc>>().is_ok(),
                "{since}"
            );
        }
        assert_eq!(
            (status, &body),
            (
                503,
                &json!({
                    "status": "not_ready",
                    "components": [
                        { "component": "lake", "status": "ready", "since": since(0) },
                        {
                            "component": "log", "status": "not_ready", "since": since(1),
                            "reason": "starting",
                        },
                    ],
                })
            )
        );
        assert_eq!(get(&router, "/healthz").await.0, StatusCode::OK);

        log.degraded("a table is damaged");
        let (status, body) = ask().await;
        assert_eq!((status, &body["status"]), (200, &json!("degraded")));
        assert_eq!(body["components"][1]["status"], "degraded");
        assert_eq!(body["components"][1]["reason"], "a table is damaged");

        log.ready();
        let (status, body) = ask().await;
        assert_eq!((status, &body["status"]), (200, &json!("ready")));
        assert_eq!(body["components"][1].get("reason"), None);
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
