#![doc = include_str!("../README.md")]

pub mod event;
pub mod files;
pub mod policies;
pub mod python;

mod browser;
mod client;
mod clock;
mod https;
mod load;
mod poll;
mod postgres;
mod process;
mod s3;
mod sandbox;
mod schemathesis;
mod tenant;
mod trial;

pub use browser::{Browser, Traffic, Window};
pub use client::{Address, Client, Reply};
pub use clock::Clock;
pub use https::Certificates;
pub use load::{Acked, Load};
pub use poll::{eventually, until};
pub use postgres::{Database, Postgres};
pub use process::{Process, chalkline, children_cpu_seconds, cpu_seconds, peak_memory};
pub use s3::on_s3;
pub use sandbox::Sandbox;
pub use schemathesis::Schemathesis;
pub use tenant::Tenant;
pub use trial::{Trial, balanced, each_once, ids};
