use std::path::Path;

use anyhow::Context as _;
use chrono::NaiveDate;
use runtime::{Registry, RegistryError};
use schemas::{Calendar, Role, Tenant, TenantId, TermDates};
use serde::{Deserialize, Serialize};

use crate::commands::key::issue_key;
use crate::commands::token::issue_token;
use crate::data_dir::write_private;

/// The demo's tenant, with a key and a token that later runs find again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Access {
    /// The tenant.
    pub tenant: TenantId,
    /// Its write key.
    pub key: String,
    /// Its query token, a steward's.
    pub token: String,
}

impl Access {
    /// Reads the access of an earlier run, or makes the tenant, a key and a
    /// token, kept in a file that only its owner can read.
    pub async fn open(data_dir: &Path, registry: &Registry) -> anyhow::Result<Self> {
        let path = data_dir.join("demo.json");
        match std::fs::read(&path) {
            Ok(bytes) => {
                return serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} cannot be read", path.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        }
        let tenant = tenant();
        match registry.create(&tenant).await {
            // An earlier run was stopped before it had written the file.
            Ok(()) | Err(RegistryError::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let label = || Some("demo".to_owned());
        let key = issue_key(registry, &tenant.id, |key| key.label = label()).await?;
        let token = issue_token(registry, &tenant.id, Role::Steward, |token| {
            token.label = label()
        })
        .await?;
        let access = Self {
            tenant: tenant.id,
            key: key.reveal(),
            token: token.reveal(),
        };
        write_private(&path, &access)?;
        Ok(access)
    }
}

/// The tenant: its terms are two presentations, each with the weeks before its
/// first day in which its site is already open, and the autumn of the videos.
fn tenant() -> Tenant {
    let id = TenantId::new("demo").expect("a slug");
    let mut tenant = Tenant::new(id, "Two open courses (demo)");
    tenant.time_zone = chrono_tz::Europe::London;
    tenant.calendar = Calendar {
        terms: vec![
            term("2013b", "February 2013", (2013, 1, 1), (2013, 8, 31)),
            term("2013j", "October 2013", (2013, 9, 1), (2014, 8, 31)),
            term("2021-22", "Autumn 2021", (2021, 9, 1), (2022, 1, 31)),
        ],
    };
    // The videos are named `uuid://…`.
    tenant.id_prefixes = vec!["uuid://".to_owned()];
    tenant
}

fn term(id: &str, name: &str, start: (i32, u32, u32), end: (i32, u32, u32)) -> TermDates {
    let day = |(year, month, day)| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    TermDates {
        id: id.parse().expect("a slug"),
        name: Some(name.to_owned()),
        start: day(start),
        end: day(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_can_be_used() {
        assert_eq!(tenant().calendar.problems(), []);
    }
}
