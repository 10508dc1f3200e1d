//! What can be said of a tenant's own types of events.

use std::path::PathBuf;

use clap::Subcommand;
use schemas::{CustomTypeName, TenantId};

/// `chalkline type`.
#[derive(Debug, Subcommand)]
pub enum Type {
    /// Register a type of one's own, or another schema for it
    ///
    /// Events of the type are taken within 5 seconds. Their `data` is checked against
    /// the JSON Schema and kept in the column `extra` of the table clickstream. What the
    /// schema lists is still kept only as far as it names nobody.
    #[command(
        after_help = "Example: chalkline type register --tenant north-high custom.lab.opened lab-opened.json

A schema says what `data` may be:
  {\"type\": \"object\", \"required\": [\"station\"],
   \"properties\": {\"station\": {\"type\": \"string\"}, \"minutes\": {\"type\": \"integer\", \"minimum\": 0}}}"
    )]
    Register {
        /// Whose type
        #[arg(long)]
        tenant: TenantId,
        /// Its name, custom. and words of a-z 0-9 _ with dots between
        name: CustomTypeName,
        /// File with the JSON Schema of its data; - reads standard input
        #[arg(value_name = "FILE")]
        schema: PathBuf,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// List a tenant's own types
    #[command(after_help = "Example: chalkline type list --tenant north-high")]
    List {
        /// Whose types
        #[arg(long)]
        tenant: TenantId,
    },
    /// Print the schema of a type
    #[command(
        after_help = "Example: chalkline type show --tenant north-high custom.lab.opened > lab-opened.json"
    )]
    Show {
        /// Whose type
        #[arg(long)]
        tenant: TenantId,
        /// Its name
        name: CustomTypeName,
    },
    /// Take no more events of a type; those that are stored stay
    #[command(after_help = "Example: chalkline type remove --tenant north-high custom.lab.opened")]
    Remove {
        /// Whose type
        #[arg(long)]
        tenant: TenantId,
        /// Its name
        name: CustomTypeName,
    },
}
