//! Who somebody is by a token of an identity provider. A pure decision: the token's
//! signature is verified before it counts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemas::{Grant, IdentityProvider, Matching, Role};
use serde_json::{Map, Value};

use crate::error::Unauthorised;

/// The claim that says whose data are asked about.
pub(super) const TENANT: &str = "chalkline_tenant";

/// The claim that says whether somebody has shown that an email is theirs.
const EMAIL_VERIFIED: &str = "email_verified";

/// The longest name of somebody.
const MAX_SUBJECT: usize = 256;
/// The longest id of a token that is written to logs.
const MAX_TOKEN_ID: usize = 128;

/// What a token says of its holder.
#[derive(Debug, PartialEq)]
pub(super) struct Identity {
    pub(super) subject: String,
    pub(super) role: Role,
    pub(super) grant: Grant,
    pub(super) token_id: Option<String>,
}

/// The provider whose token it says that it is, for whom it says that it is.
pub(super) fn provider<'a>(
    claims: &Map<String, Value>,
    providers: &'a [IdentityProvider],
) -> Result<&'a IdentityProvider, Unauthorised> {
    let issuer = claims.get("iss").and_then(Value::as_str);
    let issuer = issuer.ok_or(Unauthorised::Issuer)?;
    let mut of_issuer = providers
        .iter()
        .filter(|provider| provider.issuer == issuer)
        // What was written into the document by hand counts no more than by command.
        .filter(|provider| provider.problems().is_empty())
        .peekable();
    if of_issuer.peek().is_none() {
        return Err(Unauthorised::Issuer);
    }
    let audiences = texts(claims.get("aud")).ok_or(Unauthorised::Audience)?;
    of_issuer
        .find(|provider| audiences.contains(provider.audience.as_str()))
        .ok_or(Unauthorised::Audience)
}

/// Who somebody is by a token of the provider.
pub(super) fn identify(
    claims: &Map<String, Value>,
    provider: &IdentityProvider,
    now: DateTime<Utc>,
) -> Result<Identity, Unauthorised> {
    check_times(claims, f64::from(provider.clock_skew_s), now)?;
    let names = &provider.claims;
    let subject = match claim(claims, &names.subject) {
        Some(Value::String(subject)) => subject.clone(),
        Some(Value::Number(number)) if number.is_u64() => number.to_string(),
        _ => return Err(Unauthorised::Subject),
    };
    if subject.trim().is_empty() || subject.len() > MAX_SUBJECT {
        return Err(Unauthorised::Subject);
    }
    // Whoever may write any address into a profile must not become its owner.
    let is_verified = claims.get(EMAIL_VERIFIED).is_none_or(is_true);
    if provider.matching == Matching::Email && !is_verified {
        return Err(Unauthorised::Unverified);
    }
    let said = texts(claim(claims, &names.role.claim)).ok_or(Unauthorised::Role)?;
    let roles: BTreeSet<Role> = said
        .into_iter()
        .filter_map(|value| names.role.values.get(value).copied())
        .collect();
    let role = match (roles.len(), roles.into_iter().next()) {
        (1, Some(role)) => role,
        (0, _) => return Err(Unauthorised::Role),
        _ => return Err(Unauthorised::Roles),
    };
    let mut grant = Grant::default();
    if role == Role::SchoolAdmin
        && let Some(schools) = &names.schools
        && let Some(said) = claim(claims, schools)
    {
        let said = texts(Some(said)).ok_or(Unauthorised::Role)?;
        grant.schools = said.into_iter().map(str::to_owned).collect();
    }
    if !grant.problems(role, Some(&subject)).is_empty() {
        return Err(Unauthorised::Role);
    }
    let token_id = claims.get("jti").and_then(Value::as_str);
    let is_sound = |id: &&str| {
        (1..=MAX_TOKEN_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    Ok(Identity {
        subject,
        role,
        grant,
        token_id: token_id.filter(is_sound).map(str::to_owned),
    })
}

/// That it is its time, within what the clocks may differ.
fn check_times(
    claims: &Map<String, Value>,
    skew: f64,
    now: DateTime<Utc>,
) -> Result<(), Unauthorised> {
    let seconds = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
            seconds.map(Some).ok_or(Unauthorised::Malformed)
        }
    };
    let now = now.timestamp() as f64;
    let ends = seconds("exp")?.ok_or(Unauthorised::Endless)?;
    if ends + skew <= now {
        return Err(Unauthorised::Over);
    }
    for name in ["nbf", "iat"] {
        if seconds(name)?.is_some_and(|begins| begins - skew > now) {
            return Err(Unauthorised::Early);
        }
    }
    Ok(())
}

/// Some providers write it as a text.
fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}

