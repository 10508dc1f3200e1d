//! Asking the lake about records before they are judged.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use schemas::TenantId;
use tokio::time::Instant;
use uuid::Uuid;

use super::Line;
use crate::decode::{Content, Decoded};
use crate::error::Error;
use crate::look_up::{Answers, Questions};
use crate::replay::Stored;

/// Bytes of records for which the lake is asked at once. Taken apart they take a
/// few times as much until they are judged.
const ASK_BYTES: usize = 16 << 20;

/// Records that were entered for missing rows, by tenant: which event each is, and
/// where it stands.
type Seekers = BTreeMap<TenantId, Vec<(Uuid, (u32, u64))>>;

/// Records that follow one of which the index does not know whether it was stored
/// before: they are judged together, when the lake was asked.
#[derive(Default)]
pub(super) struct Pending {
    pieces: Vec<(u32, Vec<Decoded>)>,
    bytes: usize,
    since: Option<Instant>,
}

impl Pending {
    pub fn push(&mut self, partition: u32, records: Vec<Decoded>) {
        self.bytes += records.iter().map(Decoded::bytes).sum::<usize>();
        self.since.get_or_insert_with(Instant::now);
        self.pieces.push((partition, records));
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it is time to ask, however few they are.
    pub fn is_full(&self) -> bool {
        self.bytes >= ASK_BYTES
    }

    /// When they have waited for others for the interval; `None` when there are none.
    pub fn due_at(&self, interval: Duration) -> Option<Instant> {
        self.since.map(|since| since + interval)
    }

    /// Whether they have.
    pub fn is_due(&self, now: Instant, interval: Duration) -> bool {
        self.due_at(interval).is_some_and(|at| at <= now)
    }
}

impl Line<'_> {
    /// Asks the lake about the records that are pending and adds them to the rows
    /// that wait; false when it is time to stop, with some perhaps not added.
    ///
    /// # Errors
    /// When the lake says that what is known is no longer true.
    pub(super) async fn settle(&mut self, pending: &mut Pending) -> Result<bool, Error> {
        let pending = std::mem::take(pending);
        let seekers = self.seekers(&pending.pieces);
        if !seekers.is_empty() {
            // So that the tables hold all that was stored.
            let rounds = self.backlog.take(seekers.keys().cloned());
            self.publish(rounds).await?;
        }
        let Some(answers) = self.ask(&pending.pieces).await? else {
            return Ok(false);
        };
        if seekers.is_empty() {
            self.judge.learn(answers);
        } else {
            let Some(there) = self.ask_for_missing(seekers).await else {
                return Ok(false);
            };
            self.judge.learn_missing(answers, there);
        }
        for (partition, records) in pending.pieces {
            if !self.take(partition, records).await {
                return Ok(false);
            }
        }
        self.judge.learn(Answers::new());
        Ok(true)
    }

