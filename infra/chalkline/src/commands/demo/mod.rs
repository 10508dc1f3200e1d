//! `chalkline demo`: `up` with two real courses and a roster in it, and five answers.

mod access;
mod answers;
mod dataset;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use runtime::{Clock, Registry, Shutdown, telemetry};
use serde::Serialize;
use serde_json::json;

use super::import::oulad_roster;
use super::link::page_url;
use super::serve::unless_stopped;
use super::{configuration, master_key};
use crate::client::Client;
use crate::import::{self, Progress, Source, State, Summary};
use crate::oulad::{CourseStarts, Oulad};
use crate::output::Output;
use crate::xapi::Statements;
use crate::{Addresses, Config, DataDir, cli, compose};
use access::Access;
use answers::Answers;
use dataset::{FUN_MOOC, OULAD};

/// The data folder unless another is stated.
const DATA_DIR: &str = "chalkline-demo";
/// The video that most people watched.
const VIDEO: &str = "d613b564-5d18-4238-a69c-0fc8cee5d0e7";

/// What the demo has to show.
#[derive(Debug, Serialize)]
struct Shown {
    page_url: String,
    data_dir: PathBuf,
    ingest_url: String,
    query_url: String,
    #[serde(flatten)]
    access: Access,
    attributions: [&'static str; 2],
    imports: [Summary; 2],
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
    let mut config = configuration(common, Some(DATA_DIR), None)?;
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
    let attributions = [FUN_MOOC.attribution, OULAD.attribution];
    output.say(attributions.join("\n"));

    let progress = Progress::new();
    let ca_file = config.ca_file.as_deref();
    let ingest = Client::trusting(&ingest_url, &access.key, ca_file)?;
    let mut state = State::open(config.data_dir.join("import.json"))?;
    let (statements, oulad) = sources(config).await?;
    oulad_roster(
        &ingest,
        config.data_dir.join(OULAD.name),
        CourseStarts::default(),
    )
    .await?;
    let imports = [
        import::run(Arc::clone(&statements), &ingest, &mut state, &progress).await?,
        import::run(Arc::clone(&oulad), &ingest, &mut state, &progress).await?,
    ];
    let imported = Clock::system().now();
    let tables = [statements.tables(), oulad.tables()].concat();
    let tables = tables.into_iter().filter_map(|table| state.table(table));
    let events = tables.map(|table| table.events).sum();

    let query = Client::trusting(&query_url, &access.token, ca_file)?;
    wait::for_events(&query, events, &progress).await?;
    if imports.iter().any(|import| import.rows > 0) {
        wait::for_reports(&query, imported, &progress).await?;
    }
    Ok(Shown {
        page_url: page_url(&query, &query.login_code().await?),
        data_dir: config.data_dir.clone(),
        answers: Answers::ask(&query).await?,
        ingest_url,
        query_url,
        access,
        attributions,
        imports,
        events,
    })
}

/// The two datasets, unpacked and opened. The small one comes first, so that
/// the page has something to show early.
async fn sources(config: &Config) -> anyhow::Result<(Arc<dyn Source>, Arc<dyn Source>)> {
    let statements = FUN_MOOC
        .unpack(&config.data_dir)?
        .join("statements.jsonl.gz");
    let oulad = OULAD.unpack(&config.data_dir)?;
    let open = move || {
        let statements = Statements::open(&[statements])?;
        let oulad = Oulad::open(&oulad, CourseStarts::default())?;
        anyhow::Ok((Arc::new(statements) as _, Arc::new(oulad) as _))
    };
    tokio::task::spawn_blocking(open).await?
}

fn text(shown: &Shown) -> String {
    let Shown {
        page_url,
        data_dir,
        ingest_url,
        query_url,
        access: Access { key, token, .. },
        events,
        answers,
        ..
    } = shown;
    // As it was called: it need not be on the path.
    let program = std::env::args().next().unwrap_or_default();
    let again = format!(
        "{} link --data-dir {}",
        shell_quoted(&program),
        shell_quoted(&data_dir.display().to_string())
    );
    let event = json!({
        "type": "page.viewed",
        "time": Clock::system().now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "actor": "stu-1041",
        "course": "try-it",
        "data": { "url": "https://lms.example/start" },
    });
    let event = shell_quoted(&event.to_string());
    let sql = "SELECT occurred_at, url FROM clickstream WHERE course_id = 'try-it'";
    let body = shell_quoted(&json!({ "sql": sql }).to_string());
    format!(
        "\n{answers}\n\
         {events} events, each stored once.\n\n\
         Look at it, the link logs in once and within 10 minutes:\n\n  {page_url}\n\n\
         Another link:\n\n  {again}\n\n\
         Post events to  {ingest_url}/v1/events  with the write key\n  {key}\n\
         Ask at          {query_url}/v1/sql      with the query token\n  {token}\n\n\
         Post an event:\n\n  \
         curl -sS {ingest_url}/v1/events -H 'Authorization: Bearer {key}' \\\n    \
         -H 'Content-Type: application/json' -d {event}\n\n\
         See it, a few seconds later:\n\n  \
         curl -sS {query_url}/v1/sql -H 'Authorization: Bearer {token}' \\\n    \
         -H 'Content-Type: application/json' -d {body}\n\n\
         Read a report, here who opened most on one day:\n\n  \
         curl -sS '{query_url}/v1/reports/student_day?day=2013-10-07&order=-contents_opened&limit=5' \\\n    \
         -H 'Authorization: Bearer {token}' -H 'Accept: text/csv'\n\n\
         Try in the page's SQL box: which seconds of a video are watched again?\n\n  \
         SELECT second, viewers, replay_index FROM video_retention\n  \
         WHERE content_id = '{VIDEO}' ORDER BY second",
    )
}

/// A text as one word of a POSIX shell.
fn shell_quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
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
