//! One id per request, by which its sender and our logs find it, and its spans, for a
//! collector of traces.

use axum::extract::{MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use runtime::trace;
use tracing::field::Empty;
use tracing::{Span, info_span};
use uuid::Uuid;

/// The trace id of a request: 32 hexadecimal characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    /// The trace that the request belongs to by its `traceparent` header (W3C
    /// Trace Context), else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get("traceparent")
            .and_then(|value| parse(value.to_str().ok()?))
            .unwrap_or_else(|| Self(Uuid::new_v4().simple().to_string()))
    }

    /// The id that [`TraceId::of`] has given to this request before.
    pub fn of_request(parts: &Parts) -> String {
        let given = parts.extensions.get::<Self>();
        given.map_or_else(String::new, |id| id.0.clone())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The spans of a request: nothing where there is no collector. They say nothing that a
/// sender has written: no query, no header, no body.
#[derive(Debug, Clone)]
pub struct Spans(Span);

impl Spans {
    /// The span of a request, in the trace of its sender if that has one. It ends with
    /// the last of these.
    pub fn of(request: &Request) -> Self {
        let method = method(request.method());
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map(MatchedPath::as_str);
        let span = info_span!(
            target: trace::TARGET,
            parent: None,
            "request",
            otel.name = route.map_or(method.to_owned(), |route| format!("{method} {route}")),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
        );
        let header = |name| request.headers().get(name)?.to_str().ok();
        if let Some(traceparent) = header("traceparent") {
            trace::continue_from(&span, traceparent, header("tracestate"));
        }
        Self(span)
    }

    /// Those that [`Spans::of`] has given to this request before.
    pub fn of_request(parts: &Parts) -> Self {
        let given = parts.extensions.get::<Self>();
        given.cloned().unwrap_or_else(|| Self(Span::none()))
    }

    /// The trace that they are in, if there is a collector.
    pub fn trace_id(&self) -> Option<TraceId> {
        trace::trace_id(&self.0).map(TraceId)
    }

    /// How others go on with the trace, if the collector gets it.
    pub fn traceparent(&self) -> Option<String> {
        trace::traceparent(&self.0)
    }

    /// Notes what was answered.
    pub fn answer(&self, status: StatusCode) {
        let code = i64::from(status.as_u16());
        self.0.record("http.response.status_code", code);
        if status.is_server_error() {
            self.0.record("otel.status_code", "error");
        }
    }

    /// The body arrives while this is there.
    pub fn receive(&self) -> Span {
        info_span!(target: trace::TARGET, parent: &self.0, "receive")
    }

    /// The events of the body are judged while this is there.
    pub fn judge(&self) -> Span {
        info_span!(target: trace::TARGET, parent: &self.0, "judge")
    }

    /// So many records are made durable while this is there.
    pub fn append(&self, records: usize) -> Span {
        let records = records as i64;
        info_span!(target: trace::TARGET, parent: &self.0, "append", records)
    }
}

/// The method, if it is a known one: a sender may write any word.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => "_OTHER",
    }
}

fn parse(traceparent: &str) -> Option<TraceId> {
    let hex = |text: &&str, length: usize| {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        text.len() == length && text.bytes().all(digit) && text.bytes().any(|b| b != b'0')
    };
    let mut parts = traceparent.trim().split('-');
    parts
        .next()
        .filter(|version| version.len() == 2 && *version != "ff")?;
    let trace = parts.next().filter(|id| hex(id, 32))?;
    parts.next().filter(|parent| hex(parent, 16))?;
    Some(TraceId(trace.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_traceparent_is_taken_and_any_other_replaced() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = format!("00-{id}-00f067aa0ba902b7-01");
        assert_eq!(parse(&good), Some(TraceId(id.to_owned())));
        for bad in [
            "",
            id,
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(TraceId::of(&HeaderMap::new()).as_str().len(), 32);
    }
}
