//! `chalkline replay`: entering records into the log again.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use eventlog::{EventLog as _, KafkaConfig, KafkaLog};
use futures::TryStreamExt as _;
use lake::Lake;
use reqwest::Response;
use runtime::Registry;
use tokio::sync::mpsc;
use transform::replay::{Found, Quarantined, Received, Records, Replay, Request, Step, Summary};

use super::registry;
use crate::admin::{self, ALIVE_EVERY, Admin, Line};
use crate::import::Progress;
use crate::output::{Output, table};
use crate::{Config, cli};

/// What whoever stops it should know.
const STOPPED: &str = "stopped; say the same again and it goes on with what is left, nothing is \
                       done twice";

/// Enters records again, through the `up` that has the log, or into Kafka.
pub async fn run(config: &Config, args: cli::Replay, output: Output) -> anyhow::Result<ExitCode> {
    let request = request(args)?;
    let registry = registry(config)?;
    if let Some(tenant) = &request.tenant
        && registry.tenant(tenant).await?.is_none()
    {
        bail!("there is no tenant {tenant}; chalkline tenant list shows all");
    }
    let progress = Progress::new();
    let work = async {
        match Admin::read(&config.data_dir) {
            Some(admin) => through(&admin, &request, &progress).await,
            None => here(config, registry, &request, &progress).await,
        }
    };
    let done = tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow!(STOPPED)),
    };
    progress.end();
    let summary = done?;
    output.show(&summary, text(&request, &summary));
    let is_done = summary.quarantined + summary.unread + summary.too_large == 0;
    Ok(if is_done {
        ExitCode::SUCCESS
    } else {
        crate::failed()
    })
}

fn request(args: cli::Replay) -> anyhow::Result<Request> {
    let received = Received {
        from: args.from.or(args.since),
        to: args.to.or(args.until),
    };
    if let (Some(from), Some(to)) = (received.from, received.to)
        && from >= to
    {
        bail!("nothing was received from {from} until before {to}: the first has to be earlier");
    }
    let of = match args.quarantine {
        true => Records::Quarantined(Quarantined {
            stage: args.stage,
            reason: args.reason,
            received,
        }),
        false => Records::Missing(received),
    };
    Ok(Request {
        of,
        tenant: args.tenant,
        rate: args.rate,
        dry_run: args.dry_run,
    })
}

/// Asks the `up` that has the data folder, and the log in it.
async fn through(admin: &Admin, request: &Request, progress: &Progress) -> anyhow::Result<Summary> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .read_timeout(ALIVE_EVERY * 6)
        .build()
        .context("no client can be made")?;
    let sent = http
        .post(format!("{}{}", admin.url, admin::REPLAY))
        .bearer_auth(&admin.token)
        .json(request)
        .send()
        .await;
    let answer = sent.context("the Chalkline that has the data folder does not answer")?;
    if !answer.status().is_success() {
        return Err(refused(answer).await);
    }
    let mut lines = answer.bytes_stream();
    let mut rest = Vec::new();
    while let Some(bytes) = lines.try_next().await.context(BROKEN)? {
        rest.extend_from_slice(&bytes);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            match serde_json::from_slice(&line).context("use the same version of Chalkline")? {
                Line::Alive => {}
                Line::Step(step) => show(progress, step),
                Line::Summary(summary) => return Ok(summary),
                Line::Failed { message, causes } => {
                    let causes = causes.into_iter().rev().chain([message]);
                    let error = causes.fold(None, |error: Option<anyhow::Error>, cause| {
                        Some(match error {
                            Some(error) => error.context(cause),
                            None => anyhow!(cause),
                        })
                    });
                    return Err(error.unwrap_or_else(|| anyhow!(BROKEN)));
                }
            }
        }
    }
    bail!(BROKEN)
}

const BROKEN: &str = "the Chalkline that has the data folder ended meanwhile: begin again when it \
                      runs, nothing is done twice";

