//! One id per request, by which its sender and our logs find it.

use axum::http::HeaderMap;
use axum::http::request::Parts;
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
