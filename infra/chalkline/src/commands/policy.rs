use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use runtime::Registry;
use schemas::{AccessRules, Effect, Policy, TenantId};
use serde_json::json;

use super::credential::{read_document, update};
use super::tenant::find;
use crate::cli;
use crate::output::{Output, table};

/// `chalkline policy …`.
pub async fn run(
    registry: &Registry,
    command: cli::Policy,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Policy::List { tenant } => {
            let tenant = find(registry, &tenant).await?;
            let policies = &tenant.access.policies;
            let text = if policies.is_empty() {
                format!(
                    "{} has no policies: its roles say who sees what.",
                    tenant.id
                )
            } else {
                let headings = ["POLICY", "EFFECT", "ROLES", "TABLES", "REASON"];
                table(headings, policies.iter().map(row)).to_string()
            };
            output.show(&json!({ "tenant": tenant.id, "policies": policies }), text);
        }
        cli::Policy::Set { tenant, file } => {
            let policy = read(&file)?;
            let mut replaced = false;
            update(registry, &tenant, |document| {
                let policies = &mut document.access.policies;
                let before = policies.iter_mut().find(|one| one.id == policy.id);
                replaced = before.is_some();
                match before {
                    Some(before) => before.clone_from(&policy),
                    None => policies.push(policy.clone()),
                }
                Ok::<_, UnknownPolicy>(())
            })
            .await?;
            let done = if replaced { "is changed" } else { "is set" };
            output.show(
                &json!({ "tenant": tenant, "policy": policy.id, "replaced": replaced }),
                format!("Policy {} {done}: it works within 5 seconds.", policy.id),
            );
        }
        cli::Policy::Remove { tenant, id } => {
            update(registry, &tenant, |document| {
                let policies = &mut document.access.policies;
                let found = policies.iter().position(|policy| policy.id == id);
                policies.remove(found.ok_or_else(|| UnknownPolicy {
                    tenant: tenant.clone(),
                    id: id.clone(),
                })?);
                Ok::<_, UnknownPolicy>(())
            })
            .await?;
            output.show(
                &json!({ "tenant": tenant, "policy": id, "removed": true }),
                format!("Policy {id} is gone: within 5 seconds it holds no more."),
            );
        }
        cli::Policy::Check { tenant, file } => {
            let tenant = find(registry, &tenant).await?;
            let mut rules = AccessRules::clone(&tenant.access);
            if let Some(file) = &file {
                rules.policies = vec![read(file)?];
            }
            let sound: Vec<_> = rules.policies.iter().map(|policy| &policy.id).collect();
            check(&rules)?;
            output.show(
                &json!({ "tenant": tenant.id, "sound": sound }),
                format!("{} policies are sound; nothing was changed.", sound.len()),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// There is no policy of that id.
#[derive(Debug, thiserror::Error)]
#[error("tenant {tenant} has no policy {id}: chalkline policy list shows all")]
struct UnknownPolicy {
    tenant: TenantId,
    id: String,
}

/// A policy that can be meant.
fn read(file: &Path) -> anyhow::Result<Policy> {
    let (name, document) = read_document(file)?;
    let policy: Policy =
        serde_json::from_str(&document).with_context(|| format!("{name} is not a policy"))?;
    let rules = AccessRules {
        policies: vec![policy.clone()],
        ..AccessRules::default()
    };
    check(&rules)?;
    Ok(policy)
}

fn check(rules: &AccessRules) -> anyhow::Result<()> {
    let problems: Vec<_> = rules
        .problems()
        .into_iter()
        .map(|(id, problem)| format!("policy {id:?}: {problem}"))
        .collect();
    if !problems.is_empty() {
        bail!("{}", problems.join("; "));
    }
    Ok(())
}

fn row(policy: &Policy) -> [String; 5] {
    let effect = match policy.effect {
        Effect::Grant => "grant",
        Effect::Restrict => "restrict",
    };
    let roles: Vec<_> = policy.roles.iter().map(|role| role.as_str()).collect();
    let tables: Vec<_> = policy.tables.iter().map(String::as_str).collect();
    [
        policy.id.clone(),
        effect.to_owned(),
        roles.join(" "),
        tables.join(" "),
        policy.reason.clone(),
    ]
}
