//! May this SQL run? A function of the text and of who asks, without I/O.
//!
//! The gate reads the syntax: exactly one statement, and one that only reads.
//! The plan made of it is checked once more (see `session.rs`), so that what
//! hides inside a query is refused as well.

mod expansion;
mod inlining;
mod names;

use std::ops::ControlFlow;

use datafusion::common::format::{ExplainFormat, ExplainStatementOptions};
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Query, SetExpr, Statement as SqlStatement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

pub(crate) use self::inlining::excess as inlined;
use crate::error::Error;
use crate::failure;

/// How deep parentheses, subqueries and the like may nest.
const NESTING: usize = 50;

/// How long and how complex a statement may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) tokens: usize,
}

/// A statement that may run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Allowed {
    pub(crate) statement: Statement,
    /// Whether the answer is the text of a plan.
    pub(crate) explains: bool,
}

/// Lets one reading statement pass, of somebody who `sees_all` or does not.
pub(crate) fn check(sql: &str, sees_all: bool, limits: Limits) -> Result<Allowed, Error> {
    if sql.len() > limits.bytes {
        let detail = format!("Send a statement of at most {} bytes.", limits.bytes);
        return Err(Error::TooComplex { detail });
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize()
        .map_err(|error| failure::syntax(&error.to_string()))?;
    let words = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)));
    if words.count() > limits.tokens {
        let detail = format!(
            "The statement has more than {} words and signs; bind long lists as a parameter.",
            limits.tokens
        );
        return Err(Error::TooComplex { detail });
    }

    let mut statement = parse_one(sql)?;
    let name = first_word(&tokens);
    let explains = match &statement {
        Statement::Explain(explain) => {
            explained(&explain.options, sees_all)?;
            let Statement::Statement(inner) = explain.statement.as_ref() else {
                return Err(not_allowed(&name));
            };
            let SqlStatement::Query(query) = inner.as_ref() else {
                return Err(not_allowed(&name));
            };
            reads(query, &name)?;
            true
        }
        Statement::Statement(inner) => match inner.as_ref() {
            SqlStatement::Query(query) => {
                reads(query, &name)?;
                false
            }
            SqlStatement::ShowTables { .. }
            | SqlStatement::ShowColumns { .. }
            | SqlStatement::ExplainTable { .. } => false,
            _ => return Err(not_allowed(&name)),
        },
        _ => return Err(not_allowed(&name)),
    };
    names::number(&mut statement);
    Ok(Allowed {
        statement,
        explains,
    })
}

fn parse_one(sql: &str) -> Result<Statement, Error> {
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(NESTING)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(syntax)?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => Err(failure::syntax("There is no statement in it")),
        (Some(_), false) => Err(Error::NotAllowed {
            detail: "Send one statement at a time.".to_owned(),
        }),
    }
}

fn syntax(error: DataFusionError) -> Error {
    failure::explain(error)
}

/// Only who sees all may run a query to see how it runs: the plan's figures say
/// something about rows. And in other forms than the usual one, a line for each node,
/// nothing can be left out of a plan.
fn explained(asked: &ExplainStatementOptions, sees_all: bool) -> Result<(), Error> {
    let indented = [None, Some(ExplainFormat::Indent)];
    let detail = if sees_all {
        return Ok(());
    } else if asked.analyze {
        "EXPLAIN ANALYZE is for stewards; use EXPLAIN."
    } else if asked.verbose
        || asked.show_statistics == Some(true)
        || !indented.contains(&asked.format)
    {
        "EXPLAIN with statistics, VERBOSE or in another format is for stewards; use EXPLAIN."
    } else {
        return Ok(());
    };
    Err(Error::NotAllowed {
        detail: detail.to_owned(),
    })
}

/// Whether a query's own parts only read. Without recursion: a chain of set
/// operations can be as long as the statement.
fn reads(query: &Query, name: &str) -> Result<(), Error> {
    if let ControlFlow::Break(clause) = query.visit(&mut Unheeded) {
        return Err(Error::Invalid {
            code: "not_supported",
            detail: format!("{clause} is not supported."),
        });
    }
    if let Some(detail) = expansion::excess(query) {
        return Err(Error::TooComplex { detail });
    }
    let mut queries = vec![query];
    let mut bodies = Vec::new();
    while let Some(query) = queries.pop() {
        if let Some(with) = &query.with {
            queries.extend(with.cte_tables.iter().map(|table| table.query.as_ref()));
        }
        bodies.push(query.body.as_ref());
        while let Some(body) = bodies.pop() {
            match body {
                SetExpr::Select(select) if select.into.is_none() => {}
                SetExpr::Select(_) => return Err(not_allowed("SELECT INTO")),
                SetExpr::Query(inner) => queries.push(inner),
                SetExpr::SetOperation { left, right, .. } => {
                    bodies.push(left);
                    bodies.push(right);
                }
                SetExpr::Values(_) | SetExpr::Table(_) => {}
                _ => return Err(not_allowed(name)),
            }
        }
    }
    Ok(())
}

/// Finds clauses that the planner would pass over in silence.
struct Unheeded;

impl Visitor for Unheeded {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        match query.locks.is_empty() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break("FOR UPDATE or FOR SHARE"),
        }
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        match table {
            TableFactor::Table {
                sample: Some(_), ..
            } => ControlFlow::Break("TABLESAMPLE"),
            _ => ControlFlow::Continue(()),
        }
    }
}

pub(crate) fn not_allowed(name: &str) -> Error {
    Error::NotAllowed {
        detail: format!(
            "{name} is not allowed: ask with SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES, \
             SHOW COLUMNS or DESCRIBE."
        ),
    }
}

