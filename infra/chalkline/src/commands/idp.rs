//! `chalkline tenant idp`: whom a tenant lets say who somebody is.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use runtime::Registry;
use schemas::{IdentityProvider, TenantId};
use serde_json::{Value, json};

use super::credential::{read_document, update};
use super::tenant::find;
use crate::cli;
use crate::output::{Output, table};

/// `chalkline tenant idp …`.
pub async fn run(
    registry: &Registry,
    command: cli::Idp,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Idp::Set { tenant, file } => {
            let provider = read(&file)?;
            refuse_shared(registry, &tenant, &provider).await?;
            let mut replaced = false;
            update(registry, &tenant, |document| {
                let providers = &mut document.identity_providers;
                let before = providers
                    .iter_mut()
                    .find(|one| one.is_of(&provider.issuer, &provider.audience));
                replaced = before.is_some();
                match before {
                    Some(before) => before.clone_from(&provider),
                    None => providers.push(provider.clone()),
                }
                Ok::<_, UnknownProvider>(())
            })
            .await?;
            output.show(
                &json!({ "tenant": tenant, "issuer": provider.issuer, "replaced": replaced }),
                format!(
                    "Tokens of {} are taken within 5 seconds. Next: chalkline tenant idp check \
                     {tenant}",
                    provider.issuer
                ),
            );
        }
        cli::Idp::Show { tenant } => {
            let tenant = find(registry, &tenant).await?;
            let providers = &tenant.identity_providers;
            let text = if providers.is_empty() {
                format!("{} trusts no identity provider.", tenant.id)
            } else {
                serde_json::to_string_pretty(providers)?
            };
            output.show(
                &json!({ "tenant": tenant.id, "identity_providers": providers }),
                text,
            );
        }
        cli::Idp::Remove {
            tenant,
            issuer,
            audience,
        } => {
            update(registry, &tenant, |document| {
                let is_meant = |one: &IdentityProvider| {
                    one.issuer == issuer
                        && audience.as_ref().is_none_or(|name| one.audience == *name)
                };
                let providers = &mut document.identity_providers;
                match providers.iter().filter(|one| is_meant(one)).count() {
                    1 => providers.retain(|one| !is_meant(one)),
                    0 => return Err(UnknownProvider::None(tenant.clone(), issuer.clone())),
                    _ => return Err(UnknownProvider::Several(issuer.clone())),
                }
                Ok(())
            })
            .await?;
            output.show(
                &json!({ "tenant": tenant, "issuer": issuer, "removed": true }),
                format!("Tokens of {issuer} are refused within 5 seconds."),
            );
        }
        cli::Idp::Check { tenant, file } => {
            let providers = match file {
                Some(file) => vec![read(&file)?],
                None => find(registry, &tenant).await?.identity_providers.clone(),
            };
            if providers.is_empty() {
                bail!("{tenant} trusts no identity provider: chalkline tenant idp set names one");
            }
            return check(&tenant, &providers, output).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Why no provider is removed.
#[derive(Debug, thiserror::Error)]
enum UnknownProvider {
    #[error("tenant {0} trusts no provider {1}: chalkline tenant idp show shows all")]
    None(TenantId, String),
    #[error("{0} has several audiences: name one with --audience")]
    Several(String),
}

/// A provider that can be meant.
fn read(file: &Path) -> anyhow::Result<IdentityProvider> {
    let (name, document) = read_document(file)?;
    let provider: IdentityProvider = serde_json::from_str(&document)
        .with_context(|| format!("{name} is not an identity provider"))?;
    let problems: Vec<_> = provider
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect();
    if !problems.is_empty() {
        bail!("{name}: {}", problems.join("; "));
    }
    Ok(provider)
}

/// A token opens one tenant: whoever may ask about one must not choose another by a header.
async fn refuse_shared(
    registry: &Registry,
    tenant: &TenantId,
    provider: &IdentityProvider,
) -> anyhow::Result<()> {
    for id in registry.tenants().await? {
        if id == *tenant {
            continue;
        }
        let other = find(registry, &id).await?;
        let is_same = |one: &IdentityProvider| one.is_of(&provider.issuer, &provider.audience);
        if other.identity_providers.iter().any(is_same) {
            bail!(
                "the tenant {id} takes tokens of {} for {:?} already: let the provider give each \
                 tenant an audience of its own",
                provider.issuer,
                provider.audience
            );
        }
    }
    Ok(())
}

/// Asks each for its keys.
async fn check(
    tenant: &TenantId,
    providers: &[IdentityProvider],
    output: Output,
) -> anyhow::Result<ExitCode> {
    let mut found: Vec<Value> = Vec::new();
    let mut rows = Vec::new();
    let mut failed = false;
    for provider in providers {
        let (keys, error) = match query::provider_keys(provider).await {
            Ok(found) => {
                let usable = |(_, algorithm): &&(_, schemas::SigningAlgorithm)| {
                    provider.algorithms.contains(algorithm)
                };
                let keys: Vec<_> = found.keys.iter().filter(usable).cloned().collect();
                let error = keys.is_empty().then(|| {
                    format!(
                        "{} has no key with which its tokens can be signed",
                        found.jwks_uri
                    )
                });
                (keys, error)
            }
            Err(error) => (Vec::new(), Some(in_full(&error))),
        };
        failed |= error.is_some();
        let keys_json: Vec<_> = keys
            .iter()
            .map(|(id, algorithm)| json!({ "id": id, "algorithm": algorithm }))
            .collect();
        found.push(json!({ "issuer": provider.issuer, "keys": keys_json, "error": error }));
        let keys: Vec<_> = keys
            .iter()
            .map(|(id, algorithm)| {
                format!(
                    "{} ({})",
                    id.as_deref().unwrap_or("no id"),
                    algorithm.as_str()
                )
            })
            .collect();
        rows.push([
            provider.issuer.clone(),
            keys.join(" "),
            error.unwrap_or_else(|| "answers".to_owned()),
        ]);
    }
    output.show(
        &json!({ "tenant": tenant, "identity_providers": found }),
        table(["PROVIDER", "KEYS", "IT"], rows),
    );
    Ok(if failed {
        crate::failed()
    } else {
        ExitCode::SUCCESS
    })
}

/// An error with what caused it.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
