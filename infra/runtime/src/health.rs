//! Whether the process works (readiness) and whether it moves at all (liveness).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the components of a process say about themselves. Clones share it.
///
/// ```
/// use runtime::Health;
///
/// let health = Health::new();
/// let log = health.check("log");
/// assert!(!health.is_ready());
/// log.ready();
/// assert!(health.is_ready());
/// log.not_ready("the broker does not answer");
/// assert_eq!(health.unready()["log"], "the broker does not answer");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, State>>>);

#[derive(Debug)]
struct State {
    /// Why it is not ready; `None` is ready.
    unready: Option<String>,
    /// What somebody has to mend although it is ready.
    degraded: Option<String>,
    /// Set for components that must beat: how often, and when it last did.
    heart: Option<(Duration, Instant)>,
}

/// One component's entry in [`Health`].
#[derive(Debug, Clone)]
pub struct HealthCheck {
    name: &'static str,
    health: Health,
}

impl Health {
    /// No components yet: alive and ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a component, which is not ready until it says so. The same
    /// name again is the same component.
    pub fn check(&self, name: &'static str) -> HealthCheck {
        self.states().entry(name).or_insert_with(|| State {
            unready: Some("starting".to_owned()),
            degraded: None,
            heart: None,
        });
        HealthCheck {
            name,
            health: self.clone(),
        }
    }

    /// Whether every component is ready for work.
    pub fn is_ready(&self) -> bool {
        self.states().values().all(|state| state.unready.is_none())
    }

    /// The components that are not ready, each with its reason.
    pub fn unready(&self) -> BTreeMap<&'static str, String> {
        self.states()
            .iter()
            .filter_map(|(name, state)| Some((*name, state.unready.clone()?)))
            .collect()
    }

    /// The components that are ready for most of their work, each with what
    /// somebody has to mend for the rest.
    pub fn degraded(&self) -> BTreeMap<&'static str, String> {
        self.states()
            .iter()
            .filter(|(_, state)| state.unready.is_none())
            .filter_map(|(name, state)| Some((*name, state.degraded.clone()?)))
            .collect()
    }

    /// The components that must [`beat`](HealthCheck::beat) and have not done
    /// so in time, each with how long it has been silent. The process should be
    /// restarted when there are any.
    pub fn stuck(&self) -> BTreeMap<&'static str, Duration> {
        self.stuck_at(Instant::now())
    }

    fn stuck_at(&self, now: Instant) -> BTreeMap<&'static str, Duration> {
        self.states()
            .iter()
            .filter_map(|(name, state)| {
                let (deadline, beaten) = state.heart?;
                let silent = now.saturating_duration_since(beaten);
                (silent > deadline).then_some((*name, silent))
            })
            .collect()
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<&'static str, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HealthCheck {
    /// Demands a [`beat`](Self::beat) at least every `deadline` from now on;
    /// without one the process counts as stuck.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        self.change(|state| state.heart = Some((deadline, Instant::now())));
        self
    }

    /// Ready for work.
    pub fn ready(&self) {
        self.change(|state| {
            state.degraded = None;
            if state.unready.take().is_some() {
                tracing::info!(component = self.name, "ready");
            }
        });
    }

    /// Ready for all work but some that waits for somebody to mend something;
    /// the reason is shown to operators, so it names no person.
    pub fn degraded(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.change(|state| {
            state.unready = None;
            if state.degraded.is_none() {
                tracing::warn!(component = self.name, reason, "degraded");
            }
            state.degraded = Some(reason);
        });
    }

    /// Not ready for work; the reason is shown to operators, so it names no person.
    pub fn not_ready(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.change(|state| {
            if state.unready.is_none() {
                tracing::warn!(component = self.name, reason, "not ready");
            }
            state.unready = Some(reason);
        });
    }

    /// Still moving.
    pub fn beat(&self) {
        self.beat_at(Instant::now());
    }

    fn beat_at(&self, now: Instant) {
        self.change(|state| {
            if let Some((_, beaten)) = &mut state.heart {
                *beaten = now;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.health.states().get_mut(self.name) {
            change(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_that_stops_beating_is_stuck_until_it_beats_again() {
        let health = Health::new();
        let deadline = Duration::from_secs(30);
        let check = health.check("transform").with_deadline(deadline);
        assert!(health.stuck().is_empty());
        let later = Instant::now() + deadline;
        assert!(health.stuck_at(later).contains_key("transform"));
        check.beat_at(later);
        assert!(health.stuck_at(later).is_empty());
    }
}
