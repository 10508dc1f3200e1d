//! What becomes of a record: exactly one thing, also when it is read again
//! after a crash.

mod outcome;
mod settled;

use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use eventlog::partition_for;
use schemas::TenantId;
use schemas::event::Event;
use uuid::Uuid;

use crate::decode::{Content, Decoded};
use crate::deduplicate::{Index, Stored};
use crate::digest::Digest;
use crate::look_up::{Answers, Homes};
use crate::quarantine::Unreadable;
use crate::replay::{Cause, Failures, key};

pub(crate) use outcome::Outcome;
pub(crate) use settled::Settled;
use settled::{Verdict, verdict};

/// Decides about records, one after the other.
#[derive(Debug)]
pub(crate) struct Judge {
    index: Index,
    settled: Settled,
    failures: Failures,
    /// The events that an unfinished round had found to be new: they will have rows.
    foreseen: HashSet<u128>,
    /// The events that were stored since the tables were asked which rows are
    /// missing.
    stored_since: Option<HashSet<u128>>,
    /// What the lake says of records that are to be judged next.
    answers: Answers,
    /// To which partitions events belong, and which are this process's.
    homes: Option<(Homes, BTreeSet<u32>)>,
}

impl Judge {
    /// A judge who knows what is stored, what a restart reads again, and what
    /// was entered again in vain.
    pub fn new(index: Index, settled: Settled, failures: Failures) -> Self {
        Self {
            index,
            settled,
            failures,
            foreseen: HashSet::new(),
            stored_since: None,
            answers: Answers::new(),
            homes: None,
        }
    }

    /// The same, for a log of which others may read some partitions; `owned` are
    /// not theirs.
    pub fn among(mut self, homes: Homes, owned: BTreeSet<u32>) -> Self {
        self.homes = Some((homes, owned));
        self
    }

    /// The partition to which an event belongs that was read from another, where
    /// it came before partitions were added.
    pub fn home_elsewhere(&self, partition: u32, record: &Decoded) -> Option<u32> {
        let (homes, _) = self.homes.as_ref()?;
        let is_event = matches!(record.content, Ok(Content::Event(..)));
        let home = partition_for(&record.record.key, homes.partitions);
        (is_event && home != partition).then_some(home)
    }

    /// Whether others read the partition to which an event belongs.
    pub fn is_others(&self, partition: u32, record: &Decoded) -> bool {
        let home = self.home_elsewhere(partition, record);
        let owned = self.homes.as_ref().map(|(_, owned)| owned);
        home.is_some_and(|home| owned.is_some_and(|owned| !owned.contains(&home)))
    }

    /// Takes note of an event that an unfinished round had found to be new.
    ///
    /// Every record that is read again must pass here before the first of them
    /// is judged: an event that is judged anew may repeat one that was found to
    /// be new and is not stored yet, and may be read before it.
    pub fn foresee(&mut self, partition: u32, record: &Decoded) {
        let Ok(Content::Event(event, digest)) = &record.content else {
            return;
        };
        let traces = self.settled.traces(partition, record);
        if verdict(record.position, traces) == Verdict::New {
            // Of a record for a missing row the tables decide anew.
            if !record.is_for_missing() {
                self.foreseen.insert(key(&record.tenant, event.id));
            }
            self.remember(partition, record, event, *digest);
        }
    }

    /// Whether the record was entered for a row that is missing, and is to be judged:
    /// after all rows of its tenant are published the lake is to be asked for its
    /// event, and [`Judge::learn_missing`] to be told what it says.
    pub fn seeks_row(&self, partition: u32, record: &Decoded) -> bool {
        record.is_for_missing()
            && matches!(record.content, Ok(Content::Event(..)))
            && self.verdict(partition, record) != Verdict::Published
    }

    /// When events were received that this record may repeat and that are not
    /// known: the lake is to be asked, and to [`Judge::learn`] what it says, before
    /// the record is judged.
    pub fn unknown(
        &self,
        partition: u32,
        record: &Decoded,
    ) -> Option<RangeInclusive<DateTime<Utc>>> {
        let Ok(Content::Event(event, _)) = &record.content else {
            return None;
        };
        if record.is_for_missing() {
            return None;
        }
        let (id, at, reach) = (event.id, event.received_at, record.reach());
        let tenant = &record.tenant;
        let home = self.home_elsewhere(partition, record);
        let is_known = home.is_none() && self.settled.next.is_empty();
        let unknown = |partition| self.index.unknown(partition, tenant, id, at, reach);
        if is_known {
            return unknown(partition);
        }
        match self.verdict(partition, record) {
            Verdict::Published => None,
            // Since then, somebody may have stored it from another partition.
            Verdict::New if self.settled.moved || home.is_some() => {
                Some(self.index.times(at, reach))
            }
            Verdict::New => None,
            Verdict::Open if self.stored(partition, record, event).is_some() => None,
            // What others store meanwhile is not in the index.
            Verdict::Open if self.is_others(partition, record) => Some(self.index.times(at, reach)),
            Verdict::Open => unknown(partition).or_else(|| unknown(home?)),
        }
    }

    fn stored(&self, partition: u32, record: &Decoded, event: &Event) -> Option<&Stored> {
        let (tenant, reach) = (&record.tenant, record.reach());
        let home = self.home_elsewhere(partition, record);
        let mut known_in = [partition].into_iter().chain(home);
        known_in.find_map(|partition| {
            let (id, at) = (event.id, event.received_at);
            self.index.stored(partition, tenant, id, at, reach)
        })
    }

