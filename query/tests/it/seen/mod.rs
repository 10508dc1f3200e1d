//! Who sees what.

mod aggregates;
mod attacks;
mod cells;
mod district;
mod matrix;
mod rows;
mod rules;
