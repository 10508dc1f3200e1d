//! Measures the stated figures on this machine and prints them as Markdown:
//! `infra/bench/run.sh`.
//!
//! Figures of one process are per second of *its* processor time, so that what
//! shares the machine (broker, generator, a noisy neighbour) does not count.

mod budget;
mod compaction;
mod door;
mod flat;
mod front;
mod lake;
mod latency;
mod load;
mod metrics;
mod outage;
mod peer;
mod placing;
mod query;
mod report;
mod reports;
mod restart;
mod roster;
mod stages;
mod statements;
mod steps;

use std::process::ExitCode;

use report::Report;

/// How long the front door is loaded: `CHALKLINE_BENCH_SECONDS`.
fn seconds() -> u64 {
    std::env::var("CHALKLINE_BENCH_SECONDS").map_or(20, |text| {
        text.parse().expect("CHALKLINE_BENCH_SECONDS is a number")
    })
}

/// What is measured unless something is named.
const USUAL: [&str; 12] = [
    "kafka",
    "door",
    "steps",
    "up",
    "reports",
    "budget",
    "compaction",
    "restart",
    "flat",
    "roster",
    "placing",
    "query",
];

/// The stages that are named, `flat` or `flat=50`.
fn named() -> Vec<String> {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if named.is_empty() {
        return USUAL.map(str::to_owned).to_vec();
    }
    named
}

/// Whether to measure this.
fn wanted(stage: &str) -> bool {
    named().iter().any(|name| name == stage)
}

/// What to measure this with: the numbers that are named with it, or the usual ones.
fn numbers(stage: &str, usual: &[u64]) -> Vec<u64> {
    if wanted(stage) {
        return usual.to_vec();
    }
    let named = named();
    let named = named.iter().filter_map(|name| name.split_once('='));
    let named = named.filter(|(name, _)| *name == stage);
    named
        .map(|(_, number)| number.parse().expect("a number behind the ="))
        .collect()
}

#[tokio::main]
async fn main() -> ExitCode {
    let seconds = seconds();
    let mut report = Report::of_this_machine();
    if wanted("kafka") {
        stages::kafka(seconds, &mut report).await;
    }
    if wanted("door") {
        door::measure(seconds.div_ceil(3), &mut report).await;
    }
    if wanted("steps") {
        steps::measure(seconds.div_ceil(3), &mut report).await;
    }
    // Five minutes unless SECONDS is another.
    if wanted("outage") {
        outage::measure(15 * seconds, &mut report).await;
    }
    if wanted("up") {
        stages::up(seconds, &mut report).await;
    }
    if wanted("reports") {
        reports::measure(&mut report).await;
    }
    for tenants in numbers("budget", &[1, 50, 500]) {
        budget::measure(tenants, seconds, &mut report).await;
    }
    if wanted("compaction") {
        compaction::measure(seconds, &mut report).await;
    }
    if wanted("restart") {
        restart::measure(&mut report).await;
    }
    let millions = numbers("flat", &[0, 1, 10]);
    if !millions.is_empty() {
        flat::measure(&millions, seconds, &mut report).await;
    }
    if wanted("roster") {
        roster::measure(&mut report).await;
    }
    if wanted("placing") {
        placing::measure(seconds, &mut report).await;
    }
    if wanted("peer") {
        peer::measure(seconds, &mut report).await;
    }
    if wanted("front-peers") {
        front::measure(seconds, &mut report).await;
    }
    let questions = query::Wanted {
        own: wanted("query"),
        peers: wanted("query-peers"),
        enrolment: wanted("enrolment"),
    };
    if questions.own || questions.peers || questions.enrolment {
        query::measure(questions, seconds, &mut report).await;
    }
    print!("{report}");
    if report.missed().is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("floors missed: {}", report.missed().join(", "));
    ExitCode::FAILURE
}
