//! All logs against the conformance suite, and what is special to each.

mod embedded;
mod full_disk;
mod identity_provider;
mod kafka;
mod kafka_group;
mod kafka_security;
mod kafka_trouble;
mod kill;
mod moody;
mod spooled;
mod spooled_kafka;
mod spooled_kill;
mod truncate;

use eventlog::{AppendError, Position, Receipt};

/// Where a record stands that the log itself has taken.
fn position(answer: Result<Receipt, AppendError>) -> Position {
    let receipt = answer.expect("the record is taken");
    receipt.position().expect("the log itself has it")
}
