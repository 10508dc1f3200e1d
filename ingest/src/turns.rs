//! Whose turn it is to have a large body inflated and judged: an event takes many times its
//! bytes while it is read, so only as many are as can be at work. Turns go round among the
//! tenants that wait.

mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::TenantId;
use tokio::sync::oneshot;

use self::queue::FairQueue;

/// From this size on a body is inflated and judged off the threads that serve requests.
pub const LARGE: usize = 32 << 10;

/// The turns. Clones share them.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<State>>);

struct State {
    free: usize,
    waiting: FairQueue<oneshot::Sender<Pass>>,
}

/// A turn, until it is dropped; then it is the next one's.
pub struct Turn {
    pass: Pass,
    tenant: TenantId,
    bytes: u64,
}

/// What goes from turn to turn; none of anything once it went on.
struct Pass(Option<Turns>);

impl Turns {
    /// So many at once.
    pub fn new(turns: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: turns,
            waiting: FairQueue::default(),
        })))
    }

    /// Waits for a turn for a body of so many bytes.
    pub async fn take(&self, tenant: &TenantId, bytes: usize) -> Turn {
        let bytes = bytes as u64;
        let pass = match self.pass_or_wait(tenant, bytes) {
            Ok(pass) => pass,
            // Whoever waits is passed a turn: the queue lives as long as a turn is taken.
            Err(passed) => passed.await.unwrap_or(Pass(None)),
        };
        Turn {
            pass,
            tenant: tenant.clone(),
            bytes,
        }
    }

    fn pass_or_wait(&self, tenant: &TenantId, bytes: u64) -> Result<Pass, oneshot::Receiver<Pass>> {
        let mut state = self.state();
        if state.free > 0 {
            state.free -= 1;
            return Ok(Pass(Some(self.clone())));
        }
        let (pass, passed) = oneshot::channel();
        state.waiting.push(tenant, bytes, pass);
        Err(passed)
    }

    /// How many wait, also those that wait no more and are not passed over yet.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The body has turned out to have so many bytes: what is more than was said before the
    /// turn comes before the tenant's next one.
    pub fn weigh(&self, bytes: usize) {
        let more = (bytes as u64).saturating_sub(self.bytes);
        if let Some(turns) = &self.pass.0
            && more > 0
        {
            turns.state().waiting.charge(&self.tenant, more);
        }
    }
}

impl Drop for Pass {
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
                && let Err(mut left) = next.send(Pass(Some(turns)))
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

    #[tokio::test]
    async fn what_is_heavier_than_was_said_comes_before_the_tenants_next_one() {
        let turns = Turns::new(1);
        let (a, b) = (tenant("a"), tenant("b"));
        let first = turns.take(&a, 1).await;
        let mut others: Vec<_> = (0..3).map(|_| Box::pin(turns.take(&b, 10))).collect();
        for wait in &mut others {
            assert!(wait.now_or_never().is_none());
        }
        // Less than was said changes nothing.
        first.weigh(0);
        first.weigh(12);
        let mut second = Box::pin(turns.take(&a, 1));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        for other in others.drain(..2) {
            let other = other.now_or_never().expect("its turn");
            assert!((&mut second).now_or_never().is_none());
            drop(other);
        }
        let second = second.now_or_never().expect("its turn");
        drop(second);
        assert!(others.remove(0).now_or_never().is_some());
    }
}
