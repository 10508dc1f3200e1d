//! Plans of those who see aggregates only: rows about people may be filtered, joined and
//! computed with, but must be grouped before they are shown, and groups of too few people
//! are not.
//!
//! A plan is walked from its sources up. Each node is about nobody, about people one by
//! one, or about groups that are large enough; the aggregate between the latter two is
//! changed to count people beside whatever else it counts, see [`group`]. Above it
//! everything is allowed again: it is reckoned from what is shown. A statement has one such
//! aggregate: two could differ by a single person.

mod apart;
mod constants;
mod group;
mod once;
mod pairs;
mod people;
mod sound;
mod subqueries;
mod types;

use std::cell::Cell;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    Distinct, Expr, Filter, Join, JoinType, LogicalPlan, Projection, SubqueryAlias,
};

use self::once::are_unique;
use self::pairs::pairs;
use self::people::People;
use self::sound::{sound, sound_rows};
use self::subqueries::{Within, subqueries};
use self::types::are_comparable;
use super::secured::Secured;
use crate::error::Error;

/// What the rows of a plan are about.
#[derive(Debug)]
enum Kind {
    /// Nobody.
    Free,
    /// People, one by one.
    People(People),
    /// Groups of people, large enough to be shown.
    Groups,
}

/// The same plan, in which only groups of at least `least` people are shown.
///
/// # Errors
/// `aggregates_only` when it asks for more, with what to do instead.
pub(crate) fn aggregates_only(plan: LogicalPlan, least: u32) -> Result<LogicalPlan, Error> {
    match Gate::new(least).pass(plan)? {
        (_, Kind::People(_)) => Err(refused(
            "End with an aggregate: GROUP BY with count, sum, avg, stddev or \
             approx_percentile_cont",
        )),
        (plan, _) => Ok(plan),
    }
}

fn refused(what: &str) -> Error {
    Error::Forbidden {
        code: "aggregates_only",
        detail: format!("{what}; this token sees groups of students, not single ones."),
    }
}

fn ours(error: DataFusionError) -> Error {
    Error::Internal(Box::new(error))
}

struct Gate {
    /// How many people a group has at least.
    least: u32,
    /// Whether people were grouped.
    has_grouped: Cell<bool>,
}

impl Gate {
    fn new(least: u32) -> Self {
        Self {
            least,
            has_grouped: Cell::new(false),
        }
    }

