//! The steps of a request: how long each takes (`chalkline_ingest_step_seconds`), and for
//! one request in some how much processor time those that only compute
//! (`chalkline_ingest_step_cpu_seconds`).

use std::cell::Cell;
use std::time::Instant;

use cpu_time::ThreadTime;

/// Of so many steps one is asked for its processor time: to ask the kernel takes as long
/// as to judge a tenth of an event. A prime number, or always the same step would be asked.
const ROUND: u32 = 17;

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

    /// Measures work that waits for nothing, at times also its processor time.
    pub fn compute<T>(self, work: impl FnOnce() -> T) -> T {
        let begun = self.begin();
        let clock = is_turn().then(|| ThreadTime::try_now().ok()).flatten();
        let done = work();
        if let Some(used) = clock.and_then(|clock| clock.try_elapsed().ok()) {
            metrics::histogram!("chalkline_ingest_step_cpu_seconds", "step" => self.name())
                .record(used.as_secs_f64());
        }
        drop(begun);
        done
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

/// Whether this step is one of those that are asked.
fn is_turn() -> bool {
    thread_local!(static STEPS: Cell<u32> = const { Cell::new(0) });
    STEPS.set((STEPS.get() + 1) % ROUND);
    STEPS.get() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_its_turn() {
        // Three steps a request compute.
        let asked: Vec<_> = (0..51).filter(|_| is_turn()).map(|n| n % 3).collect();
        assert_eq!(asked.len(), 3);
        assert!(
            [0, 1, 2].iter().all(|step| asked.contains(step)),
            "{asked:?}"
        );
    }
}
