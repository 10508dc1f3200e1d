#![doc = include_str!("../README.md")]

mod durable;
mod error;
mod floor;
mod open;
mod positions;
mod publish;
mod scan;
mod stats;
mod table;
mod write;

pub use error::{LakeError, PublishError};
pub use floor::Floor;
pub use open::Lake;
pub use positions::{Advance, AppId};
pub use publish::{Published, Rows};
pub use scan::RowFilter;
pub use table::LakeTable;
pub use write::file_columns;