    /// Remembers an event where its repetitions are looked for.
    fn remember(&mut self, partition: u32, record: &Decoded, event: &Event, digest: Digest) {
        let home = self.home_elsewhere(partition, record);
        for partition in [partition].into_iter().chain(home) {
            let (id, at) = (event.id, event.received_at);
            let tenant = &record.tenant;
            self.index.remember(partition, tenant, id, at, Some(digest));
        }
    }

    /// Takes note of what the lake says of records that are judged next.
    pub fn learn(&mut self, answers: Answers) {
        self.answers = answers;
        self.stored_since = None;
    }

    /// The same, if some of them were entered for missing rows: `there` are those
    /// whose events are in the tables.
    pub fn learn_missing(&mut self, mut answers: Answers, there: Answers) {
        answers.extend(there);
        self.answers = answers;
        self.stored_since = Some(HashSet::new());
    }

    fn verdict(&self, partition: u32, record: &Decoded) -> Verdict {
        if self.settled.next.is_empty() {
            Verdict::Open
        } else {
            verdict(record.position, self.settled.traces(partition, record))
        }
    }

    /// Decides about a record; `known` says whether its tenant exists.
    pub fn judge(&mut self, partition: u32, record: &Decoded, known: bool) -> Outcome {
        let verdict = self.verdict(partition, record);
        if verdict == Verdict::Published {
            return Outcome::Published;
        }
        let outcome = self.decide(partition, record, known, verdict);
        let (Outcome::Quarantined(home, _), Some(again)) = (&outcome, &record.again) else {
            return outcome;
        };
        // Nobody who enters records can be sure that it was not done before: the
        // process may have died between the log's answer and its own notes.
        if self.failures.is_first(again, partition, record.position) {
            return outcome;
        }
        match again.cause {
            Cause::Quarantined => Outcome::Failed(home.clone()),
            Cause::Missing => Outcome::Needless,
        }
    }

    fn decide(
        &mut self,
        partition: u32,
        record: &Decoded,
        known: bool,
        verdict: Verdict,
    ) -> Outcome {
        if matches!(record.content, Ok(Content::Notice)) {
            return Outcome::Noted;
        }
        let tenant = &record.tenant;
        if !known && *tenant != TenantId::system() {
            let unreadable = match &record.content {
                Ok(_) => Unreadable::place("there is no such tenant"),
                Err(unreadable) => unreadable.clone(),
            };
            return Outcome::Quarantined(TenantId::system(), unreadable);
        }
        match &record.content {
            Err(unreadable) => Outcome::Quarantined(tenant.clone(), unreadable.clone()),
            Ok(Content::Tally(_)) => Outcome::Tallied,
            Ok(Content::Audit(_)) => Outcome::Audited,
            Ok(Content::Notice) => Outcome::Noted,
            Ok(Content::Event(event, digest)) if record.is_for_missing() => {
                self.judge_missing(partition, record, event, *digest)
            }
            Ok(Content::Event(event, digest)) => {
                self.judge_event(partition, record, event, *digest, verdict)
            }
        }
    }

    fn judge_event(
        &mut self,
        partition: u32,
        record: &Decoded,
        event: &Event,
        digest: Digest,
        verdict: Verdict,
    ) -> Outcome {
        let stored = match verdict {
            Verdict::Open => self.stored(partition, record, event),
            // The index knows it already.
            _ => None,
        };
        let known = stored.map(|stored| stored.has_content(digest));
        let place = (partition, record.position);
        if let Some(same_content) = known.or_else(|| self.answers.get(&place).copied()) {
            return Outcome::Duplicate { same_content };
        }
        self.store(partition, record, event, digest)
    }

    /// The tables alone say whether a row is missing: the index knows ids whose
    /// rows are gone. So it is, too, where an unfinished round is read again; but what
    /// that had found to be new further on will have a row.
    fn judge_missing(
        &mut self,
        partition: u32,
        record: &Decoded,
        event: &Event,
        digest: Digest,
    ) -> Outcome {
        let key = key(&record.tenant, event.id);
        let is_there = self.answers.contains_key(&(partition, record.position));
        let since = self.stored_since.as_ref();
        let is_stored = since.is_some_and(|since| since.contains(&key));
        if is_there || is_stored || self.foreseen.contains(&key) {
            return Outcome::Needless;
        }
        self.store(partition, record, event, digest)
    }

    fn store(
        &mut self,
        partition: u32,
        record: &Decoded,
        event: &Event,
        digest: Digest,
    ) -> Outcome {
        self.remember(partition, record, event, digest);
        if let Some(since) = &mut self.stored_since {
            since.insert(key(&record.tenant, event.id));
        }
        Outcome::Stored
    }

    /// Whether all that an earlier life began was judged again.
    pub fn is_settled(&self) -> bool {
        self.settled.next.is_empty()
    }

    /// What it knows, once all that was judged is in the lake.
    pub fn into_index(self) -> Index {
        self.index
    }

    /// All that was read before a restart has been read again.
    pub fn forget_settled(&mut self) {
        self.settled = Settled::default();
        self.foreseen = HashSet::new();
    }

    /// What it knows of events that are stored.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Whether [`Judge::forget_before`] has anything to do.
    pub fn is_to_forget(&self, watermark: DateTime<Utc>) -> bool {
        self.settled.next.is_empty() && self.index.is_to_forget(watermark)
    }

    /// All that was judged is in the lake: forgets what no event received at
    /// `watermark` or later can repeat, and what there is no room for.
    pub fn forget_before(&mut self, watermark: DateTime<Utc>) {
        // What was found to be new and is read again is not in the lake yet.
        if self.settled.next.is_empty() {
            self.index.forget_before(watermark);
            self.index.make_room();
        }
    }
}

/// The id in a row of an event table; rows hold what [`Uuid`] prints.
pub(crate) fn event_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}

#[cfg(test)]
mod tests;
