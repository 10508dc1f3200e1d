//! Refuses a bulk that would end too much: half an export looks like half a school.

use std::collections::BTreeMap;

use schemas::roster::Entity;

use super::Comparison;

/// Which share of a table a bulk may end.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The share, 0 to 1, of the rows of which the bulk speaks and whose time is not over
    /// anyway.
    pub share: f64,
    /// The shares of single tables.
    pub shares: BTreeMap<Entity, f64>,
    /// Fewer rows than this may always end.
    pub at_least: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            share: 0.2,
            shares: BTreeMap::new(),
            at_least: 10,
        }
    }
}

/// A table of which too much would end.
#[derive(Debug, Clone, PartialEq)]
pub struct Vanished {
    /// The table.
    pub entity: Entity,
    /// How many rows would end.
    pub ended: u64,
    /// Of how many whose time is not over.
    pub of: u64,
    /// Which share may.
    pub share: f64,
}

impl std::fmt::Display for Vanished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            entity, ended, of, ..
        } = self;
        let percent = self.share * 100.0;
        write!(
            f,
            "{ended} of {of} {entity} would end, over {percent} %: see whether the export is \
             whole, and force the import if it is"
        )
    }
}

impl Comparison<'_> {
    /// The tables of which a bulk would end more than it may; unless forced, nothing
    /// of the bundle is to be stored then.
    pub fn vanished(&self, guard: &Guard) -> Vec<Vanished> {
        let too_much = |(&entity, summary): (&Entity, &super::TableSummary)| {
            let share = guard.shares.get(&entity).copied().unwrap_or(guard.share);
            let ended = summary.ended - summary.expired;
            let of = summary.stored - summary.expired - summary.outside;
            let is_over = ended as f64 > share * of as f64;
            let found = Vanished {
                entity,
                ended,
                of,
                share,
            };
            (summary.is_bulk && is_over && ended >= guard.at_least).then_some(found)
        };
        self.summary.iter().filter_map(too_much).collect()
    }
}
