//! Which rows are asked for: `section_id=bio-101-03`, `day_from=2026-09-14`.

use std::collections::BTreeMap;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ident, lit};
use serde_json::{Value, json};

use super::shape::{Shape, shortened};
use super::value;
use crate::error::Error;

/// The ends of the parameters that bound a column.
const FROM: &str = "_from";
const TO: &str = "_to";

/// Conditions, all of which a row must meet; by the position of their column.
#[derive(Debug, Default)]
pub(crate) struct Filters(BTreeMap<usize, Condition>);

/// What is asked of one column.
#[derive(Debug, Default)]
struct Condition {
    /// Any of these values, by what a cursor makes of them: sorted, each once.
    any: BTreeMap<String, ScalarValue>,
    /// Or no value at all.
    null: bool,
    /// At least this.
    from: Option<ScalarValue>,
    /// At most this.
    to: Option<ScalarValue>,
}

/// Where a parameter belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Any,
    From,
    To,
}

impl Filters {
    /// Adds a parameter of the address. `others` are the parameters that are no
    /// filters.
    pub(crate) fn add(
        &mut self,
        shape: &Shape<'_>,
        parameter: &str,
        text: &str,
        others: &[&str],
    ) -> Result<(), Error> {
        let (position, place) =
            place(shape, parameter).ok_or_else(|| unknown(shape, parameter, others))?;
        let condition = self.0.entry(position).or_default();
        if text.is_empty() && place == Place::Any {
            condition.null = true;
            return Ok(());
        }
        let data_type = shape.data_type(position);
        let read = value::parse(text, data_type).filter(|_| !text.is_empty());
        let read = read.ok_or_else(|| unfit(shape, position, parameter, text))?;
        let bound = match place {
            Place::Any => {
                condition.any.insert(value::encode(&read).to_string(), read);
                return Ok(());
            }
            Place::From => &mut condition.from,
            Place::To => &mut condition.to,
        };
        if bound.replace(read).is_some() {
            return Err(Error::Address {
                code: "invalid_value",
                detail: format!("Send {parameter} once."),
            });
        }
        Ok(())
    }

    /// The conditions as expressions, one per column.
    pub(crate) fn expressions(&self, shape: &Shape<'_>) -> Vec<Expr> {
        let conditions = self.0.iter();
        conditions
            .filter_map(|(position, condition)| condition.expression(shape.column(*position)))
            .collect()
    }

    /// The same for the same conditions, whatever their order in the address.
    pub(crate) fn canonical(&self, shape: &Shape<'_>) -> Value {
        let conditions = self.0.iter().map(|(position, condition)| {
            let any: Vec<&String> = condition.any.keys().collect();
            let bounds = [&condition.from, &condition.to];
            let bounds = bounds.map(|bound| bound.as_ref().map(value::encode));
            json!([shape.column(*position), any, condition.null, bounds])
        });
        conditions.collect()
    }
}

impl Condition {
    fn expression(&self, name: &str) -> Option<Expr> {
        let column = || ident(name);
        let any: Vec<Expr> = self.any.values().cloned().map(lit).collect();
        let is_any = (!any.is_empty()).then(|| column().in_list(any, false));
        let is_null = self.null.then(|| column().is_null());
        let is_one_of = is_any.into_iter().chain(is_null).reduce(Expr::or);
        let from = self.from.clone().map(|from| column().gt_eq(lit(from)));
        let to = self.to.clone().map(|to| column().lt_eq(lit(to)));
        let all = is_one_of.into_iter().chain(from).chain(to);
        all.reduce(Expr::and)
    }
}

/// A column of this very name, or one that has bounds.
fn place(shape: &Shape<'_>, parameter: &str) -> Option<(usize, Place)> {
    if let Some(position) = shape.position(parameter) {
        return Some((position, Place::Any));
    }
    let (stem, place) = match parameter.strip_suffix(FROM) {
        Some(stem) => (stem, Place::From),
        None => (parameter.strip_suffix(TO)?, Place::To),
    };
    let position = shape.position(stem)?;
    value::is_ordered(shape.data_type(position)).then_some((position, place))
}

fn unknown(shape: &Shape<'_>, parameter: &str, others: &[&str]) -> Error {
    let stem = [FROM, TO]
        .iter()
        .find_map(|end| parameter.strip_suffix(end));
    match stem {
        Some(stem) if shape.position(stem).is_some() => Error::Address {
            code: "unknown_column",
            detail: format!(
                "The column {stem} has no order, so that there is no {parameter}; send \
                 {stem}=<value>."
            ),
        },
        Some(stem) => shape.unknown(stem, &[]),
        None => shape.unknown(parameter, others),
    }
}

