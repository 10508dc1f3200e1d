//! audit: looks now and then whether the ledger of every tenant balances, so that
//! whoever runs it hears of a row that went missing before those who miss it do.

mod books;
mod schedule;

pub use books::{AuditError, Books, Imbalance};

pub(crate) use schedule::Schedule;

/// The work that the leases of audits are for.
pub const LEASE: &str = "audit";
