//! Who sees what.

mod aggregates;
mod attacks;
mod bounds;
mod cells;
mod differential;
pub mod district;
mod everything;
mod expected;
mod figures;
mod filled;
mod grammar;
mod history;
pub mod leaks;
mod matrix;
mod oracles;
mod rest;
mod rows;
mod rules;
mod stored;
