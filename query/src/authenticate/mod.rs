//! From the `Authorization` header to a [`Principal`].
//!
//! | file | |
//! |---|---|
//! | `bearer.rs` | which kind of credential the header holds |
//! | `jws.rs` | the signed tokens of identity providers, and our own |
//! | `keys.rs` | the public keys of a provider, and what they have signed |
//! | `fetch.rs` | where a provider's keys come from |
//! | `providers.rs` | for how long they are kept, and when they are asked for again |
//! | `claims.rs` | who somebody is by a provider's token |
//! | `people.rs` | whom the roster calls so |
//! | `embed.rs`, `narrow.rs` | tokens of ours for pages, never wider than their parent |

mod bearer;
mod claims;
mod embed;
mod fetch;
mod jws;
mod keys;
mod narrow;
mod people;
mod providers;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use runtime::{Clock, Registry};
use schemas::{Credential, Refusal, Tenant, TenantId};

pub(crate) use self::bearer::{Bearer, bearer};
pub(crate) use self::embed::{Embedded, Wish};
pub use self::fetch::{FetchError, ProviderKeys, provider_keys};
use self::jws::Jws;
pub(crate) use self::narrow::TooWide;
pub(crate) use self::people::People;
use self::providers::Providers;
use crate::Principal;
use crate::error::{Error, Unauthorised};
use crate::principal::{Holder, Shown};

/// Says whose data a token of an identity provider asks about, where no claim does.
const TENANT_HEADER: &str = "x-chalkline-tenant";

/// Knows who may come in.
pub(crate) struct Door {
    registry: Registry,
    clock: Clock,
    providers: Providers,
    people: People,
}

impl Door {
    pub(crate) fn new(registry: Registry, clock: Clock, people: People) -> Self {
        Self {
            registry,
            clock,
            providers: Providers::default(),
            people,
        }
    }

    /// The principal whose credential the request shows.
    pub(crate) async fn principal(&self, headers: &HeaderMap) -> Result<Principal, Error> {
        match bearer(headers)? {
            Bearer::Token(credential) => self.admit(&credential).await,
            Bearer::Embed { tenant, token } => {
                let tenant = self.tenant(&tenant).await?.ok_or(Unauthorised::Unknown)?;
                let holder = self.open(&tenant, &token).await?;
                check_origin(&tenant, headers)?;
                Ok(Principal::of(&tenant, holder))
            }
            Bearer::Identity(token) => self.identify(headers, &token).await,
        }
    }

    /// The principal whose token this is.
    pub(crate) async fn admit(&self, credential: &Credential) -> Result<Principal, Error> {
        let tenant = self.tenant(&credential.tenant).await?;
        let tenant = tenant.ok_or(Unauthorised::Unknown)?;
        let token = tenant
            .query_token(credential, self.now())
            .map_err(refused)?;
        let holder = Holder {
            role: token.role,
            subject: token.subject.clone(),
            grant: token.grant.clone(),
            credential: Shown::Token,
            token_id: token.id.clone(),
        };
        Ok(Principal::of(&tenant, holder))
    }

    /// A token for a page, made with the query token that the request shows.
    pub(crate) async fn embed(&self, parent: &Credential, wish: Wish) -> Result<Embedded, Error> {
        let tenant = self.tenant(&parent.tenant).await?;
        let tenant = tenant.ok_or(Unauthorised::Unknown)?;
        let parent = tenant.query_token(parent, self.now()).map_err(refused)?;
        let claims = embed::claims(&tenant.id, parent, wish, self.now())?;
        let key = self.registry.make_signing_key(&tenant.id).await;
        let key = key.map_err(unavailable)?;
        Ok(claims.sign(&key))
    }

    /// Whether pages of a site may read what is answered to this request: those that the
    /// tenant of its embed token names.
    pub(crate) async fn may_read(&self, headers: &HeaderMap) -> bool {
        let Ok(Bearer::Embed { tenant, .. }) = bearer(headers) else {
            return false;
        };
        let Ok(Some(tenant)) = self.tenant(&tenant).await else {
            return false;
        };
        headers.contains_key(header::ORIGIN) && check_origin(&tenant, headers).is_ok()
    }

    async fn open(&self, tenant: &Tenant, token: &Jws) -> Result<Holder, Error> {
        let claims = embed::read(token)?;
        // Whoever makes tokens up does not have us look for a key.
        claims.parent(tenant, self.now())?;
        let key = self.registry.signing_key(&tenant.id).await;
        let key = key.map_err(unavailable)?.ok_or(Unauthorised::Unknown)?;
        Ok(embed::open(token, &key, tenant, self.now())?)
    }

