//! Rosters in the lake: bundles are imported, with their history, all or nothing.
//!
//! | step | file | what it does |
//! |---|---|---|
//! | wait | `turn.rs` | one import of a tenant at a time |
//! | compare | `snapshot.rs` | shows the crate `roster` the rows that are stored, by key |
//! | heal | `write.rs` | takes out what a killed import has left behind |
//! | write | `write.rs`, `change.rs`, `rows.rs` | the versions that are new, then the current rows |
//! | publish | `document.rs` | one document, with which all of it is seen |
//! | tell | `job.rs`, `progress.rs`, `diff.rs` | how it goes and went, and how it would |
//!
//! `import.rs` does all of it, for a bundle and for the way back.

mod change;
mod diff;
mod document;
mod error;
mod import;
mod input;
mod job;
mod progress;
mod rows;
mod snapshot;
mod turn;
mod write;

pub use diff::{FieldDiff, Preview, RowDiff, TableDiff};
pub use document::{Counts, Import, ImportKind, Imports};
pub use error::{Refusal, RosterError};
pub use import::{Importer, Request};
pub use job::{Found, Job, JobState};
pub use progress::{Phase, Progress, Step};
pub use turn::LEASE;
