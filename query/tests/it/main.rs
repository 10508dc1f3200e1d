//! The service over a lake in a temporary folder, asked as its clients ask.

mod answers;
mod appetite;
mod audit;
mod door;
mod embed;
mod freshness;
mod gate;
mod golden;
mod headers;
mod identity;
mod ledger;
mod limits;
mod login;
mod metadata;
mod openapi;
mod parameters;
mod queries;
mod readme;
mod report_freshness;
mod reports;
mod results;
mod rosters;
mod rows;
mod school;
mod seen;
mod sight;
