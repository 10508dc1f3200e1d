//! What a tenant's roster says of who is who, and who learns when in which section: in
//! memory, for the events that are placed.
//!
//! | file | what it does |
//! |---|---|
//! | `directory.rs` | people, sections and enrollments by what events say of them |
//! | `attended.rs` | when somebody was enrolled in which section, by all versions of a row |
//! | `imports.rs` | which imports count, when some were taken back |
//! | `load.rs` | reads it from the tables that the newest import names |
//! | `cache.rs` | keeps those of the tenants that have events |

mod attended;
mod cache;
#[expect(clippy::module_inception, reason = "the folder is of the one noun")]
mod directory;
mod imports;
mod load;

pub(crate) use cache::Directories;
pub(crate) use directory::Directory;
#[cfg(test)]
pub(crate) use directory::Section;
