//! What operators see of the spool: metrics, and a line in the log when it begins
//! to fill and when it is empty again.

use std::sync::Arc;
use std::time::Duration;

use super::aside::Aside;
use super::primary::Primary;
use super::spool::{Spool, now};
use crate::EventLog;

/// How often to look.
const LOOK: Duration = Duration::from_secs(1);
/// After so many looks at an empty spool its use is over: one that fills and empties
/// by turns is told of once.
const QUIET: u32 = 10;

/// A time in which the spool is in use.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Episode {
    /// Records taken before it began.
    before: u64,
    /// Looks at an empty spool since it was last in use.
    quiet: u32,
}

/// What is to be told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Begun,
    Ended { records: u64 },
}

/// Looks for ever.
pub(super) async fn watch<P: EventLog>(primary: Arc<Primary<P>>, spool: Arc<Spool>) {
    let aside = Aside::below(spool.folder());
    let mut episode = None;
    let mut taken = 0;
    loop {
        let held = spool.held();
        metrics::gauge!("chalkline_spool_bytes").set(held.bytes as f64);
        metrics::gauge!("chalkline_spool_records").set(held.records as f64);
        metrics::gauge!("chalkline_spool_oldest_seconds").set(held.age(now()).as_secs_f64());
        if let Ok(names) = aside.names() {
            metrics::gauge!("chalkline_spool_aside_files").set(names.len() as f64);
        }
        let told = follow(&mut episode, &mut taken, spool.taken(), spool.is_empty());
        match told {
            Some(Told::Begun) => {
                let reason = primary.trouble();
                let reason = reason.as_deref().unwrap_or("it was away for a moment");
                let (records, bytes) = (held.records, held.bytes);
                tracing::warn!(
                    reason,
                    records,
                    size_bytes = bytes,
                    "the log does not take all events: they wait in the spool"
                );
            }
            Some(Told::Ended { records }) => {
                tracing::warn!(
                    records,
                    "the spool is empty again: its events are in the log"
                );
            }
            None => {}
        }
        if spool.is_empty() {
            spool.tidy().await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One look: whether the use of the spool has begun or ended. `taken` is how many
/// records it had taken at the last look, and then at this one.
fn follow(
    episode: &mut Option<Episode>,
    taken: &mut u64,
    now_taken: u64,
    is_empty: bool,
) -> Option<Told> {
    let before = std::mem::replace(taken, now_taken);
    let is_used = !is_empty || now_taken > before;
    match episode {
        None if is_used => {
            *episode = Some(Episode { before, quiet: 0 });
            Some(Told::Begun)
        }
        None => None,
        Some(episode) if is_used => {
            episode.quiet = 0;
            None
        }
        Some(Episode { before, quiet }) => {
            *quiet += 1;
            let records = now_taken - *before;
            let is_over = *quiet >= QUIET;
            is_over.then(|| {
                *episode = None;
                Told::Ended { records }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_use_of_the_spool_is_told_of_once() {
        let (mut episode, mut taken) = (None, 0);
        let mut look = |now_taken, is_empty| follow(&mut episode, &mut taken, now_taken, is_empty);
        assert_eq!(look(0, true), None);
        assert_eq!(look(5, false), Some(Told::Begun));
        assert_eq!(look(9, false), None);
        // Emptied in between, and filled again.
        for _ in 1..QUIET {
            assert_eq!(look(9, true), None);
        }
        assert_eq!(look(12, true), None);
        for _ in 1..QUIET {
            assert_eq!(look(12, true), None);
        }
        assert_eq!(look(12, true), Some(Told::Ended { records: 12 }));
        assert_eq!(look(12, true), None);
        assert_eq!(look(13, true), Some(Told::Begun));
    }
}
