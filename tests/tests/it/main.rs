//! The whole system from outside; see the crate's README for what stands where.

mod any_order;
mod arrows;
mod first_line;
mod kill;
mod late;
mod ledger;
mod other_engines;
mod oulad;
mod privacy;
mod refusals;
mod reports;
mod shutdown;
