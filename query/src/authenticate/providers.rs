//! For how long the keys of providers are kept, and when they are asked for again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{IdentityProvider, SigningAlgorithm};

use super::fetch::{FetchError, Http};
use super::keys::{KeySet, PublicKey};
use crate::error::{Error, Unauthorised};

/// For how long keys are taken as they are.
const FRESH: TimeDelta = TimeDelta::minutes(10);
/// For how long they are used while the provider cannot be asked.
const GOOD_ENOUGH: TimeDelta = TimeDelta::hours(6);
/// How long a provider is left alone after it was asked, whatever tokens name.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The same while we have no key of it at all.
const SHORT_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// Providers whose keys are kept. Only those that tenants name are asked; the others are
/// of documents that have changed.
const CAPACITY: usize = 1024;

/// The keys of all providers.
#[derive(Default)]
pub(super) struct Providers {
    http: Http,
    slots: Mutex<HashMap<Source, Arc<Slot>>>,
}

/// From where keys come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Source {
    issuer: String,
    jwks_uri: Option<String>,
}

/// The keys of one provider.
#[derive(Default)]
struct Slot {
    held: Mutex<Held>,
    /// Held by the one caller who asks the provider.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Held {
    /// The keys, and when they were asked for.
    keys: Option<(Arc<KeySet>, DateTime<Utc>)>,
    /// When the provider was last asked, whatever it said.
    asked_at: Option<DateTime<Utc>>,
}

impl Providers {
    /// The provider's key that a token names.
    pub(super) async fn key(
        &self,
        provider: &IdentityProvider,
        id: Option<&str>,
        algorithm: SigningAlgorithm,
        now: DateTime<Utc>,
    ) -> Result<PublicKey, Error> {
        let source = Source {
            issuer: provider.issuer.clone(),
            jwks_uri: provider.jwks_uri.clone(),
        };
        let slot = self.slot(&source);
        let find = |held: &Held| -> Option<PublicKey> {
            let (keys, _) = held.keys.as_ref()?;
            keys.find(id, algorithm).cloned()
        };
        let held = slot.held();
        let asking = match find(&held).filter(|_| held.is_good_enough(now)) {
            Some(known) if !held.is_due(true, now) => return Ok(known),
            // While others ask, what is known will do.
            Some(known) => match slot.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return Ok(known),
            },
            // Others may be asking: their answer is waited for.
            None => slot.asking.lock().await,
        };
        let held = slot.held();
        if held.is_due(find(&held).is_some(), now) {
            slot.ask(&self.http, &source, now).await;
        }
        drop(asking);
        let held = slot.held();
        if !held.is_good_enough(now) {
            return Err(Error::IdentityProvider {
                issuer: source.issuer,
            });
        }
        find(&held).ok_or_else(|| Unauthorised::Key.into())
    }

    fn slot(&self, source: &Source) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(source) {
            return Arc::clone(slot);
        }
        if slots.len() >= CAPACITY {
            slots.clear();
        }
        Arc::clone(slots.entry(source.clone()).or_default())
    }
}

impl Slot {
    fn held(&self) -> Held {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Asks the provider. What was known stays when it does not answer.
    async fn ask(&self, http: &Http, source: &Source, now: DateTime<Utc>) {
        // Before it answers: who asks may go away meanwhile, and others come.
        self.change(|held| held.asked_at = Some(now));
        match fetch(http, source).await {
            Ok(keys) => self.change(|held| held.keys = Some((Arc::new(keys), now))),
            Err(error) => tracing::warn!(
                issuer = source.issuer,
                error = &error as &dyn std::error::Error,
                "cannot read the keys of the identity provider"
            ),
        }
    }
}

async fn fetch(http: &Http, source: &Source) -> Result<KeySet, FetchError> {
    let known = source.jwks_uri.as_deref();
    let jwks_uri = http.jwks_uri(&source.issuer, known).await?;
    http.keys(&jwks_uri).await
}

impl Held {
    /// Whether the provider is to be asked, for a token whose key is known or not.
    fn is_due(&self, is_known: bool, now: DateTime<Utc>) -> bool {
        let pause = if self.keys.is_some() {
            PAUSE
        } else {
            SHORT_PAUSE
        };
        if self.asked_at.is_some_and(|at| is_within(pause, at, now)) {
            return false;
        }
        !is_known || !self.is_younger_than(FRESH, now)
    }

    fn is_good_enough(&self, now: DateTime<Utc>) -> bool {
        self.is_younger_than(GOOD_ENOUGH, now)
    }

    fn is_younger_than(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        let keys = self.keys.as_ref();
        keys.is_some_and(|(_, asked_at)| is_within(age, *asked_at, now))
    }
}

/// Whether less than `age` has passed. Who waited looks back at what is a little later than
/// when they came; after the clock was set back nobody knows.
fn is_within(age: TimeDelta, then: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (-TimeDelta::minutes(1)..age).contains(&(now - then))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Keys that were asked for so many seconds ago, the provider last so many.
    fn held(keys: Option<i64>, asked: Option<i64>) -> Held {
        let ago = |seconds| now() - TimeDelta::seconds(seconds);
        Held {
            keys: keys.map(|seconds| (Arc::default(), ago(seconds))),
            asked_at: asked.map(ago),
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-09-14T12:00:00Z".parse().expect("a time")
    }

    #[rstest]
    #[case::never_asked(None, None, false, true)]
    #[case::fresh(Some(60), Some(60), true, false)]
    #[case::fresh_but_unknown(Some(60), Some(60), false, true)]
    #[case::unknown_again(Some(60), Some(29), false, false)]
    #[case::old(Some(600), Some(600), true, true)]
    #[case::old_and_just_asked(Some(600), Some(3), true, false)]
    #[case::down_from_the_start(None, Some(4), false, false)]
    #[case::down_for_a_while(None, Some(5), false, true)]
    #[case::come_before_others(Some(-5), Some(-5), true, false)]
    #[case::set_back(Some(-3600), Some(-3600), true, true)]
    fn a_provider_is_asked_when_it_must_be(
        #[case] keys: Option<i64>,
        #[case] asked: Option<i64>,
        #[case] is_known: bool,
        #[case] expected: bool,
    ) {
        assert_eq!(held(keys, asked).is_due(is_known, now()), expected);
    }

    #[rstest]
    #[case(None, false)]
    #[case(Some(-5), true)]
    #[case(Some(6 * 3600 - 1), true)]
    #[case(Some(6 * 3600), false)]
    fn old_keys_are_used_for_a_while(#[case] keys: Option<i64>, #[case] expected: bool) {
        assert_eq!(held(keys, Some(1)).is_good_enough(now()), expected);
    }
}
