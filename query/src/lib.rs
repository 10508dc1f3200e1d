#![doc = include_str!("../README.md")]

mod admission;
mod answer;
mod authenticate;
mod catalog;
mod compression;
mod config;
mod embed;
mod error;
mod executor;
mod failure;
mod freshness;
mod functions;
mod guard;
mod information_schema;
mod listing;
mod login;
mod memory;
mod openapi;
mod params;
mod principal;
mod report;
mod request;
mod roster;
mod secure;
mod server;
mod session;
mod slots;
mod snapshot;
mod tables;
mod types;
mod web;

pub use authenticate::{FetchError, ProviderKeys, provider_keys};
pub use config::Config;
pub use principal::{Principal, Shown};
pub use server::{Query, StartError};
