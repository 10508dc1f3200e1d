//! The command line: what can be said, not what it does.

mod access;
mod catalog;
mod custom_type;
mod idp;
mod import;
mod outbox;
mod policy;
mod roster;
mod simulate;
mod spool;
mod sql;
mod values;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Parser, Subcommand, value_parser};
use schemas::{Family, Table, TenantId};

pub use self::access::{Bounds, Changes, Key, Link, Tenant, Token};
pub use self::catalog::{Catalog, CatalogImport};
pub use self::custom_type::Type;
pub use self::idp::Idp;
pub use self::import::{Edx, Events, Import, Oulad, Target, Xapi};
pub use self::outbox::{Outbox, Relay};
pub use self::policy::Policy;
pub use self::roster::{OfTenant, Roster, RosterImport, RosterSync, SyncPostgres};
pub use self::simulate::{OneRoster, School, Semester, Simulate};
pub use self::spool::Spool;
pub use self::sql::{Format, Sql};
pub use self::values::{Expiry, Filter};
use self::values::{family, lake_table, time};

/// Learning events in, SQL out.
///
/// Client apps post events, Chalkline keeps every one of them, turns them into
/// term-partitioned tables and answers questions in SQL.
#[derive(Debug, Parser)]
#[command(name = "chalkline", version, propagate_version = true)]
#[command(after_help = "Example: chalkline demo")]
pub struct Cli {
    /// What all commands share.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands share.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "CHALKLINE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the log and, unless the lake is elsewhere, of the tables
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process, in one data folder
    #[command(after_help = "Example: CHALKLINE_DATA_DIR=/var/lib/chalkline chalkline up")]
    Up(Up),
    /// Run the front door alone, writing to Kafka
    #[command(
        after_help = "Example: CHALKLINE_KAFKA_BROKERS=kafka:9092 CHALKLINE_LAKE_URL=s3://lake chalkline ingest"
    )]
    Ingest,
    /// Run the table writer alone, reading from Kafka
    #[command(
        after_help = "Example: CHALKLINE_KAFKA_BROKERS=kafka:9092 CHALKLINE_LAKE_URL=s3://lake chalkline transform"
    )]
    Transform,
    /// Run the SQL service alone, over the lake
    #[command(after_help = "Example: CHALKLINE_LAKE_URL=s3://lake chalkline query")]
    Query,
    /// Run everything with two real courses in it, and show their reports
    #[command(after_help = "Example: chalkline demo --data-dir /tmp/chalkline-demo")]
    Demo(Demo),
    /// Make, change and show tenants
    #[command(
        subcommand,
        after_help = "Example: chalkline tenant add \"North High\""
    )]
    Tenant(Tenant),
    /// Issue and revoke write keys, with which client apps post events
    #[command(
        subcommand,
        after_help = "Example: chalkline key issue --tenant north-high --label web-lms"
    )]
    Key(Key),
    /// Issue and revoke query tokens, with which people and tools ask
    #[command(
        subcommand,
        after_help = "Example: chalkline token issue --tenant north-high --role steward"
    )]
    Token(Token),
    /// Set and show a tenant's own rules about who sees what
    #[command(
        subcommand,
        after_help = "Example: chalkline policy set --tenant north-high counsellors.json"
    )]
    Policy(Policy),
    /// Print a link to the page that logs in, once
    ///
    /// The link works once, within 10 minutes; the page then stays logged in for
    /// 12 hours. `chalkline token list` shows it with the label `link`, and
    /// `chalkline token revoke` ends it.
    #[command(after_help = "Example: chalkline link --tenant north-high")]
    Link(Link),
    /// Ask in SQL, in a terminal or in scripts
    ///
    /// In a terminal lines are edited, completed with Tab and remembered; \? shows what else
    /// can be typed. Elsewhere, statements are done one after the other up to the first
    /// error, which ends it with 1. Beside a running `chalkline up` no token is needed.
    #[command(after_help = "Examples:
  chalkline sql
  chalkline sql 'SELECT count(*) FROM video'
  chalkline sql --param bio-101 --format csv 'SELECT * FROM video WHERE course_id = $1' > video.csv
  CHALKLINE_URL=https://query.example CHALKLINE_TOKEN=ct_demo_… chalkline sql -f weekly.sql

