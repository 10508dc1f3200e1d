//! From the verdict to the outcomes: what the log says of each record.

use eventlog::{AppendError, Receipt};

use crate::judge::{Sentence, Verdict};
use crate::outcome::{Answered, Outcome, Reason, Rejection};
use crate::readiness::Watched;

/// Appends the records in order and answers one outcome for each event, once
/// all of them are durable or known to have failed.
pub async fn append(log: &Watched, verdict: Verdict) -> Vec<Answered> {
    let Verdict { events, records } = verdict;
    let appended = if records.is_empty() {
        Vec::new()
    } else {
        log.append(records).await
    };
    report(&appended);
    let mut appended = appended.into_iter();
    let mut answered: Vec<Answered> = Vec::with_capacity(events.len());
    for event in events {
        let mut spooled = false;
        let outcome = match event.sentence {
            // A log that answers too little has not said that it is durable.
            Sentence::Append => match appended.next() {
                Some(Ok(receipt)) => {
                    spooled = receipt.is_spooled();
                    Outcome::Accepted
                }
                Some(Err(error)) => failed(&error, &event.place),
                None => Outcome::Retry,
            },
            Sentence::Same(first) => match &answered[first].outcome {
                Outcome::Accepted => Outcome::Duplicate,
                Outcome::Rejected(rejection) => Outcome::Rejected(Rejection::new(
                    rejection.reason,
                    event.place,
                    rejection.detail.clone(),
                )),
                other => other.clone(),
            },
            Sentence::Ignore => Outcome::Ignored,
            Sentence::Reject(rejection) => Outcome::Rejected(rejection),
        };
        answered.push(Answered {
            id: event.id,
            event_type: event.event_type,
            family: event.family,
            outcome,
            spooled,
        });
    }
    answered
}

fn failed(error: &AppendError, place: &str) -> Outcome {
    match error {
        AppendError::TooLarge { size, limit } => Outcome::Rejected(Rejection::new(
            Reason::EventTooLarge,
            place,
            format!(
                "Send a smaller event: it takes {size} bytes in the log, which allows {limit}."
            ),
        )),
        _ if error.is_retryable() => Outcome::Retry,
        _ => Outcome::Rejected(Rejection::new(
            Reason::EventTooLarge,
            place,
            "Send another event: the log will never take this one.",
        )),
    }
}

/// Says once per request what the log did not take.
fn report(appended: &[Result<Receipt, AppendError>]) {
    let failed = || appended.iter().filter_map(|result| result.as_ref().err());
    if let Some(first) = failed().find(|error| error.is_retryable()) {
        tracing::warn!(
            error = first as &dyn std::error::Error,
            events = failed().count(),
            "the log did not take events"
        );
    }
}
