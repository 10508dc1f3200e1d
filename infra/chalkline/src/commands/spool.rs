//! `chalkline spool`: what the spool could not send, and sending it again.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use eventlog::{Aside, AsideFile, EventLog as _, KafkaLog, Retried};
use serde::Serialize;
use serde_json::json;

use super::credential::time;
use crate::output::{Output, table};
use crate::{Config, cli};

/// `chalkline spool …`.
pub async fn run(config: &Config, command: cli::Spool, output: Output) -> anyhow::Result<ExitCode> {
    let Some(aside) = Aside::of(&config.spool) else {
        bail!("there is no spool: say where it is with spool.dir, or CHALKLINE_SPOOL_DIR");
    };
    match command {
        cli::Spool::List => list(&aside, output),
        cli::Spool::Retry { files } => retry(config, &aside, files, output).await,
    }
}

/// A file, for programs.
#[derive(Debug, Serialize)]
struct Found {
    file: String,
    spooled_at: Option<DateTime<Utc>>,
    bytes: u64,
    events: usize,
    problem: Option<String>,
}

impl From<AsideFile> for Found {
    fn from(file: AsideFile) -> Self {
        Self {
            file: file.name,
            spooled_at: file.spooled_at.map(DateTime::from),
            bytes: file.bytes,
            events: file.records,
            problem: file.problem,
        }
    }
}

fn list(aside: &Aside, output: Output) -> anyhow::Result<ExitCode> {
    let names = aside.names()?;
    let found = names.iter().map(|name| aside.look(name).map(Found::from));
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let folder = aside.folder().display();
    let text = if found.is_empty() {
        format!("Nothing was put aside in {folder}.")
    } else {
        let rows = found.iter().map(|found| {
            [
                found.file.clone(),
                time(found.spooled_at),
                found.bytes.to_string(),
                found.events.to_string(),
                found.problem.clone().unwrap_or_default(),
            ]
        });
        let headings = [
            "FILE",
            "SPOOLED",
            "BYTES",
            "EVENTS",
            "WHAT IS WRONG WITH IT",
        ];
        format!("{}\nin {folder}", table(headings, rows))
    };
    let json = json!({ "folder": folder.to_string(), "files": found });
    output.show(&json, text);
    Ok(ExitCode::SUCCESS)
}

/// What became of a file.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    outcome: &'static str,
    events: usize,
    /// The file with what is left, if another.
    rest: Option<String>,
    problem: Option<String>,
}

impl Line {
    fn new(file: String, retried: Retried) -> Self {
        let (outcome, events, rest, problem) = match retried {
            Retried::Sent { records } => ("sent", records, None, None),
            Retried::Partly {
                records,
                rest,
                problem,
            } => ("partly", records, Some(rest), Some(problem)),
            Retried::Stays { records, problem } => ("stays", records, None, Some(problem)),
        };
        Self {
            file,
            outcome,
            events,
            rest,
            problem,
        }
    }

    fn text(&self) -> String {
        let Self { file, events, .. } = self;
        let problem = self.problem.as_deref().unwrap_or_default();
        match &self.rest {
            _ if self.outcome == "sent" => format!("{file}: sent, {events} events"),
            Some(rest) => {
                format!("{file}: sent, {events} events; the rest stays as {rest}: {problem}")
            }
            None => format!("{file}: stays: {problem}"),
        }
    }
}

/// Sends the files one after the other; all if none is named.
async fn retry(
    config: &Config,
    aside: &Aside,
    files: Vec<String>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    // A wrong name is told before anything is sent.
    for file in &files {
        aside.look(file)?;
    }
    let files = match files.is_empty() {
        true => of_all(aside)?,
        false => files,
    };
    let mut lines = Vec::new();
    if !files.is_empty() {
        let log = KafkaLog::open(config.kafka.clone()).await;
        let log = log.context("cannot open the event log")?;
        for file in files {
            let retried = aside.retry(&file, &log).await;
            lines.push(Line::new(file, retried?));
        }
        log.close().await;
    }
    let is_done = lines.iter().all(|line| line.outcome == "sent");
    let text: Vec<_> = lines.iter().map(Line::text).collect();
    let text = match text.is_empty() {
        true => format!("Nothing was put aside in {}.", aside.folder().display()),
        false => text.join("\n"),
    };
    output.show(&json!({ "files": lines }), text);
    Ok(if is_done {
        ExitCode::SUCCESS
    } else {
        crate::failed()
    })
}

/// All files but those of which everything that can be read was sent.
fn of_all(aside: &Aside) -> anyhow::Result<Vec<String>> {
    let mut names = aside.names()?;
    names.retain(|name| !name.ends_with(".rest"));
    Ok(names)
}
