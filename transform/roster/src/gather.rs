//! Rows that are values already, as those of a database are: what can be said of each
//! without any other.

use std::collections::BTreeMap;

use schemas::roster::{Entity, FieldKind};

use crate::binding::{Column, Kind};
use crate::cell::{self, Unusable};
use crate::diagnostic::{Code, Diagnostics};
use crate::error::Error;
use crate::manifest::Mode;
use crate::origin::Origin;
use crate::read::{Reading, Settings};
use crate::row::{Incoming, Row, Value, Want};
use crate::sort::{Sorted, Sorter};
use crate::term::term_slug;

/// Gathers the rows of tables, one table after the other.
///
/// ```
/// use roster::{Empty, Entity, Gathering, Mode, Row, Settings, Value};
///
/// let mut gathering = Gathering::new(Settings::default());
/// gathering.begin(Entity::Orgs, Mode::Bulk, "chalkline.orgs")?;
/// let mut row = Row::empty(Entity::Orgs);
/// row.values[0] = Value::from("high");
/// row.values[2] = Value::from("school");
/// gathering.push(row, false, 1)?;
/// let checked = gathering.finish()?.check(&Empty)?;
/// assert_eq!(checked.diagnostics.rows(), Vec::<&roster::Diagnostic>::new());
/// # Ok::<(), roster::Error>(())
/// ```
pub struct Gathering {
    settings: Settings,
    diagnostics: Diagnostics,
    names: BTreeMap<Entity, String>,
    modes: BTreeMap<Entity, Mode>,
    tables: BTreeMap<Entity, Sorted>,
    /// The table that is begun.
    begun: Option<Begun>,
}

struct Begun {
    entity: Entity,
    mode: Mode,
    name: String,
    columns: Vec<(usize, Column)>,
    sorter: Sorter,
    is_empty: bool,
}

impl Gathering {
    /// Nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            diagnostics: Diagnostics::new(settings.kept_diagnostics),
            settings,
            names: BTreeMap::new(),
            modes: BTreeMap::new(),
            tables: BTreeMap::new(),
            begun: None,
        }
    }

    /// Begins a table: rows that are pushed from now on are its. `name` is what the
    /// source calls it. A table is begun once.
    ///
    /// # Errors
    /// When the rows of the table before cannot be set aside.
    pub fn begin(&mut self, entity: Entity, mode: Mode, name: &str) -> Result<(), Error> {
        self.end()?;
        self.names.insert(entity, name.to_owned());
        self.begun = Some(Begun {
            entity,
            mode,
            name: name.to_owned(),
            columns: Origin::Tables(BTreeMap::new()).columns(entity),
            sorter: Sorter::new(self.settings.sort_bytes),
            is_empty: true,
        });
        Ok(())
    }

    /// Adds a row of the table that was begun: a value for each of [`Entity::fields`], of
    /// those that are made of others none. Of a row that is deleted only the key counts.
    /// `line` says in diagnostics which row it is.
    ///
    /// # Errors
    /// When the row cannot be set aside.
    ///
    /// # Panics
    /// When no table was begun.
    pub fn push(&mut self, mut row: Row, is_deleted: bool, line: u64) -> Result<(), Error> {
        let Self {
            begun, diagnostics, ..
        } = self;
        let begun = begun.as_mut().expect("a table was begun");
        begun.is_empty = false;
        let entity = begun.entity;
        let mut want = if is_deleted { Want::End } else { Want::Keep };
        let mut has_key = true;
        for (field, column) in &begun.columns {
            let place = &mut row.values[*field];
            let is_key = entity.fields()[*field].is_key;
            if is_deleted && !is_key {
                *place = Value::Null;
                continue;
            }
            let mut told = Told {
                diagnostics,
                table: &begun.name,
                line,
                column,
            };
            match told.value(std::mem::take(place), entity.fields()[*field].kind) {
                Some(value) => *place = value,
                None => {
                    want = Want::Nothing;
                    has_key &= !is_key;
                }
            }
        }
        if !has_key {
            return Ok(());
        }
        finish(entity, &mut row);
        begun.sorter.push(&Incoming {
            key: row.key(entity),
            line,
            want,
            row,
        })
    }

    /// All that was gathered.
    ///
    /// # Errors
    /// When the rows of the last table cannot be set aside.
    pub fn finish(mut self) -> Result<Reading, Error> {
        self.end()?;
        Ok(Reading {
            origin: Origin::Tables(self.names),
            modes: self.modes,
            diagnostics: self.diagnostics,
            tables: self.tables,
            scopes: BTreeMap::new(),
            settings: self.settings,
        })
    }

    /// Ends the table that was begun. One of which nothing has changed is as if the source
    /// said nothing of it.
    fn end(&mut self) -> Result<(), Error> {
        if let Some(begun) = self.begun.take()
            && (begun.mode == Mode::Bulk || !begun.is_empty)
        {
            let sorted = begun.sorter.finish()?;
            self.tables.insert(begun.entity, sorted);
            self.modes.insert(begun.entity, begun.mode);
        }
        Ok(())
    }
}

