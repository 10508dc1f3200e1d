//! The most memory that answering took.

use super::Services;
use super::district::District;
use super::service::Service;
use super::{service, statements};
use crate::report::{Floor, Report};

/// Of the query services after all that was asked of them, and of `up`, started over the
/// same lake, once it has answered every statement and every page.
pub async fn measure(district: &District, services: &Services, report: &mut Report) {
    let mut add = |what: &str, memory: u64, how: &str| {
        report.add(
            &format!("{what}, peak memory"),
            format!("{memory} MiB"),
            memory as f64,
            Floor::AtMost(1024.0),
            how.to_owned(),
        );
    };
    let how = "after the statements and reports above, up to 16 clients";
    add(
        "`query` that keeps no answers",
        services.bare.peak_memory(),
        how,
    );
    add("`query`", services.keeping.peak_memory(), how);

    let up = Service::start(&district.sandbox, "up", "up", &[]).await;
    for statement in statements::analysts() {
        let sql = statement.sql(&district.places.values, "");
        up.ask(&district.steward, &sql).await;
    }
    let client = up.client(&district.steward);
    for path in district.places.reports() {
        service::waited_for(&client, &path).await;
    }
    let how = "over the same lake, after each statement and each page once";
    add("`up` that answers", up.peak_memory(), how);
}
