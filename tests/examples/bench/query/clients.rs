//! Several who ask at once, each again as soon as there is an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::Client;
use serde_json::json;
use tokio::task::JoinSet;

use super::Services;
use super::district::District;
use super::service::Service;
use super::statements;
use crate::latency::Latencies;
use crate::report::{Floor, Report, thousands};

/// How many ask at once.
const CLIENTS: [usize; 3] = [1, 4, 16];

/// What is asked.
enum Questions {
    Statements(Vec<String>),
    /// Paths of pages.
    Reports(Vec<String>),
}

impl Questions {
    fn len(&self) -> usize {
        match self {
            Self::Statements(all) | Self::Reports(all) => all.len(),
        }
    }

    /// Asks the one at a place, over and over the same; whether it is answered. Whoever is
    /// told to come later is not.
    async fn ask(&self, client: &Client, place: usize) -> bool {
        let place = place % self.len();
        let reply = match self {
            Self::Statements(all) => client.ask(&all[place], json!([])).await,
            Self::Reports(all) => Ok(client.get(&all[place]).await),
        };
        let reply = reply.expect("query answers");
        match reply.status {
            200 => true,
            429 | 503 => false,
            status => panic!("{status}: {}", reply.text()),
        }
    }
}

/// What came of it.
#[derive(Default)]
struct Round {
    answers: Latencies,
    answered: u64,
    refused: u64,
    elapsed: f64,
    /// Seconds of the service's processor time.
    used: f64,
}

/// The statements, and pages of reports, `seconds` of each.
pub async fn measure(district: &District, services: &Services, seconds: u64, report: &mut Report) {
    let statements = statements::analysts();
    let values = &district.places.values;
    let statements = statements.iter().map(|statement| statement.sql(values, ""));
    let statements = Arc::new(Questions::Statements(statements.collect()));
    let reports = Arc::new(Questions::Reports(district.places.reports()));
    let steward = &district.steward;
    let (bare, keeping) = (&services.bare, &services.keeping);
    let rounds = [
        ("twelve statements, bare", &statements, bare, steward, false),
        (
            "twelve statements, of one school",
            &statements,
            bare,
            &district.principal,
            false,
        ),
        (
            "twelve statements, from memory",
            &statements,
            keeping,
            steward,
            true,
        ),
        (
            "pages of reports, read",
            &reports,
            bare,
            &district.principal,
            false,
        ),
        (
            "pages of reports, warm",
            &reports,
            keeping,
            &district.principal,
            true,
        ),
    ];
    for (what, questions, service, who, is_warm) in rounds {
        let client = service.client(who);
        if is_warm {
            for place in 0..questions.len() {
                assert!(questions.ask(&client, place).await, "nobody else asks");
            }
        }
        for clients in CLIENTS {
            let round = run(questions, service, &client, clients, seconds).await;
            let is_floor = is_warm && matches!(**questions, Questions::Reports(_)) && clients == 16;
            add(what, clients, &round, is_floor, report);
        }
    }
}

/// So many clients, each beginning elsewhere among the questions.
async fn run(
    questions: &Arc<Questions>,
    service: &Service,
    client: &Client,
    clients: usize,
    seconds: u64,
) -> Round {
    let (begun, before) = (Instant::now(), service.cpu_seconds());
    let until = begun + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (questions, client) = (Arc::clone(questions), client.clone());
        let first = number * questions.len() / clients;
        tasks.spawn(async move {
            let mut round = Round::default();
            for place in first.. {
                let asked = Instant::now();
                if asked >= until {
                    break;
                }
                if questions.ask(&client, place).await {
                    round.answers.add(asked.elapsed());
                    round.answered += 1;
                } else {
                    round.refused += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            round
        });
    }
    let mut all = Round::default();
    while let Some(done) = tasks.join_next().await {
        let round = done.expect("a client does not fail");
        all.answers += round.answers;
        all.answered += round.answered;
        all.refused += round.refused;
    }
    all.elapsed = begun.elapsed().as_secs_f64();
    all.used = service.cpu_seconds() - before;
    all
}

fn add(what: &str, clients: usize, round: &Round, is_floor: bool, report: &mut Report) {
    let floor = |most| {
        if is_floor {
            Floor::AtMost(most)
        } else {
            Floor::None
        }
    };
    let rate = round.answered as f64 / round.elapsed;
    let how = format!(
        "{} answers/s, {:.2} ms of the service's processor time each, {} told to come later",
        thousands(rate),
        round.used / round.answered as f64 * 1e3,
        round.refused
    );
    let what = format!("{what}, {clients} clients");
    let millis = |share| round.answers.at(share).as_secs_f64() * 1e3;
    report.add(
        &what,
        round.answers.summary(),
        millis(0.5),
        floor(10.0),
        format!("ms at p50; {how}"),
    );
    if is_floor {
        report.add(
            &format!("{what}, p99"),
            format!("{:.1} ms", millis(0.99)),
            millis(0.99),
            floor(50.0),
            "of the same".to_owned(),
        );
    }
}
