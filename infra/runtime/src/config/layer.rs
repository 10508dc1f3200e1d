//! What one source, the file or the environment, says.

use std::path::Path;

use serde_json::{Map, Value};

use super::problem::Problem;
use super::tree::Tree;
use super::{PREFIX, RESERVED, STANDARD};

/// The values of one source, and those of its keys that nothing has.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) entries: Vec<Entry>,
    pub(super) unknown: Vec<Problem>,
}

/// A value for a known key.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Vec<String>,
    /// Where it stands, for people.
    pub(super) place: String,
    /// How it can be read, the likeliest first: text of the environment may be
    /// a number or a list.
    pub(super) readings: Vec<Value>,
}

impl Layer {
    pub(super) fn file(path: &Path, known: &Tree) -> Result<Self, Problem> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problem::at(&file, format!("cannot be read: {error}")))?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| {
            // Without the line itself, which may hold a secret.
            let before = error.span().map_or("", |span| &text[..span.start]);
            let line = before.matches('\n').count() + 1;
            Problem::at(format!("{file}:{line}"), error.message())
        })?;
        let mut layer = Self::default();
        layer.walk(&file, table, known.root(), &mut Vec::new());
        Ok(layer)
    }

    fn walk(
        &mut self,
        file: &str,
        table: toml::Table,
        known: &Map<String, Value>,
        path: &mut Vec<String>,
    ) {
        for (key, value) in table {
            path.push(key);
            let key = &path[path.len() - 1];
            let place = format!("{file}: {}", spell(path));
            match (known.get(key), value) {
                (None, _) => {
                    let siblings = known.keys().cloned();
                    self.unknown.push(Problem::unknown(place, key, siblings));
                }
                (Some(Value::Object(known)), toml::Value::Table(inner)) if !known.is_empty() => {
                    self.walk(file, inner, known, path);
                }
                // An open map is merged key by key, as the environment may
                // add to it.
                (Some(Value::Object(_)), toml::Value::Table(inner)) => {
                    for (key, value) in inner {
                        path.push(key);
                        self.entries.push(Entry {
                            path: path.clone(),
                            place: format!("{file}: {}", spell(path)),
                            readings: vec![from_toml(value)],
                        });
                        path.pop();
                    }
                }
                (Some(_), value) => self.entries.push(Entry {
                    path: path.clone(),
                    place,
                    readings: vec![from_toml(value)],
                }),
            }
            path.pop();
        }
    }

    pub(super) fn env(env: impl Iterator<Item = (String, String)>, known: &Tree) -> Self {
        let leaves = known.leaves();
        let is_ours = |name: &str| name.starts_with(PREFIX) && !RESERVED.contains(&name);
        let (mut ours, others): (Vec<_>, Vec<_>) = env.partition(|(name, _)| is_ours(name));
        ours.sort_unstable();

        let mut layer = Self::default();
        for (standard, name) in STANDARD {
            let said = others
                .iter()
                .find(|(said, text)| said == standard && !text.is_empty());
            let found = leaves
                .iter()
                .find_map(|(path, default)| match_variable(name, path, default));
            if let Some((_, text)) = said
                && let Some((path, default)) = found
                && !ours.iter().any(|(said, _)| said == name)
            {
                layer.entries.push(Entry {
                    path,
                    place: standard.to_owned(),
                    readings: readings(text, default),
                });
            }
        }
        for (name, text) in ours {
            let found = leaves
                .iter()
                .find_map(|(path, default)| match_variable(&name, path, default));
            match found {
                Some((path, default)) => layer.entries.push(Entry {
                    path,
                    place: name,
                    readings: readings(&text, default),
                }),
                None => {
                    let variables = leaves.iter().map(|(path, _)| variable(path));
                    layer
                        .unknown
                        .push(Problem::unknown(name.clone(), &name, variables));
                }
            }
        }
        layer
    }
}

/// The path that the variable `name` sets, if it is that of the key at `path`
/// or of a key below it when that is an open map.
fn match_variable<'a>(
    name: &str,
    path: &[String],
    default: &'a Value,
) -> Option<(Vec<String>, &'a Value)> {
    let rest = name.strip_prefix(&variable(path))?;
    if !matches!(default, Value::Object(_)) {
        return rest.is_empty().then(|| (path.to_vec(), default));
    }
    let key = rest.strip_prefix('_').filter(|key| !key.is_empty())?;
    let mut path = path.to_vec();
    path.push(key.to_owned());
    Some((path, &Value::Null))
}

/// The variable of a key: `CHALKLINE_INGEST_LISTEN`.
fn variable(path: &[String]) -> String {
    format!("{PREFIX}{}", path.join("_").to_uppercase())
}

/// A key as people write it: `[ingest] listen`.
fn spell(path: &[String]) -> String {
    match path.split_last() {
        Some((key, [])) => key.clone(),
        Some((key, tables)) => format!("[{}] {key}", tables.join(".")),
        None => String::new(),
    }
}

/// How a variable's text can be read; the form of the default comes last, so
/// that its error is the one reported.
fn readings(text: &str, default: &Value) -> Vec<Value> {
    let as_text = Value::String(text.to_owned());
    let as_list = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| Value::String(item.to_owned()))
        .collect();
    let as_toml = toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .map(from_toml);
    match default {
        Value::Array(_) => as_toml.into_iter().chain([Value::Array(as_list)]).collect(),
        Value::Number(_) | Value::Bool(_) => [as_text].into_iter().chain(as_toml).collect(),
        // Text that looks like a number stays text where text fits.
        _ => match as_toml {
            Some(value) => vec![as_text.clone(), value, as_text],
            None => vec![as_text],
        },
    }
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        // Neither infinite nor NaN is a number in JSON: null fits no key.
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, from_toml(value)))
                .collect(),
        ),
    }
}
