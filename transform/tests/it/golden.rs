//! The golden answers of the reports that are tables: the events that stand at
//! the head of each file go through the service, in order and in others, and the
//! report's table is asked.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};
use schemas::event::Event;
use schemas::{Table, Tenant};

use crate::native::{Students, event};
use crate::reports::{ask, much_later};
use crate::rosters::golden::Roster;
use crate::support::{Sandbox, record, tenant_id};

/// A golden file.
struct Golden {
    name: String,
    tenant: Tenant,
    /// What is imported before any event comes.
    roster: Option<Roster>,
    events: Vec<Event>,
    students: Students,
    /// SQL and the rows that answer it.
    queries: Vec<(String, String)>,
}

impl Golden {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a golden file");
        let mut golden = Self {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            tenant: Tenant::new(tenant_id("golden"), "Golden"),
            roster: None,
            events: Vec::new(),
            students: Students::default(),
            queries: Vec::new(),
        };
        for record in text.split("\n\n") {
            let lines: Vec<&str> = record
                .lines()
                .filter(|line| !line.starts_with('#'))
                .collect();
            match lines.first() {
                None => {}
                Some(&"query") => {
                    let (sql, rows) = lines[1..].join("\n").split_once("\n----").map_or_else(
                        || panic!("{}: a query without ----", golden.name),
                        |(sql, rows)| (sql.to_owned(), rows.trim().to_owned()),
                    );
                    golden.queries.push((sql, rows));
                }
                Some(_) => lines.iter().for_each(|line| golden.line(line)),
            }
        }
        assert!(!golden.events.is_empty() && !golden.queries.is_empty());
        golden
    }

    /// A line before the queries.
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["events"] => {}
            ["roster"] => self.roster = Some(Roster::default()),
            ["section", id, course, term] => self.roster().section([id, course, term]),
            ["student", name, sections @ ..] => self.roster().student(name, sections),
            ["timezone", zone] => self.tenant.time_zone = zone.parse().expect("a time zone"),
            ["term", id, start, end] => self.tenant.calendar.terms.push(schemas::TermDates {
                id: id.parse().expect("a term"),
                name: None,
                start: start.parse().expect("a date"),
                end: end.parse().expect("a date"),
            }),
            _ => {
                let number = self.events.len();
                let read = event(line, number, &mut self.students);
                self.events
                    .push(read.unwrap_or_else(|error| panic!("{line}: {error}")));
            }
        }
    }

    fn roster(&mut self) -> &mut Roster {
        self.roster.as_mut().expect("a roster begins with `roster`")
    }

    /// What the tables answer after these batches, with a refresh after each.
    async fn fed(&self, batches: &[Vec<&Event>]) -> Result<(), String> {
        let sandbox = Sandbox::new().await;
        sandbox
            .registry
            .create(&self.tenant)
            .await
            .expect("creates");
        let reports = sandbox.reports();
        let mut hasher = None;
        if let Some(roster) = &self.roster {
            let bundle = roster.bundle(&self.tenant.calendar);
            sandbox.import("golden", &bundle).await;
            hasher = Some(sandbox.hasher("golden").await);
        }
        let sent = |event: &Event| match &hasher {
            Some(hasher) => record("golden", &self.students.in_roster(event, hasher)),
            None => record("golden", event),
        };
        for batch in batches {
            let records = batch.iter().map(|event| sent(event)).collect();
            sandbox.append(records).await;
            sandbox.run_to_the_end().await;
            let refreshed = reports.refresh(&self.tenant.id).await;
            refreshed.map_err(|error| format!("{}: {error}", self.name))?;
        }
        let mut failures = String::new();
        for (sql, expected) in &self.queries {
            let sql = self.students.keys_in(sql);
            let got = match ask(&sandbox, &self.tenant.id, &sql).await {
                Ok(rows) => self.students.names_in(&rows.join("\n")),
                Err(error) => error,
            };
            if got != *expected {
                write!(
                    failures,
                    "{}: {sql}\n--- expected\n{expected}\n--- got\n{got}\n\n",
                    self.name
                )
                .expect("text");
            }
        }
        failures.is_empty().then_some(()).ok_or(failures)
    }
}

fn golden_files() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/reports");
    let entries = fs::read_dir(folder).expect("a folder");
    let paths: BTreeSet<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let is_golden = |path: &&PathBuf| {
        let name = path.file_stem().and_then(|stem| stem.to_str());
        path.extension().is_some_and(|extension| extension == "slt")
            && name.is_some_and(|name| Table::from_name(name).is_some())
    };
    paths
        .iter()
        .filter(is_golden)
        .map(|path| Golden::read(path))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_has_golden_answers_and_gives_them() {
    let golden = golden_files();
    assert_eq!(golden.len(), schemas::ReportName::all().count());
    let mut failures = String::new();
    for golden in golden {
        let all: Vec<&Event> = golden.events.iter().collect();
        if let Err(failed) = golden.fed(&[all]).await {
            failures.push_str(&failed);
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// Stored twice: deduplication does not look back for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_stored_twice_counts_once() {
    let mut failures = String::new();
    for golden in golden_files() {
        let copies = golden.events.iter().cloned().map(much_later);
        let copies: Vec<Event> = copies.collect();
        let all = golden.events.iter().chain(&copies).collect();
        if let Err(failed) = golden.fed(&[all]).await {
            failures.push_str(&failed);
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// The same events shuffled, in batches, each sent once or twice.
#[test]
fn neither_order_nor_batches_nor_repetitions_change_an_answer() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for golden in golden_files() {
        let count = golden.events.len();
        let copies = prop::collection::vec(1..=2_usize, count);
        let order = copies.prop_flat_map(|copies| {
            let each = copies.iter().enumerate();
            let all = each.flat_map(|(event, copies)| std::iter::repeat_n(event, *copies));
            Just(all.collect::<Vec<_>>()).prop_shuffle()
        });
        let runs = Runs {
            failure_persistence: None,
            max_shrink_iters: 0,
            ..Runs::with_cases(2)
        };
        TestRunner::new(runs)
            .run(&(order, 2..6_usize), |(order, batches)| {
                let events: Vec<&Event> = order.iter().map(|at| &golden.events[*at]).collect();
                let size = events.len().div_ceil(batches);
                let batches: Vec<Vec<&Event>> = events.chunks(size).map(<[_]>::to_vec).collect();
                let fed = runtime.block_on(golden.fed(&batches));
                fed.map_err(TestCaseError::fail)
            })
            .unwrap_or_else(|error| panic!("{error}"));
    }
}
