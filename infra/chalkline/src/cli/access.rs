//! What can be said of tenants, and of the keys, tokens and links that open them.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use chrono::TimeDelta;
use chrono_tz::Tz;
use clap::{ArgGroup, Args, Subcommand, value_parser};
use schemas::{Family, Origin, Role, TenantId};

use super::idp::Idp;
use super::values::{
    Expiry, Filter, at_least_one, expiry, family, filter, period, roles, time_zone,
};

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
    /// Change what is cut from actors and ids, and what holds of all who ask
    ///
    /// What is given takes the place of all that was; an empty one takes it away. It works
    /// within 5 seconds. Prefixes hold for events from then on: a student whose actor is
    /// cut otherwise gets another key, so set them before the first event.
    #[command(
        after_help = "Examples:
  chalkline tenant set north-high --actor-prefix https://lms.example/users/
  chalkline tenant set north-high --minimum-cell 20 --former-sections-days 0
  chalkline tenant set north-high --embed-origin https://portal.example

Example: chalkline tenant set north-high --minimum-cell 20",
        group = ArgGroup::new("changes").required(true).multiple(true)
    )]
    Set {
        /// Its id
        tenant: TenantId,
        /// What is changed
        #[command(flatten)]
        changes: Changes,
    },
    /// Let an identity provider of the school say who somebody is
    #[command(
        subcommand,
        after_help = "Example: chalkline tenant idp set north-high provider.json"
    )]
    Idp(Idp),
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

/// What `chalkline tenant set` changes.
#[derive(Debug, Args)]
pub struct Changes {
    /// What stands before the account name in actors that are IRIs; may be repeated
    #[arg(long = "actor-prefix", value_name = "IRI", group = "changes")]
    pub actor_prefixes: Vec<String>,
    /// What stands before the ids of courses, sections and contents; may be repeated
    #[arg(long = "id-prefix", value_name = "IRI", group = "changes")]
    pub id_prefixes: Vec<String>,
    /// For how many days after their last day in a section teachers still see it
    #[arg(long, value_name = "DAYS", group = "changes")]
    pub former_sections_days: Option<u32>,
    /// Groups of fewer students are not shown to who sees only aggregates
    #[arg(long, value_name = "STUDENTS", group = "changes", value_parser = value_parser!(u32).range(1..))]
    pub minimum_cell: Option<u32>,
    /// Site whose pages may ask with embed tokens, https://*.school.example for all below a
    /// name; may be repeated
    #[arg(long = "embed-origin", value_name = "SITE", group = "changes", value_parser = site)]
    pub embed_origins: Vec<Option<Origin>>,
}

/// A site, or none.
fn site(text: &str) -> Result<Option<Origin>, String> {
    match text.trim() {
        "" => Ok(None),
        text => Origin::new(text)
            .map(Some)
            .map_err(|error| error.to_string()),
    }
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
  chalkline key issue --tenant north-high --label forwarder --rate 200 --quota 1000000

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
        /// Events a second that it may post to each process, and ten seconds' worth of
        /// them at once; if absent, no limit, or that of the front door for public keys
        #[arg(long, value_name = "EVENTS", value_parser = at_least_one::<NonZeroU32>)]
        rate: Option<NonZeroU32>,
        /// Events that it may post to each process on a day of UTC; no limit if absent
        #[arg(long, value_name = "EVENTS", value_parser = at_least_one::<NonZeroU64>)]
        quota: Option<NonZeroU64>,
        /// When it stops working: a time, or after 90d, 12h, 30m
        #[arg(long, value_name = "WHEN", value_parser = expiry)]
        expires: Option<Expiry>,
    },
    /// Issue a key like another one, which stops working after a while
    ///
    /// The new key has the label, kind, families, sites, rate, quota and end of the old
    /// one, which works on for --grace, so that clients can change over.
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

/// `chalkline token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Issue a query token; its secret is shown once and works within 5 seconds
    ///
    /// What its holder sees its role says: steward and district_admin the tenant's rows,
    /// school_admin those of their schools, teacher those of their sections, guardian their
    /// children's, student their own, researcher rows without names, analyst aggregates of
    /// groups that are large enough, and service what the other options name. The options
    /// bound that further.
    #[command(after_help = "Examples:
  chalkline token issue --tenant north-high --role teacher --subject t-4711 --expires 90d
  chalkline token issue --tenant north-high --role school_admin --school org-north
  chalkline token issue --tenant north-high --role service --table video_retention --filter course_id=bio-101

Example: chalkline token issue --tenant north-high --role steward")]
    Issue {
        /// Whose data it opens
        #[arg(long)]
        tenant: TenantId,
        /// What its holder is
        #[arg(long, value_name = "ROLE", value_parser = roles())]
        role: Role,
        /// Who its holder is, and what is shown of it
        #[command(flatten)]
        bounds: Bounds,
        /// What it is used for
        #[arg(long)]
        label: Option<String>,
        /// When it stops working: a time, or after 90d, 12h, 30m; never if absent
        #[arg(long, value_name = "WHEN", value_parser = expiry)]
        expires: Option<Expiry>,
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

/// Within which bounds somebody sees what their role sees.
#[derive(Debug, Clone, Default, Args)]
pub struct Bounds {
    /// Who it is: the user_id of the roster; teachers, guardians and students need it
    #[arg(long, value_name = "USER")]
    pub subject: Option<String>,
    /// School that a school_admin runs, by its id in the roster; may be repeated
    #[arg(long = "school", value_name = "ORG")]
    pub schools: Vec<String>,
    /// Only rows whose column has this value; the same column again means any of its values
    #[arg(long = "filter", value_name = "COLUMN=VALUE", value_parser = filter)]
    pub filters: Vec<Filter>,
    /// Only this table; may be repeated, and a service needs it
    #[arg(long = "table", value_name = "NAME")]
    pub tables: Vec<String>,
    /// Show a service what is personal
    #[arg(long)]
    pub names: bool,
}

/// `chalkline link`.
#[derive(Debug, Args)]
pub struct Link {
    /// Whose data it opens; may be left out when there is one tenant
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// What whoever follows it is; a steward sees all, so name another role for others
    #[arg(long, value_name = "ROLE", value_parser = roles(), default_value = "steward")]
    pub role: Role,
    /// Who that is, and what is shown of it
    #[command(flatten)]
    pub bounds: Bounds,
    /// Address of the page; that of the `up` in the data folder if absent
    #[arg(long)]
    pub url: Option<String>,
}
