//! A sign that a query still runs.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

/// What takes no longer needs no sign.
const AFTER: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

/// Shows on standard error, if that is a terminal, for how long has been waited; until it
/// is dropped.
pub struct Waiting {
    bar: ProgressBar,
    later: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Waits from now on.
    pub fn begin() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{spinner} {elapsed} – Ctrl-C ends the query");
        bar.set_style(style.expect("the template is valid"));
        let shown = bar.clone();
        let later = std::io::stderr().is_terminal().then(|| {
            tokio::spawn(async move {
                tokio::time::sleep(AFTER).await;
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(STEP);
            })
        });
        Self { bar, later }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(later) = self.later.take() {
            later.abort();
        }
        self.bar.finish_and_clear();
    }
}
