//! Whether the process works (readiness) and whether it moves at all (liveness).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::Clock;

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
    condition: Condition,
    since: DateTime<Utc>,
    /// Set for components that must beat: how often, and when it last did.
    heart: Option<(Duration, Instant)>,
}

/// How a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Ready for work.
    Ready,
    /// Ready for all work but some that waits for somebody to mend this.
    Degraded(String),
    /// Not ready for work, for this reason.
    NotReady(String),
}

/// What a component says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentHealth {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub condition: Condition,
    /// Since when, whatever the reasons were meanwhile.
    pub since: DateTime<Utc>,
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
            condition: Condition::NotReady("starting".to_owned()),
            since: now(),
            heart: None,
        });
        HealthCheck {
            name,
            health: self.clone(),
        }
    }

    /// Whether every component is ready for work.
    pub fn is_ready(&self) -> bool {
        self.unready().is_empty()
    }

    /// What each component says, in the order of their names.
    pub fn components(&self) -> Vec<ComponentHealth> {
        self.states()
            .iter()
            .map(|(name, state)| ComponentHealth {
                name,
                condition: state.condition.clone(),
                since: state.since,
            })
            .collect()
    }

    /// The components that are not ready, each with its reason.
    pub fn unready(&self) -> BTreeMap<&'static str, String> {
        self.reasons(|condition| match condition {
            Condition::NotReady(reason) => Some(reason),
            Condition::Ready | Condition::Degraded(_) => None,
        })
    }

    /// The components that are ready for most of their work, each with what
    /// somebody has to mend for the rest.
    pub fn degraded(&self) -> BTreeMap<&'static str, String> {
        self.reasons(|condition| match condition {
            Condition::Degraded(reason) => Some(reason),
            Condition::Ready | Condition::NotReady(_) => None,
        })
    }

    fn reasons(&self, of: fn(&Condition) -> Option<&String>) -> BTreeMap<&'static str, String> {
        self.states()
            .iter()
            .filter_map(|(name, state)| Some((*name, of(&state.condition)?.clone())))
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
        self.become_so(Condition::Ready);
    }

    /// Ready for all work but some that waits for somebody to mend something;
    /// the reason is shown to operators, so it names no person.
    pub fn degraded(&self, reason: impl Into<String>) {
        self.become_so(Condition::Degraded(reason.into()));
    }

    /// Not ready for work; the reason is shown to operators, so it names no person.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.become_so(Condition::NotReady(reason.into()));
    }

    fn become_so(&self, condition: Condition) {
        self.change(|state| {
            if std::mem::discriminant(&state.condition) != std::mem::discriminant(&condition) {
                match &condition {
                    Condition::Ready => tracing::info!(component = self.name, "ready"),
                    Condition::Degraded(reason) => {
                        tracing::warn!(component = self.name, reason, "degraded");
                    }
                    Condition::NotReady(reason) => {
                        tracing::warn!(component = self.name, reason, "not ready");
                    }
                }
                state.since = now();
            }
            state.condition = condition;
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

fn now() -> DateTime<Utc> {
    Clock::system().now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_since_when_a_component_is_as_it_is() {
        let health = Health::new();
        let check = health.check("log");
        let found = || health.components().remove(0);
        let begin = found().since;
        check.not_ready("the broker does not answer");
        assert_eq!(
            found(),
            ComponentHealth {
                name: "log",
                condition: Condition::NotReady("the broker does not answer".to_owned()),
                since: begin,
            }
        );
        for condition in [
            Condition::Ready,
            Condition::Degraded("some wait".to_owned()),
            Condition::NotReady("nothing is taken".to_owned()),
        ] {
            let before = found().since;
            check.become_so(condition.clone());
            let after = found();
            assert_eq!(after.condition, condition);
            assert!(after.since >= before);
            check.become_so(condition);
            assert_eq!(found(), after);
        }
    }

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
