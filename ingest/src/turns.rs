//! Whose turn it is to have a large body judged: an event takes many times its bytes
//! while it is read, so only as many are as can be at work. Turns go round among the
//! tenants that wait.

mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::TenantId;
use tokio::sync::oneshot;

use self::queue::FairQueue;

/// The turns. Clones share them.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<State>>);

struct State {
    free: usize,
    waiting: FairQueue<oneshot::Sender<Turn>>,
}

/// A turn, until it is dropped; then it is the next one's.
pub struct Turn(Option<Turns>);

impl Turns {
    /// So many at once.
    pub fn new(turns: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: turns,
            waiting: FairQueue::default(),
        })))
    }

    /// Waits for a turn to judge a body of so many bytes.
    pub async fn take(&self, tenant: &TenantId, bytes: usize) -> Turn {
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Turn(Some(self.clone()));
            }
            let (pass, turn) = oneshot::channel();
            state.waiting.push(tenant, bytes as u64, pass);
            turn
        };
        // Whoever waits is passed a turn: the queue lives as long as a turn is taken.
        turn.await.unwrap_or(Turn(None))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut passed_on = self.0.take();
        while let Some(turns) = passed_on.take() {
            let next = {
                let mut state = turns.state();
                let next = state.waiting.pop();
                state.free += usize::from(next.is_none());
                next
            };
            // Who waits no more leaves it to the one behind.
            if let Some(next) = next
                && let Err(mut left) = next.send(Turn(Some(turns)))
            {
                passed_on = left.0.take();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).expect("a slug")
    }

    #[tokio::test]
    async fn a_turn_is_passed_to_who_waited_least_often_and_comes_back() {
        let turns = Turns::new(2);
        let (a, b) = (tenant("a"), tenant("b"));
        let first = turns.take(&a, 1).await;
        let second = turns.take(&a, 1).await;
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(turns.take(&a, 1))).collect();
        for wait in &mut waiting {
            assert!(wait.now_or_never().is_none());
        }
        let mut other = Box::pin(turns.take(&b, 1));
        assert!((&mut other).now_or_never().is_none());

        drop(first);
        let third = (&mut waiting[0]).now_or_never().expect("its turn");
        assert!((&mut other).now_or_never().is_none());
        drop(third);
        // Two of them were there before it, and are behind it now.
        let other = (&mut other).now_or_never().expect("its turn");
        assert!((&mut waiting[1]).now_or_never().is_none());

        // Who has gone holds up nobody.
        drop(waiting.remove(1));
        drop(other);
        let last = waiting.remove(1).now_or_never().expect("its turn");
        assert_eq!(turns.state().free, 0);
        drop((second, last));
        assert_eq!(turns.state().free, 2);
    }
}