/// A claim by its name, or by the way to it from the top.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(way) = name.strip_prefix('/') else {
        return claims.get(name);
    };
    let mut steps = way
        .split('/')
        .map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = claims.get(&steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

/// A text or a list of texts.
fn texts(value: Option<&Value>) -> Option<BTreeSet<&str>> {
    match value? {
        Value::String(text) => Some(BTreeSet::from([text.as_str()])),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn north() -> IdentityProvider {
        let document = json!({
            "issuer": "https://login.example", "audience": "chalkline",
            "claims": {
                "role": {"claim": "/realm/roles", "values": {
                    "Faculty": "teacher", "Lehrkraft": "teacher", "Head": "school_admin",
                    "Parent": "guardian",
                }},
                "schools": "https://north.example/schools",
            },
        });
        serde_json::from_value(document).expect("a provider")
    }

    fn claims(change: Value) -> Map<String, Value> {
        let claims = json!({
            "iss": "https://login.example", "aud": ["other", "chalkline"], "sub": "t-1",
            "exp": NOW + 300, "realm": {"roles": ["offline_access", "Faculty"]},
        });
        let Value::Object(mut claims) = claims else {
            unreachable!("it is an object")
        };
        let Value::Object(change) = change else {
            unreachable!("it is an object")
        };
        for (name, value) in change {
            match value.is_null() {
                true => drop(claims.remove(&name)),
                false => drop(claims.insert(name, value)),
            }
        }
        claims
    }

    #[rstest]
    #[case(json!({}), Ok((Role::Teacher, "t-1")))]
    #[case(json!({"sub": 42}), Ok((Role::Teacher, "42")))]
    #[case(json!({"sub": null}), Err(Unauthorised::Subject))]
    #[case(json!({"sub": " "}), Err(Unauthorised::Subject))]
    #[case(json!({"sub": -1}), Err(Unauthorised::Subject))]
    #[case(json!({"sub": "x".repeat(257)}), Err(Unauthorised::Subject))]
    #[case(json!({"realm": {"roles": "Faculty"}}), Ok((Role::Teacher, "t-1")))]
    #[case(json!({"realm": {"roles": ["Faculty", "Lehrkraft"]}}), Ok((Role::Teacher, "t-1")))]
    #[case(json!({"realm": {"roles": ["Faculty", "Parent"]}}), Err(Unauthorised::Roles))]
    #[case(json!({"realm": {"roles": ["teacher"]}}), Err(Unauthorised::Role))]
    #[case(json!({"realm": {"roles": []}}), Err(Unauthorised::Role))]
    #[case(json!({"realm": {"roles": [7, "Faculty"]}}), Err(Unauthorised::Role))]
    #[case(json!({"realm": null, "role": "Faculty"}), Err(Unauthorised::Role))]
    #[case(json!({"exp": null}), Err(Unauthorised::Endless))]
    #[case(json!({"exp": "never"}), Err(Unauthorised::Malformed))]
    #[case(json!({"exp": NOW - 59}), Ok((Role::Teacher, "t-1")))]
    #[case(json!({"exp": NOW - 60}), Err(Unauthorised::Over))]
    #[case(json!({"exp": -1}), Err(Unauthorised::Over))]
    #[case(json!({"exp": NOW as f64 + 0.5}), Ok((Role::Teacher, "t-1")))]
    #[case(json!({"nbf": NOW + 60}), Ok((Role::Teacher, "t-1")))]
    #[case(json!({"nbf": NOW + 61}), Err(Unauthorised::Early))]
    #[case(json!({"nbf": "0"}), Err(Unauthorised::Malformed))]
    #[case(json!({"iat": NOW + 61}), Err(Unauthorised::Early))]
    fn people_are_who_their_provider_says(
        #[case] change: Value,
        #[case] expected: Result<(Role, &str), Unauthorised>,
    ) {
        let now = DateTime::from_timestamp(NOW, 0).expect("a time");
        let found = identify(&claims(change), &north(), now);
        let found = found.map(|identity| (identity.role, identity.subject));
        assert_eq!(found, expected.map(|(role, id)| (role, id.to_owned())));
    }

    #[rstest]
    #[case(json!({}), Ok(()))]
    #[case(json!({"aud": "chalkline"}), Ok(()))]
    #[case(json!({"aud": "chalklin"}), Err(Unauthorised::Audience))]
    #[case(json!({"aud": null}), Err(Unauthorised::Audience))]
    #[case(json!({"aud": {"chalkline": true}}), Err(Unauthorised::Audience))]
    #[case(json!({"iss": null}), Err(Unauthorised::Issuer))]
    #[case(json!({"iss": ["https://login.example"]}), Err(Unauthorised::Issuer))]
    #[case(json!({"iss": "https://login.example/"}), Err(Unauthorised::Issuer))]
    fn a_token_is_read_by_its_own_provider(
        #[case] change: Value,
        #[case] expected: Result<(), Unauthorised>,
    ) {
        let mut other = north();
        other.audience = "elsewhere".to_owned();
        let mut unsafe_one = north();
        unsafe_one.issuer = "http://login.example".to_owned();
        let providers = [other, unsafe_one, north()];
        let found = provider(&claims(change), &providers);
        assert_eq!(found.map(|one| assert_eq!(*one, north())), expected);
    }

    #[test]
    fn what_was_written_by_hand_and_cannot_be_meant_lets_nobody_in() {
        let mut provider = north();
        provider.issuer = "http://login.example".to_owned();
        let claims = claims(json!({"iss": "http://login.example"}));
        assert_eq!(
            super::provider(&claims, &[provider]),
            Err(Unauthorised::Issuer)
        );
    }

    #[rstest]
    #[case(json!(["north", "south"]), Ok(&["north", "south"][..]))]
    #[case(json!("north"), Ok(&["north"][..]))]
    #[case(json!(7), Err(Unauthorised::Role))]
    fn schools_are_those_of_an_administrator(
        #[case] schools: Value,
        #[case] expected: Result<&[&str], Unauthorised>,
    ) {
        let now = DateTime::from_timestamp(NOW, 0).expect("a time");
        let head = json!({
            "realm": {"roles": ["Head"]}, "https://north.example/schools": schools,
            "jti": "a\nb",
        });
        let found = identify(&claims(head), &north(), now);
        let expected =
            expected.map(|schools| schools.iter().map(|school| (*school).to_owned()).collect());
        assert_eq!(found.map(|identity| identity.grant.schools), expected);
        let teacher = json!({"https://north.example/schools": schools});
        let found = identify(&claims(teacher), &north(), now).expect("a teacher");
        assert_eq!(found.grant, Grant::default());
    }
}
