//! Both logs against the conformance suite, and what is special to each.

mod embedded;
mod kafka;
mod kill;
