//! A typed row of one of our tables, and its compact form on disk.

use chrono::{DateTime, NaiveDate, Utc};
use schemas::roster::Entity;

mod codec;

pub(crate) use codec::sort_key;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// None.
    #[default]
    Null,
    /// A text, an id, or a word in snake_case.
    Text(String),
    /// Several of them, in the source's order.
    Texts(Vec<String>),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A point in time.
    Time(DateTime<Utc>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts; none if it is something else.
    pub fn as_texts(&self) -> &[String] {
        match self {
            Self::Texts(texts) => texts,
            _ => &[],
        }
    }

    /// The day, if it is one.
    pub fn as_date(&self) -> Option<NaiveDate> {
        match self {
            Self::Date(day) => Some(*day),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether there is none.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A row of a table: a value for each of [`Entity::fields`], in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The values.
    pub values: Vec<Value>,
    /// When the source changed it last, if it says so. It is no part of what is
    /// compared: exports write today for every row.
    pub modified_at: Option<DateTime<Utc>>,
}

impl Row {
    /// A row of a table without any value.
    pub fn empty(entity: Entity) -> Self {
        Self {
            values: vec![Value::Null; entity.fields().len()],
            modified_at: None,
        }
    }

    /// The row's key: its key fields in order. Rows are sorted by it, byte by byte.
    pub fn key(&self, entity: Entity) -> String {
        let mut key = String::new();
        for (index, field) in entity.key_fields().enumerate() {
            if index > 0 {
                key.push(KEY_SEPARATOR);
            }
            match &self.values[field] {
                Value::Date(day) => key.push_str(&day.to_string()),
                other => key.push_str(other.as_text().unwrap_or_default()),
            }
        }
        key
    }

    /// The value of a field by its name; none if there is no such field.
    pub fn get(&self, entity: Entity, field: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        entity
            .fields()
            .iter()
            .position(|of| of.name == field)
            .and_then(|index| self.values.get(index))
            .unwrap_or(NULL)
    }

    /// The text of a field.
    pub(crate) fn text(&self, entity: Entity, field: &str) -> Option<&str> {
        self.get(entity, field).as_text()
    }

    /// Sets a field by its name.
    pub(crate) fn set(&mut self, entity: Entity, field: &str, value: Value) {
        let index = entity.fields().iter().position(|of| of.name == field);
        if let Some(place) = index.and_then(|index| self.values.get_mut(index)) {
            *place = value;
        }
    }
}

/// Sorts below all that an id may hold, so that rows of a composite key come in the
/// order of its first part.
pub(crate) const KEY_SEPARATOR: char = '\u{1}';

/// The first part of a key: what refers to the row has that.
pub(crate) fn id_of(key: &str) -> &str {
    key.split(KEY_SEPARATOR).next().unwrap_or(key)
}

/// A row of a bundle as it is set aside: where it stood, and what it wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Incoming {
    pub(crate) key: String,
    pub(crate) line: u64,
    pub(crate) want: Want,
    pub(crate) row: Row,
}

/// What a row of a bundle wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// To be stored.
    Keep,
    /// To be ended.
    End,
    /// Nothing: it is left out, and what is stored stays.
    Nothing,
}