fn unfit(shape: &Shape<'_>, position: usize, parameter: &str, text: &str) -> Error {
    let detail = match value::example(shape.data_type(position)) {
        None => format!(
            "The column {parameter} holds several values at a time; only {parameter}= (none at \
             all) can be asked for."
        ),
        Some(example) if text.is_empty() => {
            format!("{parameter} takes {example}; leave it out when there is no bound.")
        }
        Some(example) => format!("{parameter} takes {example}, not {}.", shortened(text)),
    };
    Error::Address {
        code: "invalid_value",
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shape::tests::watching;
    use rstest::rstest;

    fn filters(parameters: &[(&str, &str)]) -> Result<Filters, Error> {
        let columns = watching();
        let mut filters = Filters::default();
        for (name, value) in parameters {
            filters.add(&columns.shape(), name, value, &["limit", "order"])?;
        }
        Ok(filters)
    }

    #[rstest]
    #[case(&[("section", "s1")], "section IN ([Utf8(\"s1\")])")]
    #[case(&[("section", "s2"), ("section", "s1"), ("section", "s2")],
        "section IN ([Utf8(\"s1\"), Utf8(\"s2\")])")]
    #[case(&[("section", "")], "section IS NULL")]
    #[case(&[("section", ""), ("section", "s1")], "section IN ([Utf8(\"s1\")]) OR section IS NULL")]
    #[case(&[("seconds_from", "1.5"), ("seconds_to", "9")],
        "seconds >= Float64(1.5) AND seconds <= Float64(9)")]
    #[case(&[("day_from", "1970-01-02")], "day >= Date32(\"1970-01-02\")")]
    #[case(&[("section_to", "s")], "section <= Utf8(\"s\")")]
    #[case(&[("done", "true")], "done IN ([Boolean(true)])")]
    #[case(&[("section", "x' OR '1'='1")], "section IN ([Utf8(\"x' OR '1'='1\")])")]
    // A column whose own name ends like a bound.
    #[case(&[("moved_to", "s1")], "moved_to IN ([Utf8(\"s1\")])")]
    #[case(&[("moved_to_to", "s1")], "moved_to <= Utf8(\"s1\")")]
    fn parameters_become_expressions(#[case] parameters: &[(&str, &str)], #[case] expected: &str) {
        let columns = watching();
        let filters = filters(parameters).expect("they fit");
        let expressions = filters.expressions(&columns.shape());
        let all = expressions.into_iter().reduce(Expr::and).expect("some");
        assert_eq!(all.to_string(), expected);
    }

    #[rstest]
    #[case(&[("secton", "s1")], "unknown_column", "the nearest is section")]
    #[case(&[("secton_from", "s1")], "unknown_column", "the nearest is section")]
    #[case(&[("limits", "1")], "unknown_column", "the nearest is limit")]
    #[case(&[("done_from", "true")], "unknown_column", "send done=<value>")]
    #[case(&[("tags_to", "a")], "unknown_column", "send tags=<value>")]
    #[case(&[("tags", "a")], "invalid_value", "holds several values")]
    #[case(&[("day", "yesterday")], "invalid_value", "2026-09-14, not `yesterday`")]
    #[case(&[("seconds_from", "")], "invalid_value", "leave it out")]
    #[case(&[("section_to", "")], "invalid_value", "leave it out")]
    #[case(&[("day_to", "2026-01-01"), ("day_to", "2026-01-02")], "invalid_value", "once")]
    fn what_does_not_fit_is_refused(
        #[case] parameters: &[(&str, &str)],
        #[case] code: &str,
        #[case] hint: &str,
    ) {
        let refused = filters(parameters).expect_err("it does not fit");
        let Error::Address { code: got, detail } = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(got, code);
        assert!(detail.contains(hint), "{detail}");
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let columns = watching();
        let canonical = |parameters: &[(&str, &str)]| {
            let filters = filters(parameters).expect("they fit");
            filters.canonical(&columns.shape())
        };
        let one = canonical(&[("section", "a"), ("seconds_to", "1"), ("section", "b")]);
        let other = canonical(&[("seconds_to", "1.0"), ("section", "b"), ("section", "a")]);
        assert_eq!(one, other);
        assert_ne!(one, canonical(&[("section", "a"), ("seconds_from", "1")]));
    }
}
