//! `chalkline tail`: what becomes of events, as they come.

use std::process::ExitCode;
use std::time::Duration;

use crate::client::{Client, ClientError, Line, Tail, Told};
use crate::output::Output;
use crate::{Addresses, Config, cli};

/// The wait before connecting again; it doubles with each failure, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Prints what is told until Ctrl-C; connects again when the service was away.
pub async fn run(config: &Config, args: cli::Tail, output: Output) -> anyhow::Result<ExitCode> {
    let url = || {
        let running = || Addresses::read(&config.data_dir)?.ingest_url;
        let url = args.url.clone().or_else(running);
        url.unwrap_or_else(|| "http://127.0.0.1:8080".to_owned())
    };
    let client = Client::trusting(&url(), &args.key, config.ca_file.as_deref())?;
    // Another start may listen on another port.
    let listening = listen(|| client.at(&url()), parameters(&args), output);
    tokio::select! {
        failed = listening => Err(failed.into()),
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
    }
}

fn parameters(args: &cli::Tail) -> Vec<(&'static str, String)> {
    let mut parameters = Vec::new();
    if args.all_keys {
        parameters.push(("key", "all".to_owned()));
    }
    let outcomes = args.outcome.join(",");
    let texts = [
        ("outcome", (!outcomes.is_empty()).then_some(outcomes)),
        ("type", args.event_type.clone()),
        ("family", args.family.map(|family| family.to_string())),
        ("sample", args.sample.map(|sample| sample.to_string())),
    ];
    parameters.extend(
        texts
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?))),
    );
    parameters
}

/// Listens until that makes no sense, and answers why.
async fn listen(
    client: impl Fn() -> Client,
    parameters: Vec<(&str, String)>,
    output: Output,
) -> ClientError {
    let mut wait = FIRST_WAIT;
    let mut heard = false;
    loop {
        let ended = match client().tail(&parameters).await {
            Ok(tail) => {
                (wait, heard) = (FIRST_WAIT, true);
                tell(tail, output).await
            }
            Err(error) => Some(error),
        };
        let why = match ended {
            // An address at which nobody has ever answered is a wrong one.
            Some(error) if !error.is_retryable() || !heard => return error,
            Some(error) => error.to_string(),
            None => "the service has ended the stream".to_owned(),
        };
        eprintln!("{why}; connecting again");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Prints what is told until the stream ends, and answers why it broke if it did.
async fn tell(mut tail: Tail, output: Output) -> Option<ClientError> {
    loop {
        match tail.next().await {
            Ok(Some(told)) => show(&told, output),
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

fn show(told: &Told, output: Output) {
    match told {
        Told::Listening => eprintln!("listening; Ctrl-C ends it"),
        Told::Outcome(line) => output.show(line, text(line)),
        Told::Skipped(events) => eprintln!("… and {events} more in that second"),
        Told::Missed => eprintln!("… some are missing: the connection is too slow for all of them"),
    }
}

/// One line, or two where there is something to mend.
fn text(line: &Line) -> String {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let time = line.received_at.get(11..23).unwrap_or(&line.received_at);
    let mut text = format!("{time}  {:9}  ", line.outcome);
    match line.status {
        Some(status) => text += &format!("{} {status}", line.path),
        None => text += &format!("{:24} {}", or(&line.event_type), or(&line.id)),
    }
    if let (Some(code), Some(detail)) = (&line.code, &line.detail) {
        let place = line
            .pointer
            .as_deref()
            .filter(|pointer| !pointer.is_empty());
        let place = place
            .map(|pointer| format!(" at {pointer}"))
            .unwrap_or_default();
        text += &format!("\n              {code}{place}: {detail}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_to_mend() {
        let mut line = Line {
            received_at: "2026-09-14T10:00:00.123Z".to_owned(),
            outcome: "accepted".to_owned(),
            event_type: Some("video.played".to_owned()),
            id: Some("0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01".to_owned()),
            ..Line::default()
        };
        let accepted = "10:00:00.123  accepted   video.played             \
                        0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01";
        assert_eq!(text(&line), accepted);
        line.outcome = "rejected".to_owned();
        line.id = None;
        line.code = Some("missing_member".to_owned());
        line.pointer = Some("/0/data/position".to_owned());
        line.detail = Some("Add data.position: this type needs it.".to_owned());
        let rejected = "10:00:00.123  rejected   video.played             -\n              \
                        missing_member at /0/data/position: Add data.position: this type needs it.";
        assert_eq!(text(&line), rejected);
    }
}
