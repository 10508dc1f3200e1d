//! The front door from outside, over the real embedded log.

mod answers;
mod bodies;
mod caliper_conformance;
mod caliper_events;
mod canvas;
mod contract;
mod corpus;
mod dev;
mod edx;
mod edx_hostile;
mod edx_logs;
mod edx_pairs;
mod golden;
mod hostile;
mod house;
mod identity;
mod json_suite;
mod keys;
mod log_failures;
mod segment;
mod tail;
mod tallies;
mod wire;
mod xapi;
mod xapi_conformance;
mod xapi_events;
