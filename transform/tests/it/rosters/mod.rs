//! Rosters: imported all or nothing, with their history, one at a time.

mod catalogs;
mod crashes;
mod deltas;
mod faulty;
mod imports;
mod lake;
mod rollbacks;
mod school;
mod turns;
