//! `chalkline sql`: asks a query service, in a terminal or in scripts.

mod access;
mod answer;
mod assistant;
mod catalogue;
mod command;
mod complete;
mod deeds;
mod keywords;
mod listing;
mod prompt;
mod render;
mod session;
mod settings;
mod sink;
mod statements;
mod trouble;
mod visible;
mod waiting;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use self::access::Access;
use self::session::{Session, read_script};
use self::settings::{Expanded, Format, Settings};
use self::sink::Sink;
use self::trouble::Trouble;
use crate::output::Output;
use crate::{Config, cli};

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// `chalkline sql`.
pub async fn run(config: &Config, args: cli::Sql, output: Output) -> anyhow::Result<ExitCode> {
    let mut session = open(config, &args, output).await?;
    let done = match scripts(&args) {
        Some(scripts) => all(&mut session, &scripts).await,
        None => prompt::run(&mut session, !args.no_history).await,
    };
    match done {
        Ok(()) | Err(Trouble::Closed) => Ok(ExitCode::SUCCESS),
        Err(Trouble::Cancelled) => Ok(ExitCode::from(INTERRUPTED)),
        Err(trouble) => Err(trouble.into()),
    }
}

async fn open(config: &Config, args: &cli::Sql, output: Output) -> anyhow::Result<Session> {
    let access = Access::find(config, args).await?;
    let mut sink = Sink::stdout();
    if let Some(path) = &args.output {
        let redirected = sink.redirect(Some(path.clone()));
        redirected.with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let format = args.format.unwrap_or(match output.json {
        true => Format::Json,
        false => Format::Table,
    });
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Ok(Session {
        access,
        settings: Settings {
            format,
            expanded: match args.expanded {
                true => Expanded::On,
                false => Expanded::Off,
            },
            wide: args.wide,
            timing: true,
            pager: is_set("PAGER") && sink.is_terminal(),
            quiet: args.quiet,
        },
        sink,
        color: io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb,
        params: args.params.iter().map(|text| param(text)).collect(),
        catalogue: Default::default(),
        depth: 0,
        is_stale: false,
    })
}

/// Where statements come from.
enum Script<'a> {
    /// The command line.
    Text(&'a str),
    /// A file, or `-`.
    File(&'a Path),
}

/// What is to be done without asking; nothing if somebody sits at the terminal.
fn scripts(args: &cli::Sql) -> Option<Vec<Script<'_>>> {
    let texts = args.statements.iter().chain(&args.commands);
    let texts = texts.map(|text| Script::Text(text));
    let files = args.files.iter().map(|file| Script::File(file));
    let scripts: Vec<_> = texts.chain(files).collect();
    if !scripts.is_empty() {
        return Some(scripts);
    }
    (!io::stdin().is_terminal()).then(|| vec![Script::File(Path::new("-"))])
}

async fn all(session: &mut Session, scripts: &[Script<'_>]) -> Result<(), Trouble> {
    for script in scripts {
        let flow = match script {
            Script::Text(text) => session.script(text, None).await?,
            Script::File(file) => {
                let text = read_script(file)?;
                let name = match file.to_str() {
                    Some("-") | None => "stdin".to_owned(),
                    Some(name) => name.to_owned(),
                };
                session.script(&text, Some(&name)).await?
            }
        };
        if flow == session::Flow::End {
            break;
        }
    }
    Ok(())
}

/// A parameter's value: JSON, or else a text.
fn param(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("bio-101", json!("bio-101"))]
    #[case("7", json!(7))]
    #[case("\"7\"", json!("7"))]
    #[case("null", json!(null))]
    #[case("[\"a\", \"b\"]", json!(["a", "b"]))]
    #[case("2026-09-14", json!("2026-09-14"))]
    #[case("", json!(""))]
    fn a_parameter_is_json_or_a_text(#[case] text: &str, #[case] expected: Value) {
        assert_eq!(param(text), expected);
    }
}
