//! From one line of a file to a row: what can be said of it without any other.

use chrono::{DateTime, Utc};
use schemas::roster::Entity;

use crate::binding::{Column, File, Kind};
use crate::cell;
use crate::day::DayOrder;
use crate::diagnostic::{Code, Diagnostics, Severity};
use crate::header::Header;
use crate::manifest::{Mode, Version};
use crate::records::Record;
use crate::row::{Incoming, Row, Value, Want};
use crate::term::term_slug;

/// Whether days are looked for in a column.
pub(super) fn is_day(kind: Kind) -> bool {
    matches!(kind, Kind::Date | Kind::DateTime)
}

/// Reads the lines of one file.
pub(super) struct Lines<'a> {
    file: String,
    entity: Entity,
    /// A catalogue says what it wants by status in a delta and in a bulk, or not at all.
    is_catalog: bool,
    mode: Mode,
    header: &'a Header,
    columns: &'static [Column],
    /// For each field of the table the column that it is.
    fields: Vec<Option<usize>>,
    orders: &'a [Option<DayOrder>],
    diagnostics: &'a mut Diagnostics,
}

/// Where in every file's columns these stand.
const STATUS: usize = 1;
const MODIFIED: usize = 2;

impl<'a> Lines<'a> {
    pub(super) fn new(
        file: File,
        version: Version,
        mode: Mode,
        header: &'a Header,
        orders: &'a [Option<DayOrder>],
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let columns = file.columns(version);
        let entity = file.entity();
        let fields = entity.fields().iter().map(|field| {
            columns
                .iter()
                .position(|column| field.from.contains(&column.name))
        });
        Self {
            file: file.name(),
            entity,
            is_catalog: file.is_of_catalog(),
            mode,
            header,
            columns,
            fields: fields.collect(),
            orders,
            diagnostics,
        }
    }

    /// Tells what is wrong under this name, in place of the file's.
    pub(super) fn called(mut self, name: &str) -> Self {
        name.clone_into(&mut self.file);
        self
    }

    /// Something wrong with a row or one of its columns, which only its reader sees.
    pub(super) fn slip(&mut self, code: Code, line: u64, column: &str, detail: &str) {
        if code.severity() == Severity::Warning {
            let detail = || detail.to_owned();
            self.diagnostics
                .once(code, &self.file, line, column, detail);
        } else {
            let column = Some(column).filter(|column| !column.is_empty());
            self.diagnostics
                .add(code, &self.file, Some(line), column, detail);
        }
    }

    /// The row of a line; none if not even its key can be read.
    pub(super) fn read(&mut self, record: &Record<'_>) -> Option<Incoming> {
        let line = record.line;
        let extra = (self.header.named..record.len()).filter_map(|index| record.get(index));
        if record.len() < self.header.named
            || (record.len() != self.header.all && extra.into_iter().any(|text| !text.is_empty()))
        {
            let detail = format!(
                "the row has {} fields, the header {}",
                record.len(),
                self.header.all
            );
            self.add(Code::ColumnCount, line, None, detail);
            return None;
        }
        let mut is_sound = true;
        let mut want = self.want(record, &mut is_sound);
        let modified_at = self.modified_at(record, want, &mut is_sound);
        let mut values = Vec::with_capacity(self.fields.len());
        let mut has_key = true;
        for field in 0..self.fields.len() {
            let is_key = self.entity.fields()[field].is_key;
            let value = match self.fields[field] {
                // What is to be ended need not be right.
                Some(column) if want == Want::Keep || is_key => self.value(record, column),
                _ => Some(Value::Null),
            };
            let value = match value {
                // Of a key that may be left out in part, that part is the empty text.
                Some(Value::Null) if is_key && self.is_catalog => Some(Value::from("")),
                value => value,
            };
            if value.is_none() || (is_key && value == Some(Value::Null)) {
                is_sound = false;
                has_key &= !is_key;
            }
            values.push(value.unwrap_or_default());
        }
        if !has_key {
            return None;
        }
        let mut row = Row {
            values,
            modified_at,
        };
        if want == Want::Keep {
            self.finish(&mut row, line);
        }
        if !is_sound {
            want = Want::Nothing;
        }
        Some(Incoming {
            key: row.key(self.entity),
            line,
            want,
            row,
        })
    }

    /// What the row wants by its status.
    fn want(&mut self, record: &Record<'_>, is_sound: &mut bool) -> Want {
        let line = record.line;
        let text = self.text(record, STATUS);
        if text.is_empty() {
            if self.mode == Mode::Delta && !self.is_catalog {
                self.missing(line, STATUS, is_sound);
            }
            return Want::Keep;
        }
        if self.mode == Mode::Bulk && !self.is_catalog {
            self.status_in_bulk(line, STATUS);
        }
        let read = cell::read(self.columns[STATUS].kind, text, None);
        let (status, slip) = match &read {
            Ok((status, slip)) => (status.as_text().unwrap_or_default(), *slip),
            Err(unusable) => {
                let detail = unusable.expected.clone();
                let code = if self.mode == Mode::Delta {
                    *is_sound = false;
                    Code::InvalidValue
                } else {
                    Code::ValueLeftOut
                };
                self.add(code, line, Some(STATUS), detail);
                return Want::Keep;
            }
        };
        if let Some(slip) = slip {
            self.once(slip, line, STATUS);
        }
        if status == "inactive" {
            let detail = "inactive is of OneRoster 1.0";
            self.add(Code::InactiveStatus, line, Some(STATUS), detail);
            return Want::End;
        }
        if status != "tobedeleted" {
            return Want::Keep;
        }
        if self.mode == Mode::Bulk {
            let detail = "the row is to be deleted, and so is not stored";
            self.add(Code::DeletedInBulk, line, Some(STATUS), detail);
        }
        Want::End
    }

