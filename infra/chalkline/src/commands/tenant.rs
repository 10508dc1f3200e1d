use std::convert::Infallible;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use runtime::Registry;
use schemas::{Calendar, Tenant, TenantId};
use serde_json::json;

use super::credential::update;
use super::{key, token};
use crate::output::{Output, table};
use crate::{Config, cli};

/// `chalkline tenant …`.
pub async fn run(
    config: &Config,
    registry: &Registry,
    command: cli::Tenant,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Tenant::Add {
            name,
            id,
            calendar,
            time_zone,
            actor_prefixes,
            id_prefixes,
        } => {
            let mut tenant = Tenant::new(id.map_or_else(|| id_of(&name), Ok)?, name);
            tenant.time_zone = time_zone;
            tenant.actor_prefixes = stated(actor_prefixes);
            tenant.id_prefixes = stated(id_prefixes);
            if let Some(file) = calendar {
                tenant.calendar = read_calendar(&file)?;
            }
            registry.create(&tenant).await?;
            output.show(
                &json!({ "tenant": tenant.id, "name": tenant.name }),
                format!(
                    "Tenant {} is made in {}. Next: chalkline key issue --tenant {}",
                    tenant.id,
                    config.lake_location(),
                    tenant.id
                ),
            );
        }
        cli::Tenant::Set {
            tenant,
            actor_prefixes,
            id_prefixes,
        } => {
            let set = |prefixes: &mut Vec<String>, given: &Vec<String>| {
                if !given.is_empty() {
                    *prefixes = stated(given.clone());
                }
            };
            update(registry, &tenant, |document| {
                set(&mut document.actor_prefixes, &actor_prefixes);
                set(&mut document.id_prefixes, &id_prefixes);
                Ok::<_, Infallible>(())
            })
            .await?;
            let tenant = find(registry, &tenant).await?;
            let shown = |prefixes: &[String]| match prefixes {
                [] => "nothing".to_owned(),
                prefixes => prefixes.join(" "),
            };
            output.show(
                &json!({
                    "tenant": tenant.id,
                    "actor_prefixes": tenant.actor_prefixes,
                    "id_prefixes": tenant.id_prefixes,
                }),
                format!(
                    "Cut from actors: {}\nCut from ids of courses, sections and contents: {}\n\
                     It works within 5 seconds, for events from then on.",
                    shown(&tenant.actor_prefixes),
                    shown(&tenant.id_prefixes)
                ),
            );
        }
        cli::Tenant::List => {
            let mut tenants = Vec::new();
            for id in registry.tenants().await? {
                tenants.push(find(registry, &id).await?);
            }
            let json: Vec<_> = tenants
                .iter()
                .map(|t| json!({ "tenant": t.id, "name": t.name, "time_zone": t.time_zone }))
                .collect();
            let rows = tenants.iter().map(|t| {
                [
                    t.id.to_string(),
                    t.name.clone(),
                    t.time_zone.to_string(),
                    t.keys.len().to_string(),
                    t.tokens.len().to_string(),
                ]
            });
            let headings = ["TENANT", "NAME", "TIME ZONE", "KEYS", "TOKENS"];
            output.show(&json!({ "tenants": json }), table(headings, rows));
        }
        cli::Tenant::Show { tenant } => {
            let tenant = find(registry, &tenant).await?;
            let document = json!({
                "tenant": tenant.id,
                "name": tenant.name,
                "time_zone": tenant.time_zone,
                "calendar": tenant.calendar,
                "actor_prefixes": tenant.actor_prefixes,
                "id_prefixes": tenant.id_prefixes,
                "minimum_cell": tenant.minimum_cell,
                "types": tenant.custom_types.iter().map(|own| &own.name).collect::<Vec<_>>(),
                "keys": key::to_json(&tenant),
                "tokens": token::to_json(&tenant),
            });
            let text = serde_json::to_string_pretty(&document)?;
            output.show(&document, text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A tenant that has to be there.
pub async fn find(registry: &Registry, id: &TenantId) -> anyhow::Result<Arc<Tenant>> {
    registry
        .tenant(id)
        .await?
        .with_context(|| format!("there is no tenant {id}: chalkline tenant list shows all"))
}

/// The prefixes that are any: an empty one says that there is none.
fn stated(mut prefixes: Vec<String>) -> Vec<String> {
    prefixes.retain(|prefix| !prefix.trim().is_empty());
    prefixes
}

/// A tenant id made from a name: `North High` becomes `north-high`.
fn id_of(name: &str) -> anyhow::Result<TenantId> {
    let lower = name.to_lowercase();
    let words: Vec<_> = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    TenantId::new(words.join("-"))
        .with_context(|| format!("{name:?} makes no tenant id: give one with --id"))
}

fn read_calendar(file: &Path) -> anyhow::Result<Calendar> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the calendar {}", file.display()))?;
    let is_json = file
        .extension()
        .is_some_and(|extension| extension == "json");
    let calendar: Calendar = if is_json {
        serde_json::from_str(&text).map_err(anyhow::Error::from)
    } else {
        toml::from_str(&text).map_err(anyhow::Error::from)
    }
    .with_context(|| format!("{} is not a calendar", file.display()))?;
    let problems: Vec<_> = calendar
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect();
    if !problems.is_empty() {
        bail!("{}: {}", file.display(), problems.join("; "));
    }
    Ok(calendar)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("North High", Some("north-high"))]
    #[case("  St. Mary's / Upper School ", Some("st-mary-s-upper-school"))]
    #[case("demo", Some("demo"))]
    #[case("学校", None)]
    fn names_make_ids(#[case] name: &str, #[case] expected: Option<&str>) {
        let id = id_of(name).ok();
        assert_eq!(id.as_ref().map(TenantId::as_str), expected);
    }

    #[rstest]
    #[case(
        "c.toml",
        "[[terms]]\nid = \"fall\"\nstart = \"2026-08-20\"\nend = \"2026-12-20\"\n",
        true
    )]
    #[case(
        "c.json",
        r#"{"terms":[{"id":"fall","start":"2026-08-20","end":"2026-12-20"}]}"#,
        true
    )]
    #[case(
        "c.json",
        r#"{"terms":[{"id":"fall","start":"2026-12-20","end":"2026-08-20"}]}"#,
        false
    )]
    #[case("c.toml", "[[term]]\nid = \"fall\"\n", false)]
    fn calendars_are_toml_or_json(#[case] name: &str, #[case] text: &str, #[case] good: bool) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("written");
        assert_eq!(read_calendar(&file).is_ok(), good);
    }
}
