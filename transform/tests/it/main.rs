//! The transform service over a real log and a real lake, both in a folder.

mod crashes;
mod golden;
mod ledger;
mod members;
mod native;
mod order;
mod outcomes;
mod readers;
mod reports;
mod support;
mod trouble;
mod waiting;
