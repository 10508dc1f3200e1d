//! How long the thread's other tasks have waited for the one that works.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

/// How long a task may work without a pause before the others go on elsewhere.
const LONGEST: Duration = Duration::from_millis(50);

/// How long the thread rests then: enough for another to take its tasks over.
const REST: Duration = Duration::from_millis(1);

thread_local! {
    /// Since when the thread works without a pause.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A stretch of work; it ends when this is dropped.
pub(super) struct Stretch {
    is_outermost: bool,
}

impl Stretch {
    /// Begins one, unless one is under way.
    pub(super) fn begin() -> Self {
        let is_outermost = SINCE.get().is_none();
        if is_outermost {
            SINCE.set(Some(Instant::now()));
        }
        Self { is_outermost }
    }
}

impl Drop for Stretch {
    fn drop(&mut self) {
        if self.is_outermost {
            SINCE.set(None);
        }
    }
}

/// Hands the thread's other tasks to another thread when they have waited for long. The
/// system shares the cores between the two.
pub(super) fn give_way() {
    let Some(since) = SINCE.get() else {
        return;
    };
    if since.elapsed() < LONGEST {
        return;
    }
    SINCE.set(Some(Instant::now()));
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    if flavor.is_ok_and(|flavor| flavor == RuntimeFlavor::MultiThread) {
        tokio::task::block_in_place(|| thread::sleep(REST));
    }
}
