//! What becomes of events just now, for the developer of a client app: told to who
//! listens, and kept nowhere. Outcomes and reasons, nothing of what an event says.

mod filter;
mod routes;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemas::{Problem, TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::outcome::Answered;

pub use routes::routes;

/// Requests that wait for a listener; one that is slower misses some, and is told so.
const WAITING: usize = 256;
/// Listeners at once.
pub const LISTENERS: usize = 32;

/// Tells listeners what becomes of events. While nobody listens it costs nothing.
#[derive(Debug)]
pub struct Tail {
    told: broadcast::Sender<Arc<Told>>,
    seats: Arc<Semaphore>,
    /// Ends all listening.
    stopping: CancellationToken,
}

/// Whose request it is, and how we find it again.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Whose events they are.
    pub tenant: TenantId,
    /// The id of the write key.
    pub key: String,
    /// The path of the door, which names the dialect.
    pub path: String,
    /// The request's trace id.
    pub trace_id: String,
}

/// What became of one request.
#[derive(Debug)]
pub struct Told {
    origin: Origin,
    received_at: DateTime<Utc>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Each event has an outcome.
    Events(Vec<Answered>),
    /// None was looked at.
    Refusal(Problem),
}

/// Somebody who listens.
#[derive(Debug)]
struct Listener {
    told: broadcast::Receiver<Arc<Told>>,
    stopping: CancellationToken,
    _seat: OwnedSemaphorePermit,
}

impl Tail {
    /// Nobody listens yet.
    pub fn new() -> Self {
        Self {
            told: broadcast::Sender::new(WAITING),
            seats: Arc::new(Semaphore::new(LISTENERS)),
            stopping: CancellationToken::new(),
        }
    }

    /// Tells what became of a request.
    pub fn tell(
        &self,
        origin: &Origin,
        received_at: DateTime<Utc>,
        answered: &Result<Vec<Answered>, Error>,
    ) {
        if self.told.receiver_count() == 0 {
            return;
        }
        let what = match answered {
            Ok(events) => What::Events(events.clone()),
            Err(error) => What::Refusal(error.problem()),
        };
        // Nobody listens any more: then it is told to nobody.
        let _ = self.told.send(Arc::new(Told {
            origin: origin.clone(),
            received_at,
            what,
        }));
    }

    fn listen(&self) -> Result<Listener, Error> {
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        Ok(Listener {
            told: self.told.subscribe(),
            stopping: self.stopping.clone(),
            _seat: seat.map_err(|_| Error::TooManyListeners(LISTENERS))?,
        })
    }

    /// Ends all listening: a stream without end would hold up the shutdown.
    pub fn stop(&self) {
        self.stopping.cancel();
    }
}
