//! Tables that are written row by row, as CSV or JSON.

use std::io::Write;

use crate::Error;

/// A table: its columns and how its rows are made. Rows are made anew each time it is
/// written and never held.
pub(crate) struct Table<'w> {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) fill: Fill<'w>,
}

type Fill<'w> = Box<dyn Fn(&mut dyn Rows) -> Result<(), Error> + 'w>;

/// What takes the rows of a table.
pub(crate) trait Rows {
    /// Takes a row of as many cells as there are columns.
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<(), Error>;
}

/// A cell of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Empty,
    Text(&'a str),
    Own(String),
    Whole(i64),
    Half(u32),
    /// A number, as it is written.
    Decimal(String),
    Flag(bool),
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Own(text)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Empty, T::into)
    }
}

impl From<u32> for Cell<'_> {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<u8> for Cell<'_> {
    fn from(number: u8) -> Self {
        Self::Whole(number.into())
    }
}

impl From<chrono::NaiveDate> for Cell<'_> {
    fn from(date: chrono::NaiveDate) -> Self {
        Self::Own(date.to_string())
    }
}

impl Cell<'_> {
    /// The text of a cell, for CSV.
    pub(crate) fn text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Empty => "".into(),
            Self::Text(text) => (*text).into(),
            Self::Own(text) | Self::Decimal(text) => text.as_str().into(),
            Self::Flag(true) => "true".into(),
            Self::Flag(false) => "false".into(),
            Self::Whole(number) => number.to_string().into(),
            Self::Half(halves) => format!("{}.{}", halves / 2, halves % 2 * 5).into(),
        }
    }

    fn write_json(&self, to: &mut dyn Write) -> Result<(), Error> {
        match self {
            Self::Empty => to.write_all(b"null")?,
            Self::Text("") => to.write_all(b"null")?,
            Self::Text(text) => write!(to, "{}", serde_json::Value::from(*text))?,
            Self::Own(text) => write!(to, "{}", serde_json::Value::from(text.as_str()))?,
            _ => write!(to, "{}", self.text())?,
        }
        Ok(())
    }
}

/// Makes a row of things that become cells.
macro_rules! row {
    ($($cell:expr),* $(,)?) => { &mut [$($crate::table::Cell::from($cell)),*] };
}
pub(crate) use row;

/// Rows as CSV, as RFC 4180 has it.
pub(crate) struct Csv<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> Csv<W> {
    /// Writes the header.
    pub(crate) fn begin(to: W, columns: &[&str]) -> Result<Self, Error> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(columns)?;
        Ok(Self { writer })
    }

    pub(crate) fn end(mut self) -> Result<(), Error> {
        Ok(self.writer.flush()?)
    }
}

impl<W: Write> Rows for Csv<W> {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<(), Error> {
        for cell in cells {
            self.writer.write_field(cell.text().as_bytes())?;
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }
}

/// Rows as a JSON array of objects; empty cells are null.
pub(crate) struct JsonArray<'a> {
    to: &'a mut dyn Write,
    columns: &'static [&'static str],
    first: bool,
}

impl<'a> JsonArray<'a> {
    pub(crate) fn begin(
        to: &'a mut dyn Write,
        columns: &'static [&'static str],
    ) -> Result<Self, Error> {
        to.write_all(b"[")?;
        Ok(Self {
            to,
            columns,
            first: true,
        })
    }

    pub(crate) fn end(self) -> Result<(), Error> {
        Ok(self.to.write_all(b"\n]")?)
    }
}

impl Rows for JsonArray<'_> {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<(), Error> {
        let start = if self.first { "\n{" } else { ",\n{" };
        self.first = false;
        self.to.write_all(start.as_bytes())?;
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(self.to, "{comma}\"{column}\":")?;
            cell.write_json(self.to)?;
        }
        Ok(self.to.write_all(b"}")?)
    }
}
