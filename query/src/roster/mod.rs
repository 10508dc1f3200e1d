//! Rosters in SQL: all tables that a query names are as one import has left them.
//!
//! | file | |
//! |---|---|
//! | `pinned.rs` | the newest import, read once, and the tables at the versions that it names |
//! | `versions.rs` | histories, as views |

mod pinned;
mod versions;

pub(crate) use pinned::Roster;
pub(crate) use versions::versions;
