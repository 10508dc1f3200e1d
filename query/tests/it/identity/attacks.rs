//! Tokens that somebody made up, found or changed.

use ring::hmac;
use serde_json::{Value, json};

use super::Trusting;
use super::provider::Provider;
use super::signer::{Signer, encode, unsigned};

#[tokio::test]
async fn claims_that_do_not_hold_let_nobody_in() {
    let trusting = Trusting::new().await;
    let now = trusting.school.clock.now().timestamp();
    for (changes, code) in [
        (
            json!({"iss": "https://login.example"}),
            "token_issuer_unknown",
        ),
        (json!({"iss": null}), "token_issuer_unknown"),
        (json!({"aud": "chalkline-south"}), "token_audience_wrong"),
        (json!({"aud": []}), "token_audience_wrong"),
        (json!({"aud": null}), "token_audience_wrong"),
        (json!({"exp": now - 60}), "token_expired"),
        (json!({"exp": null}), "token_expiry_missing"),
        (json!({"exp": "2027-01-01"}), "token_malformed"),
        (json!({"nbf": now + 120}), "token_not_yet_valid"),
        (json!({"iat": now + 120}), "token_not_yet_valid"),
        (json!({"sub": null}), "token_subject_missing"),
        (json!({"role": null}), "token_role_unknown"),
        (json!({"role": ["IT", "Faculty"]}), "token_role_ambiguous"),
        (json!({"padding": "x".repeat(16 * 1024)}), "token_too_long"),
    ] {
        let token = trusting.token(&changes);
        assert_eq!(trusting.outcome(&token).await, code, "{changes}");
    }
    // Clocks may differ a little.
    for changes in [json!({"exp": now - 59}), json!({"nbf": now + 60})] {
        let token = trusting.token(&changes);
        assert_eq!(trusting.outcome(&token).await, "answered", "{changes}");
    }
}

#[tokio::test]
async fn tokens_that_the_provider_has_not_signed_let_nobody_in() {
    let trusting = Trusting::new().await;
    let claims = trusting.claims(&json!({"role": "IT"}));
    let head = |alg: &str| json!({"alg": alg, "kid": "first", "typ": "JWT"});
    let good = trusting.token(&json!({}));
    let (good_text, good_signature) = good.rsplit_once('.').expect("a signature");
    let good_claims = good_text.split_once('.').expect("claims").1;
    let stranger = Signer::es256("first");
    let elsewhere = Provider::start(vec![stranger.jwk()]).await;
    let keys_elsewhere = format!("{}/keys", elsewhere.issuer());
    let es256 = unsigned(&head("ES256"), &claims);

    let with_own_key = |member: &str, value: Value| {
        let mut head = json!({"alg": "ES256", "kid": "first"});
        head[member] = value;
        stranger.token_with(&head, &claims)
    };
    let attempts = [
        (
            "no signature",
            format!("{}.", unsigned(&head("none"), &claims)),
            "token_algorithm_refused",
        ),
        (
            "no signature, cased",
            format!("{}.", unsigned(&head("nOnE"), &claims)),
            "token_algorithm_refused",
        ),
        (
            "a good one cut",
            format!("{good_text}."),
            "token_signature_invalid",
        ),
        ("two parts", good_text.to_owned(), "token_malformed"),
        ("five parts", format!("{good}.a.b"), "token_malformed"),
        (
            "changed claims",
            format!("{es256}.{good_signature}"),
            "token_signature_invalid",
        ),
        (
            "changed head",
            format!(
                "{}.{good_claims}.{good_signature}",
                encode(json!({"alg": "ES256"}).to_string())
            ),
            "token_signature_invalid",
        ),
        (
            "zeros",
            format!("{es256}.{}", encode([0; 64])),
            "token_signature_invalid",
        ),
        (
            "nothing at all",
            format!("{es256}.{}", encode([])),
            "token_signature_invalid",
        ),
        (
            "a stranger's key",
            stranger.token(&claims),
            "token_signature_invalid",
        ),
        (
            "its own key",
            with_own_key("jwk", stranger.jwk()),
            "token_signature_invalid",
        ),
        (
            "keys elsewhere",
            with_own_key("jku", json!(keys_elsewhere)),
            "token_signature_invalid",
        ),
        (
            "certificates elsewhere",
            with_own_key("x5u", json!(keys_elsewhere)),
            "token_signature_invalid",
        ),
        (
            "understand this",
            with_own_key("crit", json!(["exp"])),
            "token_malformed",
        ),
        (
            "another purpose",
            with_own_key("typ", json!("logout+jwt")),
            "token_malformed",
        ),
        (
            "another algorithm",
            format!("{}.{good_signature}", unsigned(&head("RS256"), &claims)),
            "token_key_unknown",
        ),
        (
            "an unlisted algorithm",
            format!("{}.{good_signature}", unsigned(&head("ES384"), &claims)),
            "token_algorithm_refused",
        ),
    ];
    for (what, token, code) in attempts {
        assert_eq!(trusting.outcome(&token).await, code, "{what}");
    }
    for id in [
        "../../../../dev/null",
        "/etc/passwd",
        "' OR 1=1 --",
        "http://169.254.169.254/",
        "first\u{0}",
        "",
        "FIRST",
    ] {
        let head = json!({"alg": "ES256", "kid": id});
        let token = trusting.signer.token_with(&head, &claims);
        assert_eq!(trusting.outcome(&token).await, "token_key_unknown", "{id}");
    }
    assert_eq!(elsewhere.asked(), 0, "a token sent us elsewhere");
    assert_eq!(trusting.provider.asked(), 1);
    assert_eq!(trusting.outcome(&good).await, "answered");
}

/// Who takes a public key for a secret lets everybody in who has read it.
#[tokio::test]
async fn a_public_key_is_no_secret() {
    let trusting = Trusting::with(Signer::rs256("first")).await;
    let claims = trusting.claims(&json!({"role": "IT"}));
    let jwk = trusting.signer.jwk();
    let modulus = jwk["n"].as_str().expect("a modulus");
    for secret in [modulus.to_owned(), jwk.to_string()] {
        for alg in ["HS256", "RS256"] {
            let text = unsigned(&json!({"alg": alg, "kid": "first"}), &claims);
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let token = format!("{text}.{}", encode(hmac::sign(&key, text.as_bytes())));
            let code = match alg {
                "HS256" => "token_algorithm_refused",
                _ => "token_signature_invalid",
            };
            assert_eq!(trusting.outcome(&token).await, code);
        }
    }
}

#[tokio::test]
async fn a_provider_that_signs_in_one_way_is_held_to_it() {
    let trusting = Trusting::new().await;
    let other = Signer::ed25519("second");
    trusting
        .provider
        .publish(vec![trusting.signer.jwk(), other.jwk()]);
    let issuer = trusting.provider.issuer();
    let changes = json!({"algorithms": ["ES256"]});
    super::trust(&trusting.school, "north", &issuer, changes).await;
    let token = trusting.token(&json!({}));
    assert_eq!(trusting.outcome(&token).await, "answered");
    let token = other.token(&trusting.claims(&json!({})));
    assert_eq!(trusting.outcome(&token).await, "token_algorithm_refused");
}
