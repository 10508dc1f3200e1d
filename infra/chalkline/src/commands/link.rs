//! `chalkline link`: the page in a browser, logged in.

use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use runtime::{Clock, Registry};
use schemas::{Credential, Grant, QueryToken, Role, TenantId};
use serde_json::json;
use std::convert::Infallible;
use std::process::ExitCode;

use super::credential::update;
use super::token::{grant, issue_token};
use crate::client::{Client, ClientError, LoginCode};
use crate::output::Output;
use crate::{Addresses, Config, cli};

/// How long the page stays logged in: a working day.
pub(super) const SESSION: TimeDelta = TimeDelta::hours(12);
/// Tells the tokens of links from those that people keep.
const LABEL: &str = "link";
/// How often a service that has not read the new token yet is asked again:
/// within 5 seconds it has.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// `chalkline link`.
pub async fn run(
    config: &Config,
    registry: &Registry,
    args: cli::Link,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let tenant = match args.tenant {
        Some(tenant) => tenant,
        None => the_only_tenant(registry).await?,
    };
    let holder = grant(args.role, args.bounds)?;
    let url = match args.url {
        Some(url) => url,
        None => running_url(config, "name the service with --url")?,
    };
    let token = session_token(registry, &tenant, args.role, &holder, LABEL).await?;
    let client = Client::trusting(&url, &token.reveal(), config.ca_file.as_deref())?;
    let code = login_code(&client).await?;
    let page_url = page_url(&client, &code);
    output.show(
        &json!({
            "tenant": tenant, "role": args.role, "page_url": page_url,
            "expires_at": code.expires_at, "token_id": token.id,
        }),
        format!(
            "{page_url}\n\nIt logs in once, within 10 minutes, as {} of {tenant}, for {} hours.",
            args.role.as_str(),
            SESSION.num_hours()
        ),
    );
    Ok(ExitCode::SUCCESS)
}

/// Where the `up` that has the data folder answers questions. A token that is made goes
/// nowhere else unasked: when none runs, anybody may listen at the address that one would.
///
/// # Errors
/// When none runs, with what to do `otherwise`.
pub(super) fn running_url(config: &Config, otherwise: &str) -> anyhow::Result<String> {
    let running = Addresses::read(&config.data_dir).and_then(|running| running.query_url);
    running.with_context(|| {
        let data_dir = config.data_dir.display();
        format!("no chalkline up runs in {data_dir}: start it, or {otherwise}")
    })
}

/// The page's address, with what logs in.
pub fn page_url(client: &Client, code: &LoginCode) -> String {
    format!("{}/#code={}", client.url(), code.code)
}

/// The tenant, where there is one.
///
/// # Errors
/// When there is none, or several, so that one has to be named.
pub(super) async fn the_only_tenant(registry: &Registry) -> anyhow::Result<TenantId> {
    let mut tenants = registry.tenants().await?;
    match (tenants.pop(), tenants.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => bail!("there is no tenant yet: chalkline tenant add makes one"),
        (Some(_), false) => bail!("there are several tenants: name one with --tenant"),
    }
}

/// A token for one session, which `label` tells from others. Those of earlier sessions of
/// that label that have ended are forgotten.
pub(super) async fn session_token(
    registry: &Registry,
    tenant: &TenantId,
    role: Role,
    (subject, grant): &(Option<String>, Grant),
    label: &str,
) -> anyhow::Result<Credential> {
    let now = Clock::system().now();
    update(registry, tenant, |document| {
        document.tokens.retain(|token| {
            let ended = token.expires_at.is_some_and(|end| end <= now);
            !ended || token.label.as_deref() != Some(label)
        });
        Ok::<_, Infallible>(())
    })
    .await?;
    let settings = |token: &mut QueryToken| {
        token.label = Some(label.to_owned());
        token.subject.clone_from(subject);
        token.grant.clone_from(grant);
        token.expires_at = Some(now + SESSION);
    };
    issue_token(registry, tenant, role, settings).await
}

async fn login_code(client: &Client) -> anyhow::Result<LoginCode> {
    for _ in 1..ATTEMPTS {
        match client.login_code().await {
            Err(ClientError::Refused { code, .. }) if code == "token_unknown" => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return Ok(answer?),
        }
    }
    let code = client.login_code().await;
    code.with_context(|| format!("{} serves another lake than this one", client.url()))
}
