//! Who sees what.

mod aggregates;
mod attacks;
mod cells;
pub mod district;
mod figures;
mod history;
pub mod leaks;
mod matrix;
mod rows;
mod rules;