    /// What the lake says of the records that the index does not know; `None` when
    /// it is time to stop. A lake that does not answer is waited for.
    async fn ask(&mut self, pieces: &[(u32, Vec<Decoded>)]) -> Result<Option<Answers>, Error> {
        let mut questions: BTreeMap<TenantId, (Questions, bool)> = BTreeMap::new();
        for (partition, records) in pieces {
            for record in records {
                if self.judge.seeks_row(*partition, record) {
                    // Where its event belongs nobody else may publish meanwhile.
                    if self.judge.is_others(*partition, record) {
                        questions.entry(record.tenant.clone()).or_default().1 = true;
                    }
                    continue;
                }
                let (Some(times), Ok(Content::Event(event, _))) =
                    (self.judge.unknown(*partition, record), &record.content)
                else {
                    continue;
                };
                let term = match self.placer(&record.tenant).await {
                    Ok(placer) => placer.map(|placer| placer.place(event).term),
                    Err(error) if error.is_retryable() => return Ok(None),
                    Err(_) => None,
                };
                let (questions, others) = questions.entry(record.tenant.clone()).or_default();
                let at = (*partition, record.position);
                let home = self.judge.home_elsewhere(*partition, record);
                *others |= self.judge.is_others(*partition, record);
                let home = home.unwrap_or(*partition);
                questions.ask(at, home, event, record.reach(), times, term);
            }
        }
        let mut answers = Answers::new();
        let transform = self.surroundings.transform;
        for (tenant, (questions, others)) in questions {
            if self.waiting.has(&tenant) {
                continue;
            }
            let begun = Instant::now();
            let index = self.judge.index();
            let is_within = |reach, at, other| index.is_within(reach, at, other);
            let (publisher, homes) = (&self.publisher, &self.homes);
            let look = || async {
                let newest = match others {
                    true => publisher.newest_events(&tenant).await?,
                    false => Vec::new(),
                };
                let tables = match others {
                    true => newest.iter().map(|(_, table, _)| table.clone()).collect(),
                    false => publisher.events(&tenant).await?,
                };
                let answered = questions.answer(&tenant, homes, tables, is_within).await;
                answered.map(|answered| (answered, newest))
            };
            let ask = || async {
                let source = match look().await {
                    Ok(answered) => return Ok(answered),
                    Err(source) => source,
                };
                // Unless it is everybody's trouble.
                transform.lake.check_store().await.map_err(Error::Lake)?;
                let table = tenant.to_string();
                Err(Error::Table { table, source })
            };
            let is_away = |error: &Error| matches!(error, Error::Lake(_));
            match self.patience.ask(ask, is_away).await {
                Ok(((found, findings), newest)) => {
                    self.publisher.rely_on(&tenant, newest).await?;
                    let files: usize = findings.iter().map(|finding| finding.files).sum();
                    let bytes: u64 = findings.iter().map(|finding| finding.bytes).sum();
                    metrics::counter!("chalkline_transform_looked_up_total")
                        .increment(questions.len() as u64);
                    metrics::counter!("chalkline_transform_looked_up_files_total")
                        .increment(files as u64);
                    metrics::counter!("chalkline_transform_looked_up_bytes_total").increment(bytes);
                    metrics::histogram!("chalkline_transform_look_up_seconds")
                        .record(begun.elapsed().as_secs_f64());
                    answers.extend(found);
                }
                Err(error) if is_away(&error) => return Ok(None),
                Err(error) => {
                    self.let_wait(&tenant, &error);
                }
            }
        }
        Ok(Some(answers))
    }

    fn seekers(&self, pieces: &[(u32, Vec<Decoded>)]) -> Seekers {
        let mut seekers = Seekers::new();
        for (partition, records) in pieces {
            for record in records {
                if let Ok(Content::Event(event, _)) = &record.content
                    && self.judge.seeks_row(*partition, record)
                {
                    let seeker = (event.id, (*partition, record.position));
                    let of_tenant = seekers.entry(record.tenant.clone()).or_default();
                    of_tenant.push(seeker);
                }
            }
        }
        seekers
    }

    /// The records that were entered because their rows were missing and whose
    /// events are stored all the same; `None` when it is time to stop.
    async fn ask_for_missing(&mut self, seekers: Seekers) -> Option<Answers> {
        let mut answers = Answers::new();
        let transform = self.surroundings.transform;
        let lake = &transform.lake;
        for (tenant, seekers) in seekers {
            if self.waiting.has(&tenant) {
                continue;
            }
            let ids: HashSet<Uuid> = seekers.iter().map(|(id, _)| *id).collect();
            let ask = || async {
                // Of the newest versions: rows may be gone from them since.
                let mut stored = Stored::new(lake.clone());
                let source = match stored.among(&tenant, ids.clone()).await {
                    Ok(stored) => return Ok(stored),
                    Err(source) => source,
                };
                // Unless it is everybody's trouble.
                lake.check_store().await.map_err(Error::Lake)?;
                let table = tenant.to_string();
                Err(Error::Table { table, source })
            };
            let is_away = |error: &Error| matches!(error, Error::Lake(_));
            match self.patience.ask(ask, is_away).await {
                Ok(stored) => {
                    let there = seekers.into_iter().filter(|(id, _)| stored.contains(id));
                    answers.extend(there.map(|(_, place)| (place, None)));
                }
                Err(error) if is_away(&error) => return None,
                Err(error) => self.let_wait(&tenant, &error),
            }
        }
        Some(answers)
    }
}
