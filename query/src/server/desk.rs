//! The work of a query on the workers: how it gets there, and what it has at hand.

use std::sync::Arc;

use axum::response::Response;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::Instant;

use super::Parts;
use crate::admission::Permit;
use crate::answer::{self, Bounds, Format, Message};
use crate::audit::Ask;
use crate::error::Error;
use crate::executor::Task;
use crate::guard::{self, Limits};
use crate::interrupt::Interrupt;
use crate::request::Question;
use crate::secure::sees_all;
use crate::session::{Means, Running, Sessions, ours};
use crate::{Principal, failure, memory};

/// How many chunks of an answer wait for their reader.
const CHUNKS_AHEAD: usize = 2;

/// What a query has at hand on the workers.
pub(crate) struct Desk {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) means: Means,
    pub(crate) bounds: Bounds,
    /// Where the answer goes.
    pub(crate) sender: Sender<Message>,
}

impl Desk {
    /// Plans and starts a statement, and says whether it explains one.
    pub(crate) async fn run(
        &self,
        asker: &Principal,
        question: Question,
        limits: Limits,
    ) -> Result<(Running, bool), Error> {
        let allowed = guard::check(&question.sql, sees_all(asker), limits)?;
        let explains = allowed.explains;
        let running = self.sessions.run(asker, allowed, &question, &self.means);
        Ok((running.await?, explains))
    }
}

impl Parts {
    /// Has a query's work done on the workers, when the tenant's turn has come,
    /// and answers with what they send, once it is recorded that they do.
    pub(crate) async fn work<W>(
        &self,
        principal: &Principal,
        ask: &Arc<Ask>,
        format: Format,
        trace_id: &str,
        work: impl FnOnce(Desk) -> W,
    ) -> Result<Response, Error>
    where
        W: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.pressure.check()?;
        let permit = self.admission.enter(&principal.tenant).await?;
        ask.enters(&self.sessions, permit.runtime_env());
        let (sender, messages) = mpsc::channel(CHUNKS_AHEAD);
        let bounds = self.bounds(format);
        let task = self.begin(permit, ask, bounds, sender, trace_id, work)?;
        let timeout = self.config.timeout();
        answer::respond(messages, task, format, timeout, trace_id, ask).await
    }

    /// Begins a query's work on the workers: it sends what comes of it, last an end or an
    /// error. It ends when the task is dropped.
    pub(crate) fn begin<W>(
        &self,
        permit: Permit,
        ask: &Arc<Ask>,
        bounds: Bounds,
        sender: Sender<Message>,
        trace_id: &str,
        work: impl FnOnce(Desk) -> W,
    ) -> Result<Task, Error>
    where
        W: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let interrupt = Interrupt::default();
        let (runtime_env, taken) = memory::of_query(permit.runtime_env()).map_err(ours)?;
        let counted = self.pressure.count(interrupt.clone(), taken);
        let work = work(Desk {
            sessions: Arc::clone(&self.sessions),
            means: Means {
                runtime_env,
                interrupt: interrupt.clone(),
                ask: Arc::clone(ask),
            },
            bounds,
            sender: sender.clone(),
        });
        let trace = trace_id.to_owned();
        let principal = ask.principal().clone();
        let asked = Arc::clone(ask);
        let task = self.executor.spawn(interrupt.clone(), async move {
            // They go with the work: a query that is given up but has not yet
            // stopped still counts.
            let held = (permit, counted);
            let began = Instant::now();
            let outcome = work.await;
            // However its end shows: what ended it is the reason.
            let outcome = outcome.map_err(|error| interrupt.reason().map_or(error, Error::from));
            tracing::info!(
                trace_id = trace,
                tenant.id = %principal.tenant,
                token.kind = principal.credential.kind(),
                token.id = principal.token_id,
                duration_ms = began.elapsed().as_millis() as u64,
                outcome = outcome.as_ref().map_or_else(Error::code, |()| "answered"),
                "query ended"
            );
            // Before its end is told: who has stopped reading does not hear it.
            drop(held);
            if let Err(error) = outcome {
                asked.fails(&error);
                let error = match sees_all(&principal) {
                    true => error,
                    false => failure::without_values(error),
                };
                // Nobody may be there to hear it.
                let _ = sender.send(Message::Failed(error)).await;
            }
        });
        Ok(task)
    }

    /// How long and how deep a statement may be.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            bytes: self.config.sql_bytes,
            tokens: self.config.sql_tokens,
        }
    }

    pub(crate) fn bounds(&self, format: Format) -> Bounds {
        let (rows, bytes) = if format.streams() {
            (self.config.stream_rows, self.config.stream_bytes)
        } else {
            (self.config.json_rows, self.config.json_bytes)
        };
        Bounds {
            rows,
            bytes,
            stall: self.config.stall(),
        }
    }
}
