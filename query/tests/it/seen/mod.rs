//! Who sees what.

mod aggregates;
mod attacks;
mod bounds;
mod cells;
pub mod district;
mod figures;
mod history;
pub mod leaks;
mod everything;
mod filled;
mod matrix;
mod rows;
mod rules;
mod stored;
