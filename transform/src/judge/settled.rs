//! How far an unfinished round came, as its traces in the tables tell.

use std::collections::{HashMap, HashSet};

use schemas::{Table, TenantId};

use crate::decode::{Content, Decoded};

/// What the tables say about one record that is read again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traces {
    /// Where the table stands that would hold the record: its family's table,
    /// `tallies` or `audit`.
    pub table_next: u64,
    /// Where `duplicates` stands.
    pub duplicates_next: u64,
    /// The record is a row of `duplicates` or `quarantine`.
    pub set_aside: bool,
}

/// What follows for a record from the traces of an earlier, unfinished round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is published.
    Published,
    /// It was found to be new, but its table was not reached.
    New,
    /// Nothing was published that depends on what it was found to be.
    Open,
}

/// Reads the traces of a round that did not finish.
///
/// A round commits `quarantine`, `duplicates`, `tallies` and `audit` before the event
/// tables. So if the event table is beyond the record, everything is; if
/// `duplicates` is beyond it, that table's rows say which records of the round
/// were duplicates, and all others were new: asking the index again, which by
/// now knows other rows of that same round, could answer differently and lose
/// or repeat an event.
pub(crate) fn verdict(position: u64, traces: Traces) -> Verdict {
    if position < traces.table_next || traces.set_aside {
        Verdict::Published
    } else if position < traces.duplicates_next {
        Verdict::New
    } else {
        Verdict::Open
    }
}

/// What the tables hold of the stretch of the log that is read again after a
/// restart.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Where each table stands in each partition.
    pub next: HashMap<(TenantId, Table), HashMap<u32, u64>>,
    /// The records in `duplicates` and `quarantine`, by tenant, partition and
    /// position.
    pub set_aside: HashSet<(TenantId, u32, u64)>,
    /// Whether somebody may have stored events of these partitions that were read
    /// from others.
    pub moved: bool,
}

impl Settled {
    pub fn next(&self, tenant: &TenantId, table: Table, partition: u32) -> u64 {
        self.next
            .get(&(tenant.clone(), table))
            .and_then(|positions| positions.get(&partition))
            .copied()
            .unwrap_or(0)
    }

    pub fn traces(&self, partition: u32, record: &Decoded) -> Traces {
        let table = match &record.content {
            Ok(Content::Tally(_)) => Some(Table::Tallies),
            Ok(Content::Audit(_)) => Some(Table::Audit),
            _ => record.family.map(Table::Events),
        };
        let tenant = &record.tenant;
        let set_aside = |tenant: &TenantId| {
            let row = (tenant.clone(), partition, record.position);
            self.set_aside.contains(&row)
        };
        Traces {
            table_next: table.map_or(0, |table| self.next(tenant, table, partition)),
            duplicates_next: self.next(tenant, Table::Duplicates, partition),
            // A tenant may have been unknown then and known now.
            set_aside: set_aside(tenant) || set_aside(&TenantId::system()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    // Nothing of it is published.
    #[case::open(5, 0, 0, false, Verdict::Open)]
    #[case::open_at_the_edges(5, 5, 5, false, Verdict::Open)]
    // `duplicates` went through, its own table did not.
    #[case::new(5, 0, 6, false, Verdict::New)]
    #[case::duplicate(5, 0, 6, true, Verdict::Published)]
    // Its own table went through, so everything before it did.
    #[case::stored(5, 6, 0, false, Verdict::Published)]
    #[case::stored_and_more(5, 9, 9, false, Verdict::Published)]
    // A quarantine went through, `duplicates` did not.
    #[case::quarantined(5, 0, 0, true, Verdict::Published)]
    fn traces_say_how_far_the_round_came(
        #[case] position: u64,
        #[case] table_next: u64,
        #[case] duplicates_next: u64,
        #[case] set_aside: bool,
        #[case] expected: Verdict,
    ) {
        let traces = Traces {
            table_next,
            duplicates_next,
            set_aside,
        };
        assert_eq!(verdict(position, traces), expected);
    }
}
