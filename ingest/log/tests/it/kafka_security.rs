//! The real broker behind TLS and SASL: who may come in, and what those who may
//! not are told.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use eventlog::testing::{KafkaBroker, PASSWORD, USER};
use eventlog::{
    EventLog, Headers, KafkaConfig, KafkaLog, OpenError, Record, Sasl, Secret, Security, Tls,
};
use rstest::rstest;
use tokio::sync::OnceCell;

use crate::identity_provider::IdentityProvider;
use crate::position;

const CLIENT_SECRET: &str = "battery-staple";

struct House {
    broker: KafkaBroker,
    provider: IdentityProvider,
}

/// One broker for all, because it takes seconds to start.
async fn house() -> &'static House {
    static HOUSE: OnceCell<House> = OnceCell::const_new();
    HOUSE
        .get_or_init(|| async {
            let provider = IdentityProvider::start(USER, CLIENT_SECRET);
            let broker = KafkaBroker::start_secure(&provider.jwks()).await;
            House { broker, provider }
        })
        .await
}

impl House {
    fn config(&self, topic: &str, sasl: Sasl) -> KafkaConfig {
        KafkaConfig {
            brokers: self.broker.secure_address(),
            topic: topic.into(),
            partitions: 1,
            security: Security {
                tls: Some(Tls {
                    ca_file: Some(self.broker.ca_file()),
                    ..Tls::default()
                }),
                sasl: Some(sasl),
            },
            ..KafkaConfig::default()
        }
    }

    fn sasl(&self, mechanism: &str, secret: &str) -> Sasl {
        let (username, password) = (USER.to_owned(), Secret::new(secret));
        match mechanism {
            "PLAIN" => Sasl::Plain { username, password },
            "SCRAM-SHA-512" => Sasl::ScramSha512 { username, password },
            _ => Sasl::OAuthBearer {
                token_url: self.provider.token_url(),
                client_id: username,
                client_secret: password,
                scope: Some("events".to_owned()),
                token_ca_file: None,
            },
        }
    }
}

/// The error with its sources.
fn told(error: &OpenError) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        told += &format!(": {source}");
        next = source.source();
    }
    told
}

#[rstest]
#[case("PLAIN", PASSWORD)]
#[case("SCRAM-SHA-512", PASSWORD)]
#[case("OAUTHBEARER", CLIENT_SECRET)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_known_appends_and_reads(#[case] mechanism: &str, #[case] secret: &str) {
    let house = house().await;
    let config = house.config(mechanism, house.sasl(mechanism, secret));
    let log = KafkaLog::open(config).await.unwrap();
    let record = Record {
        key: "key".into(),
        headers: Headers::default(),
        value: mechanism.to_owned().into(),
    };
    let position = position(log.append(vec![record.clone()]).await.remove(0));
    let mut reader = log.read(0, position.offset).await.unwrap();
    let read = reader.next(1, Duration::from_secs(20)).await.unwrap();
    assert_eq!(read[0].record, record);
    assert_eq!(log.trouble(), None);
}

#[rstest]
#[case("PLAIN", "username and password")]
#[case("SCRAM-SHA-512", "username and password")]
#[case("OAUTHBEARER", "token_url, client_id and client_secret")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_named(#[case] mechanism: &str, #[case] check: &str) {
    let house = house().await;
    let config = house.config("refused", house.sasl(mechanism, "wrong"));
    let error = KafkaLog::open(config).await.err().unwrap();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
    let told = told(&error);
    assert!(told.contains(check), "{told}");
    assert!(!told.contains("wrong"), "the password is told: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_authority_is_named() {
    let house = house().await;
    let mut config = house.config("refused", house.sasl("PLAIN", PASSWORD));
    for ca_file in [None, Some(house.provider.foreign_ca())] {
        config.security.tls = Some(Tls {
            ca_file,
            ..Tls::default()
        });
        let error = KafkaLog::open(config.clone()).await.err().unwrap();
        assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
        let told = told(&error);
        assert!(told.contains("security.tls.ca_file"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_file_is_named() {
    let house = house().await;
    let mut config = house.config("refused", house.sasl("PLAIN", PASSWORD));
    config.security.tls = Some(Tls {
        ca_file: Some(PathBuf::from("/absent/ca.pem")),
        ..Tls::default()
    });
    let error = KafkaLog::open(config).await.err().unwrap();
    let told = told(&error);
    assert!(
        told.contains("/absent/ca.pem") && told.contains("security.tls.ca_file"),
        "{told}"
    );
}
