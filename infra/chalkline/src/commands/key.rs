use std::convert::Infallible;
use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use runtime::{Clock, Registry};
use schemas::{Credential, CredentialKind, KeyKind, Origin, Tenant, TenantId, WriteKey};
use serde_json::{Value, json};

use super::credential::{UnknownCredential, new_credential, time, update};
use super::tenant::find;
use crate::cli::{self, Expiry};
use crate::output::{Output, table};

/// `chalkline key …`.
pub async fn run(
    registry: &Registry,
    command: cli::Key,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Key::Issue {
            tenant,
            label,
            family,
            public,
            origin,
            rate,
            quota,
            expires,
        } => {
            let kind = if public {
                KeyKind::Public
            } else {
                KeyKind::Secret
            };
            let key = issue_key(registry, &tenant, |key| {
                key.label = label;
                key.kind = kind;
                key.families = family;
                key.origins = origin;
                key.events_per_second = rate;
                key.events_per_day = quota;
                key.expires_at = expires.map(|expiry| match expiry {
                    Expiry::At(time) => time,
                    Expiry::After(period) => key.created_at + period,
                });
            })
            .await?;
            let keep = match kind {
                KeyKind::Public => "Put it into your pages: it is shown this once.",
                KeyKind::Secret => "Keep it: it is shown this once.",
            };
            let text = format!("{}\n\n{keep} It works within 5 seconds.", key.reveal());
            output.show(
                &json!({ "tenant": tenant, "id": key.id, "key": key.reveal() }),
                text,
            );
        }
        cli::Key::Rotate { tenant, id, grace } => {
            let (key, ends) = rotate(registry, &tenant, &id, grace).await?;
            let text = format!(
                "{}\n\nKeep it: it is shown this once. It works within 5 seconds.\nKey {id} \
                 works until {}.",
                key.reveal(),
                time(Some(ends))
            );
            output.show(
                &json!({
                    "tenant": tenant, "id": key.id, "key": key.reveal(),
                    "old": { "id": id, "expires_at": ends },
                }),
                text,
            );
        }
        cli::Key::Revoke { tenant, id } => {
            let now = Clock::system().now();
            update(registry, &tenant, |document| {
                let found = document.keys.iter_mut().find(|key| key.id == id);
                let key = found.ok_or_else(|| UnknownCredential::key(&tenant, &id))?;
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
                let sites: Vec<_> = key.origins.iter().map(Origin::as_str).collect();
                let shown = |limit: Option<String>| limit.unwrap_or_default();
                [
                    key.id.clone(),
                    key.label.clone().unwrap_or_default(),
                    key.kind.as_str().to_owned(),
                    families.join(" "),
                    sites.join(" "),
                    shown(key.events_per_second.map(|events| events.to_string())),
                    shown(key.events_per_day.map(|events| events.to_string())),
                    time(Some(key.created_at)),
                    time(key.expires_at),
                    time(key.revoked_at),
                ]
            });
            let headings = [
                "ID", "LABEL", "KIND", "FAMILIES", "SITES", "RATE", "QUOTA", "CREATED", "EXPIRES",
                "REVOKED",
            ];
            output.show(
                &json!({ "tenant": tenant.id, "keys": to_json(&tenant) }),
                table(headings, rows),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a write key, a secret one for everything unless `set` says otherwise; only
/// the answer ever holds its secret.
///
/// # Errors
/// When there is no such tenant or its document cannot be written.
pub async fn issue_key(
    registry: &Registry,
    tenant: &TenantId,
    set: impl FnOnce(&mut WriteKey),
) -> anyhow::Result<Credential> {
    let credential = new_credential(CredentialKind::Key, tenant);
    let mut key = WriteKey::new(&credential, Clock::system().now());
    set(&mut key);
    update(registry, tenant, |document| {
        document.keys.push(key.clone());
        Ok::<_, Infallible>(())
    })
    .await?;
    Ok(credential)
}

/// Makes a key like another, which ends after `grace`, and says when that is.
async fn rotate(
    registry: &Registry,
    tenant: &TenantId,
    id: &str,
    grace: TimeDelta,
) -> anyhow::Result<(Credential, DateTime<Utc>)> {
    let credential = new_credential(CredentialKind::Key, tenant);
    let now = Clock::system().now();
    let mut ends = now + grace;
    update(registry, tenant, |document| {
        let old = document.keys.iter_mut().find(|key| key.id == id);
        let old = old.ok_or_else(|| RotateError::Unknown(UnknownCredential::key(tenant, id)))?;
        if old.revoked_at.is_some() || old.expires_at.is_some_and(|end| end <= now) {
            return Err(RotateError::Over(id.to_owned()));
        }
        let mut key = WriteKey::new(&credential, now);
        key.label.clone_from(&old.label);
        key.kind = old.kind;
        key.families.clone_from(&old.families);
        key.origins.clone_from(&old.origins);
        key.events_per_second = old.events_per_second;
        key.events_per_day = old.events_per_day;
        key.expires_at = old.expires_at;
        // What ends sooner anyway is not prolonged.
        ends = old
            .expires_at
            .map_or(now + grace, |end| end.min(now + grace));
        old.expires_at = Some(ends);
        document.keys.push(key);
        Ok(())
    })
    .await?;
    Ok((credential, ends))
}

/// Why a key is not rotated.
#[derive(Debug, thiserror::Error)]
enum RotateError {
    #[error(transparent)]
    Unknown(UnknownCredential),
    #[error("key {0} works no more: issue a new one with `chalkline key issue`")]
    Over(String),
}

/// A tenant's write keys, without secrets.
pub fn to_json(tenant: &Tenant) -> Value {
    let keys = tenant.keys.iter().map(|key| {
        json!({
            "id": key.id, "label": key.label, "kind": key.kind, "families": key.families,
            "origins": key.origins,
            "events_per_second": key.events_per_second, "events_per_day": key.events_per_day,
            "created_at": key.created_at, "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        })
    });
    Value::Array(keys.collect())
}
