//! Where a provider's keys come from: OpenID Connect Discovery, then its JWKS.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use schemas::{IdentityProvider, is_provider_address};
use serde::Deserialize;
use url::{Host, Url};

use super::keys::KeySet;

/// How long a provider has for an answer, connecting included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest document of a provider; usual ones have a few thousand bytes.
const MAX_BYTES: usize = 256 * 1024;
/// How often an answer may be elsewhere at the same host.
const MAX_REDIRECTS: usize = 3;

/// Why the keys of a provider were not got.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It did not answer, or with an error.
    #[error("{url} does not answer")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What was wrong.
        #[source]
        source: reqwest::Error,
    },
    /// Its answer is too long.
    #[error("{url} answers with more than {MAX_BYTES} bytes")]
    TooLong {
        /// What was asked for.
        url: String,
    },
    /// Its answer is another document.
    #[error("{url} is not the document that it should be")]
    Document {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// It is another provider.
    #[error("{url} is of the issuer {said:?}: set issuer to that, to the letter")]
    Issuer {
        /// What was asked for.
        url: String,
        /// The issuer that it names.
        said: String,
    },
    /// Its keys are at an address that is not asked.
    #[error("the keys are at {url}, which is no address that begins with https://")]
    Address {
        /// The address.
        url: String,
    },
}

/// The keys of a provider as they are now, for who sets it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKeys {
    /// Where they are.
    pub jwks_uri: String,
    /// Each key's id, if it has one, and its algorithm. Keys for other purposes are left
    /// out.
    pub keys: Vec<(Option<String>, schemas::SigningAlgorithm)>,
}

/// Asks a provider for its keys, as the service does.
///
/// # Errors
/// [`FetchError`].
///
/// # Panics
/// When the process has no TLS provider.
pub async fn provider_keys(provider: &IdentityProvider) -> Result<ProviderKeys, FetchError> {
    let http = Http::default();
    let jwks_uri = http
        .jwks_uri(&provider.issuer, provider.jwks_uri.as_deref())
        .await?;
    let keys = http.keys(&jwks_uri).await?;
    let keys = keys.iter().map(|key| (key.id.clone(), key.algorithm()));
    Ok(ProviderKeys {
        keys: keys.collect(),
        jwks_uri,
    })
}

/// Asks providers; made when the first is asked.
#[derive(Default)]
pub(super) struct Http {
    client: OnceLock<reqwest::Client>,
    /// What runs on this machine is not reached through a proxy.
    here: OnceLock<reqwest::Client>,
}

/// The part of a discovery document that is used.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Http {
    /// Where the keys of an issuer are.
    pub(super) async fn jwks_uri(
        &self,
        issuer: &str,
        known: Option<&str>,
    ) -> Result<String, FetchError> {
        if let Some(known) = known {
            return Ok(known.to_owned());
        }
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let document = self.get(&url).await?;
        let found: Discovery = serde_json::from_slice(&document).map_err(|source| {
            let url = url.clone();
            FetchError::Document { url, source }
        })?;
        if found.issuer != issuer {
            let said = found.issuer;
            return Err(FetchError::Issuer { url, said });
        }
        // Only what runs on this machine itself sends us to this machine.
        if issuer.starts_with("https:") && !found.jwks_uri.starts_with("https:") {
            return Err(FetchError::Address {
                url: found.jwks_uri,
            });
        }
        Ok(found.jwks_uri)
    }

    /// The keys at an address.
    pub(super) async fn keys(&self, jwks_uri: &str) -> Result<KeySet, FetchError> {
        let document = self.get(jwks_uri).await?;
        KeySet::read(&document).map_err(|source| FetchError::Document {
            url: jwks_uri.to_owned(),
            source,
        })
    }

    async fn get(&self, address: &str) -> Result<Vec<u8>, FetchError> {
        let url = || address.to_owned();
        if !is_provider_address(address) {
            return Err(FetchError::Address { url: url() });
        }
        let unreachable = |source: reqwest::Error| FetchError::Unreachable {
            url: url(),
            source: source.without_url(),
        };
        let request = self.client(address).get(address);
        let answer = request.header("accept", "application/json").send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        let mut answer = answer.map_err(unreachable)?;
        let mut document = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if document.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLong { url: url() });
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }

    fn client(&self, address: &str) -> &reqwest::Client {
        let url = Url::parse(address).ok();
        let is_here = match url.as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let slot = if is_here { &self.here } else { &self.client };
        slot.get_or_init(|| {
            let mut client = reqwest::Client::builder()
                .timeout(TIMEOUT)
                .redirect(Policy::custom(follow))
                .user_agent(concat!("chalkline/", env!("CARGO_PKG_VERSION")));
            if is_here {
                client = client.no_proxy();
            }
            client.build().expect("a TLS provider is installed")
        })
    }
}

/// Another host might answer whatever it likes.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first().map(Url::origin);
    let stays = first.is_some_and(|origin| origin == attempt.url().origin());
    if stays && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.error("it sends us to another place")
    }
}
