#![doc = include_str!("../README.md")]

mod calendar;
mod catalog;
mod content;
mod courses;
mod draw;
mod error;
mod events;
mod names;
mod roster;
mod table;
mod target;
mod world;

pub use calendar::{SchoolYear, Semester, Session};
pub use catalog::Catalog;
pub use error::Error;
pub use events::{Actors, Batch, Batches, Delivery, EventOptions, Events};
pub use roster::{Bundle, Fault, Planted, Version, Written};
pub use target::Progress;
pub use world::{Size, World};
