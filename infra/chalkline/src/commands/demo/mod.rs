//! `chalkline demo`: `up` with a real course in it, and three answers.

mod access;
mod answers;
mod slice;

use std::process::ExitCode;
use std::sync::Arc;

use runtime::{Registry, Shutdown, telemetry};
use serde::Serialize;
use serde_json::json;

use super::serve::unless_stopped;
use super::{configuration, master_key};
use crate::client::Client;
use crate::import::{self, Progress, State, Summary};
use crate::oulad::{CourseStarts, Oulad};
use crate::output::Output;
use crate::{Addresses, Config, DataDir, cli, compose};
use access::Access;
use answers::Answers;

/// The data folder unless another is stated.
const DATA_DIR: &str = "chalkline-demo";

/// What the demo has to show.
#[derive(Debug, Serialize)]
struct Shown {
    ingest_url: String,
    query_url: String,
    #[serde(flatten)]
    access: Access,
    attribution: &'static str,
    import: Summary,
    events: u64,
    answers: Answers,
}

/// `chalkline demo`: until a signal says stop, or with `--once` until the
/// answers are there.
pub async fn run(
    common: &cli::Common,
    args: &cli::Demo,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let mut config = configuration(common, Some(DATA_DIR))?;
    if config.telemetry == telemetry::Config::default() {
        // Only what the visitor should know.
        config.telemetry.filter = "warn".to_owned();
    }
    let data_dir = DataDir::lock(&config.data_dir)?;
    let metrics = telemetry::init(&config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    let starting = compose::up(&config, master_key()?, metrics, &shutdown);
    let Some(services) = unless_stopped(&shutdown, starting).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    data_dir.announce(services.addresses())?;
    let (addresses, registry) = (services.addresses().clone(), services.registry().clone());
    let serving = tokio::spawn(services.run());

    let stop = shutdown.token();
    let shown = tokio::select! {
        shown = load_and_ask(&config, &addresses, &registry, output) => shown,
        () = stop.cancelled() => {
            serving.await??;
            return Ok(ExitCode::SUCCESS);
        }
    };
    match shown {
        Ok(shown) => {
            output.show(&shown, text(&shown));
            if args.once {
                shutdown.trigger();
            } else {
                output.say("\nServing until Ctrl-C.");
            }
            serving.await??;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            shutdown.trigger();
            serving.await??;
            Err(error)
        }
    }
}

async fn load_and_ask(
    config: &Config,
    addresses: &Addresses,
    registry: &Registry,
    output: Output,
) -> anyhow::Result<Shown> {
    let ingest_url = addresses.ingest_url.clone().unwrap_or_default();
    let query_url = addresses.query_url.clone().unwrap_or_default();
    let access = Access::open(&config.data_dir, registry).await?;
    output.say(slice::ATTRIBUTION);

    let folder = slice::unpack(&config.data_dir)?;
    let mut state = State::open(config.data_dir.join("import.json"))?;
    let oulad = tokio::task::spawn_blocking(move || Oulad::open(&folder, CourseStarts::default()));
    let oulad = Arc::new(oulad.await??);
    let progress = Progress::new();
    let ingest = Client::new(&ingest_url, &access.key);
    let import = import::run(Arc::clone(&oulad), &ingest, &mut state, &progress).await?;

    let query = Client::new(&query_url, &access.token);
    let tables = oulad.tables().iter();
    let events = tables
        .filter_map(|table| state.table(table))
        .map(|table| table.events)
        .sum();
    answers::wait_for(&query, events, &progress).await?;
    Ok(Shown {
        answers: Answers::ask(&query).await?,
        ingest_url,
        query_url,
        access,
        attribution: slice::ATTRIBUTION,
        import,
        events,
    })
}

fn text(shown: &Shown) -> String {
    let Shown {
        ingest_url,
        query_url,
        access,
        ..
    } = shown;
    let event = json!({
        "type": "page.viewed",
        "time": runtime::Clock::system().now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "actor": "stu-1041",
        "course": "try-it",
        "data": { "url": "https://lms.example/start" },
    });
    let sql = |sql: &str| {
        format!(
            "curl -sS {query_url}/v1/sql -H 'Authorization: Bearer {}' \\\n    \
             -H 'Content-Type: application/json' -d {}",
            access.token,
            shell_quoted(&json!({ "sql": sql }).to_string())
        )
    };
    format!(
        "\n{answers}\n\
         {events} events, each stored once.\n\n\
         Post events to {ingest_url}/v1/events\n  with the write key   {key}\n\
         Ask in SQL at  {query_url}/v1/sql\n  with the query token {token}\n\n\
         Post an event, and see it a few seconds later:\n\n  \
         curl -sS {ingest_url}/v1/events -H 'Authorization: Bearer {key}' \\\n    \
         -H 'Content-Type: application/json' -d {event}\n\n  {seen}\n\n\
         What do students open most?\n\n  {top}\n\n\
         Is every accepted event in its table?\n\n  {ledger}",
        answers = shown.answers,
        event = shell_quoted(&event.to_string()),
        events = shown.events,
        key = access.key,
        token = access.token,
        seen = sql("SELECT occurred_at, url FROM clickstream WHERE course_id = 'try-it'"),
        top = sql(
            "SELECT element, sum(\"count\") AS clicks FROM clickstream WHERE course_id = 'aaa' GROUP BY element ORDER BY clicks DESC LIMIT 5"
        ),
        ledger = sql(
            "SELECT hour, family, accepted, stored, balanced FROM ledger ORDER BY hour, family"
        ),
    )
}

/// A text as one word of a POSIX shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_one_word_of_the_shell() {
        let text = r#"{"sql":"SELECT 'a b' AS \"c\", $1"}"#;
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("printf %s {}", shell_quoted(text))])
            .output()
            .expect("sh starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), text);
    }
}
