//! What is wrong with a configuration, and where.

use std::fmt;

use super::dump::is_secret;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file and key, or the variable; `None` when the text names the key.
    place: Option<String>,
    text: String,
}

/// Everything that is wrong with a configuration: at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblems(Vec<Problem>);

impl Problem {
    /// A problem of the whole.
    pub(super) fn general(text: String) -> Self {
        Self { place: None, text }
    }

    pub(super) fn at(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            place: Some(place.into()),
            text: text.into(),
        }
    }

    /// A value that does not fit its key. `error` may repeat the value, so it is
    /// left out for secrets.
    pub(super) fn value(place: String, path: &[String], error: String) -> Self {
        if path.iter().any(|key| is_secret(key)) {
            Self::at(place, "has the wrong form")
        } else {
            Self::at(place, error)
        }
    }

    /// A key that nothing has, with the nearest one that something has.
    pub(super) fn unknown(place: String, name: &str, known: impl Iterator<Item = String>) -> Self {
        let nearest = known
            .map(|other| (strsim::damerau_levenshtein(name, &other), other))
            .min()
            .filter(|(distance, _)| *distance <= 2.max(name.len() / 4));
        let text = match nearest {
            Some((_, other)) => format!("unknown; did you mean {other}?"),
            None => "unknown".to_owned(),
        };
        Self::at(place, text)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.text)
    }
}

impl ConfigProblems {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// The problems, those of the file first, then of the environment, then of
    /// the whole.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblems {}
