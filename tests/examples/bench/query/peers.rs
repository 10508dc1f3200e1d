//! The same questions to others: statements to DuckDB and chDB over the same files,
//! reports to PostgreSQL.

use std::time::Instant;

use e2e::Client;
use sqlx::PgPool;

use super::Services;
use super::district::District;
use super::engines::Engines;
use super::mirror::{Mirror, condition};
use super::service::{Service, waited_for};
use super::statements::{self, Statement, for_clickhouse};
use crate::latency::Latencies;
use crate::report::{Floor, Report, thousands};

/// How often each statement is asked by turns, after once that does not count.
const TIMES: usize = 10;
/// Sections and videos for which each report is asked, twice each, the first of which does
/// not count.
const PAGES: usize = 20;

/// Every statement by turns: the service's own time without policies and kept answers, and
/// the engines' from statement to answer, all warm.
pub async fn engines(
    district: &District,
    service: &Service,
    engines: &mut Engines,
    report: &mut Report,
) {
    let mut of_dashboards = [Vec::new(), Vec::new()];
    for statement in statements::analysts() {
        let sql = statement.sql(&district.places.values, "");
        let other = for_clickhouse(&sql);
        let mut latencies = [(); 3].map(|()| Latencies::default());
        let mut agree = true;
        for time in 0..=TIMES {
            let ours = service.ask(&district.steward, &sql).await;
            let duckdb = engines.ask("duckdb", &sql);
            let chdb = engines.ask("chdb", &other);
            agree &= ours.agrees(&duckdb) && ours.agrees(&chdb);
            if time > 0 {
                for (latencies, answer) in latencies.iter_mut().zip([ours, duckdb, chdb]) {
                    latencies.add(answer.duration());
                }
            }
        }
        let [ours, duckdb, chdb] = latencies.map(|of| of.at(0.5).as_secs_f64() * 1e3);
        if statement.is_of_a_dashboard() {
            of_dashboards[0].push(ours / duckdb);
            of_dashboards[1].push(ours / chdb);
        }
        report.add(
            &format!("`{}` beside DuckDB and chDB", statement.name),
            format!("{:.2} and {:.2} of theirs", ours / duckdb, ours / chdb),
            ours / duckdb,
            Floor::None,
            format!(
                "medians of {TIMES}: {ours:.1} ms, DuckDB {duckdb:.1} ms, chDB {chdb:.1} ms; {}",
                if agree {
                    "the same answers"
                } else {
                    "answers differ"
                }
            ),
        );
    }
    for ((engine, floor), mut ratios) in [("DuckDB", Floor::AtMost(1.5)), ("chDB", Floor::None)]
        .into_iter()
        .zip(of_dashboards)
    {
        ratios.sort_by(f64::total_cmp);
        let (median, worst) = (ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
        report.add(
            &format!("filtered dashboard queries beside {engine}"),
            format!("{median:.2} of its time"),
            median,
            floor,
            format!(
                "median of {} statements, worst {worst:.2}; Parquet and cores the same",
                ratios.len()
            ),
        );
    }
}

/// Each report for some sections or videos: asked of PostgreSQL over its event tables with
/// row-level security, over materialised views without, and of the service.
pub async fn database(
    district: &District,
    services: &Services,
    mirror: &Mirror,
    report: &mut Report,
) {
    let pool = mirror.principal(1).await;
    let (bare, keeping) = (&services.bare, &services.keeping);
    let [bare, keeping] = [bare, keeping].map(|service| service.client(&district.principal));
    let reports = statements::reports();
    let mut medians = Vec::new();
    for asked in &reports {
        let places = places(district, asked);
        let over_events = of_database(&pool, places, |place| {
            let of = condition(&format!("{} = '{place}'", asked.about[0]));
            page(&asked.sql(&of, ""))
        });
        let over_events = over_events.await;
        let ours = of_service(&bare, asked, places).await;
        let kept = of_service(&keeping, asked, places).await;
        medians.push((over_events, ours, kept));
    }
    let made = mirror.materialise();
    for ((asked, (_, seconds)), (over_events, ours, kept)) in reports.iter().zip(made).zip(medians)
    {
        let places = places(district, asked);
        let view = of_database(&pool, places, |place| {
            page(&format!(
                "SELECT * FROM {} WHERE {} = '{place}'",
                asked.name, asked.about[0]
            ))
        });
        let view = view.await;
        let ratio = over_events / ours;
        report.add(
            &format!("report `{}` beside PostgreSQL", asked.name),
            format!("{ratio:.1} times as fast"),
            ratio,
            Floor::AtLeast(20.0),
            format!(
                "medians of {}: {ours:.2} ms of {} events, from memory {kept:.2} ms; PostgreSQL with \
                 row-level security {over_events:.1} ms of {} events; from a materialised view \
                 without {view:.2} ms, which took {seconds:.1} s to make",
                places.len(),
                thousands(district.events as f64),
                thousands(mirror.events as f64),
            ),
        );
    }
}

/// The sections or videos for which a report is asked.
fn places<'a>(district: &'a District, asked: &Statement) -> &'a [String] {
    let all = match asked.about[0] {
        "section_id" => &district.places.sections,
        _ => &district.places.videos,
    };
    &all[..all.len().min(PAGES)]
}

/// As many rows as a page of the service has.
pub fn page(sql: &str) -> String {
    format!("SELECT * FROM ({sql}) AS report LIMIT 1000")
}

/// The median in milliseconds of asking the database for each place.
async fn of_database(pool: &PgPool, places: &[String], sql: impl Fn(&str) -> String) -> f64 {
    let mut latencies = Latencies::default();
    for counts in [false, true] {
        for place in places {
            let sql = sql(place);
            let asked = Instant::now();
            let rows = sqlx::query(&sql).fetch_all(pool).await;
            let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let took = asked.elapsed();
            assert!(!rows.is_empty(), "nothing from {sql}");
            if counts {
                latencies.add(took);
            }
        }
    }
    latencies.at(0.5).as_secs_f64() * 1e3
}

/// The median in milliseconds of asking the service for each place.
async fn of_service(client: &Client, asked: &Statement, places: &[String]) -> f64 {
    let mut latencies = Latencies::default();
    let mut rows = 0;
    for counts in [false, true] {
        for place in places {
            let path = format!("/v1/reports/{}?{}={place}", asked.name, asked.about[0]);
            let answer = waited_for(client, &path).await;
            rows += answer.rows;
            if counts {
                latencies.add(answer.duration());
            }
        }
    }
    // A group of few students has none, all of them would have said nothing.
    assert!(rows > 0, "nothing in {}", asked.name);
    latencies.at(0.5).as_secs_f64() * 1e3
}
