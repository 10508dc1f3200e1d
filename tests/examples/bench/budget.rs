//! What a steady load costs in commits and files, and how fresh the tables are,
//! by how many tenants share it.

use std::time::Duration;

use chrono::Utc;
use e2e::Sandbox;
use eventlog::testing::KafkaBroker;

use crate::lake;
use crate::load::{Events, Load};
use crate::metrics;
use crate::report::{Floor, Report, thousands};
use crate::stages::STEADY;

/// Until all tables are made and every tenant has had its turn.
const WARM_UP: Duration = Duration::from_secs(90);

/// How long the oldest row of a table has waited.
const LAG: &str = "chalkline_transform_table_lag_seconds";

/// How far behind a report is for the tenant for whom it is furthest behind.
const REPORT_LAG: &str = "chalkline_report_lag_seconds";

/// 5,000 events a second, shared evenly by so many tenants; counts for six times
/// `seconds`.
pub async fn measure(tenants: u64, seconds: u64, report: &mut Report) {
    let window = Duration::from_secs(6 * seconds);
    let kafka = KafkaBroker::start().await;
    let sandbox = Sandbox::roles(&kafka.address(), &["ingest", "transform"]).await;
    let total = WARM_UP + window;
    let mut load = Load::of(&sandbox, total.as_secs(), 0).steady(STEADY);
    load.events = Events::Mixed;
    for number in 1..tenants {
        let other = sandbox.tenant(&format!("School {number}"), &[]);
        load.keys.push(other.tenant.key);
    }
    let load = tokio::spawn(async move { load.run().await });
    let transform = sandbox.process("transform");
    tokio::time::sleep(WARM_UP).await;
    let (begun, before) = (Utc::now().timestamp_micros(), transform.cpu_seconds());
    tokio::time::sleep(window).await;
    let (ended, used) = (
        Utc::now().timestamp_micros(),
        transform.cpu_seconds() - before,
    );
    let url = sandbox.url("transform");
    let behind = async |series| {
        let lags = metrics::read(&url, series).await;
        lags.into_iter().fold(0.0, f64::max)
    };
    let (waits, reports) = (behind(LAG).await, behind(REPORT_LAG).await);
    load.await.expect("the load does not fail");

    let found = lake::commits(&sandbox, begun, ended);
    let seconds = (ended - begun) as f64 / 1e6;
    let of = |kind: &str, what: &str| found[kind][what].as_f64().unwrap_or_default();
    let hourly = |kind: &str, what: &str| of(kind, what) / seconds * 3_600.0;
    let how = |what: &str| {
        let kinds = [
            ("counts", "books"),
            ("reports", "reports"),
            ("upkeep", "upkeep"),
        ];
        let others = kinds.map(|(name, kind)| format!("{name} {}", thousands(hourly(kind, what))));
        format!("beside them {}", others.join(", "))
    };
    let name = |what: &str| match tenants {
        1 => format!("one tenant: {what}"),
        _ => format!("{tenants} tenants: {what}"),
    };
    report.add(
        &name("commits an hour to event tables"),
        thousands(hourly("events", "commits")),
        hourly("events", "commits"),
        Floor::None,
        format!(
            "{}; {seconds:.0} s of {} events/s of all families, after {} s, as an hour",
            how("commits"),
            thousands(STEADY),
            WARM_UP.as_secs()
        ),
    );
    report.add(
        &name("files an hour in event tables"),
        thousands(hourly("events", "files")),
        hourly("events", "files"),
        Floor::None,
        format!(
            "{}; at the end {} stand in {} event tables, of {} kB on average",
            how("files"),
            thousands(of("events", "standing")),
            of("events", "tables"),
            thousands(of("events", "standing_bytes") / of("events", "standing") / 1e3),
        ),
    );
    let age = |what: &str| found["ages"][what].as_f64().unwrap_or(f64::INFINITY);
    let floor = match tenants {
        1 => Floor::AtMost(3.0),
        _ => Floor::None,
    };
    report.add(
        &name("received → published"),
        format!("p50 {:.2} s, p99 {:.2} s", age("p50"), age("p99")),
        age("p99"),
        floor,
        format!(
            "all {} events published meanwhile, the slowest {:.1} s; at the end the \
             oldest row had waited {waits:.1} s, and reports were {reports:.0} s behind; transform took {:.2} cores, peak memory {} MiB",
            thousands(age("rows")),
            age("max"),
            used / seconds,
            transform.peak_memory() >> 20,
        ),
    );
}
