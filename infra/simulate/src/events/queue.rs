//! Puts events in order: those of a minute are held until nothing earlier can come.

use std::collections::BTreeMap;

use super::event::Event;

const MINUTE: i64 = 60_000;

/// Events that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Queue {
    minutes: BTreeMap<i64, Vec<(i64, Event)>>,
    /// The minute that is being taken, the last event first.
    taken: Vec<(i64, Event)>,
}

impl Queue {
    /// Adds an event whose turn is at a time, not earlier than what was taken.
    pub(super) fn push(&mut self, turn: i64, event: Event) {
        let minute = turn.div_euclid(MINUTE);
        self.minutes.entry(minute).or_default().push((turn, event));
    }

    /// The next event whose turn is in a minute that is over at this time.
    pub(super) fn pop(&mut self, now: i64) -> Option<(i64, Event)> {
        if self.taken.is_empty() {
            let first = self.minutes.first_entry()?;
            if (first.key() + 1) * MINUTE > now {
                return None;
            }
            self.taken = first.remove();
            // Stable, so that equal times stay as they came; then the first is taken last.
            self.taken.sort_by_key(|(turn, _)| *turn);
            self.taken.reverse();
        }
        self.taken.pop()
    }
}
