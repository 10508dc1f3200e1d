//! maintain: keeps the files of all tables few, large and sorted, their logs
//! short, the store free of what nobody needs, and rows where they belong.
//!
//! It goes on beside publishing and never holds it up: on a thread of its own,
//! one table after the other, within a bound of memory. A lease sees to it that
//! of several processes one does it for a tenant.

mod config;
mod displaced;
mod error;
mod leaps;
mod repeated;
mod schedule;
mod upkeep;
mod verdict;

pub use config::MaintenanceConfig;
pub use error::UpkeepError;
pub use repeated::Searched;
pub use upkeep::{Effort, Tended, Upkeep};

pub(crate) use schedule::Schedule;

/// The work that the leases of maintenance are for.
pub const LEASE: &str = "maintenance";
