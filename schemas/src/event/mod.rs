//! The event: what a client app posts becomes this, and nothing else enters
//! the log.
//!
//! Versions of the event stand side by side and convert forward; today there
//! is one. [`Event`] is always the latest. Its JSON form is the record's bytes.

mod data;
mod extra;
mod instant;
mod json_schema;
pub mod limits;
mod list;
#[cfg(test)]
mod list_tests;
mod members;
mod text;
mod types;
mod v1;

pub use data::{Assessment, Attendance, Clickstream, Data, Segment, Tutoring, Video};
pub use extra::Extra;
pub use json_schema::{custom_json_schema, json_schema};
pub use list::{CONTEXT, EVENT, Kind, Member, RESERVED, Range, data_members};
pub use members::{Trail, unique as unique_members, unique_tree};
pub use types::{EventType, Requirement};
pub use v1::{DecodeError, Event, TYPE_VERSION};
