//! What a failure inside DataFusion means to the one who asked.

use std::io;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use crate::catalog;
use crate::error::Error;

/// Sentences longer than this are cut: a plan's text helps nobody.
const LONGEST: usize = 600;

/// What a condition's failure begins with that was judged while a file was read.
const CONDITION: &str = "Error evaluating filter predicate";

/// A syntax error, from the parser's text.
pub(crate) fn syntax(text: &str) -> Error {
    Error::Invalid {
        code: "sql_syntax",
        detail: sentence(
            &text
                .replace(" at Line: ", " at line ")
                .replace(", Column: ", ", column "),
        ),
    }
}

/// The error that its asker reads. Texts that could tell of files, addresses
/// or other insides stay in our log.
pub(crate) fn explain(error: DataFusionError) -> Error {
    use DataFusionError as E;
    match error {
        E::Context(_, inner) | E::Diagnostic(_, inner) => explain(*inner),
        E::Collection(mut errors) if !errors.is_empty() => explain(errors.swap_remove(0)),
        E::Shared(shared) => match Arc::try_unwrap(shared) {
            Ok(inner) => explain(inner),
            Err(shared) => explain_shared(&shared),
        },
        E::ArrowError(inner, _) => explain_arrow(*inner),
        E::External(inner) => match inner.downcast::<DataFusionError>() {
            Ok(inner) => explain(*inner),
            Err(inner) => match inner.downcast::<ArrowError>() {
                Ok(inner) => explain_arrow(*inner),
                Err(inner) => explain_pattern(inner),
            },
        },
        E::SQL(parser, _) => match *parser {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => syntax(&text),
            ParserError::RecursionLimitExceeded => Error::TooComplex {
                detail: "The statement nests too deeply; use WITH to flatten it.".to_owned(),
            },
        },
        E::SchemaError(schema, _) => explain_schema(&schema),
        // A plan that was made wrongly, and its insides.
        E::Plan(text) if text.starts_with("Plan: [") => Error::Internal(text.into()),
        E::Plan(text) => explain_plan(&text),
        // DataFusion takes types that do not fit, in BETWEEN for one, for a
        // mistake of its own; its second line asks for a bug report.
        E::Internal(text) if text.starts_with("Failed to coerce") => {
            explain_plan(text.lines().next().unwrap_or_default())
        }
        E::Internal(text) if text.contains("did not compile") => Error::Failed {
            detail: "The pattern is too large; use one that repeats less.".to_owned(),
        },
        // Its text is a plan's insides.
        E::NotImplemented(text) if text.contains("logical expression") => Error::Invalid {
            code: "not_supported",
            detail: "A subquery in this place is not supported; join it, or use it in WHERE."
                .to_owned(),
        },
        E::NotImplemented(text) => Error::Invalid {
            code: "not_supported",
            detail: sentence(&text),
        },
        E::Execution(text) => Error::Failed {
            detail: sentence(&text),
        },
        E::ResourcesExhausted(_) => Error::OutOfMemory,
        E::IoError(error) if is_out_of_space(&error) => Error::OutOfMemory,
        other if other.to_string().contains(CONDITION) => condition(),
        other => Error::Internal(Box::new(other)),
    }
}

/// What a value that does not fit is called in SQL, by what its error begins with.
const CLASSES: [(&str, &str); 6] = [
    (
        "Cannot cast",
        "A value cannot be cast to that type (22018); use TRY_CAST.",
    ),
    (
        "Divide by zero",
        "A value is divided by zero (22012); use NULLIF.",
    ),
    (
        "Arithmetic overflow",
        "A number is too large (22003); cast it to decimal(38, 0).",
    ),
    (
        "Overflow",
        "A number is too large (22003); cast it to decimal(38, 0).",
    ),
    ("Error parsing timestamp", "A value is not a time (22007)."),
    ("regex", "A pattern is none (2201B)."),
];

/// The same failure without the value on which a query failed: which one it is depends on
/// the order in which rows are met.
pub(crate) fn without_values(error: Error) -> Error {
    let Error::Failed { detail } = error else {
        return error;
    };
    let mut classes = CLASSES.iter();
    let known = classes.find(|(begin, _)| detail.starts_with(begin));
    let class = known.map(|(_, class)| *class);
    let class = class.unwrap_or("A value does not fit what is done with it (22000).");
    Error::Failed {
        detail: class.to_owned(),
    }
}

/// A condition that fails on a row. Its text is a library's inside.
fn condition() -> Error {
    Error::Failed {
        detail: "A condition cannot be judged of every row, by a cast of a value that does not \
                 fit for example; use TRY_CAST."
            .to_owned(),
    }
}

