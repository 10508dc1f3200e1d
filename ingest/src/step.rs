//! The steps of a request, and how long each takes: `chalkline_ingest_step_seconds`.

use std::time::Instant;

/// A step of a request's way through the front door.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The key becomes a sender.
    Authenticate,
    /// The body comes, at its sender's pace.
    Receive,
    /// Events are cut out of the body.
    Decode,
    /// Events are translated, validated and written in canonical form.
    Judge,
    /// The log makes them durable.
    Append,
    /// The answer is written.
    Answer,
}

impl Step {
    /// Measures from now until what this gives is dropped.
    pub fn begin(self) -> Begun {
        Begun {
            step: self,
            since: Instant::now(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Receive => "receive",
            Self::Decode => "decode",
            Self::Judge => "judge",
            Self::Append => "append",
            Self::Answer => "answer",
        }
    }
}

/// A step under way.
#[derive(Debug)]
pub struct Begun {
    step: Step,
    since: Instant,
}

impl Drop for Begun {
    fn drop(&mut self) {
        metrics::histogram!("chalkline_ingest_step_seconds", "step" => self.step.name())
            .record(self.since.elapsed().as_secs_f64());
    }
}
