//! The keys of a provider: how they change, and what is done while it is away.

use futures::future::join_all;
use rstest::rstest;
use serde_json::json;

use super::Trusting;
use super::provider::{Manner, Provider};
use super::signer::Signer;

const LATE: i64 = 24 * 3600;

#[tokio::test]
async fn new_keys_are_found_and_strange_ones_do_not_make_us_ask_on_and_on() {
    let trusting = Trusting::new().await;
    let claims = trusting.claims(&json!({}));
    assert_eq!(
        trusting.outcome(&trusting.signer.token(&claims)).await,
        "answered"
    );

    let second = Signer::ed25519("second");
    trusting
        .provider
        .publish(vec![trusting.signer.jwk(), second.jwk()]);
    let token = second.token(&claims);
    assert_eq!(trusting.outcome(&token).await, "token_key_unknown");
    assert_eq!(trusting.provider.asked(), 1);
    trusting.pass(30);
    assert_eq!(trusting.outcome(&token).await, "answered");
    assert_eq!(trusting.provider.asked(), 2);

    let strange: Vec<String> = (0..20)
        .map(|number| {
            let head = json!({"alg": "ES256", "kid": format!("strange-{number}")});
            trusting.signer.token_with(&head, &claims)
        })
        .collect();
    trusting.pass(30);
    for outcome in join_all(strange.iter().map(|token| trusting.outcome(token))).await {
        assert_eq!(outcome, "token_key_unknown");
    }
    assert_eq!(trusting.provider.asked(), 3);
}

#[tokio::test]
async fn a_key_that_the_provider_took_back_opens_no_more() {
    let trusting = Trusting::new().await;
    let claims = trusting.claims(&json!({"exp": trusting.school.clock.now().timestamp() + LATE}));
    let token = trusting.signer.token(&claims);
    assert_eq!(trusting.outcome(&token).await, "answered");
    trusting
        .provider
        .publish(vec![Signer::es256("second").jwk()]);
    trusting.pass(599);
    assert_eq!(trusting.outcome(&token).await, "answered");
    trusting.pass(1);
    assert_eq!(trusting.outcome(&token).await, "token_key_unknown");
}

#[tokio::test]
async fn many_who_come_at_once_ask_the_provider_once() {
    let trusting = Trusting::new().await;
    let token = trusting.token(&json!({}));
    let all = join_all((0..20).map(|_| trusting.outcome(&token))).await;
    assert!(all.iter().all(|outcome| outcome == "answered"), "{all:?}");
    assert_eq!(trusting.provider.asked(), 1);
}

#[tokio::test]
async fn known_keys_are_used_for_a_while_when_the_provider_is_down() {
    let trusting = Trusting::new().await;
    let claims = trusting.claims(&json!({"exp": trusting.school.clock.now().timestamp() + LATE}));
    let token = trusting.signer.token(&claims);
    assert_eq!(trusting.outcome(&token).await, "answered");
    trusting.provider.behave(Manner::Down);
    trusting.pass(5 * 3600);
    for _ in 0..3 {
        assert_eq!(trusting.outcome(&token).await, "answered");
    }
    assert_eq!(trusting.provider.asked(), 2);

    trusting.pass(2 * 3600);
    let answer = trusting.enter(&token).await;
    assert_eq!(answer.headers["retry-after"], "5");
    let (status, code, _) = answer.problem();
    assert_eq!(
        (status, code.as_str()),
        (503, "identity_provider_unavailable")
    );

    trusting.provider.behave(Manner::Good);
    trusting.pass(30);
    assert_eq!(trusting.outcome(&token).await, "answered");
}

#[tokio::test]
async fn a_provider_that_is_down_at_first_is_asked_again_soon() {
    let trusting = Trusting::new().await;
    trusting.provider.behave(Manner::Down);
    let token = trusting.token(&json!({}));
    let down = "identity_provider_unavailable";
    assert_eq!(trusting.outcome(&token).await, down);
    trusting.provider.behave(Manner::Good);
    assert_eq!(trusting.outcome(&token).await, down);
    assert_eq!(trusting.provider.asked(), 1);
    trusting.pass(5);
    assert_eq!(trusting.outcome(&token).await, "answered");
}

#[rstest]
#[case::another_issuer(Manner::Pretends("https://login.example".to_owned()))]
#[case::keys_not_over_tls(Manner::KeysAt("http://keys.example/".to_owned()))]
#[case::keys_in_a_file(Manner::KeysAt("file:///etc/passwd".to_owned()))]
#[case::too_long(Manner::Long(300_000))]
#[tokio::test]
async fn answers_that_a_provider_should_not_give_are_not_taken(#[case] manner: Manner) {
    let trusting = Trusting::new().await;
    trusting.provider.behave(manner);
    let token = trusting.token(&json!({}));
    let outcome = trusting.outcome(&token).await;
    assert_eq!(outcome, "identity_provider_unavailable");
}

#[tokio::test]
async fn nobody_is_asked_in_the_place_of_the_provider() {
    let trusting = Trusting::new().await;
    let other = Provider::start(vec![trusting.signer.jwk()]).await;
    let place = format!("{}/keys", other.issuer());
    trusting.provider.behave(Manner::Sends(place));
    let token = trusting.token(&json!({}));
    let outcome = trusting.outcome(&token).await;
    assert_eq!(outcome, "identity_provider_unavailable");
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn keys_are_read_where_the_tenant_says() {
    let trusting = Trusting::new().await;
    let keys = Provider::start(vec![trusting.signer.jwk()]).await;
    let changes = json!({"jwks_uri": format!("{}/keys", keys.issuer())});
    let issuer = trusting.provider.issuer();
    super::trust(&trusting.school, "north", &issuer, changes).await;
    trusting.provider.behave(Manner::Down);
    let token = trusting.token(&json!({}));
    assert_eq!(trusting.outcome(&token).await, "answered");
    assert_eq!((trusting.provider.asked(), keys.asked()), (0, 1));
}

#[tokio::test]
async fn who_sets_a_provider_up_sees_what_it_answers() {
    let trusting = Trusting::new().await;
    let north = crate::school::id("north");
    let tenant = trusting.school.registry.tenant(&north);
    let tenant = tenant.await.expect("an answer").expect("a tenant");
    let provider = &tenant.identity_providers[0];
    let found = query::provider_keys(provider).await.expect("keys");
    assert_eq!(found.jwks_uri, format!("{}/keys", provider.issuer));
    let key = (Some("first".to_owned()), schemas::SigningAlgorithm::Es256);
    assert_eq!(found.keys, [key]);
    trusting
        .provider
        .behave(Manner::Pretends("https://login.example".to_owned()));
    let error = query::provider_keys(provider).await.expect_err("another");
    assert!(
        error.to_string().contains("https://login.example"),
        "{error}"
    );
}
