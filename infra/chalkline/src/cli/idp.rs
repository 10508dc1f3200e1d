//! What can be said of identity providers.

use std::path::PathBuf;

use clap::Subcommand;
use schemas::TenantId;

/// `chalkline tenant idp`.
#[derive(Debug, Subcommand)]
pub enum Idp {
    /// Trust a provider's tokens, or change how they are read; it works within 5 seconds
    ///
    /// The file says as JSON who it is and what its roles mean. Its keys are those that
    /// `<issuer>/.well-known/openid-configuration` names, or `jwks_uri` where it says one.
    #[command(
        after_help = "Example: chalkline tenant idp set north-high provider.json

  {
    \"issuer\": \"https://login.north.example/realms/staff\",
    \"audience\": \"chalkline\",
    \"claims\": {
      \"subject\": \"sub\",
      \"role\": {\"claim\": \"/realm_access/roles\", \"values\": {\"Faculty\": \"teacher\"}}
    }
  }"
    )]
    Set {
        /// The tenant's id
        tenant: TenantId,
        /// File with the provider (JSON); - for standard input
        file: PathBuf,
    },
    /// Show the providers that a tenant trusts
    #[command(after_help = "Example: chalkline tenant idp show north-high")]
    Show {
        /// The tenant's id
        tenant: TenantId,
    },
    /// Trust a provider no more; within 5 seconds its tokens are refused
    #[command(
        after_help = "Example: chalkline tenant idp remove north-high https://login.north.example/realms/staff"
    )]
    Remove {
        /// The tenant's id
        tenant: TenantId,
        /// Its issuer
        issuer: String,
        /// Its audience; may be left out when the issuer has one
        #[arg(long)]
        audience: Option<String>,
    },
    /// Ask the providers for their keys, as the service does, and say what they answer
    #[command(after_help = "Example: chalkline tenant idp check north-high")]
    Check {
        /// The tenant's id
        tenant: TenantId,
        /// A provider that is not trusted yet (JSON); - for standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}
