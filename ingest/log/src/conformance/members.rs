//! Which partitions belong to the members of a group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{PATIENCE, append, read_all, record};
use crate::{EventLog, Member, Rebalance};

/// A member that releases at once what it is asked for.
struct Obliging {
    member: Box<dyn Member>,
    owned: BTreeSet<u32>,
}

impl Obliging {
    async fn join(log: &dyn EventLog) -> Self {
        let member = log.join().await.expect("a member");
        let owned = BTreeSet::new();
        Self { member, owned }
    }

    /// Follows one change.
    async fn follow(&mut self) {
        match self.member.next().await.expect("a change") {
            Rebalance::Assigned(partitions) => {
                let before = self.owned.len();
                self.owned.extend(&partitions);
                let after = before + partitions.len();
                assert_eq!(self.owned.len(), after, "{partitions:?} assigned again");
            }
            Rebalance::Revoked(revocation) => {
                for partition in &revocation.partitions {
                    assert!(self.owned.remove(partition), "{partition} was not its own");
                }
                revocation.release();
            }
            Rebalance::Lost(partitions) => self.owned.retain(|p| !partitions.contains(p)),
        }
    }
}

/// Lets all of them follow their changes until every partition has an owner.
async fn until_all_are_owned(log: &dyn EventLog, members: &mut [Obliging]) {
    let all: BTreeSet<u32> = (0..log.partitions()).collect();
    let owned = async {
        loop {
            let owned: BTreeSet<u32> = members.iter().flat_map(|m| m.owned.clone()).collect();
            if owned == all {
                return;
            }
            let next = members.iter_mut().map(|member| Box::pin(member.follow()));
            futures::future::select_all(next).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE * 3, owned).await;
    in_time.expect("every partition finds an owner");
}

/// A lone member gets everything, also after another, and without anybody
/// having to do anything.
pub(super) async fn a_lone_member_gets_every_partition(log: Arc<dyn EventLog>) {
    for _ in 0..2 {
        let mut members = [Obliging::join(&*log).await];
        until_all_are_owned(&*log, &mut members).await;
        let [only] = members;
        only.member.leave().await;
    }
}

/// Of several members each partition has one at least; when one goes, the
/// others have all.
pub(super) async fn members_leave_no_partition_alone(log: Arc<dyn EventLog>) {
    let mut members = vec![Obliging::join(&*log).await];
    until_all_are_owned(&*log, &mut members).await;
    members.push(Obliging::join(&*log).await);
    until_all_are_owned(&*log, &mut members).await;
    drop(members.remove(0));
    until_all_are_owned(&*log, &mut members).await;
}

/// Committed offsets are for onlookers: they move no reader and no member.
pub(super) async fn what_is_committed_decides_nothing(log: Arc<dyn EventLog>) {
    append(&*log, (0..8).map(|n| record(n, "value")).collect()).await;
    let mut members = [Obliging::join(&*log).await];
    until_all_are_owned(&*log, &mut members).await;
    let ahead: BTreeMap<u32, u64> = (0..log.partitions()).map(|p| (p, 1_000)).collect();
    members[0].member.commit(&ahead);
    let [only] = members;
    only.member.leave().await;
    let mut members = [Obliging::join(&*log).await];
    until_all_are_owned(&*log, &mut members).await;
    assert_eq!(members[0].member.trouble(), None);
    assert_eq!(read_all(&*log).await.len(), 8);
}
