use std::sync::Arc;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use proptest::prelude::*;
use rstest::rstest;
use schemas::{Tenant, TenantSecret};

use super::*;
use crate::authenticate::Scope;

const RATE: u32 = 20;

/// A sender whose key has this id, this kind and these limits.
fn sender(key: &str, kind: KeyKind, per_second: u32, per_day: u64) -> Sender {
    let tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
    let scope = Scope {
        key_id: key.to_owned(),
        kind,
        limits: Limits {
            per_second: NonZeroU32::new(per_second),
            per_day: NonZeroU64::new(per_day),
        },
        ..Scope::default()
    };
    let secret = TenantSecret::from_bytes([7; 32]);
    Sender::new(Arc::new(tenant), Arc::new(secret), scope)
}

fn rates() -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    let public = NonZeroU32::new(5).expect("not zero");
    (Rates::with_clock(public, clock.clone()), clock)
}

fn at(time: &str) -> DateTime<Utc> {
    format!("2026-09-{time}Z").parse().expect("a time")
}

/// What a request is told: that it is taken, or the code and after how many
/// milliseconds, or how many events come in.
fn told(admitted: Result<(), Error>) -> (&'static str, u128) {
    match admitted {
        Ok(()) => ("taken", 0),
        Err(Error::RateExceeded { wait, .. }) => ("rate", wait.as_millis()),
        Err(Error::QuotaExceeded { wait, .. }) => ("quota", wait.as_millis()),
        Err(Error::TooManyEvents { limit, .. }) => ("split", limit as u128),
        Err(other) => panic!("{other:?}"),
    }
}

#[rstest]
#[case::no_limit(KeyKind::Secret, 0, 0, &[10_000, 10_000], ("taken", 0))]
#[case::burst(KeyKind::Secret, RATE, 0, &[200], ("taken", 0))]
#[case::one_more(KeyKind::Secret, RATE, 0, &[200, 1], ("rate", 50))]
#[case::many_more(KeyKind::Secret, RATE, 0, &[100, 100, 150], ("rate", 7_500))]
#[case::no_more_than_fit(KeyKind::Secret, RATE, 0, &[150, 60], ("rate", 500))]
#[case::more_than_ever_fit(KeyKind::Secret, RATE, 0, &[201], ("split", 200))]
#[case::public(KeyKind::Public, 0, 0, &[50, 1], ("rate", 200))]
#[case::public_with_its_own(KeyKind::Public, RATE, 0, &[200, 1], ("rate", 50))]
#[case::quota(KeyKind::Secret, 0, 100, &[60, 40], ("taken", 0))]
#[case::over_the_quota(KeyKind::Secret, 0, 100, &[60, 41], ("quota", 43_200_000))]
#[case::more_than_a_day(KeyKind::Secret, 0, 100, &[101], ("split", 100))]
#[case::both(KeyKind::Secret, RATE, 150, &[100, 50, 1], ("quota", 43_200_000))]
fn a_key_posts_as_much_as_it_may(
    #[case] kind: KeyKind,
    #[case] per_second: u32,
    #[case] per_day: u64,
    #[case] requests: &[usize],
    #[case] last: (&str, u128),
) {
    let (rates, _) = rates();
    let sender = sender("a", kind, per_second, per_day);
    let (end, before) = requests.split_last().expect("a request");
    let noon = at("14T12:00:00");
    for events in before {
        assert_eq!(told(rates.admit(&sender, *events, noon)), ("taken", 0));
    }
    assert_eq!(told(rates.admit(&sender, *end, noon)), last);
}

#[test]
fn who_waits_as_long_as_it_is_told_is_taken_and_not_sooner() {
    let (rates, clock) = rates();
    let sender = sender("a", KeyKind::Secret, RATE, 0);
    let now = at("14T12:00:00");
    rates.admit(&sender, 200, now).expect("the burst");
    let (code, wait) = told(rates.admit(&sender, 30, now));
    assert_eq!((code, wait), ("rate", 1_500));
    clock.advance(Duration::from_millis(1_499));
    assert_eq!(told(rates.admit(&sender, 30, now)), ("rate", 1));
    clock.advance(Duration::from_millis(1));
    rates.admit(&sender, 30, now).expect("it was told so");
}

