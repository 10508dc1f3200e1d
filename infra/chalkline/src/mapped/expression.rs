//! What a member is made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a member is made of: a column by its name, or a table that says more.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expression {
    /// Where its value stands.
    pub from: From,
    /// How a time is written, as `strftime` has it.
    pub format: Option<String>,
    /// What a time counts since 1970.
    pub unit: Option<Unit>,
    /// What a number is multiplied by: 0.001 makes seconds of milliseconds.
    pub scale: Option<f64>,
    /// What texts become.
    pub words: BTreeMap<String, Value>,
    /// As what JSON a text is written, where its type does not say.
    pub as_type: Option<AsType>,
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// In a column.
    Column(String),
    /// Here: it is the same for all rows.
    Value(Value),
    /// In columns, `{name}` each, with text around.
    Template(String),
}

impl Default for From {
    fn default() -> Self {
        Self::Value(Value::Null)
    }
}

/// What a time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
}

/// As what JSON a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsType {
    /// As text.
    Text,
    /// As a number.
    Number,
    /// As true or false.
    Boolean,
    /// As the JSON that it is.
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    column: Option<String>,
    value: Option<Value>,
    template: Option<String>,
    format: Option<String>,
    unit: Option<Unit>,
    scale: Option<f64>,
    #[serde(default)]
    words: BTreeMap<String, Value>,
    #[serde(rename = "as")]
    as_type: Option<AsType>,
}

impl TryFrom<Written> for Expression {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let from = match (written.column, written.value, written.template) {
            (Some(column), None, None) => From::Column(column),
            (None, Some(value), None) => From::Value(value),
            (None, None, Some(template)) => From::Template(template),
            _ => return Err("say one of column, value and template"),
        };
        if written.format.is_some() && written.unit.is_some() {
            return Err("a time has a format or a unit, not both");
        }
        Ok(Self {
            from,
            format: written.format,
            unit: written.unit,
            scale: written.scale,
            words: written.words,
            as_type: written.as_type,
        })
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExpressionVisitor;

        impl<'de> Visitor<'de> for ExpressionVisitor {
            type Value = Expression;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column, or a table such as { column = \"…\" }")
            }

            fn visit_str<E>(self, column: &str) -> Result<Expression, E> {
                Ok(Expression {
                    from: From::Column(column.to_owned()),
                    ..Expression::default()
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expression, A::Error> {
                let written = Written::deserialize(MapAccessDeserializer::new(map))?;
                Expression::try_from(written).map_err(serde::de::Error::custom)
            }
        }

        deserializer.deserialize_any(ExpressionVisitor)
    }
}
