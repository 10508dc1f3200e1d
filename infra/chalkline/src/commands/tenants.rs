//! `chalkline tenant`, `key` and `token`: they write the tenant's document;
//! running services read it again within 5 seconds.

use std::convert::Infallible;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use runtime::{Clock, Registry, UpdateError};
use schemas::{
    Calendar, Credential, CredentialKind, Family, QueryToken, Role, Tenant, TenantId, WriteKey,
};
use serde_json::{Value, json};

use crate::cli;
use crate::output::{Output, table};

/// `chalkline tenant …`.
pub async fn tenant(
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
        } => {
            let mut tenant = Tenant::new(id.map_or_else(|| id_of(&name), Ok)?, name);
            tenant.time_zone = time_zone;
            if let Some(file) = calendar {
                tenant.calendar = read_calendar(&file)?;
            }
            registry.create(&tenant).await?;
            output.show(
                &json!({ "tenant": tenant.id, "name": tenant.name }),
                format!(
                    "Tenant {} is made. Next: chalkline key issue --tenant {}",
                    tenant.id, tenant.id
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
                "keys": keys_json(&tenant),
                "tokens": tokens_json(&tenant),
            });
            let text = serde_json::to_string_pretty(&document)?;
            output.show(&document, text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `chalkline key …`.
pub async fn key(
    registry: &Registry,
    command: cli::Key,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Key::Issue {
            tenant,
            label,
            family,
        } => {
            let key = issue_key(registry, &tenant, label, family).await?;
            let text = format!(
                "{}\n\nKeep it: it is shown this once. It works within 5 seconds.",
                key.reveal()
            );
            output.show(
                &json!({ "tenant": tenant, "id": key.id, "key": key.reveal() }),
                text,
            );
        }
        cli::Key::Revoke { tenant, id } => {
            let now = Clock::system().now();
            update(registry, &tenant, |document| {
                let found = document.keys.iter_mut().find(|key| key.id == id);
                let key = found.ok_or_else(|| UnknownCredential {
                    what: "key",
                    tenant: tenant.clone(),
                    id: id.clone(),
                })?;
                // The first time counts.
                key.revoked_at.get_or_insert(now);
                Ok::<_, UnknownCredential>(())
            })
            .await?;
            output.show(
                &json!({ "tenant": tenant, "id": id, "revoked": true }),
                format!("Key {id} is revoked: within 5 seconds it is refused."),
            );
        }
        cli::Key::List { tenant } => {
            let tenant = find(registry, &tenant).await?;
            let rows = tenant.keys.iter().map(|key| {
                let families: Vec<_> = key.families.iter().map(|f| f.as_str()).collect();
                [
                    key.id.clone(),
                    key.label.clone().unwrap_or_default(),
                    families.join(" "),
                    time(Some(key.created_at)),
                    time(key.revoked_at),
                ]
            });
            let headings = ["ID", "LABEL", "FAMILIES", "CREATED", "REVOKED"];
            output.show(
                &json!({ "tenant": tenant.id, "keys": keys_json(&tenant) }),
                table(headings, rows),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `chalkline token …`.
pub async fn token(
    registry: &Registry,
    command: cli::Token,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Token::Issue {
            tenant,
            role,
            label,
        } => {
            let token = issue_token(registry, &tenant, role, label).await?;
            let text = format!(
                "{}\n\nKeep it: it is shown this once. It works within 5 seconds.",
                token.reveal()
            );
            let json = json!({
                "tenant": tenant, "id": token.id, "role": role, "token": token.reveal(),
            });
            output.show(&json, text);
        }
        cli::Token::Revoke { tenant, id } => {
            let now = Clock::system().now();
            update(registry, &tenant, |document| {
                let found = document.tokens.iter_mut().find(|token| token.id == id);
                let token = found.ok_or_else(|| UnknownCredential {
                    what: "token",
                    tenant: tenant.clone(),
                    id: id.clone(),
                })?;
                // The first time counts.
                token.revoked_at.get_or_insert(now);
                Ok::<_, UnknownCredential>(())
            })
            .await?;
            output.show(
                &json!({ "tenant": tenant, "id": id, "revoked": true }),
                format!("Token {id} is revoked: within 5 seconds it is refused."),
            );
        }
        cli::Token::List { tenant } => {
            let tenant = find(registry, &tenant).await?;
            let rows = tenant.tokens.iter().map(|token| {
                [
                    token.id.clone(),
                    token.label.clone().unwrap_or_default(),
                    token.role.as_str().to_owned(),
                    time(Some(token.created_at)),
                    time(token.revoked_at),
                ]
            });
            let headings = ["ID", "LABEL", "ROLE", "CREATED", "REVOKED"];
            output.show(
                &json!({ "tenant": tenant.id, "tokens": tokens_json(&tenant) }),
                table(headings, rows),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a write key; only the answer ever holds its secret.
///
/// # Errors
/// When there is no such tenant or its document cannot be written.
pub async fn issue_key(
    registry: &Registry,
    tenant: &TenantId,
    label: Option<String>,
    families: Vec<Family>,
) -> anyhow::Result<Credential> {
    let credential = new_credential(CredentialKind::Key, tenant);
    let key = WriteKey {
        id: credential.id.clone(),
        hash: credential.hash(),
        label,
        families,
        created_at: Clock::system().now(),
        expires_at: None,
        revoked_at: None,
    };
    update(registry, tenant, |document| {
        document.keys.push(key.clone());
        Ok::<_, Infallible>(())
    })
    .await?;
    Ok(credential)
}

/// Makes a query token; only the answer ever holds its secret.
///
/// # Errors
/// When there is no such tenant or its document cannot be written.
pub async fn issue_token(
    registry: &Registry,
    tenant: &TenantId,
    role: Role,
    label: Option<String>,
) -> anyhow::Result<Credential> {
    let credential = new_credential(CredentialKind::Token, tenant);
    let token = QueryToken {
        id: credential.id.clone(),
        hash: credential.hash(),
        label,
        role,
        created_at: Clock::system().now(),
        expires_at: None,
        revoked_at: None,
    };
    update(registry, tenant, |document| {
        document.tokens.push(token.clone());
        Ok::<_, Infallible>(())
    })
    .await?;
    Ok(credential)
}

fn new_credential(kind: CredentialKind, tenant: &TenantId) -> Credential {
    let id = hex::encode(rand::random::<[u8; 4]>());
    Credential::new(kind, tenant.clone(), id, rand::random())
}

/// There is no key or token of that id.
#[derive(Debug, thiserror::Error)]
#[error("tenant {tenant} has no {what} {id}: the id is the third part of a {what}")]
struct UnknownCredential {
    what: &'static str,
    tenant: TenantId,
    id: String,
}

async fn update<E: std::error::Error + Send + Sync + 'static>(
    registry: &Registry,
    tenant: &TenantId,
    change: impl FnMut(&mut Tenant) -> Result<(), E>,
) -> anyhow::Result<()> {
    let updated = registry.update(tenant, change).await;
    updated.map_err(|error| match error {
        UpdateError::Registry(error) => error.into(),
        UpdateError::Refused(error) => error.into(),
    })
}

/// A tenant that has to be there.
async fn find(registry: &Registry, id: &TenantId) -> anyhow::Result<Arc<Tenant>> {
    registry
        .tenant(id)
        .await?
        .with_context(|| format!("there is no tenant {id}: chalkline tenant list shows all"))
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

fn keys_json(tenant: &Tenant) -> Value {
    let keys = tenant.keys.iter().map(|key| {
        json!({
            "id": key.id, "label": key.label, "families": key.families,
            "created_at": key.created_at, "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        })
    });
    Value::Array(keys.collect())
}

fn tokens_json(tenant: &Tenant) -> Value {
    let tokens = tenant.tokens.iter().map(|token| {
        json!({
            "id": token.id, "label": token.label, "role": token.role,
            "created_at": token.created_at, "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
        })
    });
    Value::Array(tokens.collect())
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
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
