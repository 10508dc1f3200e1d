use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::{Headers, LogId};

const TOPIC: &str = "mock";

/// A broker of librdkafka's own that fails as told.
async fn sender(
    cluster: &MockCluster<'_, rdkafka::producer::DefaultProducerContext>,
    queue_bytes: usize,
) -> (Sender, Topic) {
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let config = KafkaConfig {
        brokers: cluster.bootstrap_servers(),
        topic: TOPIC.into(),
        produce_timeout_ms: 6_000,
        delivery_timeout_ms: 5_000,
        queue_bytes,
        ..KafkaConfig::default()
    };
    let topic = Topic::new(TOPIC, LogId::new("mock"), 1);
    let sender = Sender::connect(&config).unwrap();
    sender
        .warm(&topic, Instant::now() + Duration::from_secs(20))
        .await
        .unwrap();
    (sender, topic)
}

fn records(count: usize, bytes: usize) -> Vec<Record> {
    vec![
        Record {
            key: "k".into(),
            headers: Headers::default(),
            value: vec![7; bytes].into()
        };
        count
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_refuses_is_not_stored() {
    let cluster = MockCluster::new(1).unwrap();
    let (sender, topic) = sender(&cluster, 64 << 20).await;
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    let error = sender
        .send(&topic, records(1, 10))
        .await
        .remove(0)
        .unwrap_err();
    assert!(matches!(error, AppendError::Refused(_)), "{error:?}");
    assert!(error.is_retryable() && !error.may_still_arrive());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_error_costs_a_producer_not_the_log() {
    let cluster = MockCluster::new(1).unwrap();
    let (sender, topic) = sender(&cluster, 64 << 20).await;
    sender.send(&topic, records(1, 10)).await.remove(0).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER],
    );
    let error = sender
        .send(&topic, records(1, 10))
        .await
        .remove(0)
        .unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(sender.client().get().fatal_error().is_some());
    sender.send(&topic, records(1, 10)).await.remove(0).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once_and_delivers_what_fits() {
    let cluster = MockCluster::new(1).unwrap();
    let (sender, topic) = sender(&cluster, 2 << 20).await;
    let answers = sender.send(&topic, records(200, 100_000)).await;
    let stored = answers.iter().filter(|a| a.is_ok()).count();
    assert!((10..200).contains(&stored), "{stored} stored");
    for error in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(error, AppendError::Full), "{error:?}");
    }
}
