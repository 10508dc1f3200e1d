//! Which kind of credential a request shows.

use axum::http::{HeaderMap, header};
use schemas::{Credential, CredentialKind, TenantId};

use super::embed;
use super::jws::Jws;
use crate::error::Unauthorised;

/// A credential as it was shown; nobody has looked yet whether it is known.
#[derive(Debug, PartialEq)]
pub(crate) enum Bearer {
    /// A query token, `ct_…`.
    Token(Credential),
    /// An embed token, `ce_…`.
    Embed {
        /// Whose data it says that it opens.
        tenant: TenantId,
        /// What was signed.
        token: Jws,
    },
    /// A token of an identity provider.
    Identity(Jws),
}

/// What the request shows.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Bearer, Unauthorised> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or(Unauthorised::Missing)?;
    let (scheme, text) = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .ok_or(Unauthorised::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unauthorised::Malformed);
    }
    let text = text.trim();
    if let Some(rest) = text.strip_prefix(embed::PREFIX) {
        let (tenant, token) = rest.split_once('_').ok_or(Unauthorised::Malformed)?;
        return Ok(Bearer::Embed {
            tenant: TenantId::new(tenant).map_err(|_| Unauthorised::Malformed)?,
            token: Jws::parse(token)?,
        });
    }
    // Neither kind of ours has a dot, nor have signed tokens fewer than two.
    if text.contains('.') {
        return Jws::parse(text).map(Bearer::Identity);
    }
    let credential = Credential::parse(text).map_err(|_| Unauthorised::Malformed)?;
    match credential.kind {
        CredentialKind::Token => Ok(Bearer::Token(credential)),
        CredentialKind::Key => Err(Unauthorised::WriteKey),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::authenticate::jws::tests::token;

    fn shown(value: &str) -> Result<Bearer, Unauthorised> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
        bearer(&headers)
    }

    #[rstest]
    #[case("ct_demo_a_b", Unauthorised::Malformed)]
    #[case("Basic ct_demo_a_b", Unauthorised::Malformed)]
    #[case("Bearer nonsense", Unauthorised::Malformed)]
    #[case("Bearer ck_demo_a_b", Unauthorised::WriteKey)]
    #[case("Bearer a.b", Unauthorised::Malformed)]
    #[case("Bearer a.b.c.d.e", Unauthorised::Malformed)]
    #[case("Bearer ce_demo", Unauthorised::Malformed)]
    #[case("Bearer ce_Demo_a.b.c", Unauthorised::Malformed)]
    fn what_is_no_token_is_told_apart(#[case] value: &str, #[case] refusal: Unauthorised) {
        assert_eq!(shown(value), Err(refusal));
    }

    #[test]
    fn a_request_without_any_is_told_apart() {
        assert_eq!(bearer(&HeaderMap::new()), Err(Unauthorised::Missing));
    }

    #[test]
    fn each_kind_is_known_and_the_scheme_is_read_in_any_case() {
        assert!(matches!(shown("bearer  ct_demo_a_b"), Ok(Bearer::Token(_))));
        let signed = token(&json!({"alg": "HS256"}), &json!({"_": "~"}));
        assert!(matches!(
            shown(&format!("Bearer {signed}")),
            Ok(Bearer::Identity(_))
        ));
        let embed = shown(&format!("Bearer ce_demo_{signed}"));
        assert!(matches!(embed, Ok(Bearer::Embed { tenant, .. }) if tenant.as_str() == "demo"));
    }
}
