//! Whether the brokers still answer while nothing is sent: one that stands still keeps
//! its connections.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::produce::Sender;
use super::topic::{self, Topic};
use crate::ReadError;

/// How long after an answer the next is asked for.
const REST: Duration = Duration::from_secs(5);
/// How long after a question without an answer.
const SOON: Duration = Duration::from_secs(1);
/// So many questions go without an answer before we say so: one of several brokers that
/// stands still is not asked twice.
const MISSED: u32 = 2;

/// What is known of the brokers' answers. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Contact(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Records that were acknowledged.
    acknowledged: AtomicU64,
    is_silent: AtomicBool,
    /// What the last question without an answer ended with.
    said: Mutex<String>,
}

impl Contact {
    /// A record was acknowledged.
    pub(super) fn acknowledged(&self) {
        self.0.acknowledged.fetch_add(1, Ordering::Relaxed);
        self.0.is_silent.store(false, Ordering::Relaxed);
    }

    /// What the brokers, or the client for them, said last while they do not answer.
    pub(super) fn silence(&self) -> Option<String> {
        let is_silent = self.0.is_silent.load(Ordering::Relaxed);
        is_silent.then(|| {
            let said = self.0.said.lock();
            said.unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    fn answered(&self) {
        self.0.is_silent.store(false, Ordering::Relaxed);
    }

    fn missed(&self, said: String) {
        let mut last = self.0.said.lock().unwrap_or_else(PoisonError::into_inner);
        *last = said;
        drop(last);
        self.0.is_silent.store(true, Ordering::Relaxed);
    }
}

/// Asks for the topic whenever no record was acknowledged for a while, for ever.
pub(super) async fn ask(sender: Arc<Sender>, topic: Arc<Topic>) {
    let contact = sender.contact();
    let mut missed = 0;
    loop {
        let before = contact.0.acknowledged.load(Ordering::Relaxed);
        tokio::time::sleep(if missed == 0 { REST } else { SOON }).await;
        if contact.0.acknowledged.load(Ordering::Relaxed) > before {
            missed = 0;
            continue;
        }
        match topic::check_same(&sender.client(), &topic).await {
            // Another topic under its name is an answer, and not for us to judge.
            Ok(()) | Err(ReadError::Replaced { .. }) => {
                missed = 0;
                contact.answered();
            }
            Err(error) => {
                missed += 1;
                if missed >= MISSED {
                    let source = std::error::Error::source(&error);
                    contact.missed(source.map_or_else(|| error.to_string(), ToString::to_string));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_answer_ends_the_silence() {
        let contact = Contact::default();
        assert_eq!(contact.silence(), None);
        contact.missed("timed out".to_owned());
        assert_eq!(contact.silence().as_deref(), Some("timed out"));
        contact.acknowledged();
        assert_eq!(contact.silence(), None);
        contact.missed("timed out".to_owned());
        contact.answered();
        assert_eq!(contact.silence(), None);
    }
}
