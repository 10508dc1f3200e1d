//! Which service is asked, and as whom.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use runtime::{Clock, Registry};
use schemas::{Credential, CredentialKind, Grant, Role, TenantId};
use serde::{Deserialize, Serialize};

use super::super::link::{SESSION, running_url, session_token, the_only_tenant};
use super::super::registry;
use crate::client::{AskError, Asker, Client};
use crate::data_dir::write_private;
use crate::{Addresses, Config, cli};

/// Tells the tokens of this client from those that people keep.
const LABEL: &str = "sql";
/// How often a service that has not read a new token yet is asked again: within 5 seconds
/// it has.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);
/// What a service says of tokens that work no more.
const ENDED: [&str; 3] = ["token_expired", "token_revoked", "token_unknown"];

/// A service to ask, with a token that is made anew when it has ended, where that is
/// possible.
pub struct Access {
    asker: Asker,
    renewal: Option<Renewal>,
}

/// How to make a token for the lake of this data folder.
struct Renewal {
    registry: Registry,
    tenant: TenantId,
    data_dir: PathBuf,
    url: String,
    token: String,
    ca_file: Option<PathBuf>,
}

/// Tokens of this client that work for a while, by tenant.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Kept(BTreeMap<TenantId, KeptToken>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptToken {
    token: String,
    expires_at: DateTime<Utc>,
}

impl Access {
    /// Finds the service and a token for it: those that are named; else the `up` that runs
    /// in the data folder, and a steward's token for its tenant. A token that is made here
    /// goes to no other service.
    ///
    /// # Errors
    /// When one of them is missing, with what to do.
    pub async fn find(config: &Config, args: &cli::Sql) -> anyhow::Result<Self> {
        if let Some(token) = args.token.as_deref().filter(|token| !token.is_empty()) {
            let url = args.url.clone().unwrap_or_else(|| local_url(config));
            let client = Client::trusting(&url, token, config.ca_file.as_deref())?;
            return Ok(Self {
                asker: Asker::new(client, tenant_header(token, args.tenant.as_ref())?),
                renewal: None,
            });
        }
        if let Some(url) = &args.url {
            bail!(
                "{url} asks who you are: give a query token in CHALKLINE_TOKEN or with --token; \
                 chalkline token issue makes one where its lake is"
            );
        }
        let registry = registry(config).context(
            "without a token (CHALKLINE_TOKEN, --token) only a Chalkline on this machine is asked",
        )?;
        let otherwise = "name a service with CHALKLINE_URL and give a token in CHALKLINE_TOKEN";
        let url = running_url(config, otherwise)?;
        let tenant = match &args.tenant {
            Some(tenant) => tenant.clone(),
            None => the_only_tenant(&registry).await?,
        };
        let mut renewal = Renewal {
            registry,
            tenant,
            data_dir: config.data_dir.clone(),
            url,
            token: String::new(),
            ca_file: config.ca_file.clone(),
        };
        match renewal.kept() {
            Some(token) => renewal.token = token,
            None => renewal.issue().await?,
        }
        Ok(Self {
            asker: renewal.asker()?,
            renewal: Some(renewal),
        })
    }

    /// What asks.
    pub fn asker(&self) -> &Asker {
        &self.asker
    }

    /// Whether asking again makes sense after this error: a token was made that the service
    /// knows, or the `up` in the data folder listens elsewhere since it was started anew.
    ///
    /// # Errors
    /// When there should be a token and cannot.
    pub async fn renew(&mut self, error: &AskError) -> anyhow::Result<bool> {
        let Some(renewal) = &mut self.renewal else {
            return Ok(false);
        };
        match error {
            AskError::Refused(refusal) if ENDED.contains(&refusal.code.as_str()) => {
                // Who listens there now may be somebody else.
                match Addresses::read(&renewal.data_dir).and_then(|running| running.query_url) {
                    Some(url) => renewal.url = url,
                    None => return Ok(false),
                }
                renewal.issue().await?;
            }
            AskError::Unreachable { .. } => {
                let running = Addresses::read(&renewal.data_dir);
                match running.and_then(|running| running.query_url) {
                    Some(url) if url != renewal.url => renewal.url = url,
                    _ => return Ok(false),
                }
            }
            _ => return Ok(false),
        }
        self.asker = renewal.asker()?;
        Ok(true)
    }
}

