//! The members of a header, `<key>: <value>` each.

use super::is_name;
use super::problem::{HeaderError, Problem};
use super::words::{MinimumCell, Threshold};

/// The members of a header; all but `include` must be there.
const KEYS: [&str; 9] = [
    "kind",
    "grain",
    "slice",
    "sources",
    "include",
    "visibility",
    "minimum_cell",
    "thresholds",
    "clock",
];

/// The word for an empty list.
pub(super) const NONE: &str = "none";

/// The lines `<key>: <value>`, each with its number.
pub(super) struct Members<'a> {
    found: Vec<(&'a str, usize, &'a str)>,
    end: usize,
}

impl<'a> Members<'a> {
    /// Reads up to and including `columns:`.
    pub(super) fn parse(
        lines: &mut impl Iterator<Item = (usize, &'a str)>,
    ) -> Result<Self, HeaderError> {
        let mut members = Self {
            found: Vec::new(),
            end: 1,
        };
        for (line, text) in lines {
            members.end = line;
            let text = text.trim();
            let fail = |problem| Err(HeaderError { line, problem });
            match text.split_once(':') {
                _ if text.is_empty() => {}
                Some(("columns", "")) => return Ok(members),
                Some((key, value)) if KEYS.contains(&key) => {
                    if members.found.iter().any(|(found, ..)| *found == key) {
                        return fail(Problem::Repeated(key.to_owned()));
                    }
                    members.found.push((key, line, value.trim()));
                }
                _ => return fail(Problem::NotAMember(text.to_owned())),
            }
        }
        Err(HeaderError {
            line: members.end,
            problem: Problem::Missing("columns"),
        })
    }

    pub(super) fn get(&self, key: &'static str) -> Result<(usize, &'a str), HeaderError> {
        let found = self.found.iter().find(|(found, ..)| *found == key);
        let found = found.map(|(_, line, value)| (*line, *value));
        found.ok_or(HeaderError {
            line: self.end,
            problem: Problem::Missing(key),
        })
    }

    /// A value that is one of a few words.
    pub(super) fn word<T: Copy>(
        &self,
        key: &'static str,
        allowed: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, HeaderError> {
        let (line, value) = self.get(key)?;
        let found = words.iter().find(|(word, _)| *word == value);
        found.map(|(_, meaning)| *meaning).ok_or(HeaderError {
            line,
            problem: Problem::NotOneOf(allowed),
        })
    }

    /// A value that is a list of different names.
    pub(super) fn list(&self, key: &'static str) -> Result<Vec<&'a str>, HeaderError> {
        let (line, value) = self.get(key)?;
        match value {
            NONE => Ok(Vec::new()),
            _ => names(line, value),
        }
    }

    /// Reads `viewers`, or `viewers within term, day`.
    pub(super) fn minimum_cell(&self) -> Result<Option<MinimumCell<'a>>, HeaderError> {
        let (line, value) = self.get("minimum_cell")?;
        if value == NONE {
            return Ok(None);
        }
        let (students, within) = match value.split_once(" within ") {
            Some((students, within)) => (students, names(line, within)?),
            None => (value, Vec::new()),
        };
        let students = names(line, students)?;
        Ok(Some(MinimumCell { students, within }))
    }

    pub(super) fn thresholds(&self) -> Result<Vec<(&'a str, Threshold)>, HeaderError> {
        let (line, value) = self.get("thresholds")?;
        if value == NONE {
            return Ok(Vec::new());
        }
        let threshold = |text: &'a str| {
            let (name, number) = text.split_once('=')?;
            let (name, number) = (name.trim(), number.trim());
            let integer = number.parse().map(Threshold::Integer).ok();
            let double = || {
                number
                    .parse()
                    .ok()
                    .filter(|double: &f64| double.is_finite())
            };
            let number = integer.or_else(|| double().map(Threshold::Double))?;
            is_name(name).then_some((name, number))
        };
        let thresholds = value.split(',').map(|text| {
            threshold(text).ok_or_else(|| HeaderError {
                line,
                problem: Problem::NotAThreshold(text.trim().to_owned()),
            })
        });
        thresholds.collect()
    }
}

/// Different names, with commas between.
fn names(line: usize, text: &str) -> Result<Vec<&str>, HeaderError> {
    let mut names = Vec::new();
    for name in text.split(',').map(str::trim) {
        let problem = match name {
            _ if !is_name(name) => Problem::NotAMember(text.to_owned()),
            _ if names.contains(&name) => Problem::Repeated(name.to_owned()),
            _ => {
                names.push(name);
                continue;
            }
        };
        return Err(HeaderError { line, problem });
    }
    Ok(names)
}