    fn pass(&self, plan: LogicalPlan) -> Result<(LogicalPlan, Kind), Error> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let provider = source_as_provider(&scan.source).map_err(ours)?;
                let secured = provider.downcast_ref::<Secured>();
                let plan = LogicalPlan::TableScan(scan);
                let kind = secured.map_or(Kind::Free, |secured| match secured.is_of_people() {
                    false => Kind::Free,
                    true => Kind::People(People::of_source(plan.schema())),
                });
                match kind {
                    Kind::People(people) if people.persons.is_empty() => {
                        Err(refused("Ask for another table"))
                    }
                    kind => Ok((plan, kind)),
                }
            }
            LogicalPlan::SubqueryAlias(named) => {
                let (input, kind) = self.pass(Arc::unwrap_or_clone(named.input))?;
                let named = SubqueryAlias::try_new(Arc::new(input), named.alias);
                Ok((LogicalPlan::SubqueryAlias(named.map_err(ours)?), kind))
            }
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Aggregate(aggregate) => {
                let (input, kind) = self.pass(Arc::unwrap_or_clone(aggregate.input))?;
                let exprs = |exprs: Vec<Expr>| self.exprs(exprs, &input, &kind);
                let (by, of) = (exprs(aggregate.group_expr)?, exprs(aggregate.aggr_expr)?);
                self.grouped(input, &kind, by, of)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let (input, kind) = self.pass(Arc::unwrap_or_clone(input))?;
                match &kind {
                    Kind::People(people) => {
                        let by = people.shown(input.schema());
                        self.grouped(input, &kind, by, Vec::new())
                    }
                    _ => Ok((LogicalPlan::Distinct(Distinct::All(Arc::new(input))), kind)),
                }
            }
            LogicalPlan::Explain(mut explain) => {
                let (plan, kind) = self.pass(Arc::unwrap_or_clone(explain.plan))?;
                if let Kind::People(_) = kind {
                    return Err(refused("Explain a query that ends with an aggregate"));
                }
                explain.plan = Arc::new(plan);
                Ok((LogicalPlan::Explain(explain), Kind::Free))
            }
            other => self.other(&other),
        }
    }

    fn grouped(
        &self,
        input: LogicalPlan,
        kind: &Kind,
        by: Vec<Expr>,
        of: Vec<Expr>,
    ) -> Result<(LogicalPlan, Kind), Error> {
        if matches!(kind, Kind::People(_)) && self.has_grouped.replace(true) {
            return Err(refused(
                "Ask for one aggregate of students in a statement, and for the next in one of its own",
            ));
        }
        group::grouped(input, kind, by, of, self.least)
    }

    fn projection(&self, projection: Projection) -> Result<(LogicalPlan, Kind), Error> {
        let (input, kind) = self.pass(Arc::unwrap_or_clone(projection.input))?;
        let mut exprs = self.exprs(projection.expr, &input, &kind)?;
        let kind = match kind {
            Kind::People(people) => {
                let people = people.projected(input.schema(), &mut exprs)?;
                Kind::People(people)
            }
            kind => kind,
        };
        let plan = Projection::try_new(exprs, Arc::new(input)).map_err(ours)?;
        Ok((LogicalPlan::Projection(plan), kind))
    }

    fn filter(&self, filter: Filter) -> Result<(LogicalPlan, Kind), Error> {
        let (input, kind) = self.pass(Arc::unwrap_or_clone(filter.input))?;
        let predicate = self.expr(filter.predicate, &input, &kind)?;
        if let Kind::People(people) = &kind {
            people.unnamed(&predicate, input.schema(), "A condition")?;
        }
        let plan = Filter::try_new(predicate, Arc::new(input)).map_err(ours)?;
        Ok((LogicalPlan::Filter(plan), kind))
    }

    fn join(&self, join: Join) -> Result<(LogicalPlan, Kind), Error> {
        let (left, of_left) = self.pass(join.left.as_ref().clone())?;
        let (right, of_right) = self.pass(join.right.as_ref().clone())?;
        let keeps_both = matches!(
            join.join_type,
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full
        );
        let width = left.schema().fields().len();
        let (mut on, filter) = pairs(join.on, join.filter, left.schema(), right.schema());
        let kind = match (of_left, of_right) {
            (Kind::Free, Kind::Free) => Kind::Free,
            _ if !keeps_both => {
                return Err(refused("Write the join as JOIN or LEFT JOIN"));
            }
            (Kind::Groups, Kind::Free) | (Kind::Free, Kind::Groups) => Kind::Groups,
            (Kind::People(people), Kind::Free) => {
                sound_rows(&right)?;
                let once = are_unique(&right, on.iter().map(|(_, of)| of));
                Kind::People(people.joined(once))
            }
            (Kind::Free, Kind::People(people)) => {
                sound_rows(&left)?;
                let once = are_unique(&left, on.iter().map(|(of, _)| of));
                Kind::People(people.moved(width).joined(once))
            }
            (Kind::People(one), Kind::People(other)) => {
                let are_same = |(a, b): &(Expr, Expr)| {
                    one.is_person(a, left.schema()) && other.is_person(b, right.schema())
                };
                let same = on.iter().position(are_same);
                let fits = matches!(join.join_type, JoinType::Inner | JoinType::Left);
                let Some(same) = same.filter(|_| fits) else {
                    return Err(refused(
                        "Join tables about students by their student_key or user_id alone, with \
                         JOIN or LEFT JOIN",
                    ));
                };
                // It comes first, and is the one that may name them.
                on.swap(0, same);
                let once = are_unique(&left, on.iter().map(|(of, _)| of))
                    || are_unique(&right, on.iter().map(|(_, of)| of));
                Kind::People(one.with(other.moved(width)).joined(once))
            }
            (Kind::Groups, _) | (_, Kind::Groups) => {
                return Err(refused(
                    "Do not join what was aggregated with others about students",
                ));
            }
        };
        let have_one_type =
            |(a, b): &(Expr, Expr)| are_comparable(a, b, left.schema(), right.schema());
        if matches!(kind, Kind::People(_)) && !on.iter().all(have_one_type) {
            return Err(refused("Join by columns of one type"));
        }
        let joined = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            on.clone(),
            filter.clone(),
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        );
        let joined = joined.map_err(ours)?;
        if let Kind::People(people) = &kind {
            let both = people.comes_from_both(width);
            let named = on.iter().skip(usize::from(both));
            let conditions = named.flat_map(|(a, b)| [a, b]).chain(&filter);
            for condition in conditions {
                people.unnamed(condition, &joined.schema, "A join's condition")?;
                sound(condition, &joined.schema)?;
            }
        }
        let joined = LogicalPlan::Join(joined);
        for expr in joined.expressions() {
            self.without_people(subqueries(&expr))?;
        }
        Ok((joined, kind))
    }

    /// Nodes that rows about people do not go through.
    fn other(&self, plan: &LogicalPlan) -> Result<(LogicalPlan, Kind), Error> {
        let mut inputs = Vec::new();
        let mut kinds = Vec::new();
        for input in plan.inputs() {
            let (input, kind) = self.pass(input.clone())?;
            inputs.push(input);
            kinds.push(kind);
        }
        let what = match plan {
            LogicalPlan::Window(_) => "Use no window function before an aggregate",
            LogicalPlan::Limit(_) => "Use LIMIT above an aggregate",
            LogicalPlan::Union(_) => "Use no set operation",
            LogicalPlan::Sort(_) => "Use ORDER BY above an aggregate",
            LogicalPlan::Unnest(_) => "Use no unnest before an aggregate",
            _ => "Aggregate first",
        };
        if kinds.iter().any(|kind| matches!(kind, Kind::People(_))) {
            return Err(refused(what));
        }
        let is_grouped = kinds.iter().any(|kind| matches!(kind, Kind::Groups));
        let several = matches!(plan, LogicalPlan::Union(_) | LogicalPlan::RecursiveQuery(_));
        if is_grouped && several {
            return Err(refused("Use no set operation"));
        }
        let kind = match is_grouped {
            true => Kind::Groups,
            false => Kind::Free,
        };
        let Some(input) = inputs.first() else {
            // Values, which may be those of subqueries.
            for expr in plan.expressions() {
                self.without_people(subqueries(&expr))?;
            }
            return Ok((plan.clone(), kind));
        };
        let exprs = self.exprs(plan.expressions(), input, &kind)?;
        let plan = plan.with_new_exprs(exprs, inputs).map_err(ours)?;
        Ok((plan, kind))
    }

    fn exprs(
        &self,
        exprs: Vec<Expr>,
        input: &LogicalPlan,
        kind: &Kind,
    ) -> Result<Vec<Expr>, Error> {
        let each = exprs.into_iter().map(|expr| self.expr(expr, input, kind));
        each.collect()
    }

    /// An expression whose subqueries show groups that are large enough, or nobody.
    fn expr(&self, expr: Expr, input: &LogicalPlan, kind: &Kind) -> Result<Expr, Error> {
        let mut failed = None;
        let passed = expr.transform_up(|expr| {
            let Expr::ScalarSubquery(mut subquery) = expr else {
                return Ok(Transformed::no(expr));
            };
            let is_apart =
                subquery.outer_ref_columns.is_empty() && !matches!(kind, Kind::People(_));
            match self.pass(subquery.subquery.as_ref().clone()) {
                // What is about nobody may have an aggregate of people within, as it is passed.
                Ok((plan, of))
                    if matches!(of, Kind::Free) || is_apart && matches!(of, Kind::Groups) =>
                {
                    subquery.subquery = Arc::new(plan);
                    Ok(Transformed::yes(Expr::ScalarSubquery(subquery)))
                }
                Ok(_) => {
                    failed.get_or_insert_with(in_subquery);
                    Ok(Transformed::no(Expr::ScalarSubquery(subquery)))
                }
                Err(error) => {
                    failed.get_or_insert(error);
                    Ok(Transformed::no(Expr::ScalarSubquery(subquery)))
                }
            }
        });
        let expr = passed.map_err(ours)?.data;
        if let Some(error) = failed {
            return Err(error);
        }
        self.conditions(&expr, input, kind)?;
        Ok(expr)
    }

    /// Refuses what fails on some people's rows and not on others', and subqueries in
    /// conditions that are about people, or compare with people.
    fn conditions(&self, expr: &Expr, input: &LogicalPlan, kind: &Kind) -> Result<(), Error> {
        let within = subqueries(expr);
        if let Kind::People(people) = kind {
            // Figures are looked at where they are made.
            if !matches!(unnamed(expr), Expr::AggregateFunction(_)) {
                sound(expr, input.schema())?;
            }
            for outer in within
                .iter()
                .flat_map(|subquery| &subquery.outer_ref_columns)
            {
                people.unnamed(outer, input.schema(), "A subquery")?;
            }
        }
        self.without_people(within.into_iter().filter(|subquery| !subquery.is_scalar))
    }

    fn without_people(&self, subqueries: impl IntoIterator<Item = Within>) -> Result<(), Error> {
        for subquery in subqueries {
            // Only looked at: in a subquery of its own, too, nothing is grouped.
            let gate = Self::new(self.least);
            match gate.pass(subquery.plan)? {
                (_, Kind::Free) if !gate.has_grouped.get() => {}
                _ => return Err(in_subquery()),
            }
        }
        Ok(())
    }
}

fn unnamed(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unnamed(&alias.expr),
        expr => expr,
    }
}

fn in_subquery() -> Error {
    refused("Use no subquery about students but one that stands alone and is an aggregate")
}