/// Whether rows could not be spilled: the disk is full, or more is not allowed.
fn is_out_of_space(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull
        || error.to_string().contains("max_temp_directory_size")
}

/// A pattern that is none comes as the regex library's own error.
fn explain_pattern(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    const PATTERN: [&str; 2] = ["regex parse error", "Compiled regex exceeds"];
    let text = error.to_string();
    if text.contains(CONDITION) {
        return condition();
    }
    match PATTERN.iter().any(|mark| text.contains(mark)) {
        true => Error::Failed {
            detail: sentence(&text),
        },
        false => Error::Internal(error),
    }
}

/// As [`explain`], for an error that others hold as well.
fn explain_shared(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Error::OutOfMemory,
        DataFusionError::IoError(error) if is_out_of_space(error) => Error::OutOfMemory,
        DataFusionError::Execution(text) => Error::Failed {
            detail: sentence(text),
        },
        DataFusionError::Plan(text) => explain_plan(text),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::IoError(_, error) if is_out_of_space(error) => Error::OutOfMemory,
            inner if is_about_values(inner) => Error::Failed {
                detail: sentence(&inner.to_string()),
            },
            inner => Error::internal(inner),
        },
        other if other.to_string().contains(CONDITION) => condition(),
        other => Error::internal(other),
    }
}

fn explain_arrow(error: ArrowError) -> Error {
    match error {
        ArrowError::ComputeError(text) if text.starts_with(CONDITION) => condition(),
        ArrowError::ExternalError(inner) => explain(DataFusionError::from(inner)),
        ArrowError::IoError(_, error) if is_out_of_space(&error) => Error::OutOfMemory,
        error if is_about_values(&error) => Error::Failed {
            detail: sentence(&error.to_string()),
        },
        error => Error::Internal(Box::new(error)),
    }
}

/// Whether the query's own values are to blame.
fn is_about_values(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::DivideByZero
            | ArrowError::InvalidArgumentError(_)
            | ArrowError::NotYetImplemented(_)
            | ArrowError::OffsetOverflowError(_)
    )
}

fn explain_schema(error: &SchemaError) -> Error {
    let code = match error {
        SchemaError::FieldNotFound { .. } => "unknown_column",
        SchemaError::AmbiguousReference { .. } => "ambiguous_column",
        _ => "invalid_query",
    };
    Error::Invalid {
        code,
        detail: sentence(&error.to_string()),
    }
}

fn explain_plan(text: &str) -> Error {
    if let Some(name) = text
        .strip_prefix("table '")
        .and_then(|rest| rest.strip_suffix("' not found"))
    {
        let own = format!("{}.{}.", catalog::CATALOG, catalog::SCHEMA);
        let name = name.strip_prefix(&own).unwrap_or(name);
        return Error::Invalid {
            code: "unknown_table",
            detail: format!(
                "There is no table '{name}'; there are {}.",
                catalog::names().collect::<Vec<_>>().join(", ")
            ),
        };
    }
    let code = if text.starts_with("Invalid function") || text.contains("table function") {
        "unknown_function"
    } else {
        "invalid_query"
    };
    Error::Invalid {
        code,
        detail: sentence(text),
    }
}

/// One plain sentence of a library's message.
fn sentence(text: &str) -> String {
    const PREFIXES: [&str; 9] = [
        "DataFusion error: ",
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "SQL error: ",
        "Schema error: ",
        "Invalid argument error: ",
        "Cast error: ",
        "sql parser error: ",
    ];
    let mut text = text.split("\n\nbacktrace: ").next().unwrap_or_default();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    } else if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_errors_are_unwrapped_and_insides_stay_inside() {
        let wrapped = DataFusionError::ArrowError(
            Box::new(ArrowError::ExternalError(Box::new(
                DataFusionError::ResourcesExhausted("HashJoin[0] used …".to_owned()),
            ))),
            None,
        );
        assert_eq!(explain(wrapped).code(), "query_out_of_memory");

        let types = DataFusionError::Internal(
            "Failed to coerce types Boolean and Int64 in BETWEEN expression.\nA bug".to_owned(),
        );
        assert_eq!(explain(types).code(), "invalid_query");

        let file = DataFusionError::IoError(std::io::Error::other("/lake/demo/x.parquet"));
        assert_eq!(explain(file).code(), "internal_error");
    }

    #[test]
    fn a_library_message_becomes_one_sentence() {
        assert_eq!(
            sentence("Error during planning: Arrow error: one\n  two"),
            "One two."
        );
        assert!(sentence(&"x".repeat(5_000)).chars().count() < 700);
    }
}
