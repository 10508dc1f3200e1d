//! Which partitions of the log belong to this process, and what is to be done
//! before others may have them.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::{EventLog, GroupError, Member, Rebalance, Revocation};
use tokio::time::{Instant, sleep_until};

/// This process as a member of the group of all that transform the log.
///
/// A change is taken over in two steps: [`Membership::changed`] says that there is
/// one, and [`Membership::settle`], once nothing more is read or published of what
/// goes, makes it so.
pub(crate) struct Membership {
    member: Box<dyn Member>,
    owned: BTreeSet<u32>,
    /// Those that were owned before the last change, too, and all the time.
    kept: BTreeSet<u32>,
    /// Whether the group has said anything yet.
    joined: bool,
    /// What will be owned when the changes are settled.
    next: BTreeSet<u32>,
    /// What others have or want, perhaps to be had again meanwhile.
    going: BTreeSet<u32>,
    leaving: Vec<Revocation>,
    lost: bool,
    /// When the oldest change that is not settled came.
    since: Option<Instant>,
}

impl Membership {
    /// Joins the group; it has no partitions yet.
    ///
    /// # Errors
    /// [`GroupError::Join`].
    pub async fn join(log: &dyn EventLog) -> Result<Self, GroupError> {
        metrics::gauge!("chalkline_transform_assigned_partitions").set(0.0);
        Ok(Self {
            member: log.join().await?,
            owned: BTreeSet::new(),
            kept: BTreeSet::new(),
            joined: false,
            next: BTreeSet::new(),
            going: BTreeSet::new(),
            leaving: Vec::new(),
            lost: false,
            since: None,
        })
    }

    /// The partitions to work on, as of the last [`Membership::settle`].
    pub fn owned(&self) -> &BTreeSet<u32> {
        &self.owned
    }

    /// Those of them that nobody else had since the life before, as far as the
    /// group knows.
    pub fn kept(&self) -> &BTreeSet<u32> {
        &self.kept
    }

    /// Why it has none: `Ok` when others have them all.
    pub fn waits_for(&self) -> Result<(), String> {
        match self.member.trouble() {
            Some(trouble) => Err(trouble),
            None if self.joined => Ok(()),
            None => Err("joining the group that shares the log's partitions".to_owned()),
        }
    }

    /// Ends when there is a change to settle. Dropping the future loses none.
    ///
    /// # Errors
    /// [`GroupError`] when the membership has ended.
    pub async fn changed(&mut self) -> Result<(), GroupError> {
        while self.since.is_none() {
            let change = self.member.next().await?;
            self.note(change);
        }
        Ok(())
    }

    /// Ends when what is read and not published of the partitions that go is no
    /// longer ours to publish. Dropping the future loses no change.
    ///
    /// # Errors
    /// As [`Membership::changed`].
    pub async fn too_late(&mut self) -> Result<(), GroupError> {
        while !self.lost {
            let deadline = self.leaving.iter().map(|r| r.deadline).min();
            let over = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return Ok(()),
                change = self.member.next() => self.note(change?),
            }
        }
        Ok(())
    }

    /// Takes over what has changed, and releases what others wait for.
    pub fn settle(&mut self) {
        self.kept = self.owned.difference(&self.going).copied().collect();
        let Some(since) = self.since.take() else {
            return;
        };
        self.kept.retain(|partition| self.next.contains(partition));
        if !self.leaving.is_empty() {
            metrics::histogram!("chalkline_transform_drain_seconds")
                .record(since.elapsed().as_secs_f64());
        }
        self.owned.clone_from(&self.next);
        self.lost = false;
        for partition in std::mem::take(&mut self.going) {
            // What others have is not this process's to be late with.
            metrics::gauge!("chalkline_transform_lag_records", "partition" => partition.to_string())
                .set(0.0);
        }
        for revocation in self.leaving.drain(..) {
            revocation.release();
        }
        metrics::gauge!("chalkline_transform_assigned_partitions").set(self.owned.len() as f64);
        tracing::info!(partitions = ?self.owned, "working on these partitions");
    }

    /// Publishes below which position each partition is in its tables, for lag
    /// tools.
    pub fn commit(&self, floors: &BTreeMap<u32, u64>) {
        self.member.commit(floors);
    }

    /// Gives everything back.
    pub async fn leave(self) {
        drop(self.leaving);
        self.member.leave().await;
    }

    fn note(&mut self, change: Rebalance) {
        let kind = match &change {
            Rebalance::Assigned(_) => "assigned",
            Rebalance::Revoked(_) => "revoked",
            Rebalance::Lost(_) => "lost",
        };
        metrics::counter!("chalkline_transform_rebalances_total", "kind" => kind).increment(1);
        match change {
            Rebalance::Assigned(partitions) => {
                self.joined = true;
                if partitions.is_empty() {
                    return;
                }
                self.next.extend(partitions);
            }
            Rebalance::Revoked(revocation) => {
                self.give(&revocation.partitions);
                self.leaving.push(revocation);
            }
            Rebalance::Lost(partitions) => {
                self.give(&partitions);
                self.lost = true;
            }
        }
        self.since.get_or_insert_with(Instant::now);
    }

    fn give(&mut self, partitions: &BTreeSet<u32>) {
        self.next.retain(|p| !partitions.contains(p));
        self.going.extend(partitions);
    }
}
