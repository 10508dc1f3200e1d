//! What rows are sorted by as columns. Of an expression over expressions, such as
//! `abs(x) < 7`, DataFusion loses that its rows are sorted by it: it compares the range of
//! a function, which has no type, with one that has, fails, takes the order for unknown,
//! and refuses its own plan (apache/datafusion#18327). Of a column it does not.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, Distinct, DistinctOn, Expr, LogicalPlan, Operator, Projection, Sort, SortExpr,
    Window,
};
use datafusion::optimizer::AnalyzerRule;

/// Has a projection make what is sorted by, wherever its order would be lost. To be asked
/// last, when keys are what they stay.
#[derive(Debug)]
pub(super) struct SortKeys;

impl AnalyzerRule for SortKeys {
    fn name(&self) -> &str {
        "sort_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Sort(sort) => sorted(sort),
            LogicalPlan::Window(window) => windowed(window),
            LogicalPlan::Aggregate(aggregate) => aggregated(aggregate),
            LogicalPlan::Distinct(Distinct::On(distinct)) => distinct_on(distinct),
            other => Ok(Transformed::no(other)),
        });
        Ok(plan?.data)
    }
}

fn sorted(mut sort: Sort) -> Result<Transformed<LogicalPlan>> {
    let mut keys = Keys::over(&sort.input);
    keys.sorts(&mut sort.expr);
    if keys.made.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Sort(sort)));
    }
    let schema = Arc::clone(sort.input.schema());
    sort.input = keys.beside(sort.input)?;
    Ok(only(LogicalPlan::Sort(sort), schema))
}

fn windowed(window: Window) -> Result<Transformed<LogicalPlan>> {
    let mut keys = Keys::over(&window.input);
    let exprs = keys.calls(&window.window_expr)?;
    if keys.made.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Window(window)));
    }
    let changed = Window::try_new(exprs, keys.beside(window.input)?)?;
    Ok(only(LogicalPlan::Window(changed), window.schema))
}

fn aggregated(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let mut keys = Keys::over(&aggregate.input);
    let exprs = keys.calls(&aggregate.aggr_expr)?;
    if keys.made.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let changed = Aggregate::try_new_with_schema(
        keys.beside(aggregate.input)?,
        aggregate.group_expr,
        exprs,
        aggregate.schema,
    )?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(changed)))
}

/// It becomes an aggregate whose functions have this order.
fn distinct_on(mut distinct: DistinctOn) -> Result<Transformed<LogicalPlan>> {
    let mut keys = Keys::over(&distinct.input);
    if let Some(sorts) = &mut distinct.sort_expr {
        keys.sorts(sorts);
        // The first of the sorts are the same as these.
        distinct.on_expr.iter_mut().for_each(|key| keys.key(key));
    }
    if keys.made.is_empty() {
        let distinct = Distinct::On(distinct);
        return Ok(Transformed::no(LogicalPlan::Distinct(distinct)));
    }
    distinct.input = keys.beside(distinct.input)?;
    let distinct = Distinct::On(distinct);
    Ok(Transformed::yes(LogicalPlan::Distinct(distinct)))
}

/// The columns that a plan had before there were keys beside them.
fn only(plan: LogicalPlan, schema: DFSchemaRef) -> Transformed<LogicalPlan> {
    let projection = Projection::new_from_schema(Arc::new(plan), schema);
    Transformed::yes(LogicalPlan::Projection(projection))
}

/// The keys of one node, each once.
struct Keys {
    /// The columns of the node's input.
    columns: DFSchemaRef,
    made: Vec<(Expr, Column)>,
}

impl Keys {
    fn over(input: &LogicalPlan) -> Self {
        Self {
            columns: Arc::clone(input.schema()),
            made: Vec::new(),
        }
    }

    /// The same calls by the same names, over and within which is sorted by columns.
    fn calls(&mut self, exprs: &[Expr]) -> Result<Vec<Expr>> {
        let names = NamePreserver::new_for_projection();
        let calls = exprs.iter().map(|expr| {
            let name = names.save(expr);
            let call = expr.clone().transform_down(|expr| match expr {
                Expr::WindowFunction(mut call) => {
                    let partitions = call.params.partition_by.iter_mut();
                    partitions.for_each(|key| self.key(key));
                    self.sorts(&mut call.params.order_by);
                    Ok(Transformed::yes(Expr::WindowFunction(call)))
                }
                // One of distinct values sorts them itself, by its own argument.
                Expr::AggregateFunction(mut call) if !call.params.distinct => {
                    self.sorts(&mut call.params.order_by);
                    Ok(Transformed::yes(Expr::AggregateFunction(call)))
                }
                other => Ok(Transformed::no(other)),
            });
            Ok(name.restore(call?.data))
        });
        calls.collect()
    }