    async fn identify(&self, headers: &HeaderMap, token: &Jws) -> Result<Principal, Error> {
        let id = tenant_of(headers, token)?;
        // That there is no such tenant is nobody's business.
        let tenant = self.tenant(&id).await?.ok_or(Unauthorised::Issuer)?;
        let provider = claims::provider(&token.claims, &tenant.identity_providers)?;
        let algorithm = token.algorithm(&provider.algorithms)?;
        let now = self.now();
        let key = self
            .providers
            .key(provider, token.key_id(), algorithm, now)
            .await?;
        if !key.has_signed(token.signed(), token.signature()) {
            return Err(Unauthorised::Signature.into());
        }
        let identity = claims::identify(&token.claims, provider, now)?;
        let asked = now.timestamp_micros().unsigned_abs();
        let said = (identity.subject.as_str(), identity.role);
        let subject = self
            .people
            .subject(&tenant.id, provider.matching, said, asked);
        let subject = subject.await?;
        let holder = Holder {
            role: identity.role,
            subject: Some(subject),
            grant: identity.grant,
            credential: Shown::Identity {
                issuer: provider.issuer.clone(),
            },
            token_id: identity.token_id.unwrap_or_else(|| token.digest()),
        };
        Ok(Principal::of(&tenant, holder))
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, Error> {
        self.registry.tenant(id).await.map_err(unavailable)
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// Whose data a provider's token asks about. It is believed only as far as that tenant's
/// own provider has signed the token.
fn tenant_of(headers: &HeaderMap, token: &Jws) -> Result<TenantId, Unauthorised> {
    let said = headers.get(TENANT_HEADER);
    let said = said.map(|value| value.to_str().map_err(|_| Unauthorised::Tenant));
    let said = said.transpose()?;
    let claimed = match token.claims.get(claims::TENANT) {
        None => None,
        Some(claim) => Some(claim.as_str().ok_or(Unauthorised::Tenant)?),
    };
    if claimed.is_some() && said.is_some() && claimed != said {
        return Err(Unauthorised::Tenant);
    }
    let name = claimed.or(said).ok_or(Unauthorised::Tenant)?;
    TenantId::new(name).map_err(|_| Unauthorised::Tenant)
}

/// Pages of the sites that the tenant names may use embed tokens, and servers, which name
/// no site.
fn check_origin(tenant: &Tenant, headers: &HeaderMap) -> Result<(), Error> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    if tenant.embed_origins.iter().any(|site| site.allows(origin)) {
        return Ok(());
    }
    Err(Error::Forbidden {
        code: "origin_not_allowed",
        detail: "Pages of this site may not use embed tokens of this tenant; allow it with \
                 `chalkline tenant set --embed-origin`."
            .to_owned(),
    })
}

fn refused(refusal: Refusal) -> Unauthorised {
    match refusal {
        Refusal::Unknown => Unauthorised::Unknown,
        Refusal::Revoked => Unauthorised::Revoked,
        Refusal::Expired => Unauthorised::Expired,
    }
}

fn unavailable(error: runtime::RegistryError) -> Error {
    Error::Unavailable(Box::new(error))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(json!({"chalkline_tenant": "north"}), None, Some("north"))]
    #[case(json!({}), Some("north"), Some("north"))]
    #[case(json!({"chalkline_tenant": "north"}), Some("north"), Some("north"))]
    #[case(json!({"chalkline_tenant": "north"}), Some("south"), None)]
    #[case(json!({"chalkline_tenant": ["north"]}), Some("north"), None)]
    #[case(json!({"chalkline_tenant": null}), Some("north"), None)]
    #[case(json!({"chalkline_tenant": "../north"}), None, None)]
    #[case(json!({}), Some("North"), None)]
    #[case(json!({}), None, None)]
    fn a_token_asks_about_one_tenant(
        #[case] claims: Value,
        #[case] said: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let mut headers = HeaderMap::new();
        if let Some(said) = said {
            headers.insert(TENANT_HEADER, said.parse().expect("a header"));
        }
        let token = jws::tests::token(&json!({"alg": "RS256"}), &claims);
        let token = Jws::parse(&token).expect("a token");
        let tenant = tenant_of(&headers, &token);
        assert_eq!(tenant.ok().as_ref().map(TenantId::as_str), expected);
    }
}
