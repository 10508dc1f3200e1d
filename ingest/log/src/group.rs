//! Who reads which partitions: the members of a group share them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::GroupError;

/// A member of the group of those who read a log together; made by
/// [`EventLog::join`](crate::EventLog::join). Dropping it leaves the group.
///
/// A partition belongs to one member at a time, as far as a log can tell: a
/// member that was stopped for longer than its session learns only afterwards
/// that its partitions were given to others. Whoever makes something of what it
/// reads must therefore be able to refuse the late work of a former owner.
#[async_trait]
pub trait Member: Send {
    /// Waits for the next change of what belongs to this member. Dropping the
    /// future loses none.
    ///
    /// # Errors
    /// [`GroupError::Expelled`] or [`GroupError::Left`] when no further change can
    /// come: all partitions are lost, and whoever wants any joins anew.
    async fn next(&mut self) -> Result<Rebalance, GroupError>;

    /// Publishes, for tools that show how far behind a group is, the next
    /// position of each partition that will be read.
    ///
    /// Returns at once. Nothing may be decided by it: it may come late or not at
    /// all, and nobody reads it back.
    fn commit(&self, next: &BTreeMap<u32, u64>);

    /// Why partitions may not come, in words for operators; `None` when nothing
    /// is known to be wrong.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Gives all partitions back, without waiting for anybody to release them,
    /// and returns when the others know it.
    async fn leave(self: Box<Self>);
}

/// A change of what belongs to a member.
#[derive(Debug)]
pub enum Rebalance {
    /// These partitions belong to the member now, besides those it has. None,
    /// when the group has more members than partitions: a spare one waits.
    Assigned(BTreeSet<u32>),
    /// These are wanted by others, who get them once they are released.
    Revoked(Revocation),
    /// These belong to others already. What was read of them and is not
    /// published yet is theirs to publish.
    Lost(BTreeSet<u32>),
}

/// Partitions that a member has to give back; dropping it releases them.
#[derive(Debug)]
#[must_use = "dropping it releases the partitions"]
pub struct Revocation {
    /// The partitions.
    pub partitions: BTreeSet<u32>,
    /// When they are taken, released or not.
    pub deadline: Instant,
    /// Whoever waits at the other end sees it go.
    _release: SyncSender<()>,
}

impl Revocation {
    /// For whoever implements [`Member`]: also what is disconnected, and never
    /// receives anything, once the partitions are released.
    pub fn new(partitions: BTreeSet<u32>, deadline: Instant) -> (Self, Receiver<()>) {
        let (release, released) = sync_channel(0);
        let revocation = Self {
            partitions,
            deadline,
            _release: release,
        };
        (revocation, released)
    }

    /// Nothing is read of them any more, and nothing published: the next owner
    /// may begin.
    pub fn release(self) {}
}

/// The only member of a log that no two processes read: it has every partition,
/// for ever.
#[derive(Debug)]
pub(crate) struct SoleMember {
    partitions: Option<BTreeSet<u32>>,
}

impl SoleMember {
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            partitions: Some((0..partitions).collect()),
        }
    }
}

#[async_trait]
impl Member for SoleMember {
    async fn next(&mut self) -> Result<Rebalance, GroupError> {
        match self.partitions.take() {
            Some(all) => Ok(Rebalance::Assigned(all)),
            None => std::future::pending().await,
        }
    }

    fn commit(&self, _next: &BTreeMap<u32, u64>) {}

    async fn leave(self: Box<Self>) {}
}
