//! Row-level security: what of a table somebody sees, whatever SQL they write.
//!
//! | file | |
//! |---|---|
//! | `about.rs` | what rows are about: a student, a section, nobody |
//! | `scope.rs` | whose data are somebody's to see, by the roster |
//! | `policy.rs` | which rows of what they see, and why, by their role, their grant and the tenant's rules |
//! | `cells/` | which rows of a report are about too few students |
//! | `sight.rs` | a source as somebody sees it: these rows, and masks over columns |
//! | `aggregates/` | plans of those who see aggregates only |
//! | `pseudonym.rs` | what stands in the place of a person's identifier |
//! | `secured.rs` | a table that does so |
//! | `barrier.rs` | the node of its plan that nothing is moved through but what `leakproof.rs` lets |
//! | `leakproof.rs` | which conditions tell nothing of a row that they drop |
//! | `witness.rs` | a table of who sees all, of which is noted whose rows are read |
//! | `verify.rs` | whether a plan that is about to run reads nothing but behind barriers |
//!
//! A filter alone keeps no secret: planning merges it with the asker's own conditions,
//! judges the cheaper first, and one that fails, as a cast does, shows the value on which
//! it failed. Here the asker's conditions stay above the barrier, where forbidden rows and
//! masked values are no more.

mod about;
mod aggregates;
mod barrier;
mod cells;
mod leakproof;
mod policy;
mod pseudonym;
mod scope;
mod scopes;
mod secured;
mod sight;
mod verify;
mod witness;

pub(crate) use about::Source;
pub(crate) use barrier::BARRIER;
pub(crate) use cells::{Asked, Cells};
pub(crate) use policy::may_name;
pub(crate) use scope::{Scope, TABLES as ROSTER, keys as keys_of, users as users_of, users_called};
pub(crate) use scopes::{Scopes, is_by_roster};
pub(crate) use sight::{Sight, sees_all};

#[cfg(test)]
mod tests;
