//! Which statements have the same rows whenever they are asked of the same tables.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::functions;

/// The names of all functions that ask for the time or for chance.
static UNSETTLED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let functions = functions::scalar();
    let unsettled = functions
        .iter()
        .filter(|function| function.signature().volatility != Volatility::Immutable);
    let names = unsettled.flat_map(|function| {
        let others = function.aliases().iter().map(String::as_str);
        others
            .chain([function.name()])
            .map(str::to_lowercase)
            .collect::<Vec<_>>()
    });
    // Written without parentheses these are functions as well.
    let words = ["current_timestamp", "localtime", "localtimestamp"];
    names.chain(words.map(str::to_owned)).collect()
});

/// Whether nothing in a statement is the name of a function that asks for the time or for
/// chance. Of the text, since planning puts values in the place of some of them; a column
/// of such a name makes a statement unsettled as well, which costs its asker a little time.
pub(crate) fn is_settled(sql: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return false;
    };
    let found = tokens.iter().try_for_each(|token| match token {
        Token::Word(word) if UNSETTLED.contains(&word.value.to_lowercase()) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_continue()
}

/// Whether a plan names none of these columns, whose values are others in each query.
///
/// # Errors
/// When the plan cannot be walked.
pub(crate) fn names_only_settled(plan: &LogicalPlan, unsettled: &BTreeSet<String>) -> Result<bool> {
    if unsettled.is_empty() {
        return Ok(true);
    }
    let mut settled = true;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Column(column) = part {
                    settled &= !unsettled.contains(&column.name);
                }
                Ok(match settled {
                    true => TreeNodeRecursion::Continue,
                    false => TreeNodeRecursion::Stop,
                })
            })
        })?;
        // What a plan takes from a table without naming it, as a bare scan does.
        if node.inputs().is_empty() {
            let mut columns = node.schema().fields().iter();
            settled &= !columns.any(|column| unsettled.contains(column.name()));
        }
        Ok(match settled {
            true => TreeNodeRecursion::Continue,
            false => TreeNodeRecursion::Stop,
        })
    })?;
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("SELECT count(*) FROM video WHERE occurred_at > '2026-09-01'", true)]
    #[case("SELECT 'now' AS text", true)]
    #[case(
        "SELECT count(*) FROM video WHERE occurred_at > now() - INTERVAL '7 days'",
        false
    )]
    #[case("SELECT NOW()", false)]
    #[case("SELECT \"now\"()", false)]
    #[case("SELECT CURRENT_DATE", false)]
    #[case("SELECT current_timestamp", false)]
    #[case("SELECT * FROM generate_series(1, CAST(random() * 9 AS int))", false)]
    #[case("SELECT uuid()", false)]
    #[case("SELECT 'no end", false)]
    fn time_and_chance_are_found_in_the_text(#[case] sql: &str, #[case] expected: bool) {
        assert_eq!(is_settled(sql), expected, "{sql}");
    }

    #[test]
    fn the_functions_are_those_that_there_are() {
        for name in ["now", "current_date", "current_time", "random", "uuid"] {
            assert!(UNSETTLED.contains(name), "{name}");
        }
        assert!(!UNSETTLED.contains("date_trunc"));
    }
}
