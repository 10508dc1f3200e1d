//! The command line: what can be said, not what it does.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, value_parser};
use schemas::{Family, Origin, Role, Table, TenantId};

use crate::oulad::CourseStart;

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
    /// Print a link to the page that logs in, once
    ///
    /// The link works once, within 10 minutes; the page then stays logged in for
    /// 12 hours. `chalkline token list` shows it with the label `link`, and
    /// `chalkline token revoke` ends it.
    #[command(after_help = "Example: chalkline link --tenant north-high")]
    Link(Link),
    /// Bring in data of other systems
    #[command(
        subcommand,
        after_help = "Example: chalkline import xapi statements.jsonl.gz --key ck_demo_…"
    )]
    Import(Import),
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

/// `chalkline link`.
#[derive(Debug, Args)]
pub struct Link {
    /// Whose data it opens; may be left out when there is one tenant
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// What whoever follows it is; both roles see the whole tenant
    #[arg(long, value_name = "ROLE", value_parser = roles(), default_value = "analyst")]
    pub role: Role,
    /// Address of the page; that of the `up` in the data folder, else that of the configuration
    #[arg(long)]
    pub url: Option<String>,
}

/// `chalkline tenant`.
#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Make a tenant: one school, district or company
    #[command(
        after_help = "Example: chalkline tenant add \"North High\" --time-zone America/Chicago --calendar terms.toml

A calendar lists terms, as TOML or JSON:
  [[terms]]
  id = \"2026-fall\"
  start = \"2026-08-20\"
  end = \"2026-12-20\""
    )]
    Add {
        /// What people call it
        name: String,
        /// Its id, 1 to 40 of a-z 0-9 -; made from the name if absent
        #[arg(long)]
        id: Option<TenantId>,
        /// File with its terms (TOML or JSON); school years from 1 August if absent
        #[arg(long, value_name = "FILE")]
        calendar: Option<PathBuf>,
        /// Time zone in which its days begin, as IANA names it
        #[arg(long, value_name = "TZ", default_value = "UTC", value_parser = time_zone)]
        time_zone: Tz,
        /// What stands before the account name in actors that are IRIs; may be repeated
        #[arg(long = "actor-prefix", value_name = "IRI")]
        actor_prefixes: Vec<String>,
        /// What stands before the ids of courses, sections and contents; may be repeated
        #[arg(long = "id-prefix", value_name = "IRI")]
        id_prefixes: Vec<String>,
    },
    /// Change what is cut from the front of actors and ids
    ///
    /// What is given takes the place of all that was; an empty one takes it away.
    /// It works within 5 seconds, for events from then on: a student whose actor is cut
    /// otherwise gets another key, so set it before the first event.
    #[command(
        after_help = "Example: chalkline tenant set north-high --actor-prefix https://lms.example/users/"
    )]
    Set {
        /// Its id
        tenant: TenantId,
        /// What stands before the account name in actors that are IRIs; may be repeated
        #[arg(
            long = "actor-prefix",
            value_name = "IRI",
            required_unless_present = "id_prefixes"
        )]
        actor_prefixes: Vec<String>,
        /// What stands before the ids of courses, sections and contents; may be repeated
        #[arg(long = "id-prefix", value_name = "IRI")]
        id_prefixes: Vec<String>,
    },
    /// List all tenants
    #[command(after_help = "Example: chalkline tenant list")]
    List,
    /// Show one tenant: its calendar, prefixes, keys and tokens, without secrets
    #[command(after_help = "Example: chalkline tenant show north-high")]
    Show {
        /// Its id
        tenant: TenantId,
    },
}

/// `chalkline key`.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Issue a write key; its secret is shown once and works within 5 seconds
    ///
    /// A secret key is for servers. A public one (--public) may stand in pages: it posts
    /// only from the sites that --origin names, only the families that --family names,
    /// and of these nothing that a server alone knows, grades for example.
    #[command(after_help = "Examples:
  chalkline key issue --tenant north-high --label lms-server
  chalkline key issue --tenant north-high --public --origin https://lms.example --family clickstream video

