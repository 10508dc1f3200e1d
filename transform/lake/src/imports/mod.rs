//! What is known of a tenant's imports of rosters, and by which their rows are seen:
//! documents beside the tables, for whoever writes them and whoever reads.

mod import;
mod job;
mod source;

pub use import::{Counts, Import, ImportKind, Imports};
pub use job::{Found, Job, JobState, Jobs};
pub use source::{ImportSource, ImportSources, Reached, Sync};
