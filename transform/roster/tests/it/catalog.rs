//! Catalogues, from the file to what changes.

mod changes;
mod forms;
mod rules;
mod tables;
