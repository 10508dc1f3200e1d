//! In which order rows are asked for, and what comes after a row.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Case, Expr, SortExpr, ident, lit};
use serde_json::{Value, json};

use super::shape::Shape;
use super::value;
use crate::error::Error;

/// Keys that no two rows have in common: those asked for, then the rest of the
/// grain. Rows without a value come last in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order(Vec<Key>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    /// The position of its column.
    position: usize,
    descending: bool,
}

impl Order {
    /// Reads `-seconds_watched,student_key`; the grain when nothing is asked
    /// for.
    pub(crate) fn parse(text: Option<&str>, shape: &Shape<'_>) -> Result<Self, Error> {
        let mut order = Self(Vec::new());
        for part in text.into_iter().flat_map(|text| text.split(',')) {
            let part = part.trim();
            let name = part.strip_prefix('-').unwrap_or(part);
            let position = shape
                .position(name)
                .ok_or_else(|| shape.unknown(name, &[]))?;
            if value::example(shape.data_type(position)).is_none() {
                return Err(Error::Address {
                    code: "invalid_value",
                    detail: format!("The column {name} holds several values and has no order."),
                });
            }
            order.add(Key {
                position,
                descending: part.starts_with('-'),
            });
        }
        for name in shape.grain {
            let position = shape.position(name);
            order.add(Key {
                position: position.expect("a report's grain is of its columns"),
                descending: false,
            });
        }
        Ok(order)
    }

    /// A column that is there already decides nothing any more.
    fn add(&mut self, key: Key) {
        if self.positions().all(|position| position != key.position) {
            self.0.push(key);
        }
    }

    /// The columns by which rows are ordered.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|key| key.position)
    }

    pub(crate) fn sorts(&self, shape: &Shape<'_>) -> Vec<SortExpr> {
        let keys = self.0.iter();
        keys.map(|key| sortable(shape, key.position).sort(!key.descending, false))
            .collect()
    }

    /// The rows that come after the one with these values.
    pub(crate) fn after(&self, shape: &Shape<'_>, values: &[ScalarValue]) -> Expr {
        let keys = self.0.iter().zip(values).rev();
        // Later in this key, or equal in it and later in those behind it.
        keys.fold(lit(false), |later_behind, (key, value)| {
            let column = || ident(shape.column(key.position));
            if value.is_null() {
                return column().is_null().and(later_behind);
            }
            let value = lit(value.clone());
            let later = match key.descending {
                false => column().gt(value.clone()),
                true => column().lt(value.clone()),
            };
            let tied = column().eq(value).and(later_behind);
            later.or(column().is_null()).or(tied)
        })
    }

    pub(crate) fn canonical(&self, shape: &Shape<'_>) -> Value {
        let keys = self.0.iter();
        keys.map(|key| json!([shape.column(key.position), key.descending]))
            .collect()
    }
}

/// A column as it is sorted: so that what is equal in comparisons is equal here
/// too. Sorting tells the two zeros of doubles apart, comparing does not.
fn sortable(shape: &Shape<'_>, position: usize) -> Expr {
    let column = || ident(shape.column(position));
    if *shape.data_type(position) != DataType::Float64 {
        return column();
    }
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(column().eq(lit(0.0))), Box::new(lit(0.0)))],
        else_expr: Some(Box::new(column())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shape::tests::watching;
    use rstest::rstest;

    #[rstest]
    #[case(None, "section ASC NULLS LAST, student ASC NULLS LAST")]
    #[case(
        Some("-seconds"),
        "CASE WHEN seconds = Float64(0) THEN Float64(0) ELSE seconds END DESC NULLS LAST, \
         section ASC NULLS LAST, student ASC NULLS LAST"
    )]
    #[case(
        Some("-student, day,day"),
        "student DESC NULLS LAST, day ASC NULLS LAST, section ASC NULLS LAST"
    )]
    fn the_grain_decides_at_last(#[case] text: Option<&str>, #[case] expected: &str) {
        let columns = watching();
        let order = Order::parse(text, &columns.shape()).expect("an order");
        let sorts = order.sorts(&columns.shape());
        let sorts: Vec<String> = sorts.iter().map(ToString::to_string).collect();
        assert_eq!(sorts.join(", "), expected);
    }

    #[rstest]
    #[case("second", "unknown_column")]
    #[case("section,", "unknown_column")]
    #[case("--section", "unknown_column")]
    #[case("", "unknown_column")]
    #[case("tags", "invalid_value")]
    fn other_orders_are_refused(#[case] text: &str, #[case] code: &str) {
        let columns = watching();
        let refused = Order::parse(Some(text), &columns.shape()).expect_err("no order");
        assert_eq!(refused.code(), code);
    }

    #[rstest]
    #[case(
        ScalarValue::from("s"),
        "section < Utf8(\"s\") OR section IS NULL \
         OR section = Utf8(\"s\") AND (student > Int64(7) OR student IS NULL \
         OR student = Int64(7) AND Boolean(false))"
    )]
    #[case(
        ScalarValue::Utf8(None),
        "section IS NULL AND (student > Int64(7) OR student IS NULL \
         OR student = Int64(7) AND Boolean(false))"
    )]
    fn what_comes_after_a_row(#[case] section: ScalarValue, #[case] expected: &str) {
        let columns = watching();
        let order = Order::parse(Some("-section"), &columns.shape()).expect("an order");
        let values = [section, ScalarValue::Int64(Some(7))];
        assert_eq!(order.after(&columns.shape(), &values).to_string(), expected);
    }
}
