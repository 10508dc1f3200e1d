//! What is asked: the body of `POST /v1/sql`, and how any body is read.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;

/// What a body may hold beyond its statement: parameters, escapes.
pub(crate) const BEYOND_SQL: usize = 1024 * 1024;

/// The time a client has to send its body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What a question looks like.
const SHAPE: &str = "{\"sql\": \"…\", \"params\": […]}";

/// One question.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    pub(crate) sql: String,
    #[serde(default)]
    pub(crate) params: Vec<Value>,
}

impl Question {
    /// Reads a question.
    pub(crate) async fn read(
        headers: &HeaderMap,
        body: Body,
        sql_bytes: usize,
    ) -> Result<Self, Error> {
        read_json(headers, body, sql_bytes + BEYOND_SQL, SHAPE).await
    }
}

/// Reads a body of JSON; `shape` is what it should look like.
pub(crate) async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    shape: &str,
) -> Result<T, Error> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    if content_type.as_deref() != Some("application/json") {
        return Err(Error::ContentType);
    }
    let bytes = tokio::time::timeout(BODY_TIME, to_bytes(body, limit))
        .await
        .map_err(|_| Error::BodyTimeout)?
        .map_err(|_| Error::BodyTooLong { limit })?;
    parse(&bytes, shape)
}

fn parse<T: DeserializeOwned>(bytes: &[u8], shape: &str) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = match error.classify() {
            serde_json::error::Category::Data => {
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or_default();
                format!("the body is not as it should be ({text})")
            }
            _ => "the body is not JSON".to_owned(),
        };
        Error::Body {
            pointer: String::new(),
            detail: format!("Send {shape}: {reason}, line {line}, column {column}."),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case("{")]
    #[case(r#"{"sql":1}"#)]
    #[case(r#"{"params":[]}"#)]
    #[case(r#"{"sql":"SELECT 1","sql":"SELECT 2"}"#)]
    #[case(r#"{"sql":"SELECT 1","param":[]}"#)]
    #[case(r#"{"sql":"SELECT 1","params":{}}"#)]
    #[case(r#"{"sql":"SELECT 1"} x"#)]
    fn other_bodies_are_refused(#[case] body: &str) {
        let refused = parse::<Question>(body.as_bytes(), SHAPE);
        assert!(matches!(refused, Err(Error::Body { .. })), "{refused:?}");
    }

    #[test]
    fn parameters_may_be_left_out() {
        let question = parse::<Question>(br#"{"sql":"SELECT 1"}"#, SHAPE).expect("a question");
        assert_eq!(question.params, Vec::<Value>::new());
    }
}
