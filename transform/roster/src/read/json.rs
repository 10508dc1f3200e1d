//! A catalogue as JSON: its rows become records one by one, and are read as those of CSV.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Deserializer, Map, Value};

use super::line::Lines;
use super::{Reading, Scope, unreadable};
use crate::binding::{Column, File};
use crate::diagnostic::Code;
use crate::error::Error;
use crate::header::{Header, bare};
use crate::manifest::{Mode, Version};
use crate::origin::{Form, Origin};
use crate::records::Record;
use crate::sort::Sorter;
use crate::text::{Utf8, inspect};

/// The bytes of one row at most.
const MAX_ROW: u64 = 1 << 20;

impl Reading {
    /// Reads an object with an array of rows for each table, or the rows of one.
    pub(super) fn read_json(
        &mut self,
        path: &Path,
        mode: Mode,
        only: Option<File>,
    ) -> Result<(), Error> {
        self.read_rows(path, mode, |tables, bytes| {
            let mut json = Deserializer::from_reader(bytes);
            Catalog { tables, only }.deserialize(&mut json)?;
            json.end()
        })
    }

    /// Reads a line of JSON for each row.
    pub(super) fn read_json_lines(
        &mut self,
        path: &Path,
        mode: Mode,
        table: File,
    ) -> Result<(), Error> {
        self.read_rows(path, mode, |tables, bytes| {
            let mut values = Deserializer::from_reader(bytes).into_iter();
            tables.table(table, || values.next().transpose())
        })
    }

    fn read_rows(
        &mut self,
        path: &Path,
        mode: Mode,
        read: impl FnOnce(&mut Tables<'_>, Capped) -> Result<(), serde_json::Error>,
    ) -> Result<(), Error> {
        self.origin = Origin::Catalog(Form::Json);
        let failed = |error| unreadable("the file", error);
        let open = || fs::File::open(path).map_err(failed);
        let encoding = inspect(open()?).map_err(failed)?.encoding;
        let left = Rc::new(Cell::new(MAX_ROW));
        let bytes = Capped {
            inner: BufReader::new(Utf8::new(open()?, encoding)),
            left: Rc::clone(&left),
        };
        let mut tables = Tables {
            reading: self,
            mode,
            left,
            open: BTreeMap::new(),
            broken: None,
            stopped: None,
        };
        let done = read(&mut tables, bytes);
        let Tables {
            open,
            broken,
            stopped,
            ..
        } = tables;
        if let Some(error) = stopped {
            return Err(error);
        }
        if let Err(error) = done {
            // The catalogue is refused: what of it could be read is of no use.
            return self.report_json(error, broken);
        }
        for (file, table) in open {
            if table.rows == 0 {
                let detail = "the table has no rows; it is taken for absent";
                let name = self.origin.name(file.entity());
                self.diagnostics.file(Code::EmptyFile, &name, detail);
                continue;
            }
            self.tables.insert(file.entity(), table.sorter.finish()?);
            self.scopes
                .extend(table.scope.map(|scope| (file.entity(), scope)));
            self.modes.insert(file.entity(), mode);
        }
        Ok(())
    }

    /// What is no JSON is wrong with the catalogue; what cannot be read is an error. What
    /// the parser says is not repeated: it may name a value.
    fn report_json(
        &mut self,
        error: serde_json::Error,
        broken: Option<(File, u64)>,
    ) -> Result<(), Error> {
        let line = Some(error.line() as u64).filter(|line| *line > 0);
        let (code, detail) = match error.classify() {
            Category::Io => {
                let error = io::Error::from(error);
                if error.kind() != io::ErrorKind::FileTooLarge {
                    return Err(unreadable("the file", error));
                }
                let table = broken.map(|(file, _)| self.origin.name(file.entity()));
                let table = table.unwrap_or_default();
                let row = broken.map(|(_, row)| row);
                let (code, detail) = (Code::RowTooLong, "the row is too long or does not end");
                self.diagnostics.add(code, &table, row, None, detail);
                return Ok(());
            }
            Category::Eof => (Code::InvalidJson, "the file ends in the middle"),
            _ => (
                Code::InvalidJson,
                "from this line on it is not JSON as it should be",
            ),
        };
        self.diagnostics.add(code, "", line, None, detail);
        Ok(())
    }
}

/// The tables that are read.
struct Tables<'r> {
    reading: &'r mut Reading,
    mode: Mode,
    /// How many bytes may still come before the next row.
    left: Rc<Cell<u64>>,
    open: BTreeMap<File, Table>,
    /// The row that could not be read.
    broken: Option<(File, u64)>,
    /// Why it goes no further, though the JSON does.
    stopped: Option<Error>,
}

/// The rows of a table that were read.
struct Table {
    sorter: Sorter,
    scope: Option<Scope>,
    rows: u64,
}