    fn sorts(&mut self, sorts: &mut [SortExpr]) {
        sorts.iter_mut().for_each(|sort| self.key(&mut sort.expr));
    }

    /// Makes a column of a key that has to be one.
    fn key(&mut self, key: &mut Expr) {
        let expr = key.clone().unalias();
        // What is of a query around this one is no column here.
        if keeps_its_order(&expr) || expr.contains_outer() {
            return;
        }
        let known = self.made.iter().find(|(made, _)| *made == expr);
        let column = match known {
            Some((_, column)) => column.clone(),
            None => {
                let column = self.column();
                self.made.push((expr, column.clone()));
                column
            }
        };
        *key = Expr::Column(column);
    }

    /// One that there is not yet.
    fn column(&self) -> Column {
        let mut name = format!("__sort_key_{}", self.made.len());
        while self.columns.has_column_with_unqualified_name(&name) {
            name.push('_');
        }
        Column::new_unqualified(name)
    }

    /// An input, and the keys beside its columns.
    fn beside(self, input: Arc<LogicalPlan>) -> Result<Arc<LogicalPlan>> {
        let columns = self.columns.columns().into_iter().map(Expr::Column);
        let keys = self.made.into_iter();
        let keys = keys.map(|(key, column)| key.alias(column.name));
        let projection = Projection::try_new(columns.chain(keys).collect(), input)?;
        Ok(Arc::new(LogicalPlan::Projection(projection)))
    }
}

/// Whether DataFusion knows of rows sorted by an expression that they are: when it is over
/// nothing but what has a range.
fn keeps_its_order(key: &Expr) -> bool {
    let mut keeps = true;
    // It cannot fail: nothing within does.
    let looked = key.apply_children(|child| {
        keeps &= has_range(child);
        Ok(TreeNodeRecursion::Continue)
    });
    has_range(key) || looked.is_ok() && keeps
}

