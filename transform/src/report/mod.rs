//! refresh: keeps the reports that are tables up to date.
//!
//! A report's rows are a function of the rows of its sources. What changed in
//! the sources since the last refresh is read from their Delta logs, as slices:
//! only these are computed again and replaced, in one commit that also says of
//! which versions of the sources the report's rows are made now.

mod chunk;
mod compute;
mod dirty;
mod error;
mod executor;
mod failing;
mod lag;
mod limits;
mod moved;
mod pause;
mod pinned;
mod pulse;
mod queue;
mod refresh;
mod repeated;
mod schedule;
mod session;
mod slice;
mod turns;

pub use error::{ComputeError, ReportError};
pub use refresh::Reports;
pub use turns::LEASE;

pub(crate) use executor::Executor;
pub(crate) use moved::Moved;
pub(crate) use schedule::Schedule;
pub(crate) use session::{query, runtime_env, session};
pub(crate) use turns::Turns;
