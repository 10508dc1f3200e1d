//! Spans for a collector of traces, where `telemetry.otlp_endpoint` names one: who
//! continues whose trace, across processes and through the log.
//!
//! A span with the target [`TARGET`] goes to the collector and nowhere else, and is
//! nothing at all where there is none. Others, such as those of log lines, do not go
//! there. What a span is part of is said by `parent:`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of spans that go to the collector.
pub const TARGET: &str = "chalkline::trace";

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Whether there is a collector.
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

pub(crate) fn turn_on() {
    IS_ON.store(true, Ordering::Relaxed);
}

/// Makes the span part of its sender's trace, by the headers `traceparent` and
/// `tracestate` (W3C Trace Context); without a valid one it begins its own. Only before
/// anything else is done with the span.
pub fn continue_from(span: &Span, traceparent: &str, tracestate: Option<&str>) {
    if !is_on() {
        return;
    }
    let context = context(traceparent, tracestate);
    if context.span().span_context().is_valid() {
        // Where there is no such span there is nothing to continue.
        let _ = span.set_parent(context);
    }
}

/// The span's trace, 32 hexadecimal characters; `None` where there is no collector.
pub fn trace_id(span: &Span) -> Option<String> {
    Some(span_context(span)?.trace_id().to_string())
}

/// The header `traceparent` by which others continue the span, if the collector is to
/// get it.
pub fn traceparent(span: &Span) -> Option<String> {
    let context = span_context(span).filter(SpanContext::is_sampled)?;
    let (trace_id, span_id) = (context.trace_id(), context.span_id());
    Some(format!("00-{trace_id}-{span_id}-01"))
}

/// Says that the span has to do with another, by the header `traceparent` of that.
pub fn link(span: &Span, traceparent: &str) {
    if is_on() {
        let context = context(traceparent, None);
        span.add_link(context.span().span_context().clone());
    }
}

fn span_context(span: &Span) -> Option<SpanContext> {
    if !is_on() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}

fn context(traceparent: &str, tracestate: Option<&str>) -> Context {
    let mut headers = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    if let Some(tracestate) = tracestate {
        headers.insert("tracestate".to_owned(), tracestate.to_owned());
    }
    TraceContextPropagator::new().extract_with_context(&Context::new(), &headers)
}
