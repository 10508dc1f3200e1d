//! One question, from the door to the end of its answer.
//!
//! [`Ask::begin`] hands the record of its start to the recorder while the plan runs;
//! [`Ask::durable`] is waited for before the first byte. Its end is told once, by whoever
//! knows it first: the one who answers, or [`Ending`], when that one goes away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use schemas::{AuditAsker, AuditEnd, AuditReads, AuditRecord, AuditType, TenantId};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use super::statement::{Hasher, shortened};
use super::{Audit, Minted, Reads, Seen};
use crate::Principal;
use crate::error::Error;
use crate::principal::Shown;
use crate::session::Sessions;

/// How long an answer waits for its record.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the record of its start is durable.
type Durable = Shared<BoxFuture<'static, bool>>;

/// A question of somebody whom their credential has named.
pub(crate) struct Ask {
    audit: Arc<Audit>,
    principal: Principal,
    query_id: Uuid,
    asked_at: DateTime<Utc>,
    began: Instant,
    door: &'static str,
    client: Option<&'static str>,
    hasher: Hasher,
    /// Where records are taken on: not among the threads on which queries work.
    handle: Handle,
    seen: Arc<Seen>,
    rows: AtomicU64,
    bytes: AtomicU64,
    state: Mutex<State>,
}

/// What becomes known on the way.
struct State {
    asker: AuditAsker,
    statement: Option<String>,
    parameters: Vec<String>,
    reads: AuditReads,
    queued_ms: Option<u64>,
    error: Option<String>,
    durable: Option<Durable>,
    has_ended: bool,
    roster: Option<Roster>,
}

/// Where is asked for the keys of those who were named by their ids.
struct Roster {
    sessions: Arc<Sessions>,
    runtime_env: Arc<RuntimeEnv>,
}

impl Ask {
    pub(super) fn new(
        audit: &Arc<Audit>,
        principal: &Principal,
        door: &'static str,
        client: Option<&'static str>,
        hasher: Hasher,
    ) -> Arc<Self> {
        let asker = AuditAsker {
            role: principal.role,
            subject_key: principal.subject.as_ref().map(|id| hasher.hash(id)),
            credential: principal.credential.kind().to_owned(),
            credential_id: principal.token_id.clone(),
            credential_parent: match &principal.credential {
                Shown::Token => None,
                Shown::Embed { parent } => Some(parent.clone()),
                Shown::Identity { issuer } => Some(issuer.clone()),
            },
        };
        Arc::new(Self {
            principal: principal.clone(),
            query_id: Uuid::now_v7(),
            asked_at: audit.clock.now(),
            audit: Arc::clone(audit),
            began: Instant::now(),
            door,
            client,
            hasher,
            handle: Handle::current(),
            seen: Arc::default(),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            state: Mutex::new(State {
                asker,
                statement: None,
                parameters: Vec::new(),
                reads: AuditReads::default(),
                queued_ms: None,
                error: None,
                durable: None,
                has_ended: false,
                roster: None,
            }),
        })
    }

    /// Who asks.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What is asked, in SQL.
    pub(crate) fn states(&self, sql: &str, parameters: &[Value]) {
        let statement = self.hasher.statement(sql);
        let parameters = self.hasher.parameters(parameters);
        let mut state = self.state();
        state.statement = Some(statement);
        state.parameters = parameters;
    }

    /// What is asked for by an address; the name is one of ours.
    pub(crate) fn addresses(&self, name: &str, query: &str) {
        let address = match query.is_empty() {
            true => name.to_owned(),
            false => format!("{name}?{}", self.hasher.address(query)),
        };
        self.state().statement = Some(address);
    }

    /// Which token is asked for; once more when it is made.
    pub(crate) fn mints(&self, token: &Minted<'_>) {
        let statement = token.statement(&self.hasher);
        self.state().statement = Some(statement);
    }

    /// The token is made. Whoever asked for it gets it when this has returned.
    ///
    /// # Errors
    /// [`Error::NotRecorded`] when its record is not durable: nobody may have it.
    pub(crate) async fn minted(&self, token: &Minted<'_>) -> Result<(), Error> {
        self.mints(token);
        self.begin(Reads::default());
        self.durable().await?;
        self.answered();
        Ok(())
    }

    /// Its turn has come, and this is where the roster can be asked.
    pub(crate) fn enters(&self, sessions: &Arc<Sessions>, runtime_env: &Arc<RuntimeEnv>) {
        let mut state = self.state();
        state.queued_ms = Some(millis(self.began));
        state.roster = Some(Roster {
            sessions: Arc::clone(sessions),
            runtime_env: Arc::clone(runtime_env),
        });
    }

    /// The key by which the roster knows who asks.
    pub(crate) fn is_of(&self, subject_key: &str) {
        self.state().asker.subject_key = Some(subject_key.to_owned());
    }

    /// Those whose rows it reads are noted here.
    pub(crate) fn seen(&self) -> &Arc<Seen> {
        &self.seen
    }

