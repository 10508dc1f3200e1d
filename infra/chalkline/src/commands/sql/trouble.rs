//! Errors as people are told them: what happened, where in the statement, what to do.

use reqwest::StatusCode;

use super::visible::{visible, visible_lines};
use crate::client::{AskError, Refusal};

/// Why a statement or a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The service did not answer it.
    #[error("{text}")]
    Ask {
        /// What to tell.
        text: String,
        /// Whether nobody answered at all.
        is_away: bool,
    },
    /// The client cannot do it.
    #[error("{0}")]
    Client(String),
    /// It was ended by Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    /// Whoever reads the answers wants no more.
    #[error("nobody reads the answers")]
    Closed,
}

impl Trouble {
    /// An answer cannot be written.
    pub fn writing(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Client(format!("the answer cannot be written: {error}")),
        }
    }

    /// The same, with the place in a script where it happened.
    #[must_use]
    pub fn at(self, script: Option<&str>, line: usize) -> Self {
        let Some(script) = script else { return self };
        let placed = |text: String| format!("{}:{line}: {text}", visible(script));
        match self {
            Self::Ask { text, is_away } => Self::Ask {
                text: placed(text),
                is_away,
            },
            Self::Client(text) => Self::Client(placed(text)),
            Self::Cancelled | Self::Closed => self,
        }
    }

    /// Whether nobody answered at all.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Ask { is_away: true, .. })
    }

    /// The error of a statement.
    pub fn of(error: &AskError, statement: &str) -> Self {
        let mut lines = vec![visible_lines(&error.to_string()).into_owned()];
        if let Some(refusal) = error.refusal() {
            lines.extend(place(&refusal.detail, statement));
            lines.extend(advice(refusal));
        }
        if let AskError::Foreign { .. } = error {
            lines.push(NO_QUERY_SERVICE.to_owned());
        }
        let causes = error.causes();
        // The last one says it; those before it say where they heard it.
        lines.extend(
            causes
                .last()
                .map(|cause| format!("because: {}", visible(cause))),
        );
        Self::Ask {
            text: lines.join("\n"),
            is_away: matches!(error, AskError::Unreachable { .. }),
        }
    }
}

const NO_QUERY_SERVICE: &str = "It is no query service: name one with --url or CHALKLINE_URL \
                                (chalkline up tells its own, and the front door is another one).";

/// What to do, where the service's own words do not say it.
fn advice(refusal: &Refusal) -> Option<String> {
    if let Some(wait) = refusal.retry_after {
        let seconds = wait.as_secs().max(1);
        return Some(format!("Send it again in {seconds} s."));
    }
    match refusal.status {
        StatusCode::UNAUTHORIZED => {
            Some("Give another token in CHALKLINE_TOKEN or with --token.".to_owned())
        }
        StatusCode::NOT_FOUND => Some(NO_QUERY_SERVICE.to_owned()),
        StatusCode::PAYLOAD_TOO_LARGE if refusal.code == "result_too_large" => {
            Some("csv, ndjson and arrow may be longer: \\format csv, or --format csv.".to_owned())
        }
        StatusCode::INTERNAL_SERVER_ERROR => Some(format!("trace_id {}", refusal.trace_id)),
        _ => None,
    }
}

/// The line of a statement that an error names, with a mark below the place.
fn place(detail: &str, statement: &str) -> Option<String> {
    let number = |after: &str| -> Option<usize> {
        let from = detail.rfind(after)? + after.len();
        let digits = detail[from..].split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    let (line, column) = (number("at line ")?, number(", column ")?);
    let text = statement.lines().nth(line.checked_sub(1)?)?;
    let before: String = text.chars().take(column.checked_sub(1)?).collect();
    let before = visible(&before);
    let blanks = " ".repeat(super::render::width(&before));
    let prefix = format!("LINE {line}: ");
    Some(format!(
        "{prefix}{}\n{}{blanks}^",
        visible(text),
        " ".repeat(prefix.len())
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    fn refused(status: u16, code: &str, detail: &str, retry_after: Option<u64>) -> AskError {
        AskError::Refused(Box::new(Refusal {
            status: StatusCode::from_u16(status).expect("a status"),
            code: code.to_owned(),
            detail: detail.to_owned(),
            trace_id: "0197".to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    #[rstest]
    #[case(
        400,
        "sql_syntax",
        "Expected: an expression, found: FROM at line 2, column 7.",
        None,
        "sql_syntax (400): Expected: an expression, found: FROM at line 2, column 7.\n\
         LINE 2:  漢, , FROM t\n               ^"
    )]
    #[case(
        401,
        "token_expired",
        "This query token has expired.",
        None,
        "token_expired (401): This query token has expired.\n\
         Give another token in CHALKLINE_TOKEN or with --token."
    )]
    #[case(
        429,
        "too_many_queries",
        "Too many queries of this tenant are waiting.",
        Some(1),
        "too_many_queries (429): Too many queries of this tenant are waiting.\n\
         Send it again in 1 s."
    )]
    #[case(
        500,
        "internal_error",
        "Report it with the trace_id.",
        None,
        "internal_error (500): Report it with the trace_id.\ntrace_id 0197"
    )]
    #[case(
        400,
        "query_failed",
        "Cannot cast 'a\u{1b}[2Jb'.",
        None,
        "query_failed (400): Cannot cast 'a\\u{1b}[2Jb'."
    )]
    #[case(
        400,
        "sql_syntax",
        "Unexpected end at line 9, column 1.",
        None,
        "sql_syntax (400): Unexpected end at line 9, column 1."
    )]
    fn errors_say_what_to_do(
        #[case] status: u16,
        #[case] code: &str,
        #[case] detail: &str,
        #[case] retry_after: Option<u64>,
        #[case] expected: &str,
    ) {
        let error = refused(status, code, detail, retry_after);
        let trouble = Trouble::of(&error, "SELECT\n 漢, , FROM t");
        assert_eq!(trouble.to_string(), expected);
    }
}
