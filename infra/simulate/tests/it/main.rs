//! What is simulated, as those see it who get it.

mod bundle;
mod catalogue;
mod determinism;
mod events;
mod read;
mod rhythm;
