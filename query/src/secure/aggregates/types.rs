//! Of which types expressions are, and which of them meet without one being made into
//! another on which that could fail.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, ExprSchemable};

use super::constants::{becomes, is_of_constants};

pub(super) fn is_float(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|of| of.is_floating())
}

pub(super) fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::Utf8View)
}

/// Whether it is a text, an integer, a double or a truth.
pub(super) fn is_simple(expr: &Expr, schema: &DFSchema) -> bool {
    let simple = |of: DataType| {
        is_text(&of) || of.is_integer() || of.is_floating() || of == DataType::Boolean
    };
    expr.get_type(schema).is_ok_and(simple)
}

/// Whether every value of one type is one of the other.
pub(super) fn is_lossless(from: &Expr, to: &Expr, schema: &DFSchema) -> bool {
    let (Ok(of), Ok(into)) = (from.get_type(schema), to.get_type(schema)) else {
        return false;
    };
    match (&of, &into) {
        (of, into) if of == into => true,
        (DataType::Null, into) => is_of_constants(into),
        // Times are as they are stored: nothing here makes others.
        (of, into) if is_text(into) => !of.is_nested(),
        (of, into) if into.is_floating() => of.is_integer() || of.is_floating(),
        (DataType::Int32, DataType::Int64) => true,
        (of, DataType::Date32) => matches!(of, DataType::Timestamp(..)),
        _ => false,
    }
}

/// Whether it is true or false, or NULL: what else it is, is made so.
pub(super) fn is_truth(expr: &Expr, schema: &DFSchema) -> bool {
    let is_truth = |of: DataType| matches!(of, DataType::Boolean | DataType::Null);
    expr.get_type(schema).is_ok_and(is_truth)
}

/// Whether all become one type without one of them being made into what it may not be:
/// planning looks for one type for all.
pub(super) fn are_alike(all: &[&Expr], schema: &DFSchema) -> bool {
    let Some(types) = types_of(all, schema) else {
        return false;
    };
    let become_all = |of: &DataType, other: &DataType| {
        let mut own = all.iter().zip(&types).filter(|(_, own)| *own == of);
        own.all(|(expr, _)| becomes(expr, other))
    };
    let mut distinct: Vec<&DataType> = Vec::new();
    for of in &types {
        let fits =
            |other: &&DataType| meet(of, other) || become_all(of, other) || become_all(other, of);
        if !distinct.iter().all(fits) {
            return false;
        }
        if !distinct.contains(&of) {
            distinct.push(of);
        }
    }
    true
}

/// Whether all are what the first one is, which is what is known of their type: of one type,
/// NULL, or integers beside doubles.
pub(super) fn are_of_one_type(all: &[&Expr], schema: &DFSchema) -> bool {
    let Some(types) = types_of(all, schema) else {
        return false;
    };
    let mut some = types.iter().filter(|of| **of != DataType::Null);
    let Some(first) = some.next() else {
        return true;
    };
    some.all(|of| {
        of == first
            || is_text(of) && is_text(first)
            || first.is_floating() && (of.is_integer() || of.is_floating())
    })
}

fn types_of(all: &[&Expr], schema: &DFSchema) -> Option<Vec<DataType>> {
    all.iter().map(|expr| expr.get_type(schema).ok()).collect()
}

/// Whether values of these types are compared without one of them being made into another
/// type, on which that could fail.
fn meet(one: &DataType, other: &DataType) -> bool {
    let is_number = |of: &DataType| of.is_integer() || of.is_floating();
    let is_stamp = |of: &DataType| matches!(of, DataType::Timestamp(..));
    one == other || is_number(one) && is_number(other) || is_stamp(one) && is_stamp(other)
}

/// Whether two values, over columns of their own, are compared as [`meet`] says, or one is a
/// constant that becomes what the other is.
pub(super) fn are_comparable(
    left: &Expr,
    right: &Expr,
    of_left: &DFSchema,
    of_right: &DFSchema,
) -> bool {
    let (Ok(one), Ok(other)) = (left.get_type(of_left), right.get_type(of_right)) else {
        return false;
    };
    meet(&one, &other) || becomes(left, &other) || becomes(right, &one)
}