/// Where the `up` in the data folder listens, else where the configuration says.
fn local_url(config: &Config) -> String {
    let running = || Addresses::read(&config.data_dir)?.query_url;
    running().unwrap_or_else(|| format!("{}://{}", config.query.tls.scheme(), config.query.listen))
}

/// The tenant that has to be named beside a token that need not name one.
///
/// # Errors
/// When the token cannot be one to ask with, or is another tenant's.
fn tenant_header(token: &str, tenant: Option<&TenantId>) -> anyhow::Result<Option<TenantId>> {
    let Ok(credential) = Credential::parse(token) else {
        // Of an identity provider, or made for a page.
        return Ok(tenant.cloned());
    };
    if credential.kind == CredentialKind::Key {
        bail!(
            "this is a write key, which only posts events: chalkline token issue makes a query \
             token"
        );
    }
    match tenant.filter(|tenant| **tenant != credential.tenant) {
        Some(tenant) => bail!(
            "the token opens the data of {}, not of {tenant}",
            credential.tenant
        ),
        None => Ok(None),
    }
}

impl Renewal {
    fn asker(&self) -> anyhow::Result<Asker> {
        let client = Client::trusting(&self.url, &self.token, self.ca_file.as_deref())?;
        Ok(Asker::new(client, None))
    }

    /// Where tokens are kept, so that the next run need not wait for its own.
    fn file(&self) -> PathBuf {
        self.data_dir.join("sql.json")
    }

    /// The token of an earlier run, if it works for a while.
    fn kept(&self) -> Option<String> {
        let kept = Kept::read(&self.file()).0.remove(&self.tenant)?;
        let is_fresh = kept.expires_at - Clock::system().now() > SESSION / 12;
        is_fresh.then_some(kept.token)
    }

    /// Makes a steward's token, waits until the service knows it, and keeps it in a file
    /// that only the owner of the data folder can read.
    async fn issue(&mut self) -> anyhow::Result<()> {
        let holder = (None, Grant::default());
        let expires_at = Clock::system().now() + SESSION;
        let token =
            session_token(&self.registry, &self.tenant, Role::Steward, &holder, LABEL).await?;
        self.token = token.reveal();
        let asker = self.asker()?;
        for attempt in 1.. {
            match asker.get::<serde_json::Value>("/v1/session").await {
                Err(AskError::Refused(refusal)) if refusal.code == "token_unknown" => {
                    if attempt == ATTEMPTS {
                        bail!("{} serves another lake than this one", asker.url());
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error @ AskError::Unreachable { .. }) => return Err(error.into()),
                _ => break,
            }
        }
        let mut kept = Kept::read(&self.file());
        let now = Clock::system().now();
        kept.0.retain(|_, kept| kept.expires_at > now);
        let entry = KeptToken {
            token: self.token.clone(),
            expires_at,
        };
        kept.0.insert(self.tenant.clone(), entry);
        // Without it the next run makes another one.
        let _ = write_private(&self.file(), &kept);
        Ok(())
    }
}

impl Kept {
    fn read(file: &Path) -> Self {
        let read = || serde_json::from_slice(&std::fs::read(file).ok()?).ok();
        read().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(tenant: &str) -> TenantId {
        TenantId::new(tenant).expect("a slug")
    }

    fn credential(kind: CredentialKind) -> String {
        Credential::new(kind, id("north"), "00000001".to_owned(), [7; 32]).reveal()
    }

    #[test]
    fn a_token_goes_with_its_own_tenant() {
        let token = credential(CredentialKind::Token);
        assert_eq!(tenant_header(&token, None).expect("a token"), None);
        assert_eq!(
            tenant_header(&token, Some(&id("north"))).expect("its own"),
            None
        );
        let error = tenant_header(&token, Some(&id("south"))).expect_err("another's");
        assert!(error.to_string().contains("north"), "{error}");
        let signed = tenant_header("eyJ.e30.x", Some(&id("south"))).expect("of a provider");
        assert_eq!(signed, Some(id("south")));
        let key = credential(CredentialKind::Key);
        assert!(tenant_header(&key, None).is_err());
    }

    #[test]
    fn an_address_of_somebody_elses_gets_no_token_of_ours() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            data_dir: folder.path().to_owned(),
            ..Config::default()
        };
        let args = cli::Sql {
            url: Some("https://query.example".to_owned()),
            ..cli::Sql::default()
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let refused = runtime.block_on(Access::find(&config, &args));
        let error = refused.err().expect("no token").to_string();
        assert!(error.contains("CHALKLINE_TOKEN"), "{error}");
    }
}
