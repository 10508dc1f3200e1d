//! What a collector of traces gets, in a process of its own: there is one subscriber in
//! each.

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "it/house.rs"]
mod house;

/// The other tests hold each answer against the document that tells of it.
mod openapi {
    use axum::http::Method;

    use crate::house::{House, Reply};

    pub async fn assert_told(_: &House, _: &Method, _: &str, _: &Reply) {}
}

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use eventlog::Record;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use runtime::telemetry;
use schemas::headers;
use tokio::net::TcpListener;

use house::{House, click};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00f067aa0ba902b7";

/// The bodies that it got.
type Collected = Arc<Mutex<Vec<Bytes>>>;

async fn take(State(collected): State<Collected>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    collected.lock().expect("no panic").push(body);
    StatusCode::OK
}

async fn collector() -> (String, Collected) {
    let collected = Collected::default();
    let app = Router::new()
        .route("/v1/traces", post(take))
        .with_state(Arc::clone(&collected));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}"), collected)
}

/// All spans, and the names of the services that they are of.
fn spans(collected: &Collected) -> (Vec<Span>, Vec<String>) {
    let (mut spans, mut services) = (Vec::new(), Vec::new());
    for body in collected.lock().expect("no panic").iter() {
        let request = ExportTraceServiceRequest::decode(body.clone()).expect("protobuf");
        for resource in request.resource_spans {
            let attributes = resource.resource.expect("a resource").attributes;
            let name = attributes.iter().find(|it| it.key == "service.name");
            services.push(text(name.and_then(|it| it.value.clone()?.value)));
            let scopes = resource.scope_spans.into_iter();
            spans.extend(scopes.flat_map(|scope| scope.spans));
        }
    }
    (spans, services)
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|it| it.key == name);
    text(found.and_then(|it| it.value.clone()?.value))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn traceparent(record: &Record) -> Option<String> {
    let value = record.headers.get(headers::TRACEPARENT)?;
    Some(String::from_utf8(value.to_vec()).expect("text"))
}

#[tokio::test]
async fn requests_go_on_with_the_traces_of_their_senders() {
    let (endpoint, collected) = collector().await;
    let config = telemetry::Config {
        otlp_endpoint: Some(endpoint),
        service_name: "front-door".to_owned(),
        // What is logged has no say in it.
        filter: "off".to_owned(),
        ..telemetry::Config::default()
    };
    telemetry::init(&config).expect("starts");
    let house = House::new().await;

    let sampled = format!("00-{TRACE}-{SENDER}-01");
    let body = click(1).to_string();
    let continued = house.post_bytes(body, &[("traceparent", &sampled)]).await;
    assert_eq!(continued.status, StatusCode::ACCEPTED);
    let sent = house.records().await;
    let [continued_record] = &sent[..] else {
        panic!("one record: {sent:?}");
    };
    let continued_record = traceparent(continued_record).expect("it is sampled");

    // The sender's own decision holds.
    let unsampled = format!("00-{}-{SENDER}-00", "7".repeat(32));
    let body = click(2).to_string();
    let skipped = house.post_bytes(body, &[("traceparent", &unsampled)]).await;
    assert_eq!(skipped.status, StatusCode::ACCEPTED);
    let with_header = |records: &[Record]| records.iter().filter_map(traceparent).count();
    assert_eq!(with_header(&house.records().await), 1);

    // One that begins here, and is refused: its sender is told its trace.
    let refused = house
        .post_bytes("null", &[("traceparent", "nonsense")])
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let told = refused.body["trace_id"].as_str().expect("an id");

    telemetry::flush().await;
    let (spans, services) = spans(&collected);
    assert!(!services.is_empty() && services.iter().all(|name| name == "front-door"));
    let of_trace = |trace: &str| -> Vec<&Span> {
        spans
            .iter()
            .filter(|span| hex(&span.trace_id) == trace)
            .collect()
    };
    let named = |spans: &[&Span], name: &str| -> Span {
        let found = spans.iter().find(|span| span.name == name);
        (*found.unwrap_or_else(|| panic!("{name} in {spans:?}"))).clone()
    };

    let continued = of_trace(TRACE);
    let request = named(&continued, "POST /v1/events");
    assert_eq!(hex(&request.parent_span_id), SENDER);
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(attribute(&request, "http.request.method"), "POST");
    assert_eq!(attribute(&request, "http.route"), "/v1/events");
    assert_eq!(attribute(&request, "http.response.status_code"), "202");
    for step in ["receive", "judge", "append"] {
        let step = named(&continued, step);
        assert_eq!(step.parent_span_id, request.span_id, "{step:?}");
        assert!(step.start_time_unix_nano >= request.start_time_unix_nano);
        assert!(step.end_time_unix_nano <= request.end_time_unix_nano);
    }
    assert_eq!(continued.len(), 4);
    let request_id = hex(&request.span_id);
    assert_eq!(continued_record, format!("00-{TRACE}-{request_id}-01"));

    let refused = of_trace(told);
    let request = named(&refused, "POST /v1/events");
    assert!(request.parent_span_id.is_empty(), "{request:?}");
    assert_eq!(attribute(&request, "http.response.status_code"), "400");
    assert_eq!(
        spans.len(),
        continued.len() + refused.len(),
        "none of the unsampled"
    );

    // Nobody is named, and no key told.
    let secret = house.key.rsplit('_').next().expect("a secret");
    for body in collected.lock().expect("no panic").iter() {
        let text = String::from_utf8_lossy(body);
        for personal in ["stu-100", "bio-101", "lms.example", secret] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
    }
}
