//! Those whom a tenant lets say who somebody is: identity providers, by OpenID Connect.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{Grant, GrantProblem, Role};

/// The greatest difference of clocks that may be allowed for, in seconds.
const MAX_CLOCK_SKEW_S: u32 = 300;

/// An identity provider of a tenant, and how its tokens are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
    /// Its address, to the letter as its tokens have it in `iss`.
    pub issuer: String,
    /// Whom its tokens have to be for: the name that it gave to this tenant of ours, in `aud`.
    pub audience: String,
    /// Where its keys are. Not said: where `<issuer>/.well-known/openid-configuration` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// How its tokens may be signed.
    #[serde(default = "all_algorithms")]
    pub algorithms: BTreeSet<SigningAlgorithm>,
    /// By how many seconds its clock and ours may differ.
    #[serde(default = "default_clock_skew_s")]
    pub clock_skew_s: u32,
    /// Where in a token what stands.
    pub claims: ClaimNames,
    /// By what of the roster somebody is found.
    #[serde(default, rename = "match")]
    pub matching: Matching,
}

/// How a token is signed: always with a key of which only the provider has the secret
/// half. Each goes with one kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSA, PKCS #1 v1.5, with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// Its name in tokens and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a name, which is told to the letter.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}

/// Where in a token what stands: a claim's name, or the way to it from the top, as
/// `/realm_access/roles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimNames {
    /// Who they are.
    #[serde(default = "default_subject")]
    pub subject: String,
    /// What they are.
    pub role: RoleClaim,
    /// Which schools a school administrator runs, beside those of the roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schools: Option<String>,
}

/// What the provider calls roles. Whoever it calls nothing that stands here is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleClaim {
    /// The claim: a text, or a list of texts of which one is known.
    #[serde(default = "default_role")]
    pub claim: String,
    /// What its values mean.
    pub values: BTreeMap<String, Role>,
}

/// By what of the roster somebody is found whom a provider names. Of usernames and emails
/// large and small letters are the same, and people whom the roster has disabled are found
/// by neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// The provider says the `user_id` of the roster.
    #[default]
    UserId,
    /// The provider says the `username` of `users`.
    Username,
    /// The provider says the `email` of `users`.
    Email,
}

/// What is wrong with what is said of a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityProblem {
    /// An address that is not asked.
    #[error(
        "{0}: must be an address that begins with https:// (or http:// on this machine), without \
         a name, a question mark or a #"
    )]
    Address(&'static str),
    /// No audience.
    #[error("audience: say for whom the provider's tokens are; others would be let in as well")]
    Audience,
    /// No algorithm.
    #[error("algorithms: name at least one of RS256, ES256, EdDSA")]
    Algorithms,
    /// Too great a difference of clocks.
    #[error("clock_skew_s: must be at most {MAX_CLOCK_SKEW_S}")]
    ClockSkew,
    /// A claim without a name.
    #[error("claims.{0}: name the claim")]
    Claim(&'static str),
    /// Nobody would be let in.
    #[error("claims.role.values: say which role each of the provider's values means")]
    Roles,
    /// A role that needs what a provider does not say.
    #[error("claims.role.values: {value:?} cannot be a {}: {problem}", .role.as_str())]
    Role {
        /// The provider's value.
        value: String,
        /// Its role.
        role: Role,
        /// What it lacks.
        problem: GrantProblem,
    },
}

impl IdentityProvider {
    /// Everything that is wrong with it. None: it can be one of a tenant's.
    pub fn problems(&self) -> Vec<IdentityProblem> {
        let mut problems = Vec::new();
        if !is_address(&self.issuer) {
            problems.push(IdentityProblem::Address("issuer"));
        }
        if self.jwks_uri.as_deref().is_some_and(|uri| !is_address(uri)) {
            problems.push(IdentityProblem::Address("jwks_uri"));
        }
        if self.audience.trim().is_empty() {
            problems.push(IdentityProblem::Audience);
        }
        if self.algorithms.is_empty() {
            problems.push(IdentityProblem::Algorithms);
        }
        if self.clock_skew_s > MAX_CLOCK_SKEW_S {
            problems.push(IdentityProblem::ClockSkew);
        }
        let claims = [
            ("subject", Some(&self.claims.subject)),
            ("role.claim", Some(&self.claims.role.claim)),
            ("schools", self.claims.schools.as_ref()),
        ];
        let unnamed = claims
            .into_iter()
            .filter(|(_, claim)| claim.is_some_and(|claim| claim.trim().is_empty()));
        problems.extend(unnamed.map(|(name, _)| IdentityProblem::Claim(name)));
        if self.claims.role.values.is_empty() {
            problems.push(IdentityProblem::Roles);
        }
        for (value, role) in &self.claims.role.values {
            // Whom it names is somebody; more than that it does not say.
            let lacking = Grant::default().problems(*role, Some("somebody"));
            if let Some(problem) = lacking.into_iter().next() {
                problems.push(IdentityProblem::Role {
                    value: value.clone(),
                    role: *role,
                    problem,
                });
            }
        }
        problems
    }

    /// Whether it is what tokens of that issuer for that audience are read by.
    pub fn is_of(&self, issuer: &str, audience: &str) -> bool {
        self.issuer == issuer && self.audience == audience
    }
}

/// Whether a provider may be asked at an address: so that nobody on the way can answer in
/// its place.
///
/// ```
/// assert!(schemas::is_provider_address("https://login.example/realms/north"));
/// assert!(schemas::is_provider_address("http://127.0.0.1:8080/keys"));
/// assert!(!schemas::is_provider_address("http://login.example"));
/// ```
pub fn is_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_whole = url.query().is_none() && url.fragment().is_none();
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    url.has_host() && is_plain && is_whole && is_safe
}

