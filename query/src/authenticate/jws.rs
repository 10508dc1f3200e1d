//! Signed tokens as they come: JSON Web Tokens in the compact form of JWS (RFC 7515).
//!
//! Nothing that a token says is true until its signature is verified. What it says of
//! keys (`jwk`, `jku`, `x5u`, `x5c`) is never even read.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::SigningAlgorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::error::Unauthorised;

/// The longest token; those of providers have a few hundred bytes.
const MAX_BYTES: usize = 16 * 1024;

/// What tokens that say who somebody is call themselves, in any case; one that is for
/// something else, to log somebody out for example, says so here.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// A token taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Jws {
    head: Head,
    /// What it claims. The only reading of it: what is verified is what was looked at.
    pub(super) claims: Map<String, Value>,
    /// The text that is signed.
    signed: String,
    signature: Vec<u8>,
}

/// What a token says of itself. A member that stands twice is an error.
#[derive(Debug, PartialEq, Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// What one has to understand to read the token; we understand nothing special.
    #[serde(default, deserialize_with = "there")]
    crit: bool,
}

/// That a member is there, whatever it is.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Jws {
    /// Takes a token apart.
    pub(super) fn parse(text: &str) -> Result<Self, Unauthorised> {
        if text.len() > MAX_BYTES {
            return Err(Unauthorised::TooLong);
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [head, claims, signature] = parts[..] else {
            return Err(Unauthorised::Malformed);
        };
        let signed = format!("{head}.{claims}");
        let head: Head = read(head)?;
        let is_other = |typ: &String| !TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ));
        if head.crit || head.typ.as_ref().is_some_and(is_other) {
            return Err(Unauthorised::Malformed);
        }
        Ok(Self {
            head,
            claims: read(claims)?,
            signed,
            signature: decode(signature)?,
        })
    }

    /// How it says that it is signed, if that is one of these. That the key is of that
    /// kind is seen to when one is looked for.
    pub(super) fn algorithm(
        &self,
        allowed: &BTreeSet<SigningAlgorithm>,
    ) -> Result<SigningAlgorithm, Unauthorised> {
        let said = SigningAlgorithm::from_name(&self.head.alg);
        said.filter(|algorithm| allowed.contains(algorithm))
            .ok_or(Unauthorised::Algorithm)
    }

    /// Whether it says that it is signed with a secret, HS256, as our own are.
    pub(super) fn is_hs256(&self) -> bool {
        self.head.alg == HS256
    }

    /// With which of the provider's keys it says that it is signed.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.head.kid.as_deref()
    }

    pub(super) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Tells the token from others, and nothing else.
    pub(super) fn digest(&self) -> String {
        let digest = Sha256::digest(&self.signed);
        digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

const HS256: &str = "HS256";

/// What is to be signed for a token of ours, up to its second dot.
pub(super) fn unsigned(claims: &impl Serialize) -> String {
    let head = serde_json::json!({"alg": HS256, "typ": "JWT"}).to_string();
    let claims = serde_json::to_vec(claims).expect("claims have only text keys");
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(head),
        URL_SAFE_NO_PAD.encode(claims)
    )
}

fn decode(part: &str) -> Result<Vec<u8>, Unauthorised> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Unauthorised::Malformed)
}

fn read<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Unauthorised> {
    serde_json::from_slice(&decode(part)?).map_err(|_| Unauthorised::Malformed)
}

#[cfg(test)]
pub(super) mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// A token with a signature that is none.
    pub(in crate::authenticate) fn token(head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(head), part(claims))
    }

    #[rstest]
    #[case(json!({"alg": "RS256"}), true)]
    #[case(json!({"alg": "RS256", "typ": "jwt", "kid": "1"}), true)]
    #[case(json!({"alg": "RS256", "typ": "at+jwt"}), true)]
    #[case(json!({"alg": "RS256", "jku": "https://evil.example", "jwk": {}}), true)]
    #[case(json!({"alg": "RS256", "typ": "logout+jwt"}), false)]
    #[case(json!({"alg": "RS256", "crit": ["b64"], "b64": false}), false)]
    #[case(json!({"alg": "RS256", "crit": null}), false)]
    #[case(json!({"alg": "RS256", "kid": 7}), false)]
    #[case(json!({"alg": ["RS256"]}), false)]
    #[case(json!({}), false)]
    fn heads_that_are_not_understood_are_refused(#[case] head: Value, #[case] good: bool) {
        let parsed = Jws::parse(&token(&head, &json!({})));
        assert_eq!(parsed.is_ok(), good, "{parsed:?}");
    }

    #[rstest]
    #[case("")]
    #[case("a.b.c")]
    #[case("e30.e30.")]
    #[case("eyJhbGciOiJSUzI1NiJ9.W10.c2ln")]
    #[case("eyJhbGciOiJSUzI1NiJ9.e30=.c2ln")]
    #[case("eyJhbGciOiJSUzI1NiJ9.e30.c2+n")]
    #[case("eyJhbGciOiJSUzI1NiIsImFsZyI6IkhTMjU2In0.e30.c2ln")]
    fn other_texts_are_no_tokens(#[case] text: &str) {
        assert_eq!(Jws::parse(text), Err(Unauthorised::Malformed), "{text}");
    }

    #[test]
    fn long_tokens_are_not_read() {
        let long = token(
            &json!({"alg": "RS256"}),
            &json!({"a": "x".repeat(MAX_BYTES)}),
        );
        assert_eq!(Jws::parse(&long), Err(Unauthorised::TooLong));
    }

    #[rstest]
    #[case("RS256", true)]
    #[case("ES256", false)]
    #[case("none", false)]
    #[case("None", false)]
    #[case("", false)]
    #[case("HS256", false)]
    #[case("rs256", false)]
    #[case("RS512", false)]
    fn only_what_the_provider_signs_with_is_verified(#[case] alg: &str, #[case] good: bool) {
        let jws = Jws::parse(&token(&json!({"alg": alg}), &json!({}))).expect("a token");
        let allowed = BTreeSet::from([SigningAlgorithm::Rs256, SigningAlgorithm::EdDsa]);
        assert_eq!(jws.algorithm(&allowed).is_ok(), good);
    }
}
