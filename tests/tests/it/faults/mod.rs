//! What else can go wrong between an answer and a table: every acked event is in
//! its table exactly once. What is killed stands in `kill`, `group`, `moments`,
//! `s3` and `maintain`.

mod brokers;
mod clock;
mod conservation;
mod disk;
mod floods;
mod folder;
mod poison;
mod store;
mod switch;
mod topic;

use std::sync::atomic::{AtomicU32, Ordering};

use eventlog::testing::KafkaBroker;
use tokio::sync::OnceCell;

/// One broker for all tests that do nothing to it.
async fn broker() -> &'static KafkaBroker {
    static BROKER: OnceCell<KafkaBroker> = OnceCell::const_new();
    BROKER.get_or_init(KafkaBroker::start).await
}

/// A topic and a group that no other test has.
struct Own {
    topic: String,
    group: String,
}

impl Own {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            topic: format!("events-{count}"),
            group: format!("transform-{count}"),
        }
    }

    /// The settings for it, and these.
    fn with<'a>(&'a self, further: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a str)> {
        let own = [
            ("CHALKLINE_KAFKA_TOPIC", self.topic.as_str()),
            ("CHALKLINE_KAFKA_GROUP", self.group.as_str()),
        ];
        [&own, further].concat()
    }
}
