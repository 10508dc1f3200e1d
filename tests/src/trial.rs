//! One fault of the matrix: that it happened, and what it left in the lake.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::{Acked, Client, Sandbox, event, eventually, python};

/// How many events a test of a fault sends: `CHALKLINE_TORTURE_IDS`, else 20,000.
pub fn ids() -> u64 {
    std::env::var("CHALKLINE_TORTURE_IDS").map_or(ORDINARY_IDS, |text| {
        text.parse().expect("CHALKLINE_TORTURE_IDS is a number")
    })
}

/// How many times as many events as ordinarily.
pub(crate) fn scale() -> u64 {
    (ids() / ORDINARY_IDS).max(1)
}

const ORDINARY_IDS: u64 = 20_000;

/// A fault on its trial. It ends with [`Trial::prove`], which writes a row of the
/// matrix to the file that `CHALKLINE_TORTURE_REPORT` names, if any.
pub struct Trial {
    fault: String,
    place: &'static str,
    begun: Instant,
    injected: Arc<AtomicU64>,
    sent: Option<u64>,
    poisoned: u64,
    repeated: Option<u64>,
}

impl Trial {
    /// Begins one; `place` says on which log and store.
    pub fn begin(fault: impl Into<String>, place: &'static str) -> Self {
        Self {
            fault: fault.into(),
            place,
            begun: Instant::now(),
            injected: Arc::default(),
            sent: None,
            poisoned: 0,
            repeated: None,
        }
    }

    /// The fault has happened.
    pub fn injected(&self) {
        self.injected.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts how often it has happened, for whoever injects it.
    pub fn counter(&self) -> Arc<AtomicU64> {
        self.injected.clone()
    }

    /// Says that `quarantine` must have so many rows of the tenant, not none.
    pub fn expect_quarantined(&mut self, rows: u64) {
        self.poisoned = rows;
    }

    /// Says that `duplicates` must have so many rows, not just any.
    pub fn expect_duplicates(&mut self, rows: u64) {
        self.repeated = Some(rows);
    }

    /// Waits until all is published and insists: the fault happened, each id is
    /// in its table exactly once, by our own reading and by another engine's,
    /// and the ledger balances.
    ///
    /// # Panics
    /// When one of these is not so.
    pub async fn prove(mut self, sandbox: &Sandbox, acked: &Acked) {
        let counted = each_once(sandbox, acked).await;
        let (poisoned, repeated) = (self.poisoned, self.repeated);
        sandbox.wait_for_count("quarantine", poisoned).await;
        let duplicates = match repeated {
            Some(rows) => {
                sandbox.wait_for_count("duplicates", rows).await;
                rows
            }
            None => sandbox.count("duplicates").await,
        };
        balanced(sandbox).await;
        let injected = self.injected.load(Ordering::SeqCst);
        assert!(injected > 0, "{}: it never happened", self.fault);
        self.sent.get_or_insert(acked.len() as u64);
        self.report(&counted, duplicates, injected);
    }

    fn report(&self, counted: &Value, duplicates: u64, injected: u64) {
        let row = format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            self.fault,
            self.place,
            self.sent.unwrap_or_default(),
            counted["distinct"],
            counted["lost"],
            counted["doubled"],
            self.poisoned,
            duplicates,
            injected,
            self.begun.elapsed().as_secs(),
        );
        print!("{row}");
        let Some(path) = std::env::var_os("CHALKLINE_TORTURE_REPORT") else {
            return;
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(row.as_bytes()));
        written.expect("CHALKLINE_TORTURE_REPORT can be written");
    }
}

/// Waits until all is published, then compares every id of every table as another
/// engine reads it; says what that has counted.
///
/// # Panics
/// When an id is not there exactly once.
pub async fn each_once(sandbox: &Sandbox, acked: &Acked) -> Value {
    for table in event::TABLES {
        let of = |number: &&u64| event::table(**number) == table;
        let expected = acked.iter().filter(of).count() as u64;
        sandbox.wait_for_count(table, expected).await;
    }
    let mut expected = String::new();
    for number in acked {
        expected.push_str(&event::id(*number));
        expected.push('\n');
    }
    let expected = sandbox.write("expected-ids", &expected);
    let options = sandbox.storage_options().to_string();
    let tables = event::TABLES.map(|table| sandbox.table_url(table));
    let mut arguments = vec![expected.as_str(), options.as_str()];
    arguments.extend(tables.iter().map(String::as_str));
    let counted = python::run("ids.py", &arguments);
    let right = json!({
        "rows": acked.len(), "distinct": acked.len(), "lost": 0, "doubled": 0, "unasked": 0,
        "examples": [],
    });
    assert_eq!(counted, right, "another engine counts");
    counted
}

/// Waits until the ledger has every event of the tables and each of its rows
/// agrees: what is counted already may not be published yet.
///
/// # Panics
/// When that did not happen in time: see [`eventually`].
pub async fn balanced(client: &Client) {
    let mut stored = 0;
    for table in event::TABLES {
        stored += client.count(table).await;
    }
    client
        .wait_for_value("select sum(stored) as n from ledger", stored)
        .await;
    eventually("the ledger balances", || async {
        let unbalanced = client.sql("select * from ledger where not balanced").await;
        match unbalanced.is_empty() {
            true => Ok(()),
            false => Err(json!(unbalanced).to_string()),
        }
    })
    .await;
}
