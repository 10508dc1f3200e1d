//! What is asked: the body of `POST /v1/sql`.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;

/// What a body may hold beyond its statement: parameters, escapes.
const BEYOND_SQL: usize = 1024 * 1024;

/// The time a client has to send its body.
const BODY_TIME: Duration = Duration::from_secs(30);

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
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_ascii_lowercase());
        if content_type.as_deref() != Some("application/json") {
            return Err(Error::ContentType);
        }
        let limit = sql_bytes + BEYOND_SQL;
        let bytes = tokio::time::timeout(BODY_TIME, to_bytes(body, limit))
            .await
            .map_err(|_| Error::BodyTimeout)?
            .map_err(|_| Error::BodyTooLong { limit })?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Error> {
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
                detail: format!(
                    "Send {{\"sql\": \"…\", \"params\": […]}}: {reason}, line {line}, column {column}."
                ),
            }
        })
    }
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
        let refused = Question::parse(body.as_bytes());
        assert!(matches!(refused, Err(Error::Body { .. })), "{refused:?}");
    }

    #[test]
    fn parameters_may_be_left_out() {
        let question = Question::parse(br#"{"sql":"SELECT 1"}"#).expect("a question");
        assert_eq!(question.params, Vec::<Value>::new());
    }
}
