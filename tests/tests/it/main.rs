//! The whole system from outside; see the crate's README for what stands where.

mod any_order;
mod arrows;
mod beacon;
mod dialects;
mod faults;
mod first_line;
mod group;
mod keys;
mod kill;
mod late;
mod ledger;
mod maintain;
mod moments;
mod orphans;
mod other_engines;
mod oulad;
mod page;
mod privacy;
mod refusals;
mod replay;
mod reports;
mod s3;
mod shutdown;
mod tail;
