//! Which format is asked for.

use axum::http::{HeaderMap, header};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;

use super::about::About;
use super::{arrow, csv, json};
use crate::error::Error;

/// A format of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
    Ndjson,
    Arrow,
}

/// Writes one answer in one format.
pub(crate) trait Encoder: Send {
    /// What stands before the first row.
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError>;
    /// Some rows.
    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError>;
    /// What stands after the last row.
    fn end(&mut self) -> Result<Vec<u8>, ArrowError>;
}

impl Format {
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Ndjson, Self::Arrow];

    /// The best of what the client accepts; JSON when it does not say.
    pub(crate) fn accepted(headers: &HeaderMap) -> Result<Self, Error> {
        let mut best: Option<(u16, Self)> = None;
        let mut asked = false;
        for value in headers.get_all(header::ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                let (range, quality) = range_and_quality(range);
                if range.is_empty() {
                    continue;
                }
                asked = true;
                let format = Self::ALL.into_iter().find(|format| format.is_in(&range));
                if let Some(format) = format
                    && quality > 0
                    && best.is_none_or(|(best, _)| quality > best)
                {
                    best = Some((quality, format));
                }
            }
        }
        match best {
            Some((_, format)) => Ok(format),
            None if asked => Err(Error::NotAcceptable),
            None => Ok(Self::Json),
        }
    }

    /// The format of that name, as addresses have it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
        }
    }

    fn is_in(self, range: &str) -> bool {
        let own = self.media_type();
        let own = own.split(';').next().unwrap_or(own);
        match range.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => own.split('/').next() == Some(kind),
            None => own == range,
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// Whether the answer can begin before its end is known. JSON readers take
    /// a document whole or not at all; so do we.
    pub(crate) fn streams(self) -> bool {
        self != Self::Json
    }

    /// An encoder of rows with these columns.
    pub(crate) fn encoder(self, columns: SchemaRef, about: &About) -> Box<dyn Encoder> {
        match self {
            Self::Json => Box::new(json::Document::new(columns, about.clone())),
            Self::Csv => Box::new(csv::Csv::new(columns)),
            Self::Ndjson => Box::new(json::Lines::default()),
            Self::Arrow => Box::new(arrow::Stream::new(columns)),
        }
    }
}

/// `text/csv;q=0.5` is `text/csv` at 500.
fn range_and_quality(text: &str) -> (String, u16) {
    let mut parts = text.split(';');
    let range = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let quality = parts
        .filter_map(|part| part.trim().strip_prefix("q="))
        .find_map(|quality| quality.trim().parse::<f32>().ok())
        .unwrap_or(1.0);
    (range, (quality.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(None, Some(Format::Json))]
    #[case(Some("*/*"), Some(Format::Json))]
    #[case(Some("application/json, text/csv"), Some(Format::Json))]
    #[case(Some("text/csv"), Some(Format::Csv))]
    #[case(Some("text/*"), Some(Format::Csv))]
    #[case(Some("TEXT/CSV; charset=utf-8"), Some(Format::Csv))]
    #[case(Some("text/csv;q=0.5, application/x-ndjson"), Some(Format::Ndjson))]
    #[case(Some("text/html, */*;q=0.1"), Some(Format::Json))]
    #[case(Some("application/vnd.apache.arrow.stream"), Some(Format::Arrow))]
    #[case(Some("text/html"), None)]
    #[case(Some("text/csv;q=0"), None)]
    fn the_best_format_is_chosen(#[case] accept: Option<&str>, #[case] expected: Option<Format>) {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
        }
        assert_eq!(Format::accepted(&headers).ok(), expected);
    }
}
