//! The transform service over a real log and a real lake, both in a folder.

mod crashes;
mod ledger;
mod order;
mod outcomes;
mod readers;
mod support;
mod trouble;
mod waiting;
