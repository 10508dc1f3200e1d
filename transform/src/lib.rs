#![doc = include_str!("../README.md")]

mod audit;
mod backlog;
mod batch;
mod columns;
mod config;
mod consume;
mod count;
mod decode;
mod deduplicate;
mod digest;
mod error;
mod judge;
mod line;
mod look_up;
pub mod maintenance;
mod membership;
mod pace;
mod patience;
mod place;
mod progress;
mod publish;
mod quarantine;
mod recover;
pub mod replay;
mod report;
pub mod roster;
mod tables;
mod traces;
mod transform;
mod waiting;

pub use audit::{AuditError, Books, Imbalance, LEASE as AUDIT_LEASE};
pub use config::Config;
pub use error::Error;
pub use place::{Placed, place};
pub use report::{ComputeError, LEASE as REPORT_LEASE, ReportError, Reports};
pub use transform::Transform;
