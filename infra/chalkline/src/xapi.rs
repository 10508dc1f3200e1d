//! Files of xAPI statements, one a line, as a source of events.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::client::Dialect;
use crate::import::{Events, HashingReader, RowEvents, Source, Table, open};

/// The namespace of the ids of statements that have none.
const NAMESPACE: Uuid = Uuid::from_u128(0x1d0c_6a3e_78b2_4f1c_a0de_55f2_90c4_7e13);

/// A longer line is no statement; the front door would refuse it.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Why a file is no source of statements.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is not a JSON object.
    #[error("{path}, line {line}: every line should be one xAPI statement, a JSON object")]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A line has no end.
    #[error("{path}, line {line} is longer than {MAX_LINE} bytes")]
    Length {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
    },
}

/// Files of statements, opened: digests and line counts are known.
#[derive(Debug)]
pub struct Statements {
    files: Vec<StatementFile>,
}

#[derive(Debug)]
struct StatementFile {
    path: PathBuf,
    name: String,
    digest: String,
    lines: u64,
}

/// As much of a statement as an import needs to know.
#[derive(Deserialize)]
struct Head {
    id: Option<IgnoredAny>,
}

impl Statements {
    /// Opens the files, `.jsonl` or `.jsonl.gz`, reading each once.
    ///
    /// # Errors
    /// [`StatementError::Read`] when one of them cannot be read.
    pub fn open(paths: &[PathBuf]) -> Result<Self, StatementError> {
        let files = paths.iter().map(|path| StatementFile::open(path));
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
        })
    }
}

impl Source for Statements {
    fn dialect(&self) -> Dialect {
        Dialect::Xapi
    }

    fn tables(&self) -> Vec<&dyn Table> {
        self.files.iter().map(|file| file as &dyn Table).collect()
    }

    fn events<'a>(&'a self, table: usize, skip: u64) -> anyhow::Result<Events<'a>> {
        let file = &self.files[table];
        let lines = Lines::open(&file.path)?;
        let rows = lines.map(move |line| {
            let (row, line) = line?;
            if row <= skip {
                return Ok(None);
            }
            let events = file.statement(row, line).map(|statement| vec![statement])?;
            Ok(Some(RowEvents { row, events }))
        });
        Ok(Box::new(rows.filter_map(Result::transpose)))
    }
}

impl StatementFile {
    fn open(path: &Path) -> Result<Self, StatementError> {
        let source = open(path).map_err(|source| read_error(path, source))?;
        let mut source = HashingReader::new(source);
        let lines = Lines::over(path, &mut source).try_fold(0, |_, line| Ok(line?.0))?;
        Ok(Self {
            name: path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            path: path.to_owned(),
            digest: source.digest(),
            lines,
        })
    }

    /// The line as the front door takes it. Without an id a statement sent
    /// again would be stored again, so it gets one from its place.
    fn statement(&self, line: u64, text: String) -> Result<String, StatementError> {
        let error = |source| StatementError::Line {
            path: self.path.display().to_string(),
            line,
            source,
        };
        if serde_json::from_str::<Head>(&text)
            .map_err(error)?
            .id
            .is_some()
        {
            return Ok(text);
        }
        let mut statement: Map<String, Value> = serde_json::from_str(&text).map_err(error)?;
        let place = format!("{}/{line}", self.digest);
        let id = Uuid::new_v5(&NAMESPACE, place.as_bytes()).to_string();
        statement.insert("id".to_owned(), id.into());
        Ok(Value::Object(statement).to_string())
    }
}

impl Table for StatementFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn row_count(&self) -> u64 {
        self.lines
    }
}

/// The lines of a file that are not blank, with their numbers from 1.
struct Lines<R> {
    path: PathBuf,
    reader: BufReader<R>,
    line: u64,
}

impl Lines<Box<dyn Read + Send>> {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self::over(path, file))
    }
}

impl<R: Read> Lines<R> {
    fn over(path: &Path, reader: R) -> Self {
        Self {
            path: path.to_owned(),
            reader: BufReader::new(reader),
            line: 0,
        }
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = Result<(u64, String), StatementError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = String::new();
            let mut bounded = (&mut self.reader).take(MAX_LINE + 1);
            match bounded.read_line(&mut text) {
                Ok(0) => return None,
                Ok(_) => self.line += 1,
                Err(source) => return Some(Err(read_error(&self.path, source))),
            }
            if text.len() as u64 > MAX_LINE {
                return Some(Err(StatementError::Length {
                    path: self.path.display().to_string(),
                    line: self.line,
                }));
            }
            let trimmed = text.trim();
            if !trimmed.is_empty() {
                return Some(Ok((self.line, trimmed.to_owned())));
            }
        }
    }
}

fn read_error(path: &Path, source: io::Error) -> StatementError {
    StatementError::Read {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> (tempfile::TempDir, Statements) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("statements.jsonl");
        std::fs::write(&path, text).expect("written");
        let statements = Statements::open(&[path]).expect("opened");
        (folder, statements)
    }

    fn rows(statements: &Statements, skip: u64) -> Vec<anyhow::Result<RowEvents>> {
        statements.events(0, skip).expect("rows").collect()
    }

    #[test]
    fn statements_keep_their_ids_and_get_one_from_their_place() {
        let (_folder, statements) = opened("{\"id\":\"a\"}\n\n{\"verb\":1}\r\n{\"verb\":1}\n");
        assert_eq!(statements.tables()[0].row_count(), 4);
        let rows: Vec<_> = rows(&statements, 0)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            rows.iter().map(|row| row.row).collect::<Vec<_>>(),
            [1, 3, 4]
        );
        assert_eq!(rows[0].events, [r#"{"id":"a"}"#]);
        let id = |row: usize| {
            let statement: Value = serde_json::from_str(&rows[row].events[0]).expect("JSON");
            statement["id"].as_str().expect("an id").to_owned()
        };
        assert_ne!(id(1), id(2));
        let (_folder, again) = opened("{\"id\":\"a\"}\n\n{\"verb\":1}\r\n{\"verb\":1}\n");
        let again: Vec<_> = self::rows(&again, 3)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(again, rows[2..]);
    }

    #[test]
    fn a_line_that_is_no_statement_is_named() {
        let (_folder, statements) = opened("{\"id\":\"a\"}\n[]\n");
        let error = rows(&statements, 0)
            .pop()
            .expect("two rows")
            .expect_err("an array");
        assert!(
            error.to_string().contains("statements.jsonl, line 2"),
            "{error}"
        );
    }
}