    fn modified_at(
        &mut self,
        record: &Record<'_>,
        want: Want,
        is_sound: &mut bool,
    ) -> Option<DateTime<Utc>> {
        let line = record.line;
        let text = self.text(record, MODIFIED);
        if text.is_empty() {
            if self.mode == Mode::Delta && want == Want::Keep && !self.is_catalog {
                self.missing(line, MODIFIED, is_sound);
            }
            return None;
        }
        if self.mode == Mode::Bulk && !self.is_catalog {
            self.status_in_bulk(line, MODIFIED);
        }
        match cell::time(text, self.orders[MODIFIED]) {
            Ok((time, slip)) => {
                if let Some(slip) = slip {
                    self.once(slip, line, MODIFIED);
                }
                Some(time)
            }
            Err(unusable) => {
                let code = if self.mode == Mode::Delta && !self.is_catalog {
                    *is_sound = false;
                    unusable.code
                } else {
                    Code::ValueLeftOut
                };
                self.add(code, line, Some(MODIFIED), unusable.expected);
                None
            }
        }
    }

    /// The value of a column; none if the row has to have one and has none.
    fn value(&mut self, record: &Record<'_>, index: usize) -> Option<Value> {
        let column = &self.columns[index];
        let text = self.text(record, index);
        if text.is_empty() {
            if column.required {
                self.missing(record.line, index, &mut false);
                return None;
            }
            return Some(Value::Null);
        }
        match cell::read(column.kind, text, self.orders[index]) {
            Ok((Value::Texts(texts), _)) if texts.is_empty() && column.required => {
                self.missing(record.line, index, &mut false);
                None
            }
            Ok((value, slip)) => {
                if let Some(slip) = slip {
                    self.once(slip, record.line, index);
                }
                Some(value)
            }
            Err(unusable) if column.required => {
                self.add(unusable.code, record.line, Some(index), unusable.expected);
                None
            }
            Err(unusable) => {
                let code = Code::ValueLeftOut;
                self.add(code, record.line, Some(index), unusable.expected);
                Some(Value::Null)
            }
        }
    }

    /// What is made of the row's own values, and what is wrong between them.
    fn finish(&mut self, row: &mut Row, line: u64) {
        match self.entity {
            Entity::Terms => {
                let slug = row.text(Entity::Terms, "term_id").map(term_slug);
                if let Some(slug) = slug {
                    row.set(Entity::Terms, "term", Value::from(slug.as_str()));
                }
            }
            Entity::Users => self.finish_user_ids(row, line),
            Entity::Courses | Entity::Sections => {
                let subjects = row.get(self.entity, "subjects").as_texts().len();
                let codes = row.get(self.entity, "subject_codes").as_texts().len();
                if subjects > 0 && codes > 0 && subjects != codes {
                    let detail = format!("there are {subjects} subjects and {codes} codes");
                    let file = self.file.clone();
                    let column = Some("subjectCodes");
                    let code = Code::SubjectCodesCount;
                    self.diagnostics
                        .add(code, &file, Some(line), column, detail);
                }
            }
            _ => {}
        }
    }

    /// `{LDAP:12}` is kept as `LDAP:12`.
    fn finish_user_ids(&mut self, row: &mut Row, line: u64) {
        let mut is_right = true;
        let ids: Vec<_> = row
            .get(Entity::Users, "user_ids")
            .as_texts()
            .iter()
            .map(|id| {
                let inner = id.strip_prefix('{').and_then(|id| id.strip_suffix('}'));
                is_right &= inner.is_some_and(|id| id.contains(':'));
                inner.unwrap_or(id).trim().to_owned()
            })
            .collect();
        if !ids.is_empty() {
            row.set(Entity::Users, "user_ids", Value::Texts(ids));
        }
        if !is_right {
            let detail = || "an id is not written as {type:id}".to_owned();
            let code = Code::UserIdForm;
            self.diagnostics
                .once(code, &self.file, line, "userIds", detail);
        }
    }

    fn text<'r>(&self, record: &'r Record<'_>, column: usize) -> &'r str {
        self.header
            .place(column)
            .and_then(|place| record.get(place))
            .unwrap_or_default()
    }

    fn missing(&mut self, line: u64, column: usize, is_sound: &mut bool) {
        *is_sound = false;
        self.add(Code::MissingValue, line, Some(column), "the field is empty");
    }

    fn status_in_bulk(&mut self, line: u64, column: usize) {
        let detail = || "the column is filled in, which only a delta does".to_owned();
        let name = self.columns[column].name;
        self.diagnostics
            .once(Code::StatusInBulk, &self.file, line, name, detail);
    }

    fn add(&mut self, code: Code, line: u64, column: Option<usize>, detail: impl Into<String>) {
        let name = column.map(|column| self.columns[column].name);
        self.diagnostics
            .add(code, &self.file, Some(line), name, detail);
    }

    fn once(&mut self, code: Code, line: u64, column: usize) {
        let order = self.orders[column];
        let detail = || match (code, order) {
            (Code::SlashDate, Some(DayOrder::DayFirst)) => "read with the day first",
            (Code::SlashDate, Some(DayOrder::MonthFirst)) => "read with the month first",
            (Code::SlashDate, None) => "read as far as its numbers say which is the day",
            (Code::DateWithoutTime, _) => "a day stands where a time is asked for",
            (Code::TimeInDate, _) => "a time stands where a day is asked for",
            _ => "a word is written otherwise than in the binding",
        };
        let name = self.columns[column].name;
        let detail = || detail().to_owned();
        self.diagnostics.once(code, &self.file, line, name, detail);
    }
}
