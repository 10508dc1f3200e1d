//! Columns of an answer that have one name: the second gets a number, before the
//! planner refuses it.

use std::collections::{HashMap, HashSet};

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, SetExpr, Statement as SqlStatement,
};

/// Numbers the columns of the query that a statement is, or explains. Those of
/// subqueries stay: a name that stands there twice means neither.
pub(super) fn number(statement: &mut Statement) {
    match statement {
        Statement::Explain(explain) => number(&mut explain.statement),
        Statement::Statement(inner) => {
            if let SqlStatement::Query(query) = inner.as_mut() {
                number_in(query);
            }
        }
        _ => {}
    }
}

fn number_in(query: &mut Query) {
    // Without recursion: a chain of set operations can be as long as the statement.
    let mut bodies = vec![query.body.as_mut()];
    while let Some(body) = bodies.pop() {
        match body {
            SetExpr::Select(select) => number_columns(select),
            SetExpr::Query(inner) => bodies.push(inner.body.as_mut()),
            SetExpr::SetOperation { left, right, .. } => {
                bodies.extend([left.as_mut(), right.as_mut()])
            }
            _ => {}
        }
    }
}

fn number_columns(select: &mut Select) {
    let all: HashSet<String> = select.projection.iter().filter_map(name).collect();
    let mut taken: HashMap<String, Vec<Option<String>>> = HashMap::new();
    for item in &mut select.projection {
        let Some(name) = name(item) else { continue };
        let qualified = qualified(item);
        let others = taken.get(&name).map_or(&[][..], Vec::as_slice);
        // Columns of two tables are told apart by these: the answer numbers them.
        let differs = |other: &Option<String>| other.is_some() && *other != qualified;
        if others.is_empty() || (qualified.is_some() && others.iter().all(differs)) {
            taken.entry(name).or_default().push(qualified);
            continue;
        }
        let numbered = (2_usize..)
            .map(|number| format!("{name}_{number}"))
            .find(|name| !all.contains(name) && !taken.contains_key(name));
        let Some(numbered) = numbered else { continue };
        rename(item, Ident::with_quote('"', numbered.clone()));
        taken.insert(numbered, vec![None]);
    }
}

/// The name of the column that it makes, if it makes one.
fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(folded(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(folded),
        SelectItem::UnnamedExpr(expr) => Some(expr.to_string().to_lowercase()),
        _ => None,
    }
}

/// The name with its table's.
fn qualified(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
            let parts: Vec<_> = parts.iter().map(folded).collect();
            Some(parts.join("."))
        }
        _ => None,
    }
}

fn folded(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

fn rename(item: &mut SelectItem, alias: Ident) {
    match item {
        SelectItem::ExprWithAlias { alias: old, .. } => *old = alias,
        SelectItem::UnnamedExpr(expr) => {
            let expr = expr.clone();
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::DFParser;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("SELECT 1 AS a, 2 AS a", "SELECT 1 AS a, 2 AS \"a_2\"")]
    #[case(
        "SELECT 1 AS a, 2 AS A, 3 AS a_2",
        "SELECT 1 AS a, 2 AS \"a_3\", 3 AS a_2"
    )]
    #[case("SELECT 1, 1", "SELECT 1, 1 AS \"1_2\"")]
    #[case(
        "SELECT id, id, t.id FROM t",
        "SELECT id, id AS \"id_2\", t.id AS \"id_3\" FROM t"
    )]
    #[case("SELECT t.id, u.id FROM t, u", "SELECT t.id, u.id FROM t, u")]
    #[case("SELECT 1 AS a, a FROM t", "SELECT 1 AS a, a AS \"a_2\" FROM t")]
    #[case("SELECT *, t.* FROM t", "SELECT *, t.* FROM t")]
    #[case(
        "SELECT 1 AS a, 2 AS a UNION (SELECT 3 AS a, 4 AS a)",
        "SELECT 1 AS a, 2 AS \"a_2\" UNION (SELECT 3 AS a, 4 AS \"a_2\")"
    )]
    #[case(
        "SELECT * FROM (SELECT 1 AS a, 2 AS a)",
        "SELECT * FROM (SELECT 1 AS a, 2 AS a)"
    )]
    fn columns_of_one_name_are_numbered(#[case] sql: &str, #[case] numbered: &str) {
        let parsed = |sql: &str| {
            let mut statements = DFParser::parse_sql(sql).expect("SQL");
            statements.pop_front().expect("a statement")
        };
        let mut statement = parsed(sql);
        number(&mut statement);
        assert_eq!(statement, parsed(numbered));
    }
}
