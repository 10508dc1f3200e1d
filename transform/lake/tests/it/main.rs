//! The lake over a real folder.

mod floors;
mod publishing;
mod reading;
mod replacing;
mod support;
