//! Each statement by itself, when nobody else asks.

use e2e::Client;

use super::Services;
use super::district::District;
use super::service::Service;
use super::statements;
use crate::latency::Latencies;
use crate::report::{Floor, Report, thousands};

/// How often each is asked, after once that does not count.
const TIMES: usize = 20;

/// All rows and no policy, the rows of one school by policy, and from memory; at last a
/// statement that reads nothing.
pub async fn measure(district: &District, services: &Services, report: &mut Report) {
    for statement in statements::analysts() {
        let sql = statement.sql(&district.places.values, "");
        let (bare, rows) = times(&services.bare, &district.steward, &sql).await;
        let (secured, own_rows) = times(&services.bare, &district.principal, &sql).await;
        let (kept, _) = times(&services.keeping, &district.steward, &sql).await;
        let kind = match statement.is_of_a_dashboard() {
            true => "dashboard",
            false => "wide",
        };
        report.add(
            &format!("query `{}`, {kind}", statement.name),
            bare.summary(),
            bare.at(0.5).as_secs_f64() * 1e3,
            Floor::None,
            format!(
                "the service's own time, {rows} rows; with the policy of a school {}, {own_rows} \
                 rows; from memory {}",
                secured.summary(),
                kept.summary()
            ),
        );
    }
    let (nothing, _) = times(&services.bare, &district.steward, "SELECT 1 AS one").await;
    report.add(
        "query `SELECT 1`",
        nothing.summary(),
        nothing.at(0.5).as_secs_f64() * 1e3,
        Floor::AtMost(5.0),
        format!(
            "ms at p50 of what surrounds reading; all of these over {} events of {} students in {} \
             sections",
            thousands(district.events as f64),
            thousands(district.students.into()),
            thousands(district.sections as f64),
        ),
    );
}

/// How long it takes again and again, and how many rows it answers.
async fn times(service: &Service, who: &Client, sql: &str) -> (Latencies, u64) {
    let first = service.ask(who, sql).await;
    let mut latencies = Latencies::default();
    for _ in 0..TIMES {
        let again = service.ask(who, sql).await;
        latencies.add(again.duration());
    }
    (latencies, first.rows)
}
