//! What was answered, counted by minute and appended to the log: the part of
//! the ledger that only the front door can know.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use eventlog::{AppendError, Record};
use schemas::tally::{Tally, TallyCount};
use schemas::{Family, TenantId, headers};
use uuid::Uuid;

use crate::outcome::{Answered, Reason};
use crate::readiness::Watched;

/// The most tallies that wait for the log; beyond it the oldest are dropped.
const WAITING: usize = 100_000;

/// The counts that are not in the log yet.
#[derive(Debug)]
pub struct Tallies {
    node: String,
    open: Mutex<Open>,
}

/// By minute first, so that those that are over come first.
type Open = BTreeMap<(DateTime<Utc>, TenantId), HashMap<Kind, u64>>;

/// What is counted apart.
type Kind = (Option<Family>, &'static str, Option<Reason>);

impl Tallies {
    /// No counts, under a node name that no other start has.
    pub fn new() -> Self {
        Self {
            node: Uuid::new_v4().simple().to_string(),
            open: Mutex::default(),
        }
    }

    /// Counts the outcomes of a request, each event once, in the minute in
    /// which its body had arrived; in the metrics too.
    pub fn count(&self, tenant: &TenantId, received_at: DateTime<Utc>, events: &[Answered]) {
        let mut counts: HashMap<Kind, u64> = HashMap::new();
        for event in events {
            let outcome = &event.outcome;
            *counts
                .entry((event.family, outcome.name(), outcome.reason()))
                .or_default() += 1;
        }
        for ((family, outcome, reason), count) in &counts {
            metrics::counter!(
                "chalkline_ingest_events_total",
                "family" => family.map_or("unknown", Family::as_str),
                "outcome" => *outcome,
                "reason" => reason.map_or("", Reason::code),
            )
            .increment(*count);
        }
        self.add(minute(received_at), tenant, counts);
    }

    /// Appends what was counted in minutes that were over at `now`.
    pub async fn append_due(&self, log: &Watched, now: DateTime<Utc>) {
        self.append_before(log, minute(now), now).await;
    }

    /// Appends everything, the current minute too.
    pub async fn append_all(&self, log: &Watched, now: DateTime<Utc>) {
        self.append_before(log, DateTime::<Utc>::MAX_UTC, now).await;
    }

    async fn append_before(&self, log: &Watched, end: DateTime<Utc>, now: DateTime<Utc>) {
        let due = self.take_before(end);
        if due.is_empty() {
            return;
        }
        let records = due
            .iter()
            .map(|((minute, tenant), counts)| self.record(*minute, tenant, counts, now))
            .collect();
        let mut appended = log.append(records).await.into_iter();
        for ((minute, tenant), counts) in due {
            match appended.next() {
                Some(Ok(_)) => {}
                // It may be in the log: to append it again could count it twice.
                Some(Err(error)) if error.may_still_arrive() => lost(&tenant, &error),
                Some(Err(error)) if error.is_retryable() => self.add(minute, &tenant, counts),
                Some(Err(error)) => lost(&tenant, &error),
                None => self.add(minute, &tenant, counts),
            }
        }
    }

    fn add(&self, minute: DateTime<Utc>, tenant: &TenantId, counts: HashMap<Kind, u64>) {
        let mut open = self.open();
        let sums = open.entry((minute, tenant.clone())).or_default();
        for (kind, count) in counts {
            *sums.entry(kind).or_default() += count;
        }
        while open.len() > WAITING {
            if let Some(((minute, tenant), _)) = open.pop_first() {
                tracing::warn!(tenant.id = %tenant, %minute, "too many tallies wait: one was dropped");
            }
        }
    }

    fn take_before(&self, end: DateTime<Utc>) -> Open {
        let mut open = self.open();
        let mut due = std::mem::take(&mut *open);
        while due.last_key_value().is_some_and(|((m, _), _)| *m >= end) {
            if let Some((key, counts)) = due.pop_last() {
                open.insert(key, counts);
            }
        }
        due
    }

    fn record(
        &self,
        minute: DateTime<Utc>,
        tenant: &TenantId,
        counts: &HashMap<Kind, u64>,
        now: DateTime<Utc>,
    ) -> Record {
        let tally = Tally {
            minute,
            node: self.node.clone(),
            counts: counts
                .iter()
                .map(|((family, outcome, reason), events)| TallyCount {
                    family: *family,
                    outcome: (*outcome).to_owned(),
                    reason: reason.map(|reason| reason.code().to_owned()),
                    events: *events,
                })
                .collect(),
        };
        let received_at = now.timestamp_micros().to_string();
        let headers = [
            (headers::TENANT, tenant.as_str()),
            (headers::KIND, headers::kind::TALLY),
            (headers::RECEIVED_AT, &received_at),
        ];
        Record {
            key: format!("{tenant}/_tally").into(),
            headers: headers.into_iter().collect(),
            value: serde_json::to_vec(&tally)
                .expect("a tally has only text keys and numbers")
                .into(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(tenant: &TenantId, error: &AppendError) {
    tracing::warn!(
        tenant.id = %tenant,
        error = error as &dyn std::error::Error,
        "a tally may be missing from the log"
    );
}

fn minute(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::minutes(1)).unwrap_or(time)
}
