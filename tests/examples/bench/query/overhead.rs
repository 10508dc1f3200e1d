//! What it costs that a policy chooses the rows, and not the statement.

use super::district::District;
use super::service::Service;
use super::statements;
use crate::report::{Floor, Report};

/// How often each is asked by both.
const TIMES: usize = 20;
/// Roles whose policy chooses rows, and nothing else: their rows can be written as a
/// condition.
const CHOOSING: [&str; 2] = ["teacher", "school_admin"];

/// Each statement by turns, asked by who sees all with the policy as a condition in it, and
/// without by who has the policy.
pub async fn measure(district: &District, service: &Service, report: &mut Report) {
    let (mut choosing, mut aggregating) = (Vec::new(), Vec::new());
    let (mut worst, mut different) = ((0.0, String::new()), Vec::new());
    for statement in statements::analysts() {
        for role in statement.roles() {
            let condition = district.places.scope(role);
            let written = statement.sql(&district.places.values, &condition);
            let secured = statement.sql(&district.places.values, "");
            let (steward, other) = (&district.steward, district.asker(role));
            let of_all = service.ask(steward, &written).await;
            let of_role = service.ask(other, &secured).await;
            let is_choosing = CHOOSING.contains(&role);
            if is_choosing && !of_all.agrees(&of_role) {
                different.push(format!("`{}` of a {role}", statement.name));
            }
            let mut ratios = Vec::new();
            for time in 0..TIMES {
                // Whoever comes second finds the processor's caches full.
                let (before, after);
                if time % 2 == 0 {
                    before = service.ask(steward, &written).await.seconds;
                    after = service.ask(other, &secured).await.seconds;
                } else {
                    after = service.ask(other, &secured).await.seconds;
                    before = service.ask(steward, &written).await.seconds;
                }
                ratios.push(after / before);
            }
            let of_pair = median(&mut ratios);
            eprintln!("{} of {role}: {of_pair:.3}", statement.name);
            if is_choosing && of_pair > worst.0 {
                worst = (of_pair, format!("`{}` of a {role}", statement.name));
            }
            let ratios_of = if is_choosing {
                &mut choosing
            } else {
                &mut aggregating
            };
            ratios_of.append(&mut ratios);
        }
    }
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let agreement = match different.is_empty() {
        true => "all answers the same".to_owned(),
        false => format!("answers differ: {}", different.join(", ")),
    };
    let overhead = percent(median(&mut choosing));
    report.add(
        "policies of rows, more of execution time",
        format!("{overhead:.1} %"),
        overhead,
        Floor::AtMost(15.0),
        format!(
            "median of {} pairs: a teacher or a principal beside a steward who writes their policy \
             into WHERE, by turns; {agreement}; worst median of a statement {:.1} %, {}",
            choosing.len(),
            percent(worst.0),
            worst.1
        ),
    );
    let overhead = percent(median(&mut aggregating));
    report.add(
        "an analyst's small cells, more of execution time",
        format!("{overhead:.1} %"),
        overhead,
        Floor::None,
        "median; students of each group are counted as well, and small groups left out".to_owned(),
    );
}

/// The middle one; 1 of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(1.0)
}
