use std::time::Duration;

use reqwest::StatusCode;

use super::EventResult;

/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait, also when the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a request was not answered as hoped.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the address, or the connection broke.
    #[error("{url} does not answer: is Chalkline running there?")]
    Unreachable {
        /// Where it was sent.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The service is overloaded or not ready.
    #[error("the service cannot take this now ({status}): {detail}")]
    Busy {
        /// The HTTP status.
        status: StatusCode,
        /// What the service says.
        detail: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The service refuses the request; sending it again changes nothing.
    #[error("the service refused the request ({status}): {detail}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What happened, for programs.
        code: String,
        /// What the service says.
        detail: String,
        /// What is wrong with each event, if the request was one of events.
        errors: Vec<EventResult>,
    },
    /// The answer is not what this version of Chalkline sends.
    #[error("{url} answered something else than Chalkline does")]
    Answer {
        /// Where the request was sent.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

impl ClientError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    /// How long to wait before the `failures`-th next try: what the service
    /// asks for, else twice as long each time.
    pub fn wait(&self, failures: u32) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << failures.min(10));
        match self {
            Self::Busy {
                retry_after: Some(wait),
                ..
            } => *wait,
            _ => doubled,
        }
        .min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, Duration::from_millis(200))]
    #[case(3, Duration::from_millis(1_600))]
    #[case(40, LONGEST_WAIT)]
    fn waits_double_up_to_a_limit(#[case] failures: u32, #[case] expected: Duration) {
        let mut error = ClientError::Busy {
            status: StatusCode::SERVICE_UNAVAILABLE,
            detail: String::new(),
            retry_after: None,
        };
        assert_eq!(error.wait(failures), expected);
        if let ClientError::Busy { retry_after, .. } = &mut error {
            *retry_after = Some(Duration::from_secs(7));
        }
        assert_eq!(error.wait(failures), Duration::from_secs(7));
    }
}