/// Where what is wrong with a value is told.
struct Told<'a> {
    diagnostics: &'a mut Diagnostics,
    table: &'a str,
    line: u64,
    column: &'a Column,
}

impl Told<'_> {
    /// The value as it is stored; none if the row has to have one and has none.
    fn value(&mut self, value: Value, kind: FieldKind) -> Option<Value> {
        let read = match value {
            Value::Null => Ok((Value::Null, None)),
            Value::Text(text) => one(self.column.kind, &text),
            Value::Texts(texts) => several(self.column.kind, &texts),
            other => Ok((other, None)),
        };
        let read = read.and_then(|(value, slip)| Ok((fits(value, kind, self.column)?, slip)));
        match read {
            Ok((Value::Null, _)) if self.column.required => {
                self.add(Code::MissingValue, "the column is null".to_owned());
                None
            }
            Ok((value, slip)) => {
                if let Some(slip) = slip {
                    let detail = || "a word is written otherwise than it should be".to_owned();
                    let Self { line, table, .. } = *self;
                    let column = self.column.name;
                    self.diagnostics.once(slip, table, line, column, detail);
                }
                Some(value)
            }
            Err(unusable) if self.column.required => {
                self.add(unusable.code, unusable.expected);
                None
            }
            Err(unusable) => {
                self.add(Code::ValueLeftOut, unusable.expected);
                Some(Value::Null)
            }
        }
    }

    fn add(&mut self, code: Code, detail: String) {
        let column = Some(self.column.name);
        self.diagnostics
            .add(code, self.table, Some(self.line), column, detail);
    }
}

/// A text without blanks around; an empty one is none. Words may be written as we store
/// them, too.
fn one(kind: Kind, text: &str) -> Result<cell::Cell, Unusable> {
    let text = text.trim();
    if text.is_empty() {
        return Ok((Value::Null, None));
    }
    match kind {
        Kind::Word(words, _) if is_stored_word(words, text) => Ok((Value::from(text), None)),
        Kind::Text | Kind::Id | Kind::Word(..) => cell::read(kind, text, None),
        _ => Ok((Value::from(text), None)),
    }
}

/// None where there is no text among them.
fn several(kind: Kind, texts: &[String]) -> Result<cell::Cell, Unusable> {
    let kind = match kind {
        Kind::Ids => Kind::Id,
        Kind::Words(words, extension) => Kind::Word(words, extension),
        _ => Kind::Text,
    };
    let (mut all, mut slip) = (Vec::new(), None);
    for text in texts {
        let (value, slipped) = one(kind, text)?;
        slip = slip.or(slipped);
        if let Value::Text(text) = value {
            all.push(text);
        }
    }
    let value = if all.is_empty() {
        Value::Null
    } else {
        Value::Texts(all)
    };
    Ok((value, slip))
}

fn is_stored_word(words: &[&str], text: &str) -> bool {
    words.iter().any(|word| cell::snake_case(word) == text)
}

