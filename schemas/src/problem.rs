//! Error bodies: `application/problem+json` (RFC 9457), the same at every door.

use serde::Serialize;

/// An error as its receiver reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `about:blank`: the code says what the type would.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What happened, in a few words; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence that says what to do.
    pub detail: String,
    /// What happened, for programs: snake_case, never renamed.
    pub code: &'static str,
    /// What is wrong with each part of the request, if it is that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemDetail>,
    /// Finds the request in our logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl Problem {
    /// The media type of a problem body.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem without details of parts.
    pub fn new(
        status: u16,
        code: &'static str,
        title: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: "about:blank",
            title: title.into(),
            status,
            detail: detail.into(),
            code,
            errors: Vec::new(),
            trace_id: None,
        }
    }
}

/// What is wrong with one part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemDetail {
    /// Which event of the request, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// JSON pointer (RFC 6901) into the request's body.
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// One sentence that says what to do.
    pub detail: String,
}
