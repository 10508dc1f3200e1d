#![doc = include_str!("../README.md")]

mod changes;
mod durable;
mod error;
mod file_name;
mod files;
mod floor;
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
pub use file_name::{FileName, FileNameError};
pub use floor::Floor;
pub use open::Lake;
pub use positions::{Advance, AppId};
pub use publish::{Published, Rows};
pub use scan::RowFilter;
pub use slices::{Slices, TermSlices};
pub use table::LakeTable;
pub use write::file_columns;
