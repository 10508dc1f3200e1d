#![doc = include_str!("../README.md")]

mod admin;
pub mod cli;
pub mod client;
mod commands;
pub mod compose;
mod config;
mod data_dir;
pub mod edx;
pub mod import;
pub mod mapped;
pub mod oulad;
pub mod outbox;
mod output;
mod recorder;
mod services;
mod whoever;
pub mod xapi;

use std::process::ExitCode;

pub use admin::Admin;
pub use cli::Cli;
pub use commands::key::issue_key;
pub use commands::run;
pub use commands::token::issue_token;
pub use config::{Config, LakeConfig, LogConfig};
pub use data_dir::{Addresses, DataDir, DataDirError};
pub use services::Services;

/// The exit code of a command that could not do its work, or not all of it.
const FAILED: u8 = 1;
/// The exit code of a command whose configuration is wrong, as for wrong arguments.
const MISCONFIGURED: u8 = 2;

/// Chooses the cryptography of every TLS connection; the first thing a process
/// does. Doing it again changes nothing.
pub fn install_crypto() {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The exit code for an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<runtime::config::ConfigProblems>() {
        MISCONFIGURED
    } else {
        FAILED
    }
}

/// Prints an error on standard error: one sentence, then what caused it.
pub fn print_error(error: &anyhow::Error, json: bool) {
    let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
    if json {
        let error = serde_json::json!({
            "error": { "message": error.to_string(), "causes": causes }
        });
        eprintln!("{error}");
        return;
    }
    eprintln!("chalkline: {error}");
    for cause in causes {
        eprintln!("  because: {cause}");
    }
}

fn failed() -> ExitCode {
    ExitCode::from(FAILED)
}
