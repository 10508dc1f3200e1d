//! What can be said of simulations.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use clap::{ArgGroup, Args, Subcommand, ValueEnum, value_parser};
use schemas::TenantId;

use super::import::Target;
use super::values::{time, time_zone};

/// `chalkline simulate`.
#[derive(Debug, Subcommand)]
pub enum Simulate {
    /// Make a believable school: its roster, catalogue and the events of a semester
    ///
    /// With --out, as files: roster.zip, the same a week later in bulk and as a delta
    /// (both OneRoster CSV), the catalogue as CSV and JSON, and events.ndjson.gz. With
    /// --key, the events are posted; a run that was stopped goes on where it was. The
    /// same seed, size and year make the same school, on every machine.
    #[command(after_help = "Example: chalkline simulate school --students 500 --out school")]
    School(School),
}

/// `chalkline simulate school`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whereto").required(true).multiple(true).args(["out", "key"])))]
pub struct School {
    /// How many students there are
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub students: u32,
    /// A district of so many schools; one school if absent
    #[arg(long, value_name = "N")]
    pub schools: Option<u32>,
    /// Which school: each number makes another
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The year in which the school year begins; the last one that did if absent
    #[arg(long, value_parser = value_parser!(i32).range(2000..=2090))]
    pub year: Option<i32>,
    /// The semester of the events
    #[arg(long, value_enum, default_value_t = Semester::Fall)]
    pub semester: Semester,
    /// The first day of events; that of the semester if absent
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// When events end; now if absent, since none of the future are taken
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<DateTime<Utc>>,
    /// The school's time zone
    #[arg(long, value_name = "ZONE", default_value = "America/Chicago", value_parser = time_zone)]
    pub time_zone: Tz,
    /// Events as the world delivers them: some twice, some days later, out of order
    #[arg(long)]
    pub real: bool,
    /// Events of the mobile app name students by e-mail instead of by sourcedId
    #[arg(long)]
    pub per_app: bool,
    /// The version of OneRoster
    #[arg(long, value_enum, value_name = "VERSION", default_value_t = OneRoster::V1_2, requires = "out")]
    pub oneroster: OneRoster,
    /// Plant the faults of real rosters, and say where they are
    #[arg(long, requires = "out")]
    pub faults: bool,
    /// Folder for the files, made if there is none
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Secret write key of the tenant to whom the events are posted
    #[arg(long)]
    pub key: Option<String>,
    /// The tenant, to be sure that the key is the right one
    #[arg(long, requires = "key")]
    pub tenant: Option<TenantId>,
    /// Address of the front door; that of the `up` in the data folder, else http://127.0.0.1:8080
    #[arg(long, env = "CHALKLINE_URL")]
    pub url: Option<String>,
    /// File that remembers how far the posting is
    #[arg(long, value_name = "FILE", requires = "key")]
    pub state: Option<PathBuf>,
}

impl School {
    /// Where events are posted to, if anywhere.
    pub fn target(&self) -> Option<Target> {
        Some(Target {
            key: self.key.clone()?,
            tenant: self.tenant.clone(),
            url: self.url.clone(),
            state: self.state.clone(),
        })
    }
}

/// A semester.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Semester {
    /// August to December
    Fall,
    /// January to May
    Spring,
}

/// A version of OneRoster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OneRoster {
    /// What people are stands in users.csv
    #[value(name = "1.1")]
    V1_1,
    /// What people are stands in roles.csv
    #[value(name = "1.2")]
    V1_2,
}
