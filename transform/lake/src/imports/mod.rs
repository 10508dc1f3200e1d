//! What is known of a tenant's imports of rosters, and by which their rows are seen:
//! documents beside the tables, for whoever writes them and whoever reads.

mod import;
mod job;
mod source;

pub use import::{Import, Imports};
pub use job::Jobs;
pub use schemas::roster::job::{Counts, Found, ImportKind, Job, JobState};
pub use source::{ImportSource, ImportSources, Reached, Sync};
