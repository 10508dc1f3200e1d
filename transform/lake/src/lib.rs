#![doc = include_str!("../README.md")]

mod changes;
mod columns;
mod documents;
mod durable;
mod encode;
mod error;
mod file_name;
mod files;
mod find;
mod floor;
pub mod imports;
mod made_of;
mod maintain;
mod open;
mod positions;
mod publish;
mod replace;
mod restore;
mod rows;
mod scan;
mod slices;
mod sorted;
mod stats;
mod table;
mod write;
mod writer;

pub use changes::{ChangedFile, Changes};
pub use error::{LakeError, PublishError};
pub use file_name::{FileName, FileNameError};
pub use find::{Finding, SentKeys, Sought, StoredEvent, sent_keys};
pub use floor::Floor;
pub use made_of::{MadeOf, SourceVersion};
pub use maintain::{
    Amended, Compaction, DataFile, Fate, Merge, Merged, Retention, Vacuumed, Verdict,
};
pub use open::{Lake, Mark};
pub use positions::{Advance, AppId};
pub use publish::{Published, Rows};
pub use scan::RowFilter;
pub use slices::{Matcher, Slices, TermSlices};
pub use sorted::{SortedWriter, Written};
pub use table::LakeTable;
pub use write::file_columns;
pub use writer::Writer;
