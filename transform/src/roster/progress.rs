//! How far an import is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Another one is under way.
    Waiting,
    /// The bundle's files are read.
    Reading,
    /// What is wrong between its rows is looked for.
    Checking,
    /// It is compared with what is stored.
    Comparing,
    /// What a killed import has left behind is taken out.
    Healing,
    /// What changes is written.
    Writing,
    /// All is made visible.
    Publishing,
    /// What nobody needs any more is deleted.
    Tidying,
}

impl Phase {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Reading => "reading",
            Self::Checking => "checking",
            Self::Comparing => "comparing",
            Self::Healing => "healing",
            Self::Writing => "writing",
            Self::Publishing => "publishing",
            Self::Tidying => "tidying",
        }
    }
}

/// How far a phase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The phase.
    pub phase: Phase,
    /// Rows that are done.
    pub rows: u64,
    /// Of how many, if that is known.
    pub of: Option<u64>,
}

/// Whom an import tells how far it is: on any thread, and never for long.
pub type Progress = Arc<dyn Fn(Step) + Send + Sync>;

/// Rows between two steps that are told.
const EVERY: u64 = 10_000;

/// Tells how far it is, and learns whether to go on.
pub(super) struct Teller {
    progress: Progress,
    step: Mutex<Step>,
    pending: AtomicU64,
    stopped: AtomicBool,
}

impl Teller {
    pub fn new(progress: Progress) -> Self {
        let step = Step {
            phase: Phase::Waiting,
            rows: 0,
            of: None,
        };
        Self {
            progress,
            step: Mutex::new(step),
            pending: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Begins a phase.
    pub fn begin(&self, phase: Phase, of: Option<u64>) {
        self.pending.store(0, Ordering::Relaxed);
        self.tell(|step| *step = Step { phase, rows: 0, of });
    }

    /// Whether something is being stored.
    pub fn is_storing(&self) -> bool {
        let step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(
            step.phase,
            Phase::Healing | Phase::Writing | Phase::Publishing | Phase::Tidying
        )
    }

    /// Some rows are done.
    pub fn rows(&self, rows: u64) {
        let pending = self.pending.fetch_add(rows, Ordering::Relaxed) + rows;
        if pending >= EVERY {
            self.pending.store(0, Ordering::Relaxed);
            self.tell(|step| step.rows += pending);
        }
    }

    /// Tells the work to stop where nothing is seen of it yet.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn tell(&self, change: impl FnOnce(&mut Step)) {
        let step = {
            let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut step);
            *step
        };
        (self.progress)(step);
    }
}