Example: chalkline key issue --tenant north-high --label web-lms")]
    Issue {
        /// Whose events it posts
        #[arg(long)]
        tenant: TenantId,
        /// What it is used for
        #[arg(long)]
        label: Option<String>,
        /// Families it may post; all if absent
        #[arg(long, value_name = "FAMILY", num_args = 1.., value_parser = family)]
        family: Vec<Family>,
        /// Make a key that pages in browsers may hold
        #[arg(long, requires_all = ["origin", "family"])]
        public: bool,
        /// Site whose pages may use it, https://*.school.example for all below a name,
        /// * for any; may be repeated
        #[arg(long, value_name = "SITE", requires = "public")]
        origin: Vec<Origin>,
        /// When it stops working: a time, or after 90d, 12h, 30m
        #[arg(long, value_name = "WHEN", value_parser = expiry)]
        expires: Option<Expiry>,
    },
    /// Issue a key like another one, which stops working after a while
    ///
    /// The new key has the label, kind, families, sites and end of the old one, which
    /// works on for --grace, so that clients can change over.
    #[command(after_help = "Example: chalkline key rotate --tenant north-high 3f9a12c4 --grace 7d")]
    Rotate {
        /// Whose key
        #[arg(long)]
        tenant: TenantId,
        /// The old key's id, its third part
        id: String,
        /// How long the old key works on: 7d, 12h, 30m; 0m ends it at once
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = period)]
        grace: TimeDelta,
    },
    /// Revoke a write key; within 5 seconds it is refused
    #[command(after_help = "Example: chalkline key revoke --tenant north-high 3f9a12c4")]
    Revoke {
        /// Whose key
        #[arg(long)]
        tenant: TenantId,
        /// The key's id, its third part
        id: String,
    },
    /// List a tenant's write keys, without secrets
    #[command(after_help = "Example: chalkline key list --tenant north-high")]
    List {
        /// Whose keys
        #[arg(long)]
        tenant: TenantId,
    },
}

/// When a key stops working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// At this time.
    At(DateTime<Utc>),
    /// So long after it was issued.
    After(TimeDelta),
}

/// `chalkline token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Issue a query token; its secret is shown once and works within 5 seconds
    #[command(after_help = "Example: chalkline token issue --tenant north-high --role steward")]
    Issue {
        /// Whose data it opens
        #[arg(long)]
        tenant: TenantId,
        /// What its holder is; both roles see the whole tenant
        #[arg(long, value_name = "ROLE", value_parser = roles())]
        role: Role,
        /// What it is used for
        #[arg(long)]
        label: Option<String>,
    },
    /// Revoke a query token; within 5 seconds it is refused
    #[command(after_help = "Example: chalkline token revoke --tenant north-high 3f9a12c4")]
    Revoke {
        /// Whose token
        #[arg(long)]
        tenant: TenantId,
        /// The token's id, its third part
        id: String,
    },
    /// List a tenant's query tokens, without secrets
    #[command(after_help = "Example: chalkline token list --tenant north-high")]
    List {
        /// Whose tokens
        #[arg(long)]
        tenant: TenantId,
    },
}

/// `chalkline import`.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Bring in the tables of the Open University Learning Analytics Dataset
    ///
    /// Clicks become content.opened with their count, submissions
    /// assessment.submitted and, where there is a score, assessment.graded.
    /// The dataset has days relative to the first day of a presentation: day n
    /// becomes 12:00 UTC of that date plus n days. A presentation begins on 1
    /// February (B) or 1 October (J) of its year unless --course-start says
    /// otherwise. An import that was stopped goes on where it was.
    #[command(
        after_help = "Example: chalkline import oulad data/oulad --key ck_demo_… --course-start 2013J=2013-10-05"
    )]
    Oulad(Oulad),
    /// Bring in files of xAPI statements, one statement a line
    ///
    /// A statement without an id gets one made of the file's contents and its
    /// line, so that importing the file again stores nothing twice. An import
    /// that was stopped goes on where it was.
    #[command(after_help = "Example: chalkline import xapi statements.jsonl.gz --key ck_demo_…")]
    Xapi(Xapi),
    /// Bring in tracking logs of Open edX, one event a line
    ///
    /// Lines are JSON, with or without what the logger wrote before it. Each event
    /// gets an id made of the file's contents and its line, so that importing the
    /// file again stores nothing twice. Lines that cannot be taken, broken ones and
    /// those of visitors who are not logged in, are counted and stop nothing. An
    /// import that was stopped goes on where it was.
    #[command(after_help = "Example: chalkline import edx tracking.log-*.gz --key ck_demo_…")]
    Edx(Edx),
}

