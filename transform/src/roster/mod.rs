//! Rosters and catalogues in the lake: imported with their history, all or nothing.
//!
//! | step | file | what it does |
//! |---|---|---|
//! | wait | `attempt.rs`, `turn.rs` | one import of a tenant at a time |
//! | compare | `snapshot.rs` | shows the crate `roster` the rows that are stored, by key |
//! | heal | `write.rs` | takes out what a killed import has left behind |
//! | write | `write.rs`, `change.rs`, `rows.rs` | the versions that are new, then the current rows |
//! | publish | [`lake::imports`] | one document, with which all of it is seen |
//! | tell | [`lake::imports`], `progress.rs`, `diff.rs` | how it goes and went, and how it would |
//! | from a folder | `folder.rs`, `folder/` | takes as uploads what others put there |
//! | on upload | `uploads.rs`, `uploads/` | imports what waits in the inbox, oldest first |
//!
//! From the tables of a database, `sync/` reads rows in the place of a bundle; `sources.rs`
//! tells in `/metrics` how that went.
//!
//! `work.rs` does all of it, for a bundle and for the way back, and `attempt.rs` has it done in
//! its turn, whatever becomes of it; `import.rs` is what others call.

mod attempt;
mod change;
mod diff;
mod error;
mod folder;
mod import;
mod input;
mod progress;
mod request;
mod rows;
mod snapshot;
mod sources;
mod sync;
mod turn;
mod uploads;
mod work;
mod write;

pub use diff::{FieldDiff, Preview, RowDiff, TableDiff};
pub use error::{Refusal, RosterError};
pub use folder::{FOLDER_LEASE, Folder};
pub use import::Importer;
pub use lake::imports::{
    Counts, Found, Import, ImportKind, ImportSource, ImportSources, Imports, Job, JobState,
    Reached, Sync,
};
pub use progress::{Phase, Progress, Step};
pub use request::{Format, Request};
pub use roster::Mode;
pub(crate) use rows::StoredRow;
pub(crate) use snapshot::Snapshot;
pub(crate) use sources::Sources;
pub use sync::{Address, AddressError, Mapping, MappingError, SourceError, SyncRequest};
pub use turn::LEASE;
pub use uploads::{RosterConfig, Uploads};