/// Whether the range of its values has its type.
fn has_range(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::Alias(alias) => has_range(&alias.expr),
        Expr::Cast(cast) => has_range(&cast.expr),
        Expr::Between(between) => {
            has_range(&between.expr) && has_range(&between.low) && has_range(&between.high)
        }
        Expr::BinaryExpr(binary) => {
            let is_judged = matches!(
                binary.op,
                Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
                    | Operator::And
                    | Operator::Or
            );
            is_judged && has_range(&binary.left) && has_range(&binary.right)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::common::DFSchema;
    use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
    use rstest::rstest;

    use super::*;
    use crate::catalog::Catalog;
    use crate::session::template::template;

    fn state() -> SessionState {
        let catalog = Catalog::new().expect("a catalog");
        SessionStateBuilder::new_from_existing(template(1, Vec::new()))
            .with_catalog_list(catalog.list())
            .build()
    }

    #[rstest]
    #[case("a", true)]
    #[case("7", true)]
    #[case("abs(a)", true)]
    #[case("-a", true)]
    #[case("a * 2", true)]
    #[case("a < 7", true)]
    #[case("a = 7", true)]
    #[case("a < 7 AND (s > 'x' OR a >= b)", true)]
    #[case("a BETWEEN 1 AND b", true)]
    #[case("a IN (1, 2)", true)]
    #[case("s LIKE 'x%'", true)]
    #[case("CAST(a AS double) < 7.5", true)]
    #[case("CASE WHEN a > 3 THEN 1 ELSE 2 END", true)]
    #[case("abs(a) < 7", false)]
    #[case("7 >= abs(a)", false)]
    #[case("length(s) > 5", false)]
    #[case("a * 2 < b", false)]
    #[case("(a = 3) < (b < 4)", false)]
    #[case("abs(a) BETWEEN 1 AND 3", false)]
    #[case("a < 7 AND abs(b) > 3", false)]
    #[case("NOT abs(a) < 7", false)]
    #[case("abs(a) IN (1, 2)", false)]
    #[case("upper(s) LIKE 'X%'", false)]
    #[case("coalesce(abs(a) < 7, false)", false)]
    #[case("sin(abs(a))", false)]
    #[case("-sqrt(a)", false)]
    #[case("CASE WHEN a > 3 THEN 1 ELSE 2 END < 2", false)]
    #[case("CASE WHEN abs(a) > 3 THEN 1 ELSE 2 END", false)]
    fn orders_are_kept_by_what_is_over_columns(#[case] key: &str, #[case] keeps: bool) {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("b", DataType::Int64, true),
            Field::new("s", DataType::Utf8, true),
        ]);
        let schema = DFSchema::try_from(schema).expect("a schema");
        let key = state().create_logical_expr(key, &schema);
        let key = key.expect("an expression");
        assert_eq!(keeps_its_order(&key), keeps, "{key}");
    }

    const ROWS: &str = "(VALUES (1, 'x'), (8, 'y')) AS t (a, s)";

    async fn planned(sql: &str) -> LogicalPlan {
        let plan = state()
            .create_logical_plan(&sql.replace("ROWS", ROWS))
            .await;
        plan.expect("a plan")
    }

    fn changed(plan: &LogicalPlan) -> LogicalPlan {
        let changed = SortKeys.analyze(plan.clone(), &ConfigOptions::default());
        changed.expect("a plan")
    }

    #[rstest]
    #[case("SELECT * FROM ROWS ORDER BY abs(a) < 7, s")]
    #[case("SELECT s FROM ROWS ORDER BY length(s) > 5 DESC")]
    #[case("SELECT t.a, rank() OVER (PARTITION BY abs(a) < 7 ORDER BY s) FROM ROWS")]
    #[case("SELECT *, sum(a) OVER (ORDER BY abs(a) < 7) FROM ROWS")]
    #[case("SELECT s, array_agg(a ORDER BY abs(a) < 7) FROM ROWS GROUP BY s")]
    #[case("SELECT first_value(a ORDER BY abs(a) < 7), count(*) FROM ROWS")]
    #[case("SELECT DISTINCT ON (abs(a) < 7) a, s FROM ROWS ORDER BY abs(a) < 7, s")]
    #[case("SELECT a, 2 AS __sort_key_0 FROM ROWS ORDER BY abs(a) < 7, 2")]
    #[tokio::test]
    async fn columns_keep_their_names(#[case] sql: &str) {
        let plan = planned(sql).await;
        let with_keys = changed(&plan);
        let shown = with_keys.display_indent().to_string();
        assert!(shown.contains("AS __sort_key_0"), "{shown}");
        assert_eq!(with_keys.schema(), plan.schema());
        // With all schemas made anew on the way.
        let optimized = state().optimize(&plan).expect("a plan");
        assert_eq!(optimized.schema().columns(), plan.schema().columns());
    }

    #[rstest]
    #[case("SELECT * FROM ROWS ORDER BY a DESC, s")]
    #[case("SELECT * FROM ROWS ORDER BY a < 7, abs(a)")]
    #[case("SELECT abs(a) < 7 AS b, s FROM ROWS ORDER BY b, s")]
    #[case("SELECT rank() OVER (PARTITION BY s ORDER BY abs(a)) FROM ROWS")]
    #[case("SELECT array_agg(a ORDER BY s) FROM ROWS")]
    #[case("SELECT abs(a) < 7, count(*) FROM ROWS GROUP BY 1")]
    #[tokio::test]
    async fn plans_with_other_keys_stay_as_they_are(#[case] sql: &str) {
        let plan = planned(sql).await;
        assert_eq!(changed(&plan), plan);
    }

    #[tokio::test]
    async fn one_column_is_made_of_equal_keys() {
        let sql = "SELECT rank() OVER w, sum(a) OVER w FROM ROWS \
                   WINDOW w AS (PARTITION BY abs(a) < 7 ORDER BY abs(a) < 7, s)";
        let shown = changed(&planned(sql).await).display_indent().to_string();
        assert_eq!(shown.matches("AS __sort_key_0").count(), 1, "{shown}");
        assert!(!shown.contains("__sort_key_1"), "{shown}");
    }
}
