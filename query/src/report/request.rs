//! One page that is asked for: the query string of `GET /v1/reports/{name}`.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, SortExpr};
use serde_json::json;
use url::form_urlencoded;

use super::cursor::Question;
use super::filter::Filters;
use super::order::Order;
use super::shape::{Shape, shortened};
use crate::answer::Format;
use crate::error::Error;

/// The rows of a page when nothing is said.
pub(crate) const ROWS: usize = 1_000;

/// The most rows of a page.
pub(crate) const MOST_ROWS: usize = 10_000;

/// The parameters that are no filters; no column may have such a name.
const OPTIONS: [&str; 5] = ["columns", "order", "limit", "cursor", "format"];

/// A question that has been read.
#[derive(Debug)]
pub(crate) struct Request {
    filters: Filters,
    order: Order,
    /// The keys of the row before the page's first.
    after: Option<Vec<ScalarValue>>,
    question: Question,
    /// The positions of the columns of the answer.
    pub(crate) columns: Vec<usize>,
    pub(crate) limit: usize,
    /// The format, when the address says it.
    pub(crate) format: Option<Format>,
    /// The parameters of every page of this question.
    parameters: Vec<(String, String)>,
}

impl Request {
    /// Reads a query string; a page has at most `most` rows.
    pub(crate) fn parse(query: &str, shape: &Shape<'_>, most: usize) -> Result<Self, Error> {
        let mut filters = Filters::default();
        let mut options: [Option<String>; OPTIONS.len()] = Default::default();
        let mut parameters = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match OPTIONS.iter().position(|option| *option == name) {
                None => filters.add(shape, &name, &value, &OPTIONS)?,
                Some(option) => {
                    if options[option].replace(value.to_string()).is_some() {
                        return Err(invalid(format!("Send {name} once.")));
                    }
                }
            }
            if name != "cursor" {
                parameters.push((name.into_owned(), value.into_owned()));
            }
        }
        let [columns, order, limit, cursor, format] = options;
        let order = Order::parse(order.as_deref(), shape)?;
        let question = Question::new(&json!([
            shape.name,
            order.canonical(shape),
            filters.canonical(shape),
        ]));
        let after = match cursor {
            None => None,
            Some(cursor) => {
                let positions: Vec<usize> = order.positions().collect();
                let types = positions.iter().map(|position| shape.data_type(*position));
                Some(question.open(&cursor, types).ok_or_else(foreign)?)
            }
        };
        Ok(Self {
            columns: parse_columns(columns.as_deref(), shape)?,
            limit: parse_limit(limit.as_deref(), most)?,
            format: format.as_deref().map(parse_format).transpose()?,
            filters,
            order,
            after,
            question,
            parameters,
        })
    }

    /// What a row of the page must be.
    pub(crate) fn conditions(&self, shape: &Shape<'_>) -> Vec<Expr> {
        let mut conditions = self.filters.expressions(shape);
        let after = self.after.as_ref();
        conditions.extend(after.map(|keys| self.order.after(shape, keys)));
        conditions
    }

    pub(crate) fn sorts(&self, shape: &Shape<'_>) -> Vec<SortExpr> {
        self.order.sorts(shape)
    }

    /// The columns whose values a cursor holds.
    pub(crate) fn keys(&self) -> impl Iterator<Item = usize> {
        self.order.positions()
    }

    /// The cursor of the page after a row with these keys.
    pub(crate) fn cursor(&self, keys: &[ScalarValue]) -> String {
        self.question.seal(keys)
    }

    /// The address of the page at a cursor.
    pub(crate) fn address(&self, shape: &Shape<'_>, cursor: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.parameters)
            .append_pair("cursor", cursor)
            .finish();
        format!("/v1/reports/{}?{query}", shape.name)
    }
}

fn parse_columns(text: Option<&str>, shape: &Shape<'_>) -> Result<Vec<usize>, Error> {
    let Some(text) = text else {
        return Ok((0..shape.columns.fields().len()).collect());
    };
    let mut columns = Vec::new();
    for name in text.split(',').map(str::trim) {
        let position = shape
            .position(name)
            .ok_or_else(|| shape.unknown(name, &[]))?;
        if !columns.contains(&position) {
            columns.push(position);
        }
    }
    Ok(columns)
}

