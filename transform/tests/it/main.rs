//! The transform service over a real log and a real lake, both in a folder.

mod completing;
mod crashes;
mod golden;
mod growing;
mod ledger;
mod maintenance;
mod members;
mod native;
mod order;
mod outcomes;
mod readers;
mod repetitions;
mod replay;
mod reports;
mod reports_memory;
mod reports_trouble;
mod rosters;
mod support;
mod trouble;
mod waiting;
