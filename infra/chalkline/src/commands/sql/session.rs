//! A session: its scripts, their statements, and what is typed in a terminal.

use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::access::Access;
use super::answer::{self, About};
use super::catalogue::Catalogue;
use super::command::Command;
use super::render::Looks;
use super::settings::{ARROW, Format, Settings};
use super::sink::Sink;
use super::statements::{Part, Piece, pieces};
use super::trouble::Trouble;
use super::waiting::Waiting;
use crate::client::{AskError, Stream};

/// How deep scripts may include scripts.
const DEEPEST: usize = 16;

/// What goes on after a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next one is done.
    On,
    /// It ends.
    End,
}

/// A piece that was understood.
enum Work<'a> {
    Statement(Part<'a>),
    Command(Command),
}

/// Whoever asks: a service, and how its answers are shown.
pub struct Session {
    /// The service.
    pub access: Access,
    /// How answers are shown.
    pub settings: Settings,
    /// Where they go.
    pub sink: Sink,
    /// Whether a terminal may show colours.
    pub color: bool,
    /// The values of `$1`, `$2`, ….
    pub params: Vec<Value>,
    /// What completion knows.
    pub catalogue: Arc<RwLock<Catalogue>>,
    /// How deep in scripts it is.
    pub depth: usize,
    /// Whether the service was away since then.
    pub is_stale: bool,
}

impl Session {
    /// Does all of a script, up to its first error. `name` is what people know it by, so
    /// that the error says where; a text from the command line has none.
    ///
    /// # Errors
    /// The first one.
    pub async fn script(&mut self, script: &str, name: Option<&str>) -> Result<Flow, Trouble> {
        let (pieces, rest) = pieces(script);
        // The last statement need not be closed.
        let rest = rest.map(Piece::Statement);
        for piece in pieces.into_iter().chain(rest) {
            let (Piece::Statement(part) | Piece::Command(part)) = piece;
            match self.piece(piece).await {
                Ok(Flow::On) => {}
                Ok(Flow::End) => return Ok(Flow::End),
                Err(trouble) => return Err(trouble.at(name, part.line)),
            }
        }
        Ok(Flow::On)
    }

    /// Does one piece.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn piece(&mut self, piece: Piece<'_>) -> Result<Flow, Trouble> {
        let work = match piece {
            Piece::Statement(part) => Work::Statement(part),
            Piece::Command(part) => {
                Work::Command(Command::parse(part.text).map_err(Trouble::Client)?)
            }
        };
        if let Work::Command(Command::Include(file)) = work {
            return self.include(&file).await;
        }
        tokio::select! {
            done = self.work(work) => done,
            _ = tokio::signal::ctrl_c() => Err(Trouble::Cancelled),
        }
    }

    async fn work(&mut self, work: Work<'_>) -> Result<Flow, Trouble> {
        match work {
            Work::Statement(part) => self.statement(part).await.map(|()| Flow::On),
            Work::Command(command) => self.command(command).await,
        }
    }

    async fn statement(&mut self, part: Part<'_>) -> Result<(), Trouble> {
        let format = self.settings.format;
        if format == Format::Arrow && self.sink.is_terminal() {
            return Err(Trouble::Client(
                "arrow is for programs: send it to a file with \\o FILE, --output or >".to_owned(),
            ));
        }
        self.answer(part.text, format).await
    }

    async fn answer(&mut self, sql: &str, format: Format) -> Result<(), Trouble> {
        let began = Instant::now();
        let waiting = Waiting::begin();
        let mut stream = self.ask(sql, format.passed_on().unwrap_or(ARROW)).await?;
        let mut about = About::of(&stream);
        if format.passed_on().is_some() {
            drop(waiting);
            answer::pass(&mut stream, &mut self.sink, sql).await?;
        } else {
            let most = answer::most(&self.sink);
            let (sheet, is_whole) = answer::read(&mut stream, most, sql).await?;
            // Ends the query if there is more.
            drop(stream);
            drop(waiting);
            about.rows = Some(sheet.rows.len() as u64);
            about.has_more = !is_whole;
            about = about.since(began);
            let looks = Looks {
                lines: is_plan(sql),
                ..self.looks()
            };
            about.remarks = answer::show(&sheet, &self.settings, looks, &mut self.sink)?;
            return self.remark(&about);
        }
        self.remark(&about.since(began))
    }

    /// Asks; once more if the token had to be made anew.
    async fn ask(&mut self, sql: &str, media_type: &'static str) -> Result<Stream, Trouble> {
        let asked = self.access.asker().ask(sql, &self.params, media_type).await;
        let error = match asked {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        if !self.renewed(&error).await? {
            return Err(Trouble::of(&error, sql));
        }
        let asked = self.access.asker().ask(sql, &self.params, media_type).await;
        asked.map_err(|error| Trouble::of(&error, sql))
    }

    /// What the service tells at a path; asks once more as for statements.
    ///
    /// # Errors
    /// When it tells nothing.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, Trouble> {
        let error = match self.access.asker().get(path).await {
            Ok(told) => return Ok(told),
            Err(error) => error,
        };
        if !self.renewed(&error).await? {
            return Err(Trouble::of(&error, ""));
        }
        let told = self.access.asker().get(path).await;
        told.map_err(|error| Trouble::of(&error, ""))
    }

    /// Whether asking again makes sense after this error.
    async fn renewed(&mut self, error: &AskError) -> Result<bool, Trouble> {
        let renewed = self.access.renew(error).await;
        renewed.map_err(|error| Trouble::Client(format!("{error:#}")))
    }

    /// Says what is to be said of an answer: below it on a terminal, else aside.
    fn remark(&mut self, about: &About) -> Result<(), Trouble> {
        if self.settings.quiet {
            return Ok(());
        }
        let line = about.line(self.settings.timing);
        if self.sink.is_terminal() && self.settings.format.passed_on().is_none() {
            let written = self.sink.text(&format!("{line}\n"), false);
            return written.map_err(|error| Trouble::writing(&error));
        }
        eprintln!("{line}");
        Ok(())
    }

    async fn include(&mut self, file: &str) -> Result<Flow, Trouble> {
        if self.depth >= DEEPEST {
            return Err(Trouble::Client(format!(
                "{file} is the {DEEPEST}th script within another: does it include itself?"
            )));
        }
        let script = read_script(Path::new(file))?;
        self.depth += 1;
        let done = Box::pin(self.script(&script, Some(file))).await;
        self.depth -= 1;
        done
    }

    /// How the terminal may show things.
    pub(super) fn looks(&self) -> Looks {
        Looks {
            color: self.color,
            lines: false,
        }
    }
}

/// Whether a statement asks for a plan, whose lines are to stay.
fn is_plan(sql: &str) -> bool {
    let word = sql.split_whitespace().next();
    word.is_some_and(|word| word.eq_ignore_ascii_case("explain"))
}

/// Reads a script; `-` is standard input.
///
/// # Errors
/// When it cannot be read.
pub fn read_script(file: &Path) -> Result<String, Trouble> {
    let read = match file == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(file),
    };
    read.map_err(|error| Trouble::Client(format!("{} cannot be read: {error}", file.display())))
}