/// The value, if it is of the field's type and in the column's range.
fn fits(value: Value, kind: FieldKind, column: &Column) -> Result<Value, Unusable> {
    let is_right = match (&value, kind) {
        (Value::Null, _)
        | (Value::Text(_), FieldKind::Text)
        | (Value::Texts(_), FieldKind::Texts)
        | (Value::Date(_), FieldKind::Date)
        | (Value::Boolean(_), FieldKind::Boolean)
        | (Value::Time(_), FieldKind::Time) => true,
        (Value::Number(number), FieldKind::Number) => number.is_finite(),
        (Value::Integer(year), FieldKind::Integer) if column.kind == Kind::Year => {
            (1900..=2199).contains(year)
        }
        (Value::Integer(_), FieldKind::Integer) => true,
        _ => false,
    };
    let expected = match kind {
        FieldKind::Text => "a text is expected",
        FieldKind::Texts => "a list of texts is expected",
        FieldKind::Date => "a day is expected",
        FieldKind::Boolean => "true or false is expected",
        FieldKind::Number => "a finite number is expected",
        FieldKind::Integer if column.kind == Kind::Year => "a year of four digits is expected",
        FieldKind::Integer => "a whole number is expected",
        FieldKind::Time => "a time is expected",
    };
    if is_right {
        Ok(value)
    } else {
        Err(Unusable {
            code: Code::InvalidValue,
            expected: expected.to_owned(),
        })
    }
}

/// What is made of the row's own values.
fn finish(entity: Entity, row: &mut Row) {
    match entity {
        Entity::Terms => {
            if let Some(slug) = row.text(entity, "term_id").map(term_slug) {
                row.set(entity, "term", Value::from(slug.as_str()));
            }
        }
        Entity::Users => {
            // As bundles write them, `{LDAP:12}`.
            let bare = |id: &String| {
                let inner = id.strip_prefix('{').and_then(|id| id.strip_suffix('}'));
                inner.unwrap_or(id).trim().to_owned()
            };
            let ids = row.get(entity, "user_ids").as_texts();
            let ids: Vec<_> = ids.iter().map(bare).collect();
            if !ids.is_empty() {
                row.set(entity, "user_ids", Value::Texts(ids));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::binding::Extension;

    const OPEN: Kind = Kind::Word(&["schoolYear", "fully graded"], Extension::Open);

    fn texts(texts: &[&str]) -> Value {
        Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[rstest]
    #[case::blanks(
        Kind::Text,
        Value::from(" a "),
        FieldKind::Text,
        Some(Value::from("a"))
    )]
    #[case::empty(Kind::Text, Value::from(" "), FieldKind::Text, Some(Value::Null))]
    #[case::a_word(
        OPEN,
        Value::from("schoolYear"),
        FieldKind::Text,
        Some(Value::from("school_year"))
    )]
    #[case::as_stored(
        OPEN,
        Value::from("fully_graded"),
        FieldKind::Text,
        Some(Value::from("fully_graded"))
    )]
    #[case::unknown_word(OPEN, Value::from("quarter"), FieldKind::Text, None)]
    #[case::own_word(
        OPEN,
        Value::from("ext:quarter"),
        FieldKind::Text,
        Some(Value::from("ext:quarter"))
    )]
    #[case::commas_stay(Kind::Texts, texts(&["a, b", " "]), FieldKind::Texts, Some(texts(&["a, b"])))]
    #[case::none_of_them(Kind::Ids, texts(&[]), FieldKind::Texts, Some(Value::Null))]
    #[case::no_id(Kind::Id, Value::from("a\u{1}b"), FieldKind::Text, None)]
    #[case::no_number(Kind::Number, Value::Number(f64::NAN), FieldKind::Number, None)]
    #[case::no_year(Kind::Year, Value::Integer(27), FieldKind::Integer, None)]
    #[case::another_type(Kind::Date, Value::from("soon"), FieldKind::Date, None)]
    fn values_are_as_a_bundle_would_have_them(
        #[case] kind: Kind,
        #[case] value: Value,
        #[case] of: FieldKind,
        #[case] expected: Option<Value>,
    ) {
        let column = Column {
            name: "column",
            kind,
            required: false,
            refers: None,
        };
        let mut diagnostics = Diagnostics::new(9);
        let mut told = Told {
            diagnostics: &mut diagnostics,
            table: "chalkline.table",
            line: 7,
            column: &column,
        };
        let found = told.value(value, of).expect("it need not be there");
        assert_eq!(found, expected.clone().unwrap_or_default());
        let told = diagnostics.rows();
        assert_eq!(told.len(), usize::from(expected.is_none()));
        for row in told {
            assert_eq!(row.code, Code::ValueLeftOut);
            assert_eq!((row.file.as_str(), row.line), ("chalkline.table", Some(7)));
        }
    }
}
