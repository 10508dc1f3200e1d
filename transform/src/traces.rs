//! The traces of the requests whose events become rows together.

use std::collections::BTreeMap;

use eventlog::Headers;
use runtime::trace;
use schemas::headers;
use tracing::Span;

use crate::decode::text;

/// How many are told of: of thousands of requests a few are enough to see how long their
/// events took.
const MOST: usize = 32;

/// Some traces, with the newest request of each.
#[derive(Debug, Default)]
pub(crate) struct Traces(BTreeMap<Box<str>, Box<str>>);

impl Traces {
    /// Takes note of the trace that the record comes from, if it comes from one, there is
    /// a collector, and there is room.
    pub fn note(&mut self, headers: &Headers) {
        if trace::is_on()
            && let Some(traceparent) = text(headers, headers::TRACEPARENT)
        {
            self.add(traceparent);
        }
    }

    fn add(&mut self, traceparent: &str) {
        // 00-<trace>-<request>-<flags>
        let Some(trace_id) = traceparent.split('-').nth(1) else {
            return;
        };
        if self.0.len() < MOST || self.0.contains_key(trace_id) {
            self.0.insert(trace_id.into(), traceparent.into());
        }
    }

    /// Says that the span has to do with these. It is part of one of them, since the
    /// collector is to get all of those, and of spans that begin here only some.
    pub fn link(&self, span: &Span) {
        if let Some(traceparent) = self.0.values().next() {
            trace::continue_from(span, traceparent, None);
        }
        for traceparent in self.0.values() {
            trace::link(span, traceparent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_dozens_of_traces_are_kept_each_once() {
        let mut traces = Traces::default();
        traces.add("no trace");
        for n in 0..100 {
            for request in 0..2 {
                traces.add(&format!("00-{:032x}-{request:016x}-01", n + 1));
            }
        }
        assert_eq!(traces.0.len(), MOST);
        let newest = format!("{:016x}", 1);
        assert!(traces.0.values().all(|parent| parent.contains(&newest)));
    }
}
