#![doc = include_str!("../README.md")]

mod answer;
mod append;
mod authenticate;
mod config;
mod contract;
mod custom;
mod decode;
mod dev;
mod dialect;
mod error;
mod hide;
mod identity;
mod iri;
mod judge;
mod memory;
mod outcome;
mod personal;
mod plain;
mod receive;
mod router;
mod service;
mod spelling;
mod tail;
mod tally;
mod time;
mod trace;
mod tree;
mod validate;
mod values;

pub use answer::Answer;
pub use config::Config;
pub use custom::Schema;
pub use dialect::xapi::Refusal;
pub use error::{Error, KeyError, Limit};
pub use outcome::{Answered, Counts, Outcome, Reason, Rejection};
pub use service::Ingest;
