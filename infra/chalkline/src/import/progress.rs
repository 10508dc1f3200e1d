use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a log gets a line while something goes on.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how far a long command is, on standard error: a bar on a terminal,
/// now and then a line elsewhere.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    bar: ProgressBar,
    what: String,
    units: String,
    last_line: Instant,
}

impl Progress {
    /// Progress as standard error can show it.
    pub fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            current: Mutex::new(None),
        }
    }

    /// Begins a stretch of `total` `units`, of which `done` are done.
    pub fn begin(&self, what: &str, units: &str, total: u64, done: u64) {
        let target = if self.terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style =
            format!("{{msg:18}} {{wide_bar}} {{human_pos}}/{{human_len}} {units}, {{eta}} left");
        bar.set_style(ProgressStyle::with_template(&style).expect("the template is valid"));
        bar.set_message(what.to_owned());
        bar.set_position(done);
        bar.reset_eta();
        *self.lock() = Some(Current {
            bar,
            what: what.to_owned(),
            units: units.to_owned(),
            last_line: Instant::now(),
        });
    }

    /// Goes forward by some units.
    pub fn advance(&self, rows: u64) {
        let position = self.lock().as_ref().map(|now| now.bar.position());
        self.set(position.unwrap_or(0) + rows);
    }

    /// Goes to a position.
    pub fn set(&self, position: u64) {
        let mut current = self.lock();
        let Some(now) = current.as_mut() else { return };
        now.bar.set_position(position);
        if !self.terminal && now.last_line.elapsed() >= LINE_EVERY {
            now.last_line = Instant::now();
            now.line();
        }
    }

    /// Ends the stretch.
    pub fn end(&self) {
        if let Some(now) = self.lock().take() {
            now.bar.finish();
            if !self.terminal {
                now.line();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().expect("nothing panics while it draws")
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Current {
    fn line(&self) {
        let (position, length) = (self.bar.position(), self.bar.length().unwrap_or(0));
        eprintln!("{}: {position} of {length} {}", self.what, self.units);
    }
}
