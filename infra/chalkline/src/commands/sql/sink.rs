//! Where answers go: to standard output, a file, or a pager.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::visible::Visible;

/// What pages when `$PAGER` says nothing, and how: it ends by itself after a short text,
/// shows bold and dim, and leaves the text where it is.
const PAGER: &str = "less";
const LESS: &str = "FRSX";

/// Where answers go.
#[derive(Debug)]
pub struct Sink {
    file: Option<File>,
    is_terminal: bool,
}

impl Sink {
    /// Standard output.
    pub fn stdout() -> Self {
        Self {
            file: None,
            is_terminal: io::stdout().is_terminal(),
        }
    }

    /// Sends all that follows to a file, which is emptied; `None` is standard output.
    ///
    /// # Errors
    /// When the file cannot be written; nothing has changed then.
    pub fn redirect(&mut self, path: Option<PathBuf>) -> io::Result<()> {
        self.file = match path {
            Some(path) => Some(File::create(path)?),
            None => None,
        };
        Ok(())
    }

    /// Whether people look at it.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal && self.file.is_none()
    }

    /// What takes bytes as they are.
    pub fn raw(&mut self) -> Box<dyn Write + '_> {
        match &mut self.file {
            Some(file) => Box::new(file),
            None => Box::new(io::stdout().lock()),
        }
    }

    /// Where an answer is passed on to as it comes.
    pub fn pass(&mut self) -> Pass<'_> {
        let is_terminal = self.is_terminal();
        let raw = self.raw();
        match is_terminal {
            true => Pass::Shown(Visible::new(raw)),
            false => Pass::Raw(raw),
        }
    }

    /// Writes a text and a line end; through the pager if it is wanted and there is one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn text(&mut self, text: &str, paged: bool) -> io::Result<()> {
        let is_long = text.lines().count() > SHORT;
        if paged && is_long && self.is_terminal() && page(text).is_some() {
            return Ok(());
        }
        let mut raw = self.raw();
        raw.write_all(text.as_bytes())?;
        raw.write_all(b"\n")?;
        raw.flush()
    }
}

/// An answer on its way, made harmless if a terminal shows it.
pub enum Pass<'a> {
    /// To a terminal.
    Shown(Visible<Box<dyn Write + 'a>>),
    /// To programs.
    Raw(Box<dyn Write + 'a>),
}

impl Pass<'_> {
    /// Writes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Shown(visible) => visible.write_all(bytes),
            Self::Raw(raw) => raw.write_all(bytes),
        }
    }

    /// Writes what was held back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Shown(visible) => visible.finish(),
            Self::Raw(mut raw) => raw.flush(),
        }
    }
}

/// Below so many lines a text needs no pager on any terminal.
const SHORT: usize = 20;

/// Shows a text in the pager; nothing if there is none.
fn page(text: &str) -> Option<()> {
    let pager = std::env::var("PAGER").unwrap_or_default();
    let pager = match pager.trim() {
        "" => PAGER,
        pager => pager,
    };
    let mut command = Command::new("sh");
    // The shell, as for other programs: a pager may have options.
    command.args(["-c", pager]).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let mut child = command.spawn().ok()?;
    if let Some(mut input) = child.stdin.take() {
        // Who leaves the pager does not want the rest.
        let _ = input.write_all(text.as_bytes());
        let _ = input.write_all(b"\n");
    }
    let ended = child.wait().ok()?;
    // What the shell says of a program that is not there.
    (ended.code() != Some(127)).then_some(())
}

/// How many columns the terminal has, where standard output is one.
pub fn screen_width() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from)
}
