use std::collections::BTreeSet;
use std::convert::Infallible;
use std::process::ExitCode;

use anyhow::bail;
use runtime::{Clock, Registry};
use schemas::{Credential, CredentialKind, Grant, QueryToken, Role, Tenant, TenantId};
use serde_json::{Value, json};

use super::credential::{UnknownCredential, new_credential, time, update};
use super::tenant::find;
use crate::cli::{self, Expiry};
use crate::output::{Output, table};

/// `chalkline token …`.
pub async fn run(
    registry: &Registry,
    command: cli::Token,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Token::Issue {
            tenant,
            role,
            bounds,
            label,
            expires,
        } => {
            let (subject, grant) = grant(role, bounds)?;
            let token = issue_token(registry, &tenant, role, |token| {
                token.label = label;
                token.subject.clone_from(&subject);
                token.grant.clone_from(&grant);
                token.expires_at = expires.map(|expiry| match expiry {
                    Expiry::At(time) => time,
                    Expiry::After(period) => token.created_at + period,
                });
            })
            .await?;
            let text = format!(
                "{}\n\nKeep it: it is shown this once. It works within 5 seconds.",
                token.reveal()
            );
            let json = json!({
                "tenant": tenant, "id": token.id, "role": role, "subject": subject,
                "grant": grant, "token": token.reveal(),
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
                    token.subject.clone().unwrap_or_default(),
                    bounds_in_words(&token.grant),
                    time(Some(token.created_at)),
                    time(token.expires_at),
                    time(token.revoked_at),
                ]
            });
            let headings = [
                "ID", "LABEL", "ROLE", "SUBJECT", "ONLY", "CREATED", "EXPIRES", "REVOKED",
            ];
            output.show(
                &json!({ "tenant": tenant.id, "tokens": to_json(&tenant) }),
                table(headings, rows),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Who somebody of a role is, and what bounds what they see.
///
/// # Errors
/// With everything that makes no sense.
pub fn grant(role: Role, bounds: cli::Bounds) -> anyhow::Result<(Option<String>, Grant)> {
    let mut grant = Grant {
        schools: bounds.schools.into_iter().collect(),
        names: bounds.names,
        ..Grant::default()
    };
    for filter in bounds.filters {
        let values = grant.filters.entry(filter.column).or_default();
        values.insert(filter.value);
    }
    if !bounds.tables.is_empty() {
        grant.tables = Some(bounds.tables.into_iter().collect());
    }
    let problems = grant.problems(role, bounds.subject.as_deref());
    if !problems.is_empty() {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        bail!("{}", problems.join("; "));
    }
    Ok((bounds.subject, grant))
}

/// The bounds of a token, for people.
fn bounds_in_words(grant: &Grant) -> String {
    let list = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
    let schools = (!grant.schools.is_empty()).then(|| format!("schools={}", list(&grant.schools)));
    let tables = grant
        .tables
        .as_ref()
        .map(|tables| format!("tables={}", list(tables)));
    let filters = grant
        .filters
        .iter()
        .map(|(column, values)| format!("{column}={}", list(values)));
    let names = grant.names.then(|| "names".to_owned());
    let words: Vec<_> = schools
        .into_iter()
        .chain(tables)
        .chain(filters)
        .chain(names)
        .collect();
    words.join(" ")
}

/// Makes a query token, as `settings` changes it; only the answer ever holds its secret.
///
/// # Errors
/// When there is no such tenant or its document cannot be written.
pub async fn issue_token(
    registry: &Registry,
    tenant: &TenantId,
    role: Role,
    settings: impl FnOnce(&mut QueryToken),
) -> anyhow::Result<Credential> {
    let credential = new_credential(CredentialKind::Token, tenant);
    let mut token = QueryToken::new(&credential, role, Clock::system().now());
    settings(&mut token);
    update(registry, tenant, |document| {
        document.tokens.push(token.clone());
        Ok::<_, Infallible>(())
    })
    .await?;
    Ok(credential)
}

/// A tenant's query tokens, without secrets.
pub fn to_json(tenant: &Tenant) -> Value {
    let tokens = tenant.tokens.iter().map(|token| {
        json!({
            "id": token.id, "label": token.label, "role": token.role,
            "subject": token.subject, "grant": token.grant,
            "created_at": token.created_at, "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
        })
    });
    Value::Array(tokens.collect())
}