fn first_word(tokens: &[Token]) -> String {
    let word = tokens.iter().find_map(|token| match token {
        Token::Word(word) => Some(word.value.to_uppercase()),
        _ => None,
    });
    word.unwrap_or_else(|| "This".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LIMITS: Limits = Limits {
        bytes: 1 << 20,
        tokens: 10_000,
    };

    fn code(sql: &str, sees_all: bool) -> Result<bool, &'static str> {
        check(sql, sees_all, LIMITS)
            .map(|allowed| allowed.explains)
            .map_err(|error| error.code())
    }

    #[rstest]
    #[case("SELECT 1")]
    #[case("select 1;")]
    #[case("-- a comment\nSELECT 1 /* another */ ;;")]
    #[case("WITH a AS (SELECT 1) SELECT * FROM a UNION ALL VALUES (2)")]
    #[case("(SELECT 1) EXCEPT (SELECT 2)")]
    #[case("VALUES (1), (2)")]
    #[case("SHOW TABLES")]
    #[case("SHOW COLUMNS FROM clickstream")]
    #[case("DESCRIBE clickstream")]
    fn reading_is_allowed(#[case] sql: &str) {
        assert_eq!(code(sql, false), Ok(false));
    }

    #[rstest]
    #[case("COPY clickstream TO '/tmp/out.parquet'")]
    #[case("COPY (SELECT 1) TO '/tmp/out.csv' STORED AS CSV")]
    #[case("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/tmp/x.parquet'")]
    #[case("CREATE TABLE t AS SELECT 1")]
    #[case("CREATE VIEW v AS SELECT 1")]
    #[case("CREATE SCHEMA s")]
    #[case("CREATE DATABASE d")]
    #[case("CREATE FUNCTION f() RETURNS int RETURN 1")]
    #[case("DROP TABLE clickstream")]
    #[case("DROP VIEW ledger")]
    #[case("ALTER TABLE clickstream ADD COLUMN x int")]
    #[case("TRUNCATE TABLE clickstream")]
    #[case("INSERT INTO clickstream VALUES (1)")]
    #[case("WITH a AS (SELECT 1) INSERT INTO clickstream SELECT * FROM a")]
    #[case("UPDATE clickstream SET count = 1")]
    #[case("DELETE FROM clickstream")]
    #[case("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE")]
    #[case("SELECT 1 INTO t")]
    #[case("SELECT 1 UNION ALL SELECT 2 INTO t")]
    #[case("SET datafusion.execution.batch_size = 1")]
    #[case("SET TIME ZONE 'Europe/Berlin'")]
    #[case("RESET datafusion.execution.batch_size")]
    #[case("SHOW ALL")]
    #[case("SHOW datafusion.execution.batch_size")]
    #[case("SHOW CREATE TABLE ledger")]
    #[case("SHOW FUNCTIONS")]
    #[case("PREPARE p AS SELECT 1")]
    #[case("EXECUTE p(1)")]
    #[case("DEALLOCATE p")]
    #[case("BEGIN")]
    #[case("COMMIT")]
    #[case("USE other")]
    #[case("EXPLAIN COPY clickstream TO '/tmp/out.parquet'")]
    #[case("EXPLAIN INSERT INTO clickstream VALUES (1)")]
    #[case("EXPLAIN EXPLAIN SELECT 1")]
    #[case("DESCRIBE SELECT 1")]
    #[case("SELECT 1; SELECT 2")]
    #[case("SELECT 1; DROP TABLE clickstream")]
    fn all_else_is_refused(#[case] sql: &str) {
        assert_eq!(code(sql, true), Err("statement_not_allowed"));
    }

    #[rstest]
    #[case("")]
    #[case("  ; ")]
    #[case("-- nothing")]
    #[case("SELEC 1")]
    #[case("SELECT 'open")]
    fn what_is_no_statement_is_a_syntax_error(#[case] sql: &str) {
        assert_eq!(code(sql, true), Err("sql_syntax"));
    }

    #[rstest]
    #[case("SELECT * FROM video TABLESAMPLE (10 PERCENT)")]
    #[case("SELECT 1 WHERE EXISTS (SELECT * FROM video FOR UPDATE)")]
    fn what_would_be_ignored_is_refused(#[case] sql: &str) {
        assert_eq!(code(sql, true), Err("not_supported"));
    }

    #[test]
    fn only_a_steward_may_run_a_query_to_see_how_it_runs() {
        let sql = "EXPLAIN ANALYZE SELECT 1";
        assert_eq!(code(sql, true), Ok(true));
        assert_eq!(code(sql, false), Err("statement_not_allowed"));
        assert_eq!(code("EXPLAIN SELECT 1", false), Ok(true));
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = format!("SELECT {}1{}", "(".repeat(4_000), ")".repeat(4_000));
        assert_eq!(code(&deep, true), Err("sql_too_complex"));
        let wide = format!("SELECT 1{}", " + 1".repeat(10_000));
        assert_eq!(code(&wide, true), Err("sql_too_complex"));
        let long = format!("SELECT '{}'", "x".repeat(1 << 20));
        assert_eq!(code(&long, true), Err("sql_too_complex"));
    }

    #[test]
    fn a_syntax_error_says_where() {
        let Err(error) = check("SELECT 1\nFORM x y", true, LIMITS) else {
            panic!("it is no SQL");
        };
        let Error::Invalid { detail, .. } = error else {
            panic!("{error:?}");
        };
        assert!(detail.contains("line 2, column"), "{detail}");
    }
}
