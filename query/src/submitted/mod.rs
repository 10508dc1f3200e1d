//! Queries that are submitted, asked about, and whose rows are fetched page by page.
//!
//! | file | |
//! |---|---|
//! | `door.rs` | `/v1/queries` and what lies below |
//! | `address.rs` | which page of a result an address asks for |
//! | `queries.rs` | all that were submitted to this process |
//! | `entry.rs` | one of them, and how far it is |
//! | `carry.rs` | its turn, its work, its end |
//! | `owner.rs` | whose it is, and whether they may still see what they saw |
//! | `kept.rs` | its rows, in a file |
//! | `disk.rs` | how much such files may take |
//!
//! A result is what its asker saw when the query ran. It is shown to the same credential
//! alone, and only while that would see the same.

mod address;
mod carry;
mod disk;
mod door;
mod entry;
mod kept;
mod owner;
mod queries;

pub(crate) use address::ROWS;
pub(crate) use door::{IDEMPOTENCY_KEY, KEY_BYTES, MOST_ROWS, routes};
pub(crate) use entry::SHOWN_LETTERS;
pub(crate) use queries::Queries;
