//! `chalkline outbox`: events of a transactional database, handed on.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use runtime::{Shutdown, telemetry};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::outbox::{Counts, Relay, RelayError, Round};
use crate::output::Output;
use crate::{Addresses, Config, cli};

/// Tries in a row after which `--once` gives up; with the waits between them a few minutes.
const TRIES: u32 = 12;
/// How often old events are deleted.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// How long a request may still take at the end.
const LAST_REQUEST: Duration = Duration::from_secs(5);

/// `chalkline outbox …`.
pub async fn run(
    config: &Config,
    command: cli::Outbox,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let cli::Outbox::Relay(args) = command;
    telemetry::init(&config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    let running = || Addresses::read(&config.data_dir)?.ingest_url;
    let url = args.url.clone().or_else(running);
    let url = url.unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let client = Client::trusting(&url, &args.key, config.ca_file.as_deref())?;
    let database: PgConnectOptions = args.database.parse().context(
        "--database is no address of PostgreSQL: write postgresql://user@host:5432/database",
    )?;
    let relay = Relay::connect(database, client).await;
    let relay = relay.context("cannot connect to the database: check --database")?;
    let counts = relay_until(&relay, &args, &shutdown.token()).await?;
    let text = format!("{} sent, {} set aside", counts.sent, counts.rejected);
    output.show(&counts, text);
    Ok(ExitCode::SUCCESS)
}

/// Hands events on until it is time to stop or, with `--once`, none is left.
async fn relay_until(
    relay: &Relay,
    args: &cli::Relay,
    stop: &CancellationToken,
) -> anyhow::Result<Counts> {
    let interval = args.interval.to_std().unwrap_or_default();
    // No shorter than what a look costs.
    let interval = interval.max(Duration::from_millis(100));
    let wake = Arc::new(Notify::new());
    let listening = (!args.once).then(|| {
        let listening = listen(relay.clone(), Arc::clone(&wake), interval);
        tokio::spawn(stop.clone().run_until_cancelled_owned(listening))
    });
    let mut total = Counts::default();
    let mut failures = 0;
    let mut forgot: Option<Instant> = None;
    while !stop.is_cancelled() {
        if forgot.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
            let forgotten = relay.forget(args.keep.to_std().unwrap_or_default()).await;
            // The next look says what is wrong with the database.
            forgot = forgotten.is_ok().then(Instant::now);
        }
        let Some(round) = unless_stopped(stop, relay.round()).await else {
            break;
        };
        let Round { counts, failure } = round.unwrap_or_else(|error| Round {
            failure: Some(error.into()),
            ..Round::default()
        });
        report(counts);
        total.sent += counts.sent;
        total.rejected += counts.rejected;
        let is_idle = counts == Counts::default() && failure.is_none();
        let pause = match failure {
            Some(error) => {
                failures = if counts == Counts::default() {
                    failures + 1
                } else {
                    1
                };
                if !error.is_retryable() || args.once && failures >= TRIES {
                    return Err(error.into());
                }
                let wait = error.wait(failures);
                warn(&error, wait);
                wait
            }
            None if is_idle && args.once => break,
            None => {
                failures = 0;
                if is_idle { interval } else { Duration::ZERO }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.notified(), if is_idle => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    if let Some(listening) = listening {
        listening.abort();
    }
    Ok(total)
}

/// Wakes whoever waits when events are there.
async fn listen(relay: Relay, wake: Arc<Notify>, interval: Duration) {
    loop {
        if let Ok(mut listener) = relay.listen().await {
            // What was committed before nobody has told us of.
            wake.notify_one();
            while listener.heard().await.is_ok() {
                wake.notify_one();
            }
        }
        tokio::time::sleep(interval).await;
    }
}

/// The result, or nothing when it takes too long after it was time to stop. What is given
/// up is posted again another time.
async fn unless_stopped<T>(stop: &CancellationToken, doing: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(doing);
    tokio::select! {
        done = &mut doing => Some(done),
        () = stop.cancelled() => tokio::time::timeout(LAST_REQUEST, doing).await.ok(),
    }
}

fn report(counts: Counts) {
    if counts.sent > 0 {
        tracing::info!(events = counts.sent, "handed on");
    }
    if counts.rejected > 0 {
        tracing::warn!(
            events = counts.rejected,
            "set aside: chalkline.outbox says why in the column reason"
        );
    }
}

fn warn(error: &RelayError, wait: Duration) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(
        error = %error,
        cause = cause.unwrap_or_default(),
        wait_ms = wait.as_millis() as u64,
        "events wait"
    );
}
