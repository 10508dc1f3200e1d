//! Rosters from the tables of a transactional database, read again and again.
//!
//! | step | file | what it does |
//! |---|---|---|
//! | ask | [`SyncRequest`], `address.rs`, `mapping.rs` | which database, and which of its views or queries |
//! | connect | `database.rs` | one connection, one snapshot, and little patience |
//! | describe | `tables.rs` | which tables there are, and whether their columns are ours |
//! | read | `read.rs`, `values.rs` | what has changed since the last time, or everything |
//! | keep | `keep.rs` | imports it, and then says how far the database was read |

mod address;
mod database;
mod error;
mod keep;
mod mapping;
mod read;
mod request;
mod tables;
mod values;

pub use address::{Address, AddressError};
pub use error::SourceError;
pub use mapping::{Mapping, MappingError};
pub use request::SyncRequest;

pub(super) use read::Reader;
