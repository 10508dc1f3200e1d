//! look up: what deduplication does not know of an event, it asks the lake.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use eventlog::partition_for;
use lake::{Finding, LakeError, LakeTable, Sought, StoredEvent};
use schemas::event::Event;
use schemas::{StudentKey, TenantId, Term, log_key};
use uuid::Uuid;

use crate::deduplicate::Reach;

/// The records of a log that are asked about, and to which partitions of it an
/// event belongs.
#[derive(Debug, Clone)]
pub(crate) struct Homes {
    pub log_id: String,
    /// How many partitions the log has.
    pub partitions: u32,
}

impl Homes {
    /// The partitions in which an event has to be known: that of its key, where
    /// repetitions come, and the one that it was read from.
    ///
    /// They differ when partitions were added in between. Whoever read it may
    /// have other ideas of where it belongs.
    pub fn of(
        &self,
        tenant: &TenantId,
        sent_key: &str,
        log_id: &str,
        partition: u32,
    ) -> impl Iterator<Item = u32> + use<> {
        let key = sent_key.parse::<StudentKey>().ok();
        let home = key.map(|key| partition_for(&log_key(tenant, &key), self.partitions));
        let origin = (log_id == self.log_id).then_some(partition);
        home.into_iter()
            .chain(origin.filter(move |_| origin != home))
    }
}

/// Records of one tenant whose ids may be stored.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    askers: HashMap<Uuid, Vec<Asker>>,
    received: Option<(DateTime<Utc>, DateTime<Utc>)>,
    terms: BTreeSet<Term>,
}

/// A record whose id may be stored.
#[derive(Debug)]
struct Asker {
    partition: u32,
    /// The partition of its key.
    home: u32,
    position: u64,
    received_at: DateTime<Utc>,
    reach: Reach,
    event_type: String,
}

/// The records that were asked about and repeat an event of the lake; of each,
/// whether with the same content, if that is known.
pub(crate) type Answers = BTreeMap<(u32, u64), Option<bool>>;

impl Questions {
    /// Asks about the record of an event: whether one like it is stored that was
    /// received in that time, probably in that term.
    pub fn ask(
        &mut self,
        (partition, position): (u32, u64),
        home: u32,
        event: &Event,
        reach: Reach,
        received: RangeInclusive<DateTime<Utc>>,
        term: Option<Term>,
    ) {
        let (first, last) = received.into_inner();
        self.received = Some(match self.received {
            Some((from, to)) => (first.min(from), last.max(to)),
            None => (first, last),
        });
        self.terms.extend(term);
        let askers = self.askers.entry(event.id).or_default();
        askers.push(Asker {
            partition,
            home,
            position,
            received_at: event.received_at,
            reach,
            event_type: event.event_type.clone(),
        });
    }

    /// How many records are asked about.
    pub fn len(&self) -> usize {
        self.askers.values().map(Vec::len).sum()
    }

    /// Asks a tenant's tables of events; `is_within` says of two received times
    /// whether they reach each other.
    ///
    /// A row answers for a record only if it was there before: rows of the same
    /// partition at or after it are of the same log read again. So the answer is
    /// the same whenever it is asked for.
    ///
    /// # Errors
    /// As [`LakeTable::find`].
    pub async fn answer(
        &self,
        tenant: &TenantId,
        homes: &Homes,
        tables: Vec<LakeTable>,
        is_within: impl Fn(Reach, DateTime<Utc>, DateTime<Utc>) -> bool + Sync,
    ) -> Result<(Answers, Vec<Finding>), LakeError> {
        let Some((first, last)) = self.received else {
            return Ok(Default::default());
        };
        let counts = |asker: &Asker, row: &StoredEvent| {
            let homes_of_row = || homes.of(tenant, &row.sent_key, &row.log_id, row.partition);
            let is_of_partition = row.log_id == homes.log_id && row.partition == asker.partition;
            is_within(asker.reach, asker.received_at, row.received_at)
                && !(is_of_partition && row.position >= asker.position)
                && homes_of_row().any(|p| p == asker.partition || p == asker.home)
        };
        let ids: HashSet<Uuid> = self.askers.keys().copied().collect();
        let sought = Sought {
            ids: &ids,
            received: first..=last,
            terms: &self.terms,
        };
        let is_enough = |row: &StoredEvent| {
            let mut askers = self.askers.get(&row.id).into_iter().flatten();
            askers.all(|asker| counts(asker, row))
        };
        let finds = tables.iter().map(|table| table.find(&sought, is_enough));
        let findings = futures::future::try_join_all(finds).await?;
        let mut answers = Answers::new();
        for row in findings.iter().flat_map(|finding| &finding.events) {
            let askers = self.askers.get(&row.id).into_iter().flatten();
            for asker in askers.filter(|asker| counts(asker, row)) {
                // What the sender wrote is not in the tables: events of two types
                // are not the same, all others may be.
                let same_content = (row.event_type != asker.event_type).then_some(false);
                let answer = answers
                    .entry((asker.partition, asker.position))
                    .or_insert(same_content);
                *answer = answer.and(same_content);
            }
        }
        Ok((answers, findings))
    }
}