impl Tables<'_> {
    /// Reads the rows of a table for as long as there is a next one.
    fn table<E: serde::de::Error>(
        &mut self,
        file: File,
        mut next: impl FnMut() -> Result<Option<Value>, E>,
    ) -> Result<(), E> {
        let columns = file.columns(Version::Catalog1);
        let header = Header::of_all(columns);
        let orders = vec![self.reading.settings.day_order; columns.len()];
        let sort_bytes = self.reading.settings.sort_bytes;
        // A table that is there in two pieces is read as one.
        let mut table = self.open.remove(&file).unwrap_or_else(|| Table {
            sorter: Sorter::new(sort_bytes),
            scope: Scope::of(file.entity()),
            rows: 0,
        });
        let name = self.reading.origin.name(file.entity());
        let diagnostics = &mut self.reading.diagnostics;
        let mut lines = Lines::new(
            file,
            Version::Catalog1,
            self.mode,
            &header,
            &orders,
            diagnostics,
        )
        .called(&name);
        let mut fields = Fields::of(columns);
        let read = loop {
            self.left.set(MAX_ROW);
            let value = match next() {
                Ok(Some(value)) => value,
                Ok(None) => break Ok(()),
                Err(error) => {
                    self.broken = Some((file, table.rows + 1));
                    break Err(error);
                }
            };
            table.rows += 1;
            let Value::Object(object) = value else {
                let detail = "the row is no object";
                lines.slip(Code::InvalidValue, table.rows, "", detail);
                continue;
            };
            let record = fields.record(&object, table.rows, &mut lines);
            let Some(row) = lines.read(&record) else {
                continue;
            };
            if let Some(scope) = &mut table.scope {
                scope.learn(&row.row);
            }
            if let Err(error) = table.sorter.push(&row) {
                self.stopped = Some(error);
                break Err(E::custom("stopped"));
            }
        };
        self.open.insert(file, table);
        read
    }
}

/// The fields of a row, in the order of the binding.
struct Fields {
    columns: &'static [Column],
    text: String,
    ends: Vec<usize>,
}

impl Fields {
    fn of(columns: &'static [Column]) -> Self {
        Self {
            columns,
            text: String::new(),
            ends: Vec::new(),
        }
    }

    fn record(
        &mut self,
        object: &Map<String, Value>,
        line: u64,
        lines: &mut Lines<'_>,
    ) -> Record<'_> {
        let mut values: Vec<Option<&Value>> = vec![None; self.columns.len()];
        for (name, value) in object {
            let exact = |column: &Column| column.name == name;
            let alike = |column: &Column| bare(column.name) == bare(name);
            if let Some(place) = self.columns.iter().position(exact) {
                values[place] = Some(value);
            } else if let Some(place) = self.columns.iter().position(alike) {
                values[place] = values[place].or(Some(value));
                let detail = "the column is spelled otherwise";
                let column = self.columns[place].name;
                lines.slip(Code::ColumnSpelling, line, column, detail);
            } else {
                let detail = "the table has no such column; it is not read";
                lines.slip(Code::UnknownColumn, line, name, detail);
            }
        }
        self.text.clear();
        self.ends.clear();
        for (column, value) in self.columns.iter().zip(values) {
            let start = self.text.len();
            if value.is_some_and(|value| !write(value, &mut self.text)) {
                self.text.truncate(start);
                let detail = "a text, a number, true, false or a list of these is expected";
                lines.slip(Code::ValueLeftOut, line, column.name, detail);
            }
            self.ends.push(self.text.len());
        }
        Record::of(&self.text, &self.ends, line)
    }
}

/// Writes a value as a field of CSV has it; false if there is no such field.
fn write(value: &Value, to: &mut String) -> bool {
    match value {
        Value::Null => {}
        Value::Bool(yes) => to.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => to.push_str(&number.to_string()),
        Value::String(text) => to.push_str(text),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                if value.is_array() || !write(value, to) {
                    return false;
                }
            }
        }
        Value::Object(_) => return false,
    }
    true
}

/// A whole catalogue, or the rows of one table.
struct Catalog<'t, 'r> {
    tables: &'t mut Tables<'r>,
    only: Option<File>,
}

impl<'de> DeserializeSeed<'de> for Catalog<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Catalog<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an array for each table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { tables, .. } = self;
        while let Some(name) = map.next_key::<String>()? {
            let table = File::from_stem(&name).filter(|file| file.is_of_catalog());
            let Some(table) = table else {
                let detail = "the catalogue has no such table";
                let diagnostics = &mut tables.reading.diagnostics;
                diagnostics.file(Code::UnknownFile, &name, detail);
                tables.left.set(u64::MAX);
                map.next_value::<IgnoredAny>()?;
                tables.left.set(MAX_ROW);
                continue;
            };
            map.next_value_seed(Rows { tables, table })?;
            tables.left.set(MAX_ROW);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<(), A::Error> {
        let Self { tables, only } = self;
        let table = only.ok_or_else(|| A::Error::custom("a table's name"))?;
        Rows { tables, table }.visit_seq(rows)
    }
}

/// The rows of one table.
struct Rows<'t, 'r> {
    tables: &'t mut Tables<'r>,
    table: File,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        self.tables.table(self.table, || rows.next_element())
    }
}

/// Ends with an error where a row is over its cap.
struct Capped {
    inner: BufReader<Utf8<fs::File>>,
    left: Rc<Cell<u64>>,
}

impl Read for Capped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(read)
    }
}