fn parse_limit(text: Option<&str>, most: usize) -> Result<usize, Error> {
    let Some(text) = text else {
        return Ok(ROWS.min(most));
    };
    let limit = text.parse().ok();
    limit
        .filter(|limit| (1..=most).contains(limit))
        .ok_or_else(|| {
            invalid(format!(
                "limit takes a whole number from 1 to {most}, not {}.",
                shortened(text)
            ))
        })
}

fn parse_format(text: &str) -> Result<Format, Error> {
    Format::named(text).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        invalid(format!(
            "format takes one of {names}, not {}.",
            shortened(text)
        ))
    })
}

fn invalid(detail: String) -> Error {
    Error::Address {
        code: "invalid_value",
        detail,
    }
}

fn foreign() -> Error {
    Error::Address {
        code: "invalid_cursor",
        detail: "This cursor belongs to another report, order or filter; send the next_cursor of \
                 the page before with the same parameters, or ask for the first page without one."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shape::tests::watching;
    use rstest::rstest;

    fn parse(query: &str) -> Result<Request, Error> {
        Request::parse(query, &watching().shape(), MOST_ROWS)
    }

    #[test]
    fn all_has_its_default() {
        let request = parse("").expect("a request");
        assert_eq!(request.columns, (0..8).collect::<Vec<_>>());
        assert_eq!(request.limit, ROWS);
        assert_eq!(request.format, None);
        assert!(request.conditions(&watching().shape()).is_empty());
    }

    #[test]
    fn columns_come_in_the_order_in_which_they_are_asked_for() {
        let request = parse("columns=seconds,+section,seconds&limit=1&format=csv");
        let request = request.expect("a request");
        assert_eq!(request.columns, [3, 0]);
        assert_eq!(request.limit, 1);
        assert_eq!(request.format, Some(Format::Csv));
    }

    #[rstest]
    #[case("limit=0", "invalid_value")]
    #[case("limit=10001", "invalid_value")]
    #[case("limit=", "invalid_value")]
    #[case("limit=1&limit=1", "invalid_value")]
    #[case("format=xlsx", "invalid_value")]
    #[case("columns=", "unknown_column")]
    #[case("columns=section,nothing", "unknown_column")]
    #[case("nothing=1", "unknown_column")]
    #[case("nothing", "unknown_column")]
    #[case("cursor=", "invalid_cursor")]
    #[case("cursor=nonsense", "invalid_cursor")]
    fn what_cannot_be_read_is_refused(#[case] query: &str, #[case] code: &str) {
        let refused = parse(query).expect_err("it cannot be read");
        assert_eq!(refused.code(), code, "{refused:?}");
    }

    #[test]
    fn a_cursor_fits_the_same_question_in_other_words_and_no_other() {
        let columns = watching();
        let first = parse("section=a&section=b&order=-seconds&limit=5").expect("a request");
        let keys = [
            ScalarValue::Float64(None),
            ScalarValue::from("a"),
            ScalarValue::Int64(Some(1)),
        ];
        let address = first.address(&columns.shape(), &first.cursor(&keys));
        let (path, query) = address.split_once('?').expect("a query");
        assert_eq!(path, "/v1/reports/watching");
        assert!(query.starts_with("section=a&section=b&order=-seconds&limit=5&cursor="));
        let next = parse(query).expect("the next page");
        assert_eq!(next.after.as_deref(), Some(&keys[..]));

        let cursor = first.cursor(&keys);
        let same = format!("cursor={cursor}&order=-seconds&section=b&section=a&columns=at");
        assert!(parse(&same).is_ok());
        for other in [
            "order=-seconds&section=a",
            "order=seconds&section=a&section=b",
            "order=-seconds&section=a&section=b&done=true",
            "order=-seconds&section_from=a&section_to=b",
        ] {
            let refused = parse(&format!("{other}&cursor={cursor}")).expect_err("another");
            assert_eq!(refused.code(), "invalid_cursor", "{other}");
        }
    }

    #[test]
    fn no_report_has_a_column_that_could_be_taken_for_something_else() {
        for report in schemas::reports() {
            for column in &report.columns {
                assert!(!OPTIONS.contains(&column.name), "{}", report.name);
                for end in ["_from", "_to"] {
                    let bound = format!("{}{end}", column.name);
                    let same = report.columns.iter().any(|other| other.name == bound);
                    assert!(!same, "{}.{bound}", report.name);
                }
            }
        }
    }
}
