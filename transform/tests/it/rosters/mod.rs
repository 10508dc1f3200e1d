//! Rosters: imported all or nothing, with their history, one at a time.

mod beside;
mod catalogs;
mod crashes;
mod deltas;
mod faulty;
mod folder;
pub mod golden;
mod imports;
pub mod lake;
mod rollbacks;
pub mod school;
mod turns;
mod uploads;
