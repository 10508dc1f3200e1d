//! From the `Authorization` header to a [`Principal`].

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use runtime::Registry;
use schemas::{Credential, CredentialKind, Refusal};

use crate::Principal;
use crate::error::{Error, Unauthorised};

/// The principal whose token the request shows.
pub(crate) async fn authenticate(
    headers: &HeaderMap,
    registry: &Registry,
    now: DateTime<Utc>,
) -> Result<Principal, Error> {
    admit(&credential(headers)?, registry, now).await
}

/// The principal whose token this is.
pub(crate) async fn admit(
    credential: &Credential,
    registry: &Registry,
    now: DateTime<Utc>,
) -> Result<Principal, Error> {
    let tenant = registry
        .tenant(&credential.tenant)
        .await
        .map_err(|error| Error::Unavailable(Box::new(error)))?
        .ok_or(Unauthorised::Unknown)?;
    let token = tenant
        .query_token(credential, now)
        .map_err(|refusal| match refusal {
            Refusal::Unknown => Unauthorised::Unknown,
            Refusal::Revoked => Unauthorised::Revoked,
            Refusal::Expired => Unauthorised::Expired,
        })?;
    Ok(Principal {
        tenant: tenant.id.clone(),
        time_zone: tenant.time_zone,
        role: token.role,
        subject: token.subject.clone(),
        grant: token.grant.clone(),
        rules: Arc::new(tenant.access.clone()),
        minimum_cell: tenant.minimum_cell,
        token_id: token.id.clone(),
    })
}

/// The token that the request shows, whether or not it is known.
pub(crate) fn credential(headers: &HeaderMap) -> Result<Credential, Unauthorised> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or(Unauthorised::Missing)?;
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .ok_or(Unauthorised::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unauthorised::Malformed);
    }
    let credential = Credential::parse(token.trim()).map_err(|_| Unauthorised::Malformed)?;
    match credential.kind {
        CredentialKind::Token => Ok(credential),
        CredentialKind::Key => Err(Unauthorised::WriteKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(None, Unauthorised::Missing)]
    #[case(Some("ct_demo_a_b"), Unauthorised::Malformed)]
    #[case(Some("Basic ct_demo_a_b"), Unauthorised::Malformed)]
    #[case(Some("Bearer nonsense"), Unauthorised::Malformed)]
    #[case(Some("Bearer ck_demo_a_b"), Unauthorised::WriteKey)]
    fn what_is_no_token_is_told_apart(#[case] value: Option<&str>, #[case] refusal: Unauthorised) {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
        }
        assert_eq!(credential(&headers), Err(refusal));
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        let mut headers = HeaderMap::new();
        let value = "bearer  ct_demo_a_b".parse().expect("a header");
        headers.insert(header::AUTHORIZATION, value);
        assert!(credential(&headers).is_ok());
    }
}
