//! Tokens of identity providers: who is let in by them, and who is not.

mod attacks;
mod keys;
mod provider;
mod signer;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use query::Config;
use schemas::roster::Entity;
use serde_json::{Value, json};

use self::provider::Provider;
use self::signer::Signer;
use crate::rosters::imported::{Rows, add};
use crate::school::{Answer, School, id};

const AUDIENCE: &str = "chalkline-north";
const TENANT_HEADER: &str = "x-chalkline-tenant";

/// A school whose tenant `north` trusts a provider.
struct Trusting {
    school: School,
    provider: Provider,
    signer: Signer,
}

impl Trusting {
    async fn new() -> Self {
        Self::with(Signer::es256("first")).await
    }

    /// The same, whose provider signs with this key.
    async fn with(signer: Signer) -> Self {
        let school = School::empty(Config::default()).await;
        let provider = Provider::start(vec![signer.jwk()]).await;
        trust(&school, "north", &provider.issuer(), json!({})).await;
        Self {
            school,
            provider,
            signer,
        }
    }

    /// What a good token claims, with changes; `null` leaves a claim out.
    fn claims(&self, changes: &Value) -> Value {
        let now = self.school.clock.now().timestamp();
        let mut claims = json!({
            "iss": self.provider.issuer(), "aud": AUDIENCE, "sub": "t-1", "iat": now,
            "exp": now + 300, "role": "Faculty", "chalkline_tenant": "north",
        });
        let members = claims.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            match value.is_null() {
                true => drop(members.remove(name)),
                false => drop(members.insert(name.clone(), value.clone())),
            }
        }
        claims
    }

    fn token(&self, changes: &Value) -> String {
        self.signer.token(&self.claims(changes))
    }

    /// What a holder of the token is answered.
    async fn enter(&self, token: &str) -> Answer {
        self.school.answer(request(token, None)).await
    }

    /// Under which code a token is refused; `answered` when it is not.
    async fn outcome(&self, token: &str) -> String {
        outcome(&self.enter(token).await)
    }

    fn pass(&self, seconds: i64) {
        let later = self.school.clock.now() + chrono::TimeDelta::seconds(seconds);
        self.school.clock.set(later);
    }
}

fn outcome(answer: &Answer) -> String {
    match answer.status {
        StatusCode::OK => "answered".to_owned(),
        _ => answer.problem().1,
    }
}

fn request(token: &str, tenant: Option<&str>) -> Request<Body> {
    let mut request = Request::get("/v1/tables")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .expect("a request");
    if let Some(tenant) = tenant {
        let tenant = HeaderValue::from_str(tenant).expect("a header");
        request.headers_mut().insert(TENANT_HEADER, tenant);
    }
    request
}

/// Lets a tenant trust the provider at an address.
async fn trust(school: &School, tenant: &str, issuer: &str, changes: Value) {
    let mut provider = json!({
        "issuer": issuer, "audience": AUDIENCE,
        "claims": {"role": {"values": {
            "Faculty": "teacher", "IT": "steward", "Evaluation": "analyst",
        }}},
    });
    for (name, value) in changes.as_object().expect("an object") {
        provider[name] = value.clone();
    }
    let provider = serde_json::from_value(provider).expect("a provider");
    let tenant = id(tenant);
    let update = school.registry.update(&tenant, |document| {
        document.identity_providers = vec![Clone::clone(&provider)];
        Ok::<_, std::convert::Infallible>(())
    });
    update.await.expect("updated");
}

#[tokio::test]
async fn people_come_in_with_any_key_that_their_provider_has() {
    for signer in [Signer::es256("e"), Signer::ed25519("d"), Signer::rs256("r")] {
        let name = signer.name();
        let trusting = Trusting::with(signer).await;
        let token = trusting.token(&json!({}));
        assert_eq!(trusting.outcome(&token).await, "answered", "{name}");
        assert_eq!(trusting.provider.asked(), 1);
        // The next is verified without asking anybody.
        let token = trusting.token(&json!({"sub": "t-2"}));
        assert_eq!(trusting.outcome(&token).await, "answered", "{name}");
        assert_eq!(trusting.provider.asked(), 1);
    }
}

#[tokio::test]
async fn they_are_what_the_tenant_says_that_their_roles_mean() {
    let trusting = Trusting::new().await;
    let body = json!({"sql": "EXPLAIN ANALYZE SELECT 1"});
    for (role, expected) in [("IT", "answered"), ("Evaluation", "statement_not_allowed")] {
        let token = trusting.token(&json!({"role": role}));
        let request = Request::post("/v1/sql")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        assert_eq!(outcome(&trusting.school.answer(request).await), expected);
    }
    for role in ["steward", "Janitor"] {
        let token = trusting.token(&json!({"role": role}));
        assert_eq!(trusting.outcome(&token).await, "token_role_unknown");
    }
}

#[tokio::test]
async fn a_header_says_whose_data_where_no_claim_does() {
    let trusting = Trusting::new().await;
    let token = trusting.token(&json!({"chalkline_tenant": null}));
    for (tenant, expected) in [
        (Some("north"), "answered"),
        (None, "token_tenant_missing"),
        (Some("../north"), "token_tenant_missing"),
        // Who trusts another provider or none, and who is nobody.
        (Some("south"), "token_issuer_unknown"),
        (Some("nobody"), "token_issuer_unknown"),
    ] {
        let answer = trusting.school.answer(request(&token, tenant)).await;
        assert_eq!(outcome(&answer), expected, "{tenant:?}");
    }
    // Nor does it overrule the provider's word.
    let token = trusting.token(&json!({}));
    let answer = trusting.school.answer(request(&token, Some("south"))).await;
    assert_eq!(outcome(&answer), "token_tenant_missing");
}

