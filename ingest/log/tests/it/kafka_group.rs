use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eventlog::{
    Assignor, EventLog, GroupError, KafkaConfig, KafkaLog, Member, Rebalance, Revocation,
};
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rstest::rstest;

use crate::kafka::{broker, client, config, topic};

/// Long enough for any rebalance; only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(60);
/// The wait for what is not to come.
const GLANCE: Duration = Duration::from_secs(1);

/// The settings of a group of its own on a topic of its own.
async fn group(assignor: Assignor) -> KafkaConfig {
    let name = topic();
    KafkaConfig {
        group: name.clone(),
        assignor,
        session_timeout_ms: 6_000,
        ..config(&broker().await, &name)
    }
}

/// What a member was told, followed by a task of its own.
struct Followed {
    member: Box<dyn Member>,
    owned: BTreeSet<u32>,
    /// What it does not release.
    held: Vec<Revocation>,
}

impl Followed {
    async fn join(log: &KafkaLog) -> Self {
        Self {
            member: log.join().await.unwrap(),
            owned: BTreeSet::new(),
            held: Vec::new(),
        }
    }

    /// The next change, taken note of; a revocation is held until it is released
    /// or its time is over.
    async fn change(&mut self) {
        match self.member.next().await.unwrap() {
            Rebalance::Assigned(partitions) => self.owned.extend(partitions),
            Rebalance::Revoked(revocation) => self.held.push(revocation),
            Rebalance::Lost(partitions) => self.owned.retain(|p| !partitions.contains(p)),
        }
    }

    fn release(&mut self) {
        for revocation in self.held.drain(..) {
            self.owned.retain(|p| !revocation.partitions.contains(p));
            revocation.release();
        }
    }

    async fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let changes = async {
            while !done(self) {
                self.change().await;
            }
        };
        tokio::time::timeout(PATIENCE, changes).await.unwrap();
    }
}

/// Lets all of them follow and release until each has as many as it should.
async fn settle(members: &mut [Followed], shares: &[usize]) {
    let settled = async {
        while members.iter().zip(shares).any(|(m, n)| m.owned.len() != *n) {
            let next = members.iter_mut().map(|m| {
                Box::pin(async {
                    m.change().await;
                    m.release();
                })
            });
            futures::future::select_all(next).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.unwrap();
    let all: BTreeSet<u32> = members.iter().flat_map(|m| m.owned.clone()).collect();
    assert_eq!(
        all.len(),
        shares.iter().sum::<usize>(),
        "each has one owner"
    );
}

#[rstest]
#[case::cooperative(Assignor::CooperativeSticky)]
#[case::eager(Assignor::Range)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_what_there_is(#[case] assignor: Assignor) {
    let log = KafkaLog::open(group(assignor).await).await.unwrap();
    let mut members = vec![Followed::join(&log).await];
    settle(&mut members, &[4]).await;
    members.push(Followed::join(&log).await);
    settle(&mut members, &[2, 2]).await;
    members.remove(0).member.leave().await;
    settle(&mut members, &[4]).await;
}

#[rstest]
#[case::cooperative(Assignor::CooperativeSticky)]
#[case::eager(Assignor::Range)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_what_is_not_released_before_its_time(#[case] assignor: Assignor) {
    let log = KafkaLog::open(group(assignor).await).await.unwrap();
    let mut first = Followed::join(&log).await;
    first.until(|m| m.owned.len() == 4).await;

    let mut second = Followed::join(&log).await;
    first.until(|m| !m.held.is_empty()).await;
    let early = async {
        // Cooperative members are given none at first.
        while second.owned.is_empty() {
            second.change().await;
        }
    };
    let early = tokio::time::timeout(GLANCE, early).await;
    assert!(early.is_err(), "{:?} are not released yet", second.owned);
    first.release();
    let mut both = [first, second];
    settle(&mut both, &[2, 2]).await;

    // Of one that never releases, the time is over when it is over.
    let [mut first, second] = both;
    second.member.leave().await;
    first.until(|m| m.owned.len() == 4).await;
    let mut second = Followed::join(&log).await;
    first.until(|m| !m.held.is_empty()).await;
    second.until(|m| !m.owned.is_empty()).await;
    assert!(first.held[0].deadline <= tokio::time::Instant::now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committed_offsets_are_the_groups() {
    let config = group(Assignor::default()).await;
    let log = KafkaLog::open(config.clone()).await.unwrap();
    let mut only = Followed::join(&log).await;
    only.until(|m| m.owned.len() == 4).await;
    only.member.commit(&BTreeMap::from([(0, 7), (2, 9)]));
    // Later ones win, also those that nothing follows.
    only.member.commit(&BTreeMap::from([(2, 11)]));
    only.member.leave().await;

    let onlooker: BaseConsumer = client(&config.brokers)
        .set("group.id", &config.group)
        .create()
        .unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(&config.topic, 0, 3);
    let committed = onlooker.committed_offsets(asked, PATIENCE).unwrap();
    let offset = |n| {
        let found = committed.find_partition(&config.topic, n).unwrap();
        found.offset().to_raw().filter(|offset| *offset >= 0)
    };
    assert_eq!([0, 1, 2, 3].map(offset), [Some(7), None, Some(11), None]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_are_added_get_owners() {
    let config = group(Assignor::default()).await;
    let log = KafkaLog::open(config.clone()).await.unwrap();
    let mut members = [Followed::join(&log).await, Followed::join(&log).await];
    settle(&mut members, &[2, 2]).await;

    let admin: AdminClient<DefaultClientContext> = client(&config.brokers).create().unwrap();
    let six = NewPartitions::new(&config.topic, 6);
    let made = admin.create_partitions([&six], &AdminOptions::new()).await;
    made.unwrap().remove(0).unwrap();
    settle(&mut members, &[3, 3]).await;
    assert_eq!(log.partitions(), 6);
    assert_eq!(log.tail(5).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_with_one_name_the_first_is_expelled() {
    let config = KafkaConfig {
        group_instance_id: Some("transform-1".into()),
        ..group(Assignor::default()).await
    };
    let log = KafkaLog::open(config).await.unwrap();
    let mut first = Followed::join(&log).await;
    first.until(|m| m.owned.len() == 4).await;
    let mut second = Followed::join(&log).await;
    let expelled = async {
        loop {
            match first.member.next().await {
                Ok(_) => {}
                Err(error) => break error,
            }
        }
    };
    let expelled = async { tokio::time::timeout(PATIENCE, expelled).await.unwrap() };
    let (error, ()) = tokio::join!(expelled, second.until(|m| m.owned.len() == 4));
    assert!(matches!(error, GroupError::Expelled(_)), "{error:?}");
}
