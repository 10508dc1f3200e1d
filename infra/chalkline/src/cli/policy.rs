//! What can be said of a tenant's own rules about who sees what.

use std::path::PathBuf;

use clap::Subcommand;
use schemas::TenantId;

/// `chalkline policy`.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// List a tenant's policies
    #[command(after_help = "Example: chalkline policy list --tenant north-high")]
    List {
        /// Whose policies
        #[arg(long)]
        tenant: TenantId,
    },
    /// Add a policy, or put it in the place of the one of its id; it works within 5 seconds
    #[command(
        after_help = "Example: chalkline policy set --tenant north-high counsellors.json

  {
    \"id\": \"counsellors\", \"reason\": \"Counsellors follow attendance.\",
    \"roles\": [\"teacher\"], \"tables\": [\"attendance\"], \"effect\": \"grant\",
    \"when\": {\"school_id\": {\"theirs\": \"schools\"}, \"status\": {\"one_of\": [\"absent\"]}}
  }

  effect: grant shows rows beside those of the role, restrict hides all rows but these
  when:   one_of, none_of, at_least, less_than, theirs (schools, sections, student_keys, users)"
    )]
    Set {
        /// Whose policy
        #[arg(long)]
        tenant: TenantId,
        /// File with the policy (JSON); - for standard input
        file: PathBuf,
    },
    /// Take a policy away; it works within 5 seconds
    #[command(after_help = "Example: chalkline policy remove --tenant north-high counsellors")]
    Remove {
        /// Whose policy
        #[arg(long)]
        tenant: TenantId,
        /// Its id
        id: String,
    },
    /// Say what is wrong with a policy, and change nothing
    ///
    /// Without a file, with those that the tenant has.
    #[command(after_help = "Example: chalkline policy check --tenant north-high counsellors.json")]
    Check {
        /// Whose policy
        #[arg(long)]
        tenant: TenantId,
        /// File with the policy (JSON); - for standard input
        file: Option<PathBuf>,
    },
}
