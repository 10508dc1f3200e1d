#![doc = include_str!("../README.md")]

mod clock;
pub mod config;
pub mod health;
pub mod http;
pub mod inbox;
mod lease;
pub mod openapi;
pub mod ops;
pub mod registry;
mod root;
mod shutdown;
pub mod telemetry;
pub mod trace;

pub use clock::Clock;
pub use health::{ComponentHealth, Condition, Health, HealthCheck};
pub use lease::{LeaseError, Leases};
pub use registry::{MasterKey, Registry, RegistryError, SigningKey, StoredVersion, UpdateError};
pub use root::{Root, RootError};
pub use shutdown::{Component, Shutdown};
pub use telemetry::Metrics;
