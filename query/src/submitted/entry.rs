//! One submitted query, and how far it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use super::kept::Kept;
use super::owner::{Owner, Right};
use crate::Principal;
use crate::answer::rfc3339;
use crate::audit::Ask;
use crate::error::Error;

/// How much of a statement is shown in lists.
pub(crate) const SHOWN_LETTERS: usize = 2_000;

/// One query.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) owner: Owner,
    /// The name that its asker gave to the request, and the digest of what was asked.
    pub(super) key: Option<String>,
    pub(super) digest: [u8; 32],
    /// What is told of it.
    pub(super) ask: Arc<Ask>,
    role: &'static str,
    sql: String,
    submitted_at: DateTime<Utc>,
    progress: Mutex<Progress>,
}

/// How far it is.
struct Progress {
    state: State,
    rows: usize,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    /// By what right its rows were seen.
    right: Option<Right>,
    task: Option<AbortHandle>,
}

/// What became of it.
#[derive(Clone)]
pub(super) enum State {
    Queued,
    Running,
    Finished(Arc<Kept>),
    Failed(Arc<Error>),
    Cancelled,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished(_) => "finished",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn is_over(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl Entry {
    pub(super) fn new(
        id: String,
        principal: &Principal,
        ask: &Arc<Ask>,
        (key, digest): (Option<String>, [u8; 32]),
        sql: &str,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            owner: Owner::of(principal),
            key,
            digest,
            ask: Arc::clone(ask),
            role: principal.role.as_str(),
            sql: sql.chars().take(SHOWN_LETTERS).collect(),
            submitted_at: now,
            progress: Mutex::new(Progress {
                state: State::Queued,
                rows: 0,
                started_at: None,
                finished_at: None,
                expires_at: None,
                right: None,
                task: None,
            }),
        }
    }

    pub(super) fn state(&self) -> State {
        self.progress().state.clone()
    }

    /// By what right its rows were seen; `None` before it began.
    pub(super) fn right(&self) -> Option<Right> {
        self.progress().right.clone()
    }

    /// The task that carries it out.
    pub(super) fn carried_by(&self, task: AbortHandle) {
        let mut progress = self.progress();
        match progress.state.is_over() {
            // It was cancelled meanwhile.
            true => task.abort(),
            false => progress.task = Some(task),
        }
    }

    pub(super) fn start(&self, right: Right, now: DateTime<Utc>) {
        let mut progress = self.progress();
        if !progress.state.is_over() {
            progress.state = State::Running;
            progress.right = Some(right);
            progress.started_at = Some(now);
        }
    }

    pub(super) fn count(&self, rows: usize) {
        self.progress().rows += rows;
    }

    /// Notes what became of it, kept for so long; the first end stays.
    pub(super) fn end(&self, state: State, now: DateTime<Utc>, kept_for: TimeDelta) {
        let mut progress = self.progress();
        if progress.state.is_over() {
            return;
        }
        if let State::Finished(kept) = &state {
            progress.rows = kept.rows;
        }
        progress.state = state;
        progress.finished_at = Some(now);
        progress.expires_at = now.checked_add_signed(kept_for);
        if let Some(task) = progress.task.take() {
            task.abort();
        }
    }

    /// Whether its time is over.
    pub(super) fn is_past(&self, now: DateTime<Utc>) -> bool {
        self.progress().expires_at.is_some_and(|end| end <= now)
    }

    /// Ends its work, for a process that ends.
    pub(super) fn abandon(&self) {
        if let Some(task) = self.progress().task.take() {
            task.abort();
        }
    }

    /// As its asker reads it.
    pub(super) fn to_json(&self) -> Value {
        let progress = self.progress();
        let time = |time: Option<DateTime<Utc>>| time.map(rfc3339);
        let (bytes, data_as_of) = match &progress.state {
            State::Finished(kept) => (Some(kept.bytes()), kept.data_as_of),
            _ => (None, None),
        };
        let error = match &progress.state {
            State::Failed(error) => Some(error.problem_of(&self.id)),
            _ => None,
        };
        json!({
            "id": self.id,
            "status": progress.state.name(),
            "sql": self.sql,
            "role": self.role,
            "credential": self.owner.kind(),
            "token_id": self.owner.token_id,
            "submitted_at": rfc3339(self.submitted_at),
            "started_at": time(progress.started_at),
            "finished_at": time(progress.finished_at),
            "expires_at": time(progress.expires_at),
            "rows": progress.rows,
            "bytes": bytes,
            "data_as_of": time(data_as_of),
            "error": error,
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
