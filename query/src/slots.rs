//! What was asked for last, each kept behind a lock of its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// At most so many states; of more, those that were asked for longest ago go.
pub(crate) struct Slots<K, S> {
    capacity: usize,
    slots: Mutex<HashMap<K, Slot<S>>>,
}

struct Slot<S> {
    /// When it was last asked for.
    used: u64,
    state: Arc<tokio::sync::Mutex<S>>,
}

impl<K: Clone + Eq + Hash, S: Default> Slots<K, S> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slots: Mutex::default(),
        }
    }

    /// The state of a key, asked for at `now`; a new one if there is none.
    pub(crate) fn get(&self, key: &K, now: u64) -> Arc<tokio::sync::Mutex<S>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(key) && slots.len() >= self.capacity {
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                slots.remove(&oldest);
            }
        }
        let slot = slots.entry(key.clone()).or_insert_with(|| Slot {
            used: now,
            state: Arc::default(),
        });
        slot.used = now;
        Arc::clone(&slot.state)
    }

    /// Forgets the states of these keys.
    pub(crate) fn forget(&self, which: impl Fn(&K) -> bool) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|key, _| !which(key));
    }
}
