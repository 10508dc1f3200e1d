#![doc = include_str!("../README.md")]

mod changes;
mod durable;
mod encode;
mod error;
mod files;
mod floor;
mod maintain;
mod open;
mod positions;
mod publish;
mod replace;
mod scan;
mod slices;
mod stats;
mod table;
mod write;

pub use changes::{ChangedFile, Changes};
pub use error::{LakeError, PublishError};
pub use floor::Floor;
pub use maintain::{Amended, Compaction, DataFile, Fate, Merge, Merged, Retention, Vacuumed};
pub use open::Lake;
pub use positions::{Advance, AppId};
pub use publish::{Published, Rows};
pub use scan::RowFilter;
pub use slices::{Slices, TermSlices};
pub use table::LakeTable;
pub use write::file_columns;