async fn refused(answer: Response) -> anyhow::Error {
    let status = answer.status();
    let problem: serde_json::Value = answer.json().await.unwrap_or_default();
    match problem["detail"].as_str() {
        Some(detail) => {
            anyhow!("the Chalkline that has the data folder refuses ({status}): {detail}")
        }
        None => anyhow!("the Chalkline that has the data folder answered {status}"),
    }
}

/// Does it in this process, into Kafka.
async fn here(
    config: &Config,
    registry: Registry,
    request: &Request,
    progress: &Progress,
) -> anyhow::Result<Summary> {
    let is_kafka_named = config.kafka.brokers != KafkaConfig::default().brokers;
    if !is_kafka_named && config.embedded_log().path.exists() {
        bail!(
            "the log in {} is at rest: start `chalkline up` there, then say this again",
            config.data_dir.display()
        );
    }
    let log = KafkaLog::open(config.kafka.clone()).await;
    let log = Arc::new(log.context("cannot open the event log")?);
    let root = config.root()?;
    let lake = Lake::new(root.url().clone(), root.store(), root.options().clone());
    let replay = Replay::new(log.clone(), lake, registry);
    let (steps, mut told) = mpsc::channel(16);
    let work = async {
        let done = replay.run(request, &steps).await;
        drop(steps);
        done
    };
    let showing = async {
        while let Some(step) = told.recv().await {
            show(progress, step);
        }
    };
    let (done, ()) = tokio::join!(work, showing);
    log.close().await;
    Ok(done?)
}

fn show(progress: &Progress, step: Step) {
    match step {
        Step::Waits(reason) => eprintln!("waiting {reason}"),
        Step::Begins { what, total } => progress.begin(&what, "records", total, 0),
        Step::Advances(by) => progress.advance(by),
        Step::Ends => progress.end(),
    }
}

fn text(request: &Request, summary: &Summary) -> String {
    let is_quarantine = matches!(request.of, Records::Quarantined(_));
    if summary.found.is_empty() {
        let examined = summary.examined;
        return match (is_quarantine, summary.stored_before) {
            (false, _) => format!(
                "Nothing to replay: of {examined} records of the log none is missing in the tables."
            ),
            (true, 0) => "Nothing to replay: the quarantine has no such records.".to_owned(),
            (true, stored) => format!(
                "Nothing to replay: the events of all {stored} such records of the quarantine \
                 are stored by now."
            ),
        };
    }
    let mut text = found(&summary.found, is_quarantine);
    let entered = records(summary.entered);
    if summary.dry_run {
        return text + &format!("\n{entered} would be entered again.");
    }
    text += &format!(
        "\n{entered} entered again: {} became events, {} were there already, {} failed again.",
        summary.stored, summary.duplicate, summary.quarantined
    );
    if summary.unread > 0 {
        text += &format!(
            "\n{} of them are in the log and not read yet: see that transform runs.",
            summary.unread
        );
    }
    if summary.too_large > 0 {
        text += &format!(
            "\n{} not entered: with what says that it is entered again it is too large for the log.",
            records(summary.too_large)
        );
    }
    text
}

fn found(found: &[Found], is_quarantine: bool) -> String {
    let family = |found: &Found| found.family.map_or("", |family| family.as_str()).to_owned();
    if !is_quarantine {
        let rows = found.iter().map(|found| {
            let records = found.records.to_string();
            [found.tenant.clone(), family(found), records]
        });
        return table(["TENANT", "FAMILY", "MISSING"], rows).to_string();
    }
    let rows = found.iter().map(|found| {
        [
            found.tenant.clone(),
            family(found),
            found.stage.clone().unwrap_or_default(),
            found.reason.clone().unwrap_or_default(),
            found.attempts.map_or(String::new(), |n| n.to_string()),
            found.records.to_string(),
        ]
    });
    let headings = ["TENANT", "FAMILY", "STAGE", "REASON", "TRIES", "RECORDS"];
    table(headings, rows).to_string()
}

fn records(count: u64) -> String {
    let noun = if count == 1 { "record" } else { "records" };
    format!("{count} {noun}")
}
