//! Rosters in SQL.

mod answers;
mod imported;
mod jobs;
mod racing;
mod sight;
mod sources;
