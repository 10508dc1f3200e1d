//! What the line editor asks while somebody types.

use std::sync::{Arc, PoisonError, RwLock};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::catalogue::Catalogue;
use super::complete::completions;
use super::statements::pieces;
use super::visible::visible;

/// Completes words, and knows when a statement is whole.
pub struct Assistant {
    catalogue: Arc<RwLock<Catalogue>>,
    files: FilenameCompleter,
}

impl Assistant {
    /// One that completes what the catalogue holds by then.
    pub fn new(catalogue: Arc<RwLock<Catalogue>>) -> Self {
        Self {
            catalogue,
            files: FilenameCompleter::new(),
        }
    }
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let line = &line[..at];
        let command = line.trim_start();
        if command.starts_with("\\i ") || command.starts_with("\\o ") {
            return self.files.complete_path(line, at);
        }
        let catalogue = self
            .catalogue
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let found = completions(line, &catalogue);
        let pairs = found.words.into_iter().map(|word| Pair {
            // Names come from the service.
            display: visible(&word).into_owned(),
            replacement: word,
        });
        Ok((found.start, pairs.collect()))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_whole(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

/// Whether what was typed can be done: it ends with a `;`, or is for the client itself.
pub fn is_whole(input: &str) -> bool {
    is_word_of_the_client(input) || pieces(input).1.is_none()
}

/// Words that people try before they know any command.
pub fn is_word_of_the_client(input: &str) -> bool {
    let word = input.trim().trim_end_matches(';');
    ["help", "exit", "quit"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", true)]
    #[case("SELECT 1", false)]
    #[case("SELECT 1;", true)]
    #[case("SELECT ';", false)]
    #[case("SELECT 1; SELECT", false)]
    #[case("\\d video", true)]
    #[case("help", true)]
    #[case("EXIT;", true)]
    #[case("-- nothing", true)]
    fn enter_ends_what_is_whole(#[case] input: &str, #[case] expected: bool) {
        assert_eq!(is_whole(input), expected);
    }
}