Example: chalkline sql 'SELECT count(*) FROM video'")]
    Sql(Box<Sql>),
    /// Register types of events of a school's own, with the schema of their data
    #[command(
        subcommand,
        after_help = "Example: chalkline type register --tenant north-high custom.lab.opened lab-opened.json"
    )]
    Type(Type),
    /// Bring in data of other systems
    #[command(
        subcommand,
        after_help = "Example: chalkline import xapi statements.jsonl.gz --key ck_demo_…"
    )]
    Import(Import),
    /// Import rosters, and go back to earlier ones
    ///
    /// It works on the tables themselves, also beside a running `chalkline up`.
    #[command(
        subcommand,
        after_help = "Example: chalkline roster import roster.zip --tenant north-high"
    )]
    Roster(Roster),
    /// Import the catalogue: what is taught, and to what end
    ///
    /// It works on the tables themselves, also beside a running `chalkline up`.
    #[command(
        subcommand,
        after_help = "Example: chalkline catalog import catalog.zip --tenant north-high"
    )]
    Catalog(Catalog),
    /// Make up schools, for demos and benchmarks
    #[command(
        subcommand,
        after_help = "Example: chalkline simulate school --students 500 --out school"
    )]
    Simulate(Simulate),
    /// Merge small files of tables now, and delete what nobody needs
    ///
    /// Rows whose term has changed with the calendar are moved before. A running
    /// service does all this by itself. By hand it goes further, and the service
    /// stands back meanwhile; publishing and queries go on. It may be stopped at
    /// any moment and begun again.
    #[command(
        after_help = "Example: chalkline compact --tenant north-high --table video --dry-run"
    )]
    Compact(Compact),
    /// Enter records again that are not in the tables
    ///
    /// With --quarantine, those that could not become rows, after what was wrong is
    /// mended: a tenant was made, or a newer version can read them. What fails again
    /// is in the quarantine once more, with one try more. With --from, events of the
    /// log whose rows are gone, because somebody deleted them or gave back an older
    /// table.
    ///
    /// Of `chalkline up` the running process does it, else this one, into Kafka. It
    /// may be stopped at any moment and said again: it goes on with what is left, and
    /// nothing is stored twice.
    #[command(after_help = "Examples:
  chalkline replay --quarantine --dry-run
  chalkline replay --quarantine --tenant north-high --stage decode
  chalkline replay --from 2026-09-14T08:00:00Z --to 2026-09-15 --tenant north-high

Example: chalkline replay --quarantine")]
    Replay(Replay),
    /// Show what the spool of ingest could not send, and send it again
    #[command(subcommand, after_help = "Example: chalkline spool list")]
    Spool(Spool),
    /// Hand on events that a transactional database leaves for Chalkline
    #[command(
        subcommand,
        after_help = "Example: chalkline outbox relay --database postgresql://chalkline_relay@db/lms --key ck_demo_…"
    )]
    Outbox(Outbox),
    /// Show what becomes of events as they come, for who develops a client app
    ///
    /// A line for each event: its outcome, type and id, and of what is not taken the
    /// place and what to do about it. Of a front door that runs in several processes it
    /// shows what comes to the one that answers. It ends with Ctrl-C.
    #[command(after_help = "Examples:
  chalkline tail --key ck_demo_…
  chalkline tail --key ck_demo_… --all-keys --outcome rejected refused --type 'video.*'

Example: chalkline tail --key ck_demo_…")]
    Tail(Tail),
    /// Print the configuration in effect, or everything that is wrong with it
    #[command(after_help = "Example: chalkline check-config --config chalkline.toml")]
    CheckConfig,
}

/// `chalkline up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Show at /dev/all, /dev/good and /dev/bad what came, for the tests of a client
    /// app; POST /dev/reset begins anew
    #[arg(long)]
    pub dev: bool,
}

/// `chalkline demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Stop after the answers instead of serving on
    #[arg(long)]
    pub once: bool,
}

/// `chalkline compact`.
#[derive(Debug, Args)]
pub struct Compact {
    /// Whose tables; everybody's if absent
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// The table; all if absent
    #[arg(long, value_parser = lake_table)]
    pub table: Option<Table>,
    /// Also look for events that were sent again after the days of deduplication
    #[arg(long, conflicts_with = "dry_run")]
    pub repeats: bool,
    /// Say what would be merged and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `chalkline replay`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("records").required(true).args(["quarantine", "from"])))]
pub struct Replay {
    /// Records of the quarantine that are not stored by now
    #[arg(long)]
    pub quarantine: bool,
    /// Events of the log received at or after this time that are in no table
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<DateTime<Utc>>,
    /// …and before this time; all later ones too if absent
    #[arg(long, value_name = "TIME", requires = "from", value_parser = time)]
    pub to: Option<DateTime<Utc>>,
    /// Whose records; everybody's if absent
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Only those that failed at this step: route, decode or place
    #[arg(long, conflicts_with = "from")]
    pub stage: Option<String>,
    /// Only those whose reason holds these words
    #[arg(long, value_name = "WORDS", conflicts_with = "from")]
    pub reason: Option<String>,
    /// Only those of the quarantine received at or after this time
    #[arg(long, value_name = "TIME", conflicts_with = "from", value_parser = time)]
    pub since: Option<DateTime<Utc>>,
    /// Only those of the quarantine received before this time
    #[arg(long, value_name = "TIME", conflicts_with = "from", value_parser = time)]
    pub until: Option<DateTime<Utc>>,
    /// Records entered in a second at most
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Say what would be entered and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `chalkline tail`.
#[derive(Debug, Args)]
pub struct Tail {
    /// Secret write key of the tenant
    #[arg(long, env = "CHALKLINE_KEY")]
    pub key: String,
    /// Also what comes with other keys of the tenant
    #[arg(long)]
    pub all_keys: bool,
    /// Only these: accepted, duplicate, ignored, rejected, retry, refused (whole requests)
    #[arg(long, value_name = "OUTCOME", num_args = 1..)]
    pub outcome: Vec<String>,
    /// Only this type; video.* is all that begin so
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Only this family
    #[arg(long, value_parser = family)]
    pub family: Option<Family>,
    /// Only a part of the events, 0.01 for every hundredth
    #[arg(long, value_name = "PART")]
    pub sample: Option<f64>,
    /// Address of the front door; that of the `up` in the data folder, else http://127.0.0.1:8080
    #[arg(long, env = "CHALKLINE_URL")]
    pub url: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            assert!(help.contains("Example: "), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        Cli::command().debug_assert();
        check(&Cli::command());
    }
}
