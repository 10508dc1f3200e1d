//! What can be said of outboxes.

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use super::values::period;

/// `chalkline outbox`.
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// Post the events of a PostgreSQL database's outbox, until it is stopped
    ///
    /// The table is that of infra/postgres/outbox.sql. Events are posted oldest first, as
    /// soon as their transaction commits, and marked when the front door has answered; those
    /// that it does not take are set aside, with the reason. Each is posted at least once
    /// and stored once, by its id. Several may run; one that ends goes on where it was.
    #[command(after_help = "Examples:
  CHALKLINE_DATABASE_URL=postgresql://chalkline_relay@db/lms CHALKLINE_KEY=ck_demo_… chalkline outbox relay
  chalkline outbox relay --database postgresql://chalkline_relay@db/lms --key ck_demo_… --once

Example: chalkline outbox relay --database postgresql://chalkline_relay@db/lms --key ck_demo_…")]
    Relay(Relay),
}

/// `chalkline outbox relay`.
#[derive(Debug, Args)]
pub struct Relay {
    /// The database; a password is better in the variable, or in ~/.pgpass
    #[arg(
        long,
        env = "CHALKLINE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database: String,
    /// Secret write key of the tenant
    #[arg(long, env = "CHALKLINE_KEY", hide_env_values = true)]
    pub key: String,
    /// Address of the front door; that of the `up` in the data folder, else http://127.0.0.1:8080
    #[arg(long, env = "CHALKLINE_URL")]
    pub url: Option<String>,
    /// End when everything there is was posted
    #[arg(long)]
    pub once: bool,
    /// How often to look also when nothing wakes it
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = period)]
    pub interval: TimeDelta,
    /// How long events stay in the table after they were posted
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = period)]
    pub keep: TimeDelta,
}
