//! Measures the stated figures on this machine and prints them as Markdown:
//! `infra/bench/run.sh`.
//!
//! Figures of one process are per second of *its* processor time, so that what
//! shares the machine (broker, generator, a noisy neighbour) does not count.

mod latency;
mod load;
mod report;
mod reports;
mod stages;

use std::process::ExitCode;

use report::Report;

/// How long the front door is loaded: `CHALKLINE_BENCH_SECONDS`.
fn seconds() -> u64 {
    std::env::var("CHALKLINE_BENCH_SECONDS").map_or(20, |text| {
        text.parse().expect("CHALKLINE_BENCH_SECONDS is a number")
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let seconds = seconds();
    let mut report = Report::of_this_machine();
    stages::kafka(seconds, &mut report).await;
    stages::up(seconds, &mut report).await;
    reports::measure(&mut report).await;
    print!("{report}");
    if report.missed().is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("floors missed: {}", report.missed().join(", "));
    ExitCode::FAILURE
}
