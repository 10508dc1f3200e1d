use std::convert::Infallible;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use runtime::Registry;
use schemas::{Calendar, Origin, Tenant, TenantId};
use serde_json::{Value, json};

use super::credential::update;
use super::{idp, key, token};
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
        cli::Tenant::Set { tenant, changes } => {
            set(registry, &tenant, &changes).await?;
            let tenant = find(registry, &tenant).await?;
            output.show(&settings(&tenant), settings_in_words(&tenant));
        }
        cli::Tenant::Idp(command) => return idp::run(registry, command, output).await,
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
                "former_sections_days": tenant.access.former_sections_days,
                "policies": tenant.access.policies,
                "identity_providers": tenant.identity_providers,
                "embed_origins": tenant.embed_origins,
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

async fn set(registry: &Registry, tenant: &TenantId, changes: &cli::Changes) -> anyhow::Result<()> {
    let set_prefixes = |prefixes: &mut Vec<String>, given: &Vec<String>| {
        if !given.is_empty() {
            *prefixes = stated(given.clone());
        }
    };
    update(registry, tenant, |document| {
        set_prefixes(&mut document.actor_prefixes, &changes.actor_prefixes);
        set_prefixes(&mut document.id_prefixes, &changes.id_prefixes);
        if let Some(days) = changes.former_sections_days {
            document.access.former_sections_days = days;
        }
        if let Some(students) = changes.minimum_cell {
            document.minimum_cell = students;
        }
        if !changes.embed_origins.is_empty() {
            document.embed_origins = changes.embed_origins.iter().flatten().cloned().collect();
        }
        Ok::<_, Infallible>(())
    })
    .await
}

/// What [`set`] changes, as it is.
fn settings(tenant: &Tenant) -> Value {
    json!({
        "tenant": tenant.id,
        "actor_prefixes": tenant.actor_prefixes,
        "id_prefixes": tenant.id_prefixes,
        "former_sections_days": tenant.access.former_sections_days,
        "minimum_cell": tenant.minimum_cell,
        "embed_origins": tenant.embed_origins,
    })
}

fn settings_in_words(tenant: &Tenant) -> String {
    let shown = |texts: &[&str]| match texts {
        [] => "nothing".to_owned(),
        texts => texts.join(" "),
    };
    let prefixes = |prefixes: &[String]| -> String {
        shown(&prefixes.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let sites: Vec<_> = tenant.embed_origins.iter().map(Origin::as_str).collect();
    format!(
        "Cut from actors: {}\nCut from ids of courses, sections and contents: {}\n\
         Teachers see a section for {} days after their last in it.\n\
         Groups of fewer than {} students are not shown to who sees only aggregates.\n\
         Pages that may ask with embed tokens: {}\n\
         It works within 5 seconds; prefixes for events from then on.",
        prefixes(&tenant.actor_prefixes),
        prefixes(&tenant.id_prefixes),
        tenant.access.former_sections_days,
        tenant.minimum_cell,
        shown(&sites)
    )
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
