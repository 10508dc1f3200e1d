//! The delivery reports of one call's records.
//!
//! They share one [`Deliveries`]; each record carries a small [`Ticket`] through
//! librdkafka that says where its answer belongs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Notify;

use crate::{AppendError, Position};

/// Where the delivery report of one record goes.
pub(super) struct Ticket {
    deliveries: Arc<Deliveries>,
    slot: usize,
}

impl Ticket {
    pub(super) fn new(deliveries: &Arc<Deliveries>, slot: usize) -> Self {
        Self {
            deliveries: Arc::clone(deliveries),
            slot,
        }
    }

    pub(super) fn deliver(self, delivery: Delivery) {
        // One report a record, so the slot is empty.
        let _ = self.deliveries.slots[self.slot].set(delivery);
        self.deliveries.arrived(1);
    }
}

/// The delivery reports of one call.
pub(super) struct Deliveries {
    slots: Box<[OnceLock<Delivery>]>,
    /// Reports to come, and one for the caller's own loop.
    pending: AtomicUsize,
    all: Notify,
}

/// What the broker, or librdkafka itself, said of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Stored {
        offset: u64,
    },
    Failed {
        code: RDKafkaErrorCode,
        may_be_stored: bool,
    },
}

/// The produce timeout passed first.
#[derive(Debug, thiserror::Error)]
#[error("no delivery report within the produce timeout")]
struct NoReport;

impl Deliveries {
    pub(super) fn new(records: usize) -> Self {
        let slots = (0..records).map(|_| OnceLock::new()).collect();
        Self {
            slots,
            pending: AtomicUsize::new(records + 1),
            all: Notify::new(),
        }
    }

    /// Counts reports that came, or that will never come.
    pub(super) fn arrived(&self, reports: usize) {
        if self.pending.fetch_sub(reports, Ordering::AcqRel) == reports {
            self.all.notify_one();
        }
    }

    /// Ends when all reports came and the caller's loop is done; may be waited
    /// for once.
    pub(super) async fn all_arrived(&self) {
        self.all.notified().await;
    }

    pub(super) fn answer(&self, slot: usize, partition: u32) -> Result<Position, AppendError> {
        match self.slots[slot].get() {
            None => Err(AppendError::Unknown(NoReport.into())),
            Some(Delivery::Stored { offset }) => Ok(Position {
                partition,
                offset: *offset,
            }),
            Some(Delivery::Failed {
                code,
                may_be_stored,
            }) => {
                let source = KafkaError::MessageProduction(*code).into();
                Err(if *may_be_stored {
                    AppendError::Unknown(source)
                } else {
                    AppendError::Refused(source)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_call_is_done_when_queueing_and_all_reports_are() {
        let deliveries = Deliveries::new(2);
        deliveries.slots[0]
            .set(Delivery::Stored { offset: 7 })
            .unwrap();
        deliveries.arrived(1);
        deliveries.arrived(1);
        let waiting = tokio::time::timeout(Duration::ZERO, deliveries.all_arrived()).await;
        assert!(waiting.is_err(), "the second record has no report");
        deliveries.arrived(1);
        deliveries.all_arrived().await;
        assert_eq!(
            deliveries.answer(0, 3).unwrap(),
            Position {
                partition: 3,
                offset: 7
            }
        );
        assert!(deliveries.answer(1, 3).unwrap_err().may_still_arrive());
    }
}
