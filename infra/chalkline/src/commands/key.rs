use std::convert::Infallible;
use std::process::ExitCode;

use runtime::{Clock, Registry};
use schemas::{Credential, CredentialKind, Family, Tenant, TenantId, WriteKey};
use serde_json::{Value, json};

use super::credential::{UnknownCredential, new_credential, time, update};
use super::tenant::find;
use crate::cli;
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
                &json!({ "tenant": tenant.id, "keys": to_json(&tenant) }),
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

/// A tenant's write keys, without secrets.
pub fn to_json(tenant: &Tenant) -> Value {
    let keys = tenant.keys.iter().map(|key| {
        json!({
            "id": key.id, "label": key.label, "families": key.families,
            "created_at": key.created_at, "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        })
    });
    Value::Array(keys.collect())
}