/// `chalkline import edx`.
#[derive(Debug, Args)]
pub struct Edx {
    /// Tracking logs, as they are or .gz
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where they go.
    #[command(flatten)]
    pub target: Target,
}

/// `chalkline import xapi`.
#[derive(Debug, Args)]
pub struct Xapi {
    /// Files of statements, .jsonl or .jsonl.gz
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where they go.
    #[command(flatten)]
    pub target: Target,
}

/// `chalkline import oulad`.
#[derive(Debug, Args)]
pub struct Oulad {
    /// Folder with studentVle, studentAssessment, assessments and vle as .csv or .csv.gz
    pub dir: PathBuf,
    /// First day of a presentation, e.g. 2013J=2013-10-05; may be repeated
    #[arg(long, value_name = "PRESENTATION=DATE")]
    pub course_start: Vec<CourseStart>,
    /// Where they go.
    #[command(flatten)]
    pub target: Target,
}

/// Where an import goes, and what remembers it.
#[derive(Debug, Args)]
pub struct Target {
    /// Write key of the tenant
    #[arg(long)]
    pub key: String,
    /// The tenant, to be sure that the key is the right one
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Address of the front door; that of the `up` in the data folder, else http://127.0.0.1:8080
    #[arg(long, env = "CHALKLINE_URL")]
    pub url: Option<String>,
    /// File that remembers how far the import is
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

fn family(text: &str) -> Result<Family, String> {
    Family::from_name(text).ok_or_else(|| {
        let names = Family::ALL.map(Family::as_str);
        format!("the families are {}", names.join(", "))
    })
}

fn lake_table(text: &str) -> Result<Table, String> {
    Table::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Table::all().map(Table::as_str).collect();
        format!("the tables are {}", names.join(", "))
    })
}

/// The roles that a token can be issued for; others follow with row-level
/// security.
fn roles() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|name| {
        let role = Role::ALL.into_iter().find(|role| role.as_str() == name);
        role.ok_or("it is one of these")
    })
}

/// A time as RFC 3339 has it, or the first moment of a day in UTC.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || {
        text.parse()
            .ok()
            .map(|day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc())
    };
    let time = text.parse().ok().or_else(day);
    time.ok_or_else(|| "write it as 2026-09-14T08:00:00Z, or as 2026-09-14".to_owned())
}

/// A length of time as 90d, 12h, 30m or 45s.
fn period(text: &str) -> Result<TimeDelta, String> {
    let parsed = || {
        let unit = text.chars().next_back()?;
        let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
        // A hundred years are more than anybody means.
        let number = (0..=36_500).contains(&number).then_some(number)?;
        match unit {
            'd' => Some(TimeDelta::days(number)),
            'h' => Some(TimeDelta::hours(number)),
            'm' => Some(TimeDelta::minutes(number)),
            's' => Some(TimeDelta::seconds(number)),
            _ => None,
        }
    };
    parsed().ok_or_else(|| "write it as 90d, 12h or 30m".to_owned())
}

fn expiry(text: &str) -> Result<Expiry, String> {
    let at = || time(text).map(Expiry::At);
    let after = period(text).map(Expiry::After);
    after.or_else(|_| at()).map_err(|_| {
        "write a time as 2027-06-30T00:00:00Z or 2027-06-30, or how long it works as 90d, 12h"
            .to_owned()
    })
}

fn time_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        "name it as IANA does, a place or UTC, for example America/Chicago or Europe/Berlin"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn periods_and_ends_are_read_as_people_write_them() {
        assert_eq!(period("90d"), Ok(TimeDelta::days(90)));
        assert_eq!(period("0m"), Ok(TimeDelta::zero()));
        for bad in [
            "",
            "d",
            "90",
            "-1d",
            "1y",
            "1.5h",
            "99999999999999999999d",
            "9999999d",
            "5ü",
        ] {
            assert!(period(bad).is_err(), "{bad}");
        }
        assert_eq!(expiry("12h"), Ok(Expiry::After(TimeDelta::hours(12))));
        let day = "2027-06-30T00:00:00Z".parse().expect("a time");
        assert_eq!(expiry("2027-06-30"), Ok(Expiry::At(day)));
        assert!(expiry("tomorrow").is_err());
    }

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
