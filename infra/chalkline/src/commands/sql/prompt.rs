//! A session in a terminal: lines are edited, remembered and done, one after the other.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};

use super::assistant::{Assistant, is_word_of_the_client};
use super::catalogue::Who;
use super::session::{Flow, Session};
use super::statements::{Piece, pieces};
use super::trouble::Trouble;
use super::visible::visible;

/// How many entries are remembered.
const ENTRIES: usize = 5_000;

/// Asks for lines and does them, until somebody has enough. Errors are told, and end
/// nothing.
///
/// # Errors
/// When the service does not let us in, or there is no terminal to speak of.
pub async fn run(session: &mut Session, remembers: bool) -> Result<(), Trouble> {
    let who: Who = session.get(Who::PATH).await?;
    session.preload();
    if !session.settings.quiet {
        eprintln!(
            "chalkline {} at {}: {} of {}.\n\\? shows what can be typed, Ctrl-D ends.\n",
            env!("CARGO_PKG_VERSION"),
            session.access.asker().url(),
            visible(&who.role),
            visible(&who.tenant),
        );
    }
    let history = remembers.then(history_file).flatten();
    let mut editor = editor(session)?;
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    let prompt = format!("{}=> ", visible(&who.tenant));
    let styled = match session.color {
        true => format!("\u{1b}[1m{prompt}\u{1b}[0m"),
        false => prompt.clone(),
    };
    let prompt = (prompt, styled);
    loop {
        // Waiting for a key must not keep what else the process does.
        let input = match tokio::task::block_in_place(|| editor.readline(&prompt)) {
            Ok(input) => input,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Trouble::Client(format!("the terminal fails: {error}"))),
        };
        if input.trim().is_empty() {
            continue;
        }
        if editor.add_history_entry(input.trim_end()).unwrap_or(false)
            && let Some(file) = &history
        {
            // Now, and not at the end: there may be no end.
            let _ = editor.append_history(file);
        }
        if done(session, &input).await == Flow::End {
            break;
        }
    }
    Ok(())
}

/// Does what was typed, up to its first error, which is told.
async fn done(session: &mut Session, input: &str) -> Flow {
    let words = input.trim().trim_end_matches(';').to_lowercase();
    let meant = match is_word_of_the_client(input) {
        true => format!("\\{words}"),
        false => input.to_owned(),
    };
    let (pieces, rest) = pieces(&meant);
    for piece in pieces.into_iter().chain(rest.map(Piece::Statement)) {
        match session.piece(piece).await {
            Ok(Flow::On) => {}
            Ok(Flow::End) => return Flow::End,
            Err(trouble) => {
                tell(session, &trouble);
                // It may be another version when it is back.
                session.is_stale |= trouble.is_away();
                return Flow::On;
            }
        }
    }
    if std::mem::take(&mut session.is_stale) {
        session.preload();
    }
    Flow::On
}

fn tell(session: &Session, trouble: &Trouble) {
    let text = match trouble {
        Trouble::Cancelled => "Cancelled.".to_owned(),
        trouble => format!("ERROR: {trouble}"),
    };
    match session.color {
        true => eprintln!("\u{1b}[31m{text}\u{1b}[0m"),
        false => eprintln!("{text}"),
    }
}

fn editor(session: &Session) -> Result<Editor<Assistant, DefaultHistory>, Trouble> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .auto_add_history(false)
        .color_mode(match session.color {
            true => ColorMode::Enabled,
            false => ColorMode::Disabled,
        })
        .build();
    let editor = Editor::with_config(config);
    let mut editor = editor.map_err(|error| Trouble::Client(format!("no terminal: {error}")))?;
    let _ = editor.set_max_history_size(ENTRIES);
    editor.set_helper(Some(Assistant::new(Arc::clone(&session.catalogue))));
    Ok(editor)
}

/// Where lines are remembered: in the user's folder for state, which nobody else reads.
/// Lines that begin with a space are not, nor is ever a token.
fn history_file() -> Option<PathBuf> {
    let absolute = |variable: &str| {
        let path = PathBuf::from(std::env::var_os(variable)?);
        path.is_absolute().then_some(path)
    };
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    let folder = state.join("chalkline");
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    made.is_ok().then(|| folder.join("sql_history"))
}
