//! Upkeep of a table: what nobody sees in its rows and everybody in its speed.
//!
//! Who does it holds a lease, so that no work is done twice; but nothing here
//! relies on that. Whatever two do at once is settled by the table's log: of two
//! who take the same file out of a table, one commits.

mod amend;
mod data_file;
mod log;
mod merge;
mod plan;
mod rewrite;
mod vacuum;

pub use amend::{Amended, Fate, Verdict};
pub use data_file::DataFile;
pub(crate) use plan::run_prefix;
pub use plan::{Compaction, Merge};
pub use rewrite::Merged;
pub(crate) use rewrite::RunWriter;
pub use vacuum::{Retention, Vacuumed};
