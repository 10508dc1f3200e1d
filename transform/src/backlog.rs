//! Everything that is read and not published, and up to where all is.

use std::collections::BTreeMap;

use schemas::{Table, TenantId};
use tokio::time::Instant;

use crate::batch::{Round, Stretches};
use crate::columns::At;
use crate::decode::{Content, Decoded};
use crate::judge::Outcome;
use crate::pace::Waits;
use crate::place::Placer;

/// The open rounds of all tenants, over the partitions of one log.
#[derive(Debug)]
pub(crate) struct Backlog {
    log_id: String,
    /// Below which position each partition was read.
    read: BTreeMap<u32, u64>,
    rounds: BTreeMap<TenantId, Round>,
}

impl Backlog {
    /// Nothing was read.
    pub fn new(log_id: &str) -> Self {
        Self {
            log_id: log_id.to_owned(),
            read: BTreeMap::new(),
            rounds: BTreeMap::new(),
        }
    }

    /// Adds a record and what becomes of it. Records of one partition come in
    /// order. `placer` is of the record's tenant, if it exists; `home_partition` that to which
    /// an event belongs that is stored, if that is another.
    pub fn add(
        &mut self,
        partition: u32,
        record: &Decoded,
        outcome: &Outcome,
        placer: Option<&Placer>,
        home_partition: Option<u32>,
    ) {
        self.read.insert(partition, record.position + 1);
        let home = match outcome {
            Outcome::Published | Outcome::Waiting | Outcome::Needless | Outcome::Noted => {
                return;
            }
            Outcome::Quarantined(home, _) | Outcome::Failed(home) => home,
            _ => &record.tenant,
        };
        if !self.rounds.contains_key(home) {
            let round = Round::new(home.clone(), Instant::now());
            self.rounds.insert(home.clone(), round);
        }
        let round = self.rounds.get_mut(home).expect("just inserted");
        let at = At {
            log_id: &self.log_id,
            partition,
            position: record.position,
        };
        round.add(record, outcome, placer, at);
        if let (Outcome::Stored, Ok(Content::Event(event, _)), Some(home)) =
            (outcome, &record.content, home_partition)
        {
            round.belongs(Table::Events(event.data.family()), home);
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rounds.is_empty()
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rounds.values().map(|round| round.rows).sum()
    }

    /// Who has rows.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.rounds.keys()
    }

    /// The open rounds.
    pub fn rounds(&self) -> impl Iterator<Item = &Round> {
        self.rounds.values()
    }

    /// Who waits for how long with how much.
    pub fn waits(&self, now: Instant) -> Vec<(TenantId, Waits)> {
        let waits = |round: &Round| Waits {
            age: now.saturating_duration_since(round.begun),
            tables: round.tables().len(),
            rows: round.rows,
            bytes: round.bytes,
        };
        let rounds = self.rounds.iter();
        rounds.map(|(t, round)| (t.clone(), waits(round))).collect()
    }

    /// Takes these tenants' rounds out, each with what it covers; and that of
    /// `_system` whenever there is one. It holds what was set aside of tenants who
    /// did not exist: were it published after later rows of such a tenant, a
    /// restart in between would take those records for stored.
    pub fn take(&mut self, tenants: impl IntoIterator<Item = TenantId>) -> Vec<(Round, Stretches)> {
        let mut taken = Vec::new();
        for tenant in [TenantId::system()].into_iter().chain(tenants) {
            let Some(round) = self.rounds.remove(&tenant) else {
                continue;
            };
            let first = round.first.iter();
            let covered = first.map(|(p, first)| (*p, *first..self.read[p])).collect();
            taken.push((round, covered));
        }
        taken
    }

    /// Drops a tenant's rows; answers where the first of them is in each partition.
    pub fn give_up(&mut self, tenant: &TenantId) -> BTreeMap<u32, u64> {
        let dropped = self.rounds.remove(tenant);
        dropped.map(|round| round.first).unwrap_or_default()
    }

    /// Takes all rounds out.
    pub fn take_all(&mut self) -> Vec<(Round, Stretches)> {
        let tenants: Vec<TenantId> = self.rounds.keys().cloned().collect();
        self.take(tenants)
    }

    /// Below which position each partition that was read has no row here.
    pub fn ends(&self) -> BTreeMap<u32, u64> {
        let mut ends = self.read.clone();
        for (partition, first) in self.rounds.values().flat_map(|round| &round.first) {
            let end = ends.get_mut(partition).expect("it was read");
            *end = (*end).min(*first);
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use eventlog::{Entry, Headers, Position, Record};

    use super::*;
    use crate::quarantine::Unreadable;

    fn id(name: &str) -> TenantId {
        name.parse().expect("a tenant")
    }

    fn add(backlog: &mut Backlog, home: &TenantId, partition: u32, offset: u64) {
        let record = Record {
            key: Bytes::new(),
            headers: Headers::default(),
            value: Bytes::from_static(b"no event"),
        };
        let position = Position { partition, offset };
        let decoded = Decoded::new(Entry { position, record });
        let outcome = Outcome::Quarantined(home.clone(), Unreadable::place("a test"));
        backlog.add(partition, &decoded, &outcome, None, None);
    }

    #[test]
    fn what_is_published_ends_where_the_first_row_waits() {
        let mut backlog = Backlog::new("log");
        let (a, b) = (id("a"), id("b"));
        for (home, partition, offset) in [(&a, 0, 5), (&b, 0, 6), (&a, 1, 3), (&b, 0, 9)] {
            add(&mut backlog, home, partition, offset);
        }
        assert_eq!(backlog.ends(), BTreeMap::from([(0, 5), (1, 3)]));
        let taken = backlog.take([a.clone()]);
        let (round, covered) = &taken[0];
        assert_eq!((&round.tenant, round.rows), (&a, 2));
        assert_eq!(*covered, BTreeMap::from([(0, 5..10), (1, 3..4)]));
        assert_eq!(backlog.ends(), BTreeMap::from([(0, 6), (1, 4)]));
        assert_eq!(backlog.take_all().len(), 1);
        assert_eq!(backlog.ends(), BTreeMap::from([(0, 10), (1, 4)]));
    }

    #[test]
    fn nobody_is_published_before_what_was_set_aside() {
        let mut backlog = Backlog::new("log");
        add(&mut backlog, &TenantId::system(), 0, 1);
        add(&mut backlog, &id("a"), 0, 2);
        add(&mut backlog, &id("b"), 0, 3);
        let taken = backlog.take([id("b")]);
        let taken: Vec<&TenantId> = taken.iter().map(|(round, _)| &round.tenant).collect();
        assert_eq!(taken, [&TenantId::system(), &id("b")]);
    }
}
