//! Rosters in SQL: all tables that a query names are as one import has left them, and
//! show of people what the asker may see.
//!
//! | file | |
//! |---|---|
//! | `pinned.rs` | the newest import, read once, and the tables at the versions that it names |
//! | `sight.rs`, `masked.rs`, `pseudonym.rs` | which columns an asker sees, and what stands in the place of the others |
//! | `versions.rs` | histories, as views |

mod masked;
mod pinned;
mod pseudonym;
mod sight;
mod versions;

pub(crate) use pinned::Roster;
pub(crate) use sight::Sight;
pub(crate) use versions::versions;