#[tokio::test]
async fn a_tenant_trusts_its_own_provider_alone() {
    let trusting = Trusting::new().await;
    let other = Provider::start(vec![trusting.signer.jwk()]).await;
    trust(&trusting.school, "south", &other.issuer(), json!({})).await;
    let token = trusting.token(&json!({"chalkline_tenant": "south"}));
    assert_eq!(trusting.outcome(&token).await, "token_issuer_unknown");
    // The same issuer for another tenant is told by its audience.
    let changes = json!({"audience": "chalkline-south"});
    let issuer = trusting.provider.issuer();
    trust(&trusting.school, "south", &issuer, changes).await;
    assert_eq!(trusting.outcome(&token).await, "token_audience_wrong");
    assert_eq!(other.asked() + trusting.provider.asked(), 0);
}

#[tokio::test]
async fn a_provider_that_is_not_trusted_any_more_lets_nobody_in() {
    let trusting = Trusting::new().await;
    let token = trusting.token(&json!({}));
    assert_eq!(trusting.outcome(&token).await, "answered");
    let north = id("north");
    let update = trusting.school.registry.update(&north, |document| {
        document.identity_providers.clear();
        Ok::<_, std::convert::Infallible>(())
    });
    update.await.expect("updated");
    assert_eq!(trusting.outcome(&token).await, "token_issuer_unknown");
}

/// A roster of these people: who they are, their emails, and whether they are enabled.
async fn enrol(school: &School, number: u64, people: &[(&str, &str, Option<bool>)]) {
    let at = "2026-09-01T06:00:00Z";
    let user = |(id, email, enabled): &(&str, &str, Option<bool>)| {
        let name = format!("{id}.login");
        json!({"user_id": id, "email": email, "username": name, "enabled": enabled})
    };
    let users: Vec<Value> = people.iter().map(user).collect();
    let mut rows = Rows::new();
    add(&mut rows, Entity::Users, at, number, &users);
    school.import("north", number, at, &rows).await;
}

#[tokio::test]
async fn people_are_found_by_what_the_roster_calls_them() {
    let trusting = Trusting::new().await;
    let people = [
        ("t-1", "Emmy.Noether@north.example", Some(true)),
        ("t-2", "ada@north.example", None),
        ("t-3", "shared@north.example", Some(true)),
        ("t-4", "Shared@north.example", Some(true)),
        ("t-5", "gone@north.example", Some(false)),
        ("t-6", "", Some(true)),
        ("t-7", "mike@north.example", Some(true)),
    ];
    enrol(&trusting.school, 1, &people).await;
    let issuer = trusting.provider.issuer();
    let by_email = json!({"match": "email", "claims": {
        "subject": "email",
        "role": {"values": {"Faculty": "teacher", "IT": "steward"}},
    }});
    trust(&trusting.school, "north", &issuer, by_email).await;
    let who = async |token: &str| {
        let request = Request::get("/v1/session")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty());
        let answer = trusting.school.answer(request.expect("a request")).await;
        match answer.status {
            StatusCode::OK => answer.json()["subject"].as_str().expect("text").to_owned(),
            _ => answer.problem().1,
        }
    };
    for (email, expected) in [
        ("emmy.noether@north.example", "t-1"),
        ("ADA@north.example", "t-2"),
        (" ada@north.example", "token_subject_unknown"),
        // A sign for degrees of Kelvin, of which the small letter is a k.
        ("mi\u{212a}e@north.example", "token_subject_unknown"),
        ("shared@north.example", "token_subject_ambiguous"),
        ("gone@north.example", "token_subject_unknown"),
        ("nobody@north.example", "token_subject_unknown"),
        ("%@north.example", "token_subject_unknown"),
        ("", "token_subject_missing"),
        // What is no email is nobody's.
        ("t-1", "token_subject_unknown"),
        ("t-1.login", "token_subject_unknown"),
    ] {
        let token = trusting.token(&json!({"email": email}));
        assert_eq!(who(&token).await, expected, "{email:?}");
    }
    let ada = json!({"email": "ada@north.example", "email_verified": false});
    let told = who(&trusting.token(&ada)).await;
    assert_eq!(told, "token_email_unverified");
    // Who sees the whole tenant need not be in its roster, and is who they are if they are.
    for (email, expected) in [
        ("it@north.example", "email:it@north.example"),
        ("gone@north.example", "token_subject_unknown"),
        ("ada@north.example", "t-2"),
    ] {
        let token = trusting.token(&json!({"role": "IT", "email": email}));
        assert_eq!(who(&token).await, expected);
    }

    // The newest roster decides.
    let token = trusting.token(&json!({"email": "ada@north.example"}));
    enrol(
        &trusting.school,
        2,
        &[("t-9", "ada@north.example", Some(true))],
    )
    .await;
    trusting.pass(60);
    assert_eq!(who(&token).await, "t-9");

    let by_username = json!({"match": "username"});
    trust(&trusting.school, "north", &issuer, by_username).await;
    let token = trusting.token(&json!({"sub": "T-9.Login"}));
    assert_eq!(who(&token).await, "t-9");
}
