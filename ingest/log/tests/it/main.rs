//! Both logs against the conformance suite, and what is special to each.

mod embedded;
mod full_disk;
mod identity_provider;
mod kafka;
mod kafka_group;
mod kafka_security;
mod kill;
