//! What goes on on a connection: requests that are under way, and those that their
//! client gave up.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

/// How many requests a client may give up before it matters how many it did not.
const GIVEN_UP: usize = 100;

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicUsize,
    /// Answered, to the last byte of the answer, or given up.
    ended: AtomicUsize,
    /// Ended before there was an answer.
    given_up: AtomicUsize,
    flood: Notify,
}

impl Activity {
    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Begun {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Begun {
            activity: Arc::clone(self),
            is_answered: false,
        }
    }

    /// Whether there was a request.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// Whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.begun.load(Ordering::Relaxed) != self.ended.load(Ordering::Relaxed)
    }

    /// Waits until no request is under way and none was for `time`; it may take twice
    /// as long.
    pub(super) async fn idle(&self, time: Duration) {
        loop {
            let ended = self.ended.load(Ordering::Relaxed);
            tokio::time::sleep(time).await;
            // Whoever began since has ended since, or is busy.
            if !self.is_busy() && self.ended.load(Ordering::Relaxed) == ended {
                return;
            }
        }
    }

    /// Waits until the client has given up so many of its requests that it is hardly
    /// there for the answers ("rapid reset", CVE-2023-44487).
    pub(super) async fn flooded(&self) {
        self.flood.notified().await;
    }
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct Begun {
    activity: Arc<Activity>,
    is_answered: bool,
}

impl Begun {
    /// The answer's body; the request ends with it.
    pub(super) fn answer(mut self, body: Body) -> Answer {
        self.is_answered = true;
        Answer { body, _begun: self }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let activity = &self.activity;
        activity.ended.fetch_add(1, Ordering::Relaxed);
        if self.is_answered {
            return;
        }
        let given_up = activity.given_up.fetch_add(1, Ordering::Relaxed) + 1;
        if given_up > GIVEN_UP && 2 * given_up > activity.begun.load(Ordering::Relaxed) {
            activity.flood.notify_one();
        }
    }
}

/// A body that keeps its request under way.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    _begun: Begun,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is a flood when so many of these requests are given up.
    async fn is_flood(answered: usize, given_up: usize) -> bool {
        let activity = Arc::new(Activity::default());
        for _ in 0..answered {
            drop(activity.begin().answer(Body::empty()));
        }
        for _ in 0..given_up {
            drop(activity.begin());
        }
        assert!(!activity.is_busy());
        // What is so by now, without waiting.
        tokio::select! {
            biased;
            () = activity.flooded() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn many_given_up_are_a_flood_unless_most_were_answered() {
        assert!(!is_flood(0, GIVEN_UP).await);
        assert!(is_flood(0, GIVEN_UP + 1).await);
        assert!(is_flood(GIVEN_UP, GIVEN_UP + 1).await);
        assert!(!is_flood(1_000, 1_000).await);
        assert!(is_flood(1_000, 1_001).await);
    }

    #[tokio::test]
    async fn a_connection_is_idle_when_nothing_is_under_way() {
        let activity = Arc::new(Activity::default());
        let moment = Duration::from_millis(1);
        let answer = activity.begin().answer(Body::empty());
        let idle = activity.idle(moment);
        tokio::pin!(idle);
        tokio::select! {
            () = idle.as_mut() => panic!("a request is under way"),
            () = tokio::time::sleep(20 * moment) => {}
        }
        drop(answer);
        idle.await;
        assert!(activity.has_begun() && !activity.is_busy());
    }
}
