//! Which columns of a plan say whom its rows are about, and which tell of them what can be
//! added up.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator, TryCast};

use super::refused;
use crate::error::Error;

/// The column that goes with rows wherever their own does not.
pub(super) const PERSON: &str = "chalkline_person";

/// The columns that name people, the best first: by it they are counted.
const NAMES: [&str; 4] = ["student_key", "user_id", "sent_key", "agent_id"];

/// Places of columns in a plan's schema.
#[derive(Debug)]
pub(super) struct People {
    /// Those that name people; by the first they are counted.
    pub(super) persons: Vec<usize>,
    /// Those whose values may be added up: as they are stored, or scaled by a constant.
    /// Of anything else a sum could be made the value of one.
    plain: BTreeSet<usize>,
    /// Whether a row can be there more than once, beside others each time.
    pub(super) repeats: bool,
}

impl People {
    pub(super) fn of_source(schema: &DFSchema) -> Self {
        let place = |name: &str| schema.index_of_column_by_name(None, name);
        let persons: Vec<usize> = NAMES.into_iter().filter_map(place).collect();
        let all = 0..schema.fields().len();
        Self {
            plain: all.filter(|column| !persons.contains(column)).collect(),
            persons,
            repeats: false,
        }
    }

    /// As the right side of a join whose left side has so many columns.
    pub(super) fn moved(self, by: usize) -> Self {
        Self {
            persons: self.persons.into_iter().map(|column| column + by).collect(),
            plain: self.plain.into_iter().map(|column| column + by).collect(),
            ..self
        }
    }

    /// With those of another side, who are the same.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.persons.extend(other.persons);
        self.plain.extend(other.plain);
        self.repeats |= other.repeats;
        self
    }

    /// After a join that has each of their rows once, or may have some more often.
    pub(super) fn joined(mut self, once: bool) -> Self {
        self.repeats |= !once;
        self
    }

    /// Whether both sides of a join whose left one has so many columns name them.
    pub(super) fn comes_from_both(&self, width: usize) -> bool {
        let is_left = |place: &usize| *place < width;
        self.persons.iter().any(is_left) && !self.persons.iter().all(is_left)
    }

    /// The column by which they are counted.
    pub(super) fn person(&self, schema: &DFSchema) -> Column {
        Column::from(schema.qualified_field(self.persons[0]))
    }

    pub(super) fn is_person(&self, expr: &Expr, schema: &DFSchema) -> bool {
        match expr {
            Expr::Column(column) => schema
                .maybe_index_of_column(column)
                .is_some_and(|place| self.persons.contains(&place)),
            Expr::Alias(Alias { expr, .. }) => self.is_person(expr, schema),
            _ => false,
        }
    }

    /// Refuses an expression that asks who somebody is.
    pub(super) fn unnamed(&self, expr: &Expr, schema: &DFSchema, what: &str) -> Result<(), Error> {
        let outer = match expr {
            Expr::OuterReferenceColumn(_, column) => Some(column),
            _ => None,
        };
        let columns = expr.column_refs();
        let mut columns = columns.into_iter().chain(outer);
        let names = columns.any(|column| self.is_person(&Expr::Column(column.clone()), schema));
        match names {
            true => Err(refused(&format!(
                "{what} must not ask who somebody is; count with count(DISTINCT student_key)"
            ))),
            false => Ok(()),
        }
    }

    /// Whether values of an expression may be added up.
    pub(super) fn is_plain(&self, expr: &Expr, schema: &DFSchema) -> bool {
        match expr {
            Expr::Column(column) => schema
                .maybe_index_of_column(column)
                .is_some_and(|place| self.plain.contains(&place)),
            Expr::Literal(..) => true,
            Expr::ScalarFunction(call) if is_divisor(expr) => self.is_plain(&call.args[0], schema),
            Expr::Alias(Alias { expr, .. })
            | Expr::Cast(Cast { expr, .. })
            | Expr::TryCast(TryCast { expr, .. })
            | Expr::Negative(expr) => self.is_plain(expr, schema),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let is_scaled = match op {
                    Operator::Plus | Operator::Minus | Operator::Multiply => {
                        is_constant(left) || is_constant(right)
                    }
                    Operator::Divide => is_constant(right) || is_divisor(right),
                    _ => false,
                };
                is_scaled && self.is_plain(left, schema) && self.is_plain(right, schema)
            }
            _ => false,
        }
    }

    /// The columns that are there for the asker.
    pub(super) fn shown(&self, schema: &DFSchema) -> Vec<Expr> {
        let shown = schema.iter().filter(|(_, field)| field.name() != PERSON);
        shown.map(|column| Expr::Column(column.into())).collect()
    }

    /// After a projection, to which the column is added by which they are counted.
    pub(super) fn projected(
        &self,
        schema: &DFSchema,
        exprs: &mut Vec<Expr>,
    ) -> Result<Self, Error> {
        let mut persons = Vec::new();
        let mut plain = BTreeSet::new();
        for (place, expr) in exprs.iter().enumerate() {
            if self.is_person(expr, schema) {
                persons.push(place);
            } else {
                self.unnamed(expr, schema, "An expression")?;
                if self.is_plain(expr, schema) {
                    plain.insert(place);
                }
            }
        }
        persons.insert(0, exprs.len());
        let person = Expr::Column(self.person(schema));
        exprs.push(person.alias(PERSON));
        Ok(Self {
            persons,
            plain,
            repeats: self.repeats,
        })
    }
}

/// A column by which others are divided, and what stands in for it where it is zero.
fn is_divisor(expr: &Expr) -> bool {
    let is_zero = |expr: &Expr| match expr {
        Expr::Literal(value, _) => {
            let value = value.cast_to(&DataType::Float64);
            value.is_ok_and(|value| value == ScalarValue::from(0.0))
        }
        _ => false,
    };
    match expr {
        Expr::Column(_) => true,
        Expr::ScalarFunction(call) if call.name() == "nullif" => {
            matches!(&call.args[..], [Expr::Column(_), instead] if is_zero(instead))
        }
        _ => false,
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Cast(Cast { expr, .. }) | Expr::Negative(expr) => is_constant(expr),
        _ => false,
    }
}
