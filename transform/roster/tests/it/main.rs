//! Bundles as a whole, from the zip file to what changes.

mod catalog;
mod changes;
mod deltas;
mod gathered;
mod noise;
mod real;
mod rules;
mod school;
mod store;
mod views;
