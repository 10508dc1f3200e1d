//! How much larger a statement's meaning is than its text: planning inlines a
//! common table expression wherever it is named, writes some expressions out
//! twice, and makes an aggregate of every grouping set. A chain of such steps
//! doubles with each, and planning neither pauses nor asks a memory pool.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, ObjectName, Query, Select, Visit, Visitor,
};

/// The most tables that a statement may come to read once all is inlined;
/// expressions that are written out twice count as well.
const SIZE: usize = 10_000;

/// The most grouping sets of one SELECT: those of a CUBE of ten columns.
const GROUPING_SETS: usize = 1_024;

/// Functions that planning turns into CASE, with their arguments twice.
const TWICE: [&str; 4] = ["coalesce", "ifnull", "nvl", "nvl2"];

/// What is wrong with a query that planning would make too much of.
pub(super) fn excess(query: &Query) -> Option<String> {
    let mut expansion = Expansion {
        sizes: vec![0],
        scopes: Vec::new(),
    };
    match query.visit(&mut expansion) {
        ControlFlow::Continue(()) => None,
        ControlFlow::Break(detail) => Some(detail),
    }
}

struct Expansion {
    /// The size of each query and expression that is being looked at, from the
    /// outermost to the innermost.
    sizes: Vec<usize>,
    scopes: Vec<Scope>,
}

/// One query's WITH.
struct Scope {
    /// Those whose queries come next: a query's WITH is visited before its body.
    pending: VecDeque<String>,
    known: HashMap<String, usize>,
}

impl Expansion {
    fn add(&mut self, size: usize) {
        if let Some(innermost) = self.sizes.last_mut() {
            *innermost = innermost.saturating_add(size);
        }
    }
}

impl Visitor for Expansion {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.scopes.push(Scope {
            pending: tables
                .map(|table| table.alias.name.value.to_lowercase())
                .collect(),
            known: HashMap::new(),
        });
        self.sizes.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<String> {
        self.scopes.pop();
        let size = self.sizes.pop().unwrap_or_default();
        if size > SIZE {
            return ControlFlow::Break(format!(
                "With every WITH query put where it is named, and BETWEEN and COALESCE written \
                 out, the statement has more than {SIZE} parts; name each fewer times."
            ));
        }
        let outer = self.scopes.last_mut();
        match outer.and_then(|scope| Some((scope.pending.pop_front()?, scope))) {
            Some((name, scope)) => {
                // Names that differ in case may be one: the larger counts.
                let known = scope.known.entry(name).or_default();
                *known = size.max(*known);
            }
            None => self.add(size),
        }
        ControlFlow::Continue(())
    }

    /// One for the table; and what it stands for, in whichever scope it is
    /// largest.
    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let parts = relation.0.iter().map(|part| match part.as_ident() {
            Some(ident) => ident.value.to_lowercase(),
            None => part.to_string(),
        });
        let name = parts.collect::<Vec<_>>().join(".");
        let known = self
            .scopes
            .iter()
            .filter_map(|scope| scope.known.get(&name));
        let inlined = known.copied().max().unwrap_or_default();
        self.add(inlined.saturating_add(1));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        let GroupByExpr::Expressions(by, _) = &select.group_by else {
            return ControlFlow::Continue(());
        };
        let sets = product(by);
        if sets > GROUPING_SETS {
            return ControlFlow::Break(format!(
                "GROUP BY makes more than {GROUPING_SETS} grouping sets; use CUBE with fewer \
                 columns, or name the sets that are needed."
            ));
        }
        self.add(sets - 1);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<String> {
        self.sizes.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        let size = self.sizes.pop().unwrap_or_default();
        let twice = match expr {
            Expr::Between { .. } => true,
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                TWICE.contains(&name.trim_matches('"'))
            }
            _ => false,
        };
        self.add(match twice {
            true => size.saturating_mul(2).saturating_add(1),
            false => size,
        });
        ControlFlow::Continue(())
    }
}

/// How many grouping sets a list of groupings makes; at least one.
fn product(groupings: &[Expr]) -> usize {
    let sets = groupings.iter().map(|grouping| match grouping {
        Expr::Cube(columns) => {
            let columns = u32::try_from(columns.len()).unwrap_or(u32::MAX);
            2_usize.saturating_pow(columns)
        }
        Expr::Rollup(columns) => columns.len().saturating_add(1),
        Expr::GroupingSets(sets) => {
            let sets = sets.iter().map(|set| product(set));
            sets.fold(0, usize::saturating_add).max(1)
        }
        _ => 1,
    });
    sets.fold(1, usize::saturating_mul)
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, check};
    use rstest::rstest;

    fn refused(sql: &str) -> bool {
        let limits = Limits {
            bytes: 1 << 20,
            tokens: 10_000,
        };
        match check(sql, false, limits) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.code(), "sql_too_complex");
                true
            }
        }
    }

    /// Each step names the one before twice.
    fn doubling(steps: usize) -> String {
        let tables = (1..=steps).map(|n| {
            let before = n - 1;
            format!(", a{n} AS (SELECT l.x FROM A{before} l JOIN \"a{before}\" r ON l.x = r.x)")
        });
        let tables: String = tables.collect();
        format!("WITH a0 AS (SELECT 1 x){tables} SELECT x FROM a{steps}")
    }

    #[test]
    fn what_is_inlined_is_counted() {
        assert!(!refused(&doubling(10)));
        assert!(refused(&doubling(13)));
        assert!(refused(&doubling(200)));
        assert!(refused(&format!("EXPLAIN {}", doubling(60))));
        let inside = format!("SELECT * FROM ({}) AS a, video", doubling(20));
        assert!(refused(&inside));
        let inside = format!("SELECT 1 WHERE EXISTS ({})", doubling(20));
        assert!(refused(&inside));
    }

    #[test]
    fn a_name_counts_for_the_largest_that_it_may_mean() {
        let once = "WITH a AS (SELECT 1 x), b AS (WITH a AS (SELECT 2 x) SELECT * FROM a) \
                    SELECT * FROM a, b";
        assert!(!refused(once));
        let hidden = doubling(12).replace("SELECT x FROM a12", "");
        let sql =
            format!("{hidden} SELECT * FROM (WITH a12 AS (SELECT 1 x) SELECT * FROM a12, a12)");
        assert!(refused(&sql));
    }

    #[rstest]
    #[case("coalesce(", "count, 1", ", 1)")]
    #[case("IFNULL(", "count", ", 1)")]
    #[case("", "true", " BETWEEN false AND true")]
    fn expressions_that_double_are_counted(
        #[case] open: &str,
        #[case] middle: &str,
        #[case] close: &str,
    ) {
        let nested = |times: usize| {
            let (open, close) = (open.repeat(times), close.repeat(times));
            format!("SELECT {open}{middle}{close} FROM clickstream")
        };
        assert!(!refused(&nested(6)));
        assert!(refused(&nested(20)));
    }

    #[rstest]
    #[case("CUBE (a, b, c, d, e, f, g, h, i, j)", false)]
    #[case("CUBE (a, b, c, d, e, f, g, h, i, j, k)", true)]
    #[case("CUBE (a, b, c, d, e, f), CUBE (g, h, i, j, k)", true)]
    #[case("ROLLUP (a, b, c), GROUPING SETS ((a), (b, c), ())", false)]
    #[case("a, b, c, d, e, f, g, h, i, j, k, l", false)]
    fn grouping_sets_are_counted(#[case] by: &str, #[case] too_many: bool) {
        let sql = format!("SELECT count(*) FROM t GROUP BY {by}");
        assert_eq!(refused(&sql), too_many);
    }
}
