use std::sync::atomic::AtomicUsize;

use schemas::Tenant;

use super::*;

const ALWAYS: Duration = Duration::from_secs(3600);
const NEVER: Duration = Duration::ZERO;

fn cache(fresh: Duration, good_enough: Duration, pause: Duration) -> Cache {
    Cache::new(Freshness {
        fresh,
        good_enough,
        pause,
    })
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).expect("an id")
}

fn version(number: u64) -> Version {
    Version {
        number,
        tenant: Arc::new(Tenant::new(id("demo"), "Demo")),
    }
}

fn unavailable() -> RegistryError {
    RegistryError::Unavailable { source: None }
}

/// Asks the cache with a store that gives `stored`; answers the version number
/// and how often the store was asked.
async fn get(
    cache: &Cache,
    stored: Result<Option<Version>, RegistryError>,
) -> (Result<Option<u64>, RegistryError>, usize) {
    let asked = AtomicUsize::new(0);
    let answer = cache
        .get(&id("demo"), |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            std::future::ready(stored)
        })
        .await;
    let number = answer.map(|version| version.map(|version| version.number));
    (number, asked.into_inner())
}

#[tokio::test]
async fn a_flood_of_requests_asks_the_store_once() {
    let cache = cache(ALWAYS, ALWAYS, ALWAYS);
    let asked = AtomicUsize::new(0);
    let (cache, asked, demo) = (&cache, &asked, &id("demo"));
    let flood = (0..1000).map(|_| {
        cache.get(demo, move |_| async move {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(Some(version(7)))
        })
    });
    for answer in futures::future::join_all(flood.collect::<Vec<_>>()).await {
        assert_eq!(answer.expect("an answer").expect("a tenant").number, 7);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_unknown_tenant_is_remembered_as_unknown_only_while_fresh() {
    let remembering = cache(ALWAYS, ALWAYS, ALWAYS);
    assert!(matches!(get(&remembering, Ok(None)).await, (Ok(None), 1)));
    assert!(matches!(
        get(&remembering, Ok(Some(version(1)))).await,
        (Ok(None), 0)
    ));

    let forgetful = cache(NEVER, ALWAYS, ALWAYS);
    assert!(matches!(get(&forgetful, Ok(None)).await, (Ok(None), 1)));
    assert!(matches!(
        get(&forgetful, Ok(Some(version(1)))).await,
        (Ok(Some(1)), 1)
    ));
}

#[tokio::test]
async fn a_failing_store_is_bridged_for_a_while_and_then_reported() {
    let bridged = cache(NEVER, ALWAYS, NEVER);
    get(&bridged, Ok(Some(version(3)))).await.0.expect("stored");
    assert!(matches!(
        get(&bridged, Err(unavailable())).await,
        (Ok(Some(3)), 1)
    ));

    let over = cache(NEVER, NEVER, NEVER);
    get(&over, Ok(Some(version(3)))).await.0.expect("stored");
    let (answer, asked) = get(&over, Err(unavailable())).await;
    assert!(answer.expect_err("too old").is_retryable());
    assert_eq!(asked, 1);
    assert!(matches!(
        get(&over, Ok(Some(version(4)))).await,
        (Ok(Some(4)), 1)
    ));
}

#[tokio::test]
async fn a_store_that_failed_is_left_alone_for_a_moment() {
    let cache = cache(NEVER, NEVER, ALWAYS);
    assert!(matches!(get(&cache, Err(unavailable())).await, (Err(_), 1)));
    assert!(matches!(
        get(&cache, Ok(Some(version(1)))).await,
        (Err(_), 0)
    ));
}

#[tokio::test]
async fn an_answer_overtaken_by_a_write_does_not_undo_it() {
    let cache = cache(ALWAYS, ALWAYS, ALWAYS);
    let demo = id("demo");
    let slow = cache.get(&demo, |_| async {
        cache.put(&demo, version(9));
        Ok(Some(version(8)))
    });
    slow.await.expect("an answer");
    assert!(matches!(get(&cache, Ok(None)).await, (Ok(Some(9)), 0)));
}

#[tokio::test]
async fn made_up_tenants_neither_fill_the_memory_nor_drive_out_real_ones() {
    let cache = cache(ALWAYS, ALWAYS, ALWAYS);
    get(&cache, Ok(Some(version(1)))).await.0.expect("stored");
    for number in 0..3 * CAPACITY {
        cache
            .get(&id(&format!("made-up-{number}")), |_| async { Ok(None) })
            .await
            .expect("an answer");
    }
    assert!(cache.slots.lock().expect("no panic").len() <= CAPACITY);
    assert!(matches!(get(&cache, Ok(None)).await, (Ok(Some(1)), 0)));
}

/// A clock that is moved by hand.
#[derive(Clone)]
struct HandClock(Arc<Mutex<Instant>>);

impl HandClock {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn pass(&self, time: Duration) {
        *self.0.lock().expect("no panic") += time;
    }

    fn cache(&self) -> Cache {
        let clock = self.clone();
        Cache::with_clock(Freshness::default(), move || {
            *clock.0.lock().expect("no panic")
        })
    }
}

/// A key that was issued or revoked is a new version: whoever asks five seconds
/// later gets it, and is not put off by having asked in between.
#[tokio::test]
async fn a_new_version_is_seen_within_five_seconds_of_the_process_own_clock() {
    let clock = HandClock::new();
    let cache = clock.cache();
    assert!(matches!(
        get(&cache, Ok(Some(version(1)))).await,
        (Ok(Some(1)), 1)
    ));
    // Version 2 is written now.
    for _ in 0..4 {
        clock.pass(Duration::from_millis(1_249));
        assert!(matches!(
            get(&cache, Ok(Some(version(2)))).await,
            (Ok(Some(1)), 0)
        ));
    }
    clock.pass(Duration::from_millis(4));
    assert!(matches!(
        get(&cache, Ok(Some(version(2)))).await,
        (Ok(Some(2)), 1)
    ));

    // And for a tenant that did not exist when it was first asked for.
    let cache = clock.cache();
    assert!(matches!(get(&cache, Ok(None)).await, (Ok(None), 1)));
    clock.pass(Duration::from_secs(5));
    assert!(matches!(
        get(&cache, Ok(Some(version(1)))).await,
        (Ok(Some(1)), 1)
    ));
}