#[test]
fn what_is_refused_is_not_counted_and_keys_are_counted_apart() {
    let (rates, _) = rates();
    let noon = at("14T12:00:00");
    let one = sender("a", KeyKind::Secret, RATE, 250);
    rates.admit(&one, 200, noon).expect("the burst");
    // By the rate: the quota has 50 left as before.
    assert_eq!(told(rates.admit(&one, 50, noon)).0, "rate");
    // By the quota: nor has the rate changed.
    assert_eq!(told(rates.admit(&one, 51, noon)).0, "quota");
    assert_eq!(told(rates.admit(&one, 50, noon)), ("rate", 2_500));
    rates
        .admit(&sender("b", KeyKind::Secret, RATE, 250), 200, noon)
        .expect("another key");
}

#[test]
fn a_quota_is_of_a_day_of_utc_and_counts_what_came_in() {
    let (rates, _) = rates();
    let sender = sender("a", KeyKind::Secret, 0, 100);
    let late = at("14T23:59:59");
    rates.admit(&sender, 90, late).expect("fits");
    assert_eq!(told(rates.admit(&sender, 20, late)), ("quota", 1_000));
    // The log did not take 50 of them.
    rates.give_back(&sender, 50, late);
    rates.admit(&sender, 60, late).expect("fits now");
    assert_eq!(told(rates.admit(&sender, 1, late)), ("quota", 1_000));
    let next = at("15T00:00:00");
    rates.admit(&sender, 100, next).expect("another day");
    // What comes back of the day before is no part of this one.
    rates.give_back(&sender, 60, late);
    assert_eq!(told(rates.admit(&sender, 1, next)).0, "quota");
}

#[test]
fn keys_are_forgotten_when_they_may_post_as_if_they_never_had() {
    let (rates, clock) = rates();
    let noon = at("14T12:00:00");
    for key in 0..1_000 {
        let sender = sender(&key.to_string(), KeyKind::Secret, 1 + key % 7, 1_000);
        rates.admit(&sender, 5, noon).expect("fits");
    }
    let known = |rates: &Rates<FakeRelativeClock>| {
        let counted = rates.counted();
        let limited: usize = counted.limiters.values().map(RateLimiter::len).sum();
        (counted.limiters.len(), limited, counted.days.len())
    };
    rates.forget_idle(noon);
    assert_eq!(known(&rates), (7, 1_000, 1_000));
    // Five events of one a second are made good in as many seconds.
    clock.advance(Duration::from_secs(4));
    rates.forget_idle(noon);
    assert_eq!(known(&rates).0, 1);
    clock.advance(Duration::from_secs(2));
    rates.forget_idle(noon);
    assert_eq!(known(&rates), (0, 0, 1_000));
    rates.forget_idle(at("15T00:00:00"));
    assert_eq!(known(&rates), (0, 0, 0));
}

proptest! {
    /// Whatever comes when, no more is taken than the rate and its burst allow, and
    /// whoever waits as told is taken.
    #[test]
    fn no_more_is_taken_than_the_rate_allows(
        requests in prop::collection::vec((1_usize..250, 0_u64..3_000), 1..60),
    ) {
        let (rates, clock) = rates();
        let sender = sender("a", KeyKind::Secret, RATE, 0);
        let now = at("14T12:00:00");
        let (mut taken, mut milliseconds) = (0_u64, 0_u64);
        for (events, pause) in requests {
            match rates.admit(&sender, events, now) {
                Ok(()) => taken += events as u64,
                Err(Error::RateExceeded { wait, .. }) => {
                    prop_assert!(wait <= Duration::from_secs(u64::from(BURST_SECONDS)));
                    clock.advance(wait);
                    milliseconds += u64::try_from(wait.as_millis()).expect("short") + 1;
                    prop_assert!(rates.admit(&sender, events, now).is_ok());
                    taken += events as u64;
                }
                Err(error) => prop_assert!(events > 200, "{error:?}"),
            }
            clock.advance(Duration::from_millis(pause));
            milliseconds += pause;
            prop_assert!(taken <= u64::from(RATE) * milliseconds / 1_000 + 200);
        }
    }
}
