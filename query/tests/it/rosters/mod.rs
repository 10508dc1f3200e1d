//! Rosters in SQL.

mod answers;
pub mod imported;
mod jobs;
mod racing;
mod sight;
mod sources;
