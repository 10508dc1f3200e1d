//! The functions that SQL may call: those that stand on a list, with what is
//! known of how much they make.

mod arithmetic;
mod bounded;
mod charge;
mod concatenation;
mod described;
mod framed;
mod growth;
mod like_inner;
mod measure;
mod paced;
mod planned;
mod rewrite;
mod sum;
mod zoned;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};

pub(crate) use self::arithmetic::CheckedArithmetic;
use self::bounded::Bounded;
pub(crate) use self::charge::Charge;
pub(crate) use self::described::described;
pub(crate) use self::planned::planners;
pub(crate) use self::rewrite::within_bounds;
use self::sum::CheckedSum;
use self::zoned::Zoned;

pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .filter(|function| growth::of(function.name()).is_some())
        .map(Bounded::around)
        .map(Zoned::around)
        .collect()
}

pub(crate) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    SessionStateDefaults::default_aggregate_functions()
        .into_iter()
        .filter(|function| {
            let name = function.name();
            growth::COLLECTING.contains(&name) || growth::SUMMARISING.contains(&name)
        })
        .map(CheckedSum::instead_of)
        .collect()
}

pub(crate) fn window() -> Vec<Arc<WindowUDF>> {
    SessionStateDefaults::default_window_functions()
        .into_iter()
        .filter(|function| growth::WINDOW.contains(&function.name()))
        .collect()
}

pub(crate) fn higher_order() -> Vec<Arc<HigherOrderUDF>> {
    SessionStateDefaults::default_higher_order_functions()
        .into_iter()
        .filter(|function| growth::HIGHER_ORDER.contains(&function.name()))
        .collect()
}

pub(crate) fn table() -> HashMap<String, Arc<TableFunction>> {
    SessionStateDefaults::default_table_functions()
        .into_iter()
        .filter(|function| growth::TABLE.contains(&function.name()))
        .map(|function| (function.name().to_owned(), function))
        .collect()
}
