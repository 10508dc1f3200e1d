//! The memory of the process as a whole: pools count what queries reserve, and the system
//! what the process has.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::interrupt::{Interrupt, Reason};
use crate::memory::Taken;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(100);

/// How long the process may be over its limit before a query is ended for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is done about the process's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// There is enough.
    Enough,
    /// No other query begins.
    Wait,
    /// The largest query ends.
    End,
}

/// Of a process that has `resident` bytes, and has been over its limit for that long.
fn judge(resident: u64, limit: u64, over_for: Duration) -> Verdict {
    match resident > limit {
        false => Verdict::Enough,
        true if over_for < PATIENCE => Verdict::Wait,
        true => Verdict::End,
    }
}

/// What keeps the process within its memory. Where the system does not say how much it has
/// (all but Linux), it never judges.
pub(crate) struct Pressure {
    limit: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_over: bool,
    next: u64,
    queries: HashMap<u64, (Interrupt, Taken)>,
}

/// A query under way, for as long as this lives.
pub(crate) struct Counted {
    pressure: Arc<Pressure>,
    number: u64,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.pressure.state().queries.remove(&self.number);
    }
}

impl Pressure {
    /// Begins to look, until it is dropped.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn watch(limit: u64) -> std::io::Result<Arc<Self>> {
        let pressure = Arc::new(Self {
            limit,
            state: Mutex::default(),
        });
        let watched = Arc::downgrade(&pressure);
        if resident().is_some() {
            // Its own thread: it is needed when all others are busy.
            thread::Builder::new()
                .name("query-memory".to_owned())
                .spawn(move || look(&watched))?;
        } else {
            tracing::info!("this system does not say how much memory the process has");
        }
        Ok(pressure)
    }

    /// # Errors
    /// [`Error::Pressure`] while the process has too much and other queries work: without
    /// any, waiting would free nothing.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let state = self.state();
        match state.is_over && !state.queries.is_empty() {
            true => {
                metrics::counter!("chalkline_query_memory_refused_total").increment(1);
                Err(Error::Pressure)
            }
            false => Ok(()),
        }
    }

    /// Counts a query that this signal ends.
    pub(crate) fn count(self: &Arc<Self>, interrupt: Interrupt, taken: Taken) -> Counted {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.queries.insert(number, (interrupt, taken));
        drop(state);
        Counted {
            pressure: Arc::clone(self),
            number,
        }
    }

    /// Does what is to be done while the process has so much, which was too much since then
    /// while queries worked. Answers since when it is now.
    fn judge(&self, resident: u64, since: Option<Instant>) -> Option<Instant> {
        let over_for = since.map_or(Duration::ZERO, |since| since.elapsed());
        let verdict = judge(resident, self.limit, over_for);
        let mut state = self.state();
        state.is_over = verdict != Verdict::Enough;
        if state.queries.is_empty() {
            return None;
        }
        match verdict {
            Verdict::Enough => None,
            Verdict::Wait => since.or_else(|| Some(Instant::now())),
            Verdict::End => {
                let queries = state.queries.values();
                let going_on = queries.filter(|(interrupt, _)| interrupt.reason().is_none());
                if let Some((interrupt, taken)) = going_on.max_by_key(|(_, taken)| taken.bytes()) {
                    interrupt.set(Reason::Memory);
                    metrics::counter!("chalkline_query_memory_ended_total").increment(1);
                    tracing::warn!(
                        resident_bytes = resident,
                        limit_bytes = self.limit,
                        query_bytes = taken.bytes(),
                        "the process has too little memory left, its largest query was ended"
                    );
                }
                // What it frees takes a moment to show.
                Some(Instant::now())
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look(watched: &Weak<Pressure>) {
    let mut since = None;
    while let Some(pressure) = watched.upgrade() {
        if let Some(resident) = resident() {
            metrics::gauge!("chalkline_query_resident_bytes").set(resident as f64);
            since = pressure.judge(resident, since);
        }
        drop(pressure);
        thread::sleep(EVERY);
    }
}

/// The bytes of memory that the process has, as Linux counts them.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::MemoryConsumer;
    use rstest::rstest;

    use super::*;
    use crate::Config;
    use crate::memory::{Memory, of_query};

    const SECOND: Duration = Duration::from_secs(1);

    #[rstest]
    #[case(10, Duration::ZERO, Verdict::Enough)]
    #[case(10, SECOND, Verdict::Enough)]
    #[case(11, Duration::ZERO, Verdict::Wait)]
    #[case(11, SECOND / 2, Verdict::Wait)]
    #[case(11, SECOND, Verdict::End)]
    fn too_much_for_too_long_ends_a_query(
        #[case] resident: u64,
        #[case] over_for: Duration,
        #[case] expected: Verdict,
    ) {
        assert_eq!(judge(resident, 10, over_for), expected);
    }

    #[test]
    fn the_largest_ends_and_others_wait() {
        let pressure = Arc::new(Pressure {
            limit: 10,
            state: Mutex::default(),
        });
        let long_ago = Instant::now().checked_sub(2 * SECOND);
        pressure.judge(11, long_ago);
        pressure.check().expect("nothing works that could free it");

        let config = Config {
            memory_bytes: 100,
            tenant_memory_bytes: 100,
            ..Config::default()
        };
        let memory = Memory::new(&config).expect("a temporary folder");
        let tenant = memory.tenant().expect("a tenant");
        let begin = |bytes| {
            let (runtime_env, taken) = of_query(&tenant).expect("a query");
            let held = MemoryConsumer::new("held").register(&runtime_env.memory_pool);
            held.try_grow(bytes).expect("room");
            let interrupt = Interrupt::default();
            let counted = pressure.count(interrupt.clone(), taken);
            (interrupt, counted, held)
        };
        let (small, large) = (begin(20), begin(30));
        assert!(matches!(pressure.check(), Err(Error::Pressure)));
        assert_eq!(pressure.judge(11, None).map(drop), Some(()));
        assert_eq!((small.0.reason(), large.0.reason()), (None, None));
        pressure.judge(11, long_ago);
        assert_eq!(small.0.reason(), None);
        assert_eq!(large.0.reason(), Some(Reason::Memory));
        pressure.judge(11, long_ago);
        assert_eq!(small.0.reason(), Some(Reason::Memory));

        assert_eq!(pressure.judge(10, long_ago), None);
        pressure.check().expect("there is enough");
        drop((small, large));
        assert!(pressure.state().queries.is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_has_some_memory() {
        assert!(resident().is_some_and(|bytes| bytes > 1024 * 1024));
    }
}
