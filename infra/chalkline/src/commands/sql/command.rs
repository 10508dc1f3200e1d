//! Lines that begin with a backslash: what they ask of the client.

use clap::ValueEnum as _;

use super::settings::{Expanded, Format};

/// What can be asked of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Show what can be asked.
    Help,
    /// List tables.
    Tables,
    /// Show the columns of a table.
    Table(String),
    /// List functions whose name begins so; all if empty.
    Functions(String),
    /// List reports.
    Reports,
    /// Say whom the service takes the asker for.
    Who,
    /// Show the rows of tables one below the other; the other way round if not said.
    Expanded(Option<Expanded>),
    /// Say how long it took; the other way round if not said.
    Timing(Option<bool>),
    /// Let tables be wider than the terminal; the other way round if not said.
    Wide(Option<bool>),
    /// Show long answers in a pager; the other way round if not said.
    Pager(Option<bool>),
    /// Answer in a format; say which if absent.
    Format(Option<Format>),
    /// Write answers to a file; to standard output if absent.
    Output(Option<String>),
    /// Run a script.
    Include(String),
    /// End.
    Quit,
}

/// A command as help shows it: what is typed, and what it does.
pub const HELP: [(&str, &str); 16] = [
    ("\\d", "list tables"),
    ("\\d TABLE", "show the columns of a table"),
    (
        "\\h [NAME]",
        "list functions, or those whose name begins so",
    ),
    ("\\r", "list reports, and up to when they are complete"),
    ("\\w", "show who you are: tenant, role, bounds"),
    ("\\x [on|off|auto]", "show rows one below the other"),
    ("\\wide [on|off]", "let tables be wider than the terminal"),
    (
        "\\format [NAME]",
        "answer as table, csv, json, ndjson, arrow or markdown",
    ),
    ("\\timing [on|off]", "say how long it took"),
    ("\\pager [on|off]", "show long answers in $PAGER, or less"),
    (
        "\\o [FILE]",
        "write answers to a file; without one, here again",
    ),
    ("\\i FILE", "run the statements of a file"),
    ("\\?", "show this; help as well"),
    ("\\q", "end; exit, quit and Ctrl-D as well"),
    ("Tab", "complete keywords, tables, columns, functions"),
    ("Ctrl-C", "forget the line, or end the query that runs"),
];

/// The words that begin commands, for completion.
pub const NAMES: [&str; 14] = [
    "?", "d", "format", "h", "help", "i", "o", "pager", "q", "r", "timing", "w", "wide", "x",
];

impl Command {
    /// Reads a line after its backslash.
    ///
    /// # Errors
    /// With what is wrong, when no command is like it.
    pub fn parse(line: &str) -> Result<Self, String> {
        let line = line.trim().trim_end_matches(';').trim_end();
        let (name, rest) = match line.split_once(char::is_whitespace) {
            Some((name, rest)) => (name, rest.trim()),
            None => (line, ""),
        };
        let takes_none = |command: Self| match rest {
            "" => Ok(command),
            _ => Err(format!("\\{name} stands alone")),
        };
        match name {
            "?" | "help" => takes_none(Self::Help),
            "q" | "quit" | "exit" => takes_none(Self::Quit),
            "r" => takes_none(Self::Reports),
            "w" => takes_none(Self::Who),
            "d" if rest.is_empty() => Ok(Self::Tables),
            "d" => Ok(Self::Table(rest.trim_matches('"').to_owned())),
            "h" => Ok(Self::Functions(rest.to_lowercase())),
            "x" => Ok(Self::Expanded(match rest {
                "" => None,
                "on" => Some(Expanded::On),
                "off" => Some(Expanded::Off),
                "auto" => Some(Expanded::Auto),
                _ => return Err("write \\x on, \\x off or \\x auto".to_owned()),
            })),
            "timing" => switch(name, rest).map(Self::Timing),
            "wide" => switch(name, rest).map(Self::Wide),
            "pager" => switch(name, rest).map(Self::Pager),
            "format" if rest.is_empty() => Ok(Self::Format(None)),
            "format" => match Format::from_str(rest, true) {
                Ok(format) => Ok(Self::Format(Some(format))),
                Err(_) => Err(format!("the formats are {}", Format::names().join(", "))),
            },
            "o" => Ok(Self::Output(path(rest))),
            "i" => match path(rest) {
                Some(path) => Ok(Self::Include(path)),
                None => Err("name the file: \\i queries.sql".to_owned()),
            },
            _ => Err(format!(
                "there is no command \\{}; \\? shows all",
                super::visible::visible(name)
            )),
        }
    }
}

fn switch(name: &str, rest: &str) -> Result<Option<bool>, String> {
    match rest {
        "" => Ok(None),
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        _ => Err(format!("write \\{name} on or \\{name} off")),
    }
}

/// A file's name, which may stand in quotes.
fn path(text: &str) -> Option<String> {
    let quoted = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    let path = quoted('\'').or_else(|| quoted('"')).unwrap_or(text);
    (!path.is_empty()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("q", Command::Quit)]
    #[case("?", Command::Help)]
    #[case("d", Command::Tables)]
    #[case("d video ;", Command::Table("video".to_owned()))]
    #[case("h Date_", Command::Functions("date_".to_owned()))]
    #[case("x", Command::Expanded(None))]
    #[case("x auto", Command::Expanded(Some(Expanded::Auto)))]
    #[case("timing on", Command::Timing(Some(true)))]
    #[case("format CSV", Command::Format(Some(Format::Csv)))]
    #[case("o 'my file.csv'", Command::Output(Some("my file.csv".to_owned())))]
    #[case("o", Command::Output(None))]
    #[case("i a.sql", Command::Include("a.sql".to_owned()))]
    fn commands_are_read(#[case] line: &str, #[case] expected: Command) {
        assert_eq!(Command::parse(line), Ok(expected));
    }

    #[rstest]
    #[case("dt", "\\? shows all")]
    #[case("x sometimes", "\\x auto")]
    #[case("timing maybe", "\\timing on")]
    #[case("format xml", "ndjson")]
    #[case("i", "\\i queries.sql")]
    #[case("q now", "stands alone")]
    #[case("\u{1b}[2J", "\\u{1b}")]
    fn what_is_none_says_what_is(#[case] line: &str, #[case] hint: &str) {
        let error = Command::parse(line).expect_err("no command");
        assert!(error.contains(hint), "{error}");
        assert!(!error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn every_name_is_a_command_and_in_the_help() {
        for name in NAMES {
            let named = ["", " x"].map(|rest| Command::parse(&format!("{name}{rest}")));
            let unknown = |read: &Result<Command, String>| {
                read.as_ref()
                    .is_err_and(|error| error.contains("no command"))
            };
            assert!(!named.iter().any(unknown), "{name}");
            let is_shown = |(typed, _): &(&str, &str)| {
                typed
                    .strip_prefix('\\')
                    .is_some_and(|typed| typed.starts_with(name))
            };
            assert!(name == "help" || HELP.iter().any(is_shown), "{name}");
        }
    }
}