    /// It is about to run. The record of that is on its way when this returns.
    pub(crate) fn begin(&self, reads: Reads) {
        let mut state = self.state();
        if state.durable.is_some() {
            return;
        }
        state.reads = reads.into_record();
        let record = AuditRecord {
            parameters: state.parameters.clone(),
            statement: state.statement.clone(),
            ..self.record(&state, AuditType::Started, self.asked_at)
        };
        let (sender, receiver) = oneshot::channel();
        let (audit, tenant) = (Arc::clone(&self.audit), self.principal.tenant.clone());
        let recording = async move {
            let recorded = audit.record(&tenant, &record).await;
            if let Err(error) = &recorded {
                let error: &dyn std::error::Error = error;
                tracing::error!(tenant.id = %tenant, error, "a query could not be recorded");
            }
            // Nobody may wait for it any more.
            let _ = sender.send(recorded.is_ok());
        };
        self.audit.waiting.spawn_on(recording, &self.handle);
        let durable = receiver.map(|told| told.unwrap_or(false));
        state.durable = Some(durable.boxed().shared());
    }

    /// What an earlier question has read is shown anew.
    pub(crate) fn begin_again(&self, earlier: &Self) {
        let reads = Reads::again(earlier.state().reads.clone());
        self.seen.note_again(&earlier.seen);
        self.begin(reads);
    }

    /// Waits until the record of its start is durable; no longer than an asker would.
    ///
    /// # Errors
    /// [`Error::NotRecorded`] when it is not: nothing may be shown.
    pub(crate) async fn durable(&self) -> Result<(), Error> {
        let Some(durable) = self.state().durable.clone() else {
            return Ok(());
        };
        match tokio::time::timeout(PATIENCE, durable).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::NotRecorded("the log did not take the record".into())),
            Err(_) => Err(Error::NotRecorded("the log does not answer".into())),
        }
    }

    /// Rows and bytes go out.
    pub(crate) fn sends(&self, rows: usize, bytes: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The error as it is, of which its asker is perhaps told less.
    pub(crate) fn fails(&self, error: &Error) {
        self.state().error = error.in_full().map(shortened);
    }

    /// All of its answer has gone out. Of one that read no rows nothing is recorded.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.has_ended |= state.durable.is_none();
        drop(state);
        self.end("answered");
    }

    /// There is no answer, or no more of it.
    pub(crate) fn failed(&self, error: &Error) {
        let mut state = self.state();
        if state.error.is_none() {
            state.error = error.in_full().map(shortened);
        }
        drop(state);
        self.end(error.code());
    }

    /// What is done for it, up to the response. An error is its end, and so it is when
    /// nobody waits for this any more.
    pub(crate) async fn watched<T>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut ending = Ending::new(self);
        let answered = work.await;
        if let Err(error) = &answered {
            self.failed(error);
        }
        // The response's own will tell how it ends.
        ending.0 = None;
        answered
    }

    fn end(&self, outcome: &str) {
        let mut state = self.state();
        if std::mem::replace(&mut state.has_ended, true) {
            return;
        }
        let has_begun = state.durable.is_some();
        let end = AuditEnd {
            outcome: outcome.to_owned(),
            error: state.error.take(),
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            duration_ms: millis(self.began),
            student_keys: None,
            scope: None,
        };
        let now = self.audit.clock.now();
        let mut record = match has_begun {
            true => self.record(&state, AuditType::Finished, now),
            false => AuditRecord {
                parameters: std::mem::take(&mut state.parameters),
                statement: state.statement.take(),
                ..self.record(&state, AuditType::Refused, now)
            },
        };
        record.reads.columns.clear();
        let roster = state.roster.take();
        let (audit, tenant) = (Arc::clone(&self.audit), self.principal.tenant.clone());
        let seen = Arc::clone(&self.seen);
        let recording = async move {
            record.end = Some(told(end, &record, &seen, &tenant, roster).await);
            audit.record_in_time(&tenant, &record).await;
        };
        self.audit.waiting.spawn_on(recording, &self.handle);
    }

    fn record(&self, state: &State, of: AuditType, time: DateTime<Utc>) -> AuditRecord {
        AuditRecord {
            id: Uuid::now_v7(),
            record_type: of,
            time,
            query_id: self.query_id,
            asker: state.asker.clone(),
            door: self.door.to_owned(),
            client: self.client.map(str::to_owned),
            statement: None,
            parameters: Vec::new(),
            reads: state.reads.clone(),
            queued_ms: state.queued_ms,
            end: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How it ended, with whose rows were read.
async fn told(
    mut end: AuditEnd,
    record: &AuditRecord,
    seen: &Seen,
    tenant: &TenantId,
    roster: Option<Roster>,
) -> AuditEnd {
    let rights = || record.reads.policies.join("; ");
    let Some((mut keys, users)) = seen.people() else {
        let most = AuditEnd::MOST_STUDENTS;
        end.scope = Some(format!("more than {most} people, by {}", rights()));
        return end;
    };
    if !users.is_empty() {
        let known = match roster {
            Some(Roster {
                sessions,
                runtime_env,
            }) => sessions.keys_of(tenant, &users, &runtime_env).await.ok(),
            None => None,
        };
        match known {
            Some(known) => keys.extend(known),
            None => {
                let people = users.len();
                end.scope = Some(format!(
                    "{people} people of the roster, which could not be read, by {}",
                    rights()
                ));
                return end;
            }
        }
    }
    end.student_keys = Some(keys.into_iter().collect());
    end
}

/// Tells of a question that nobody waits for its answer any more, when this is dropped
/// before its end was told.
pub(crate) struct Ending(Option<Arc<Ask>>);

impl Ending {
    pub(crate) fn new(ask: &Arc<Ask>) -> Self {
        Self(Some(Arc::clone(ask)))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(ask) = &self.0 {
            ask.end("cancelled");
        }
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