fn all_algorithms() -> BTreeSet<SigningAlgorithm> {
    SigningAlgorithm::ALL.into()
}

fn default_clock_skew_s() -> u32 {
    60
}

fn default_subject() -> String {
    "sub".to_owned()
}

fn default_role() -> String {
    "role".to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn provider(change: &Value) -> serde_json::Result<IdentityProvider> {
        let mut provider = json!({
            "issuer": "https://login.example/realms/north", "audience": "chalkline-north",
            "claims": {"role": {"values": {"Faculty": "teacher"}}},
        });
        for (name, value) in change.as_object().expect("an object") {
            provider[name] = value.clone();
        }
        serde_json::from_value(provider)
    }

    #[test]
    fn what_is_not_said_is_what_providers_usually_do() {
        let provider = provider(&json!({})).expect("a provider");
        assert_eq!(provider.claims.subject, "sub");
        assert_eq!(provider.claims.role.claim, "role");
        assert_eq!(provider.clock_skew_s, 60);
        assert_eq!(provider.algorithms, SigningAlgorithm::ALL.into());
        let text = serde_json::to_string(&provider).expect("serialises");
        let read: IdentityProvider = serde_json::from_str(&text).expect("reads");
        assert_eq!(read, provider);
    }

    #[rstest]
    #[case(json!({"algorithms": ["none"]}))]
    #[case(json!({"algorithms": ["HS256"]}))]
    #[case(json!({"algorithms": ["rs256"]}))]
    #[case(json!({"claims": {"role": {"values": {"a": "king"}}}}))]
    #[case(json!({"secret": "x"}))]
    #[case(json!({"match": "given_name"}))]
    fn other_documents_are_no_providers(#[case] change: Value) {
        assert!(provider(&change).is_err(), "{change}");
    }

    #[rstest]
    #[case(json!({}), &[])]
    #[case(json!({"jwks_uri": "https://keys.example/north.json"}), &[])]
    #[case(json!({"issuer": "http://localhost:9000"}), &[])]
    #[case(json!({"issuer": "http://login.example"}), &["issuer:"])]
    #[case(json!({"issuer": "login.example"}), &["issuer:"])]
    #[case(json!({"issuer": "https://a@login.example"}), &["issuer:"])]
    #[case(json!({"issuer": "https://login.example?x"}), &["issuer:"])]
    #[case(json!({"jwks_uri": "file:///etc/passwd"}), &["jwks_uri:"])]
    #[case(json!({"audience": ""}), &["audience:"])]
    #[case(json!({"algorithms": []}), &["algorithms:"])]
    #[case(json!({"clock_skew_s": 3600}), &["clock_skew_s:"])]
    #[case(json!({"match": "email"}), &[])]
    #[case(json!({"claims": {"role": {"values": {}}}}), &["claims.role.values:"])]
    #[case(json!({"claims": {"subject": "", "role": {"values": {"a": "student"}}}}),
        &["claims.subject:"])]
    #[case(json!({"claims": {"role": {"values": {"a": "service"}}}}), &["cannot be a service"])]
    fn providers_that_cannot_be_meant_are_refused(
        #[case] change: Value,
        #[case] expected: &[&str],
    ) {
        let problems = provider(&change).expect("a provider").problems();
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), expected.len(), "{texts:?}");
        for (text, expected) in texts.iter().zip(expected) {
            assert!(text.contains(expected), "{text}");
        }
    }
}
