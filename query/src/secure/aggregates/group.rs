//! The aggregate that makes groups of people: it counts them, and shows only what is of
//! enough of them.

use std::sync::Arc;

use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Alias};
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Projection, ident,
    lit, when,
};

use super::apart::Rows;
use super::people::People;
use super::sound::sound;
use super::types::is_truth;
use super::{Kind, apart, ours, refused};
use crate::error::Error;

/// The column that counts the people of the group.
const STUDENTS: &str = "chalkline_students";

/// The column that says which figures may be shown.
const SHOWN: &str = "chalkline_shown";

/// What may be reckoned from people.
const FIGURES: [&str; 12] = [
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "avg",
    "count",
    "mean",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var",
];

/// More groups than there are.
const FENCE: usize = i64::MAX as usize;

/// Percentiles nearer to an end than this are the value of one.
const MIDDLE: std::ops::RangeInclusive<f64> = 0.05..=0.95;

/// Groups, and figures of them. Those of people become groups of at least `least` people.
/// A figure is NULL to which fewer contribute, or which differs from the group, or from
/// another figure, in the rows of fewer.
pub(super) fn grouped(
    input: LogicalPlan,
    kind: &Kind,
    by: Vec<Expr>,
    of: Vec<Expr>,
    least: u32,
) -> Result<(LogicalPlan, Kind), Error> {
    let Kind::People(people) = kind else {
        let kind = match kind {
            Kind::Groups => Kind::Groups,
            _ => Kind::Free,
        };
        let plan = Aggregate::try_new(Arc::new(input), by, of).map_err(ours)?;
        return Ok((LogicalPlan::Aggregate(plan), kind));
    };
    let schema = Arc::clone(input.schema());
    for expr in &by {
        if matches!(expr, Expr::GroupingSet(_)) {
            return Err(refused(
                "Group by columns, without ROLLUP, CUBE or GROUPING SETS",
            ));
        }
        people.unnamed(expr, &schema, "GROUP BY")?;
    }
    let person = people.person(&schema);
    // Figures over all rows of the group have none.
    let mut figures: Vec<Rows> = Vec::new();
    let mut places = Vec::new();
    for expr in &of {
        let rows = contributes(expr, people, &person, &schema)?;
        places.push(rows.map(|rows| {
            let known = figures.iter().position(|known| *known == rows);
            known.unwrap_or_else(|| {
                figures.push(rows);
                figures.len() - 1
            })
        }));
    }
    if figures.len() > apart::MOST {
        return Err(refused("Ask for fewer figures in one statement"));
    }
    // What is there twice can be in two groups, or in one and not in the other.
    if people.repeats && !(by.is_empty() && figures.is_empty()) {
        return Err(refused(
            "Join tables of the roster by their whole key (sections by section_id, users by \
             user_id), so that no row is there twice; after any other join ask without GROUP BY \
             and FILTER, for count(*) or of columns that always have a value",
        ));
    }
    let mut counted = vec![students(&person).alias(STUDENTS)];
    if !figures.is_empty() {
        counted.push(apart::shown(&person, figures, least).alias(SHOWN));
    }

    let groups = by.len();
    let all = of.into_iter().chain(counted).collect();
    let plan = Aggregate::try_new(Arc::new(input), by, all).map_err(ours)?;
    let columns: Vec<Column> = plan.schema.columns();
    let are_enough = ident(STUDENTS).gt_eq(lit(i64::from(least)));
    let plan = Filter::try_new(are_enough, Arc::new(LogicalPlan::Aggregate(plan))).map_err(ours)?;
    // No condition of the asker's is moved below a limit, to be judged of groups that are
    // not shown.
    let plan = LogicalPlanBuilder::from(LogicalPlan::Filter(plan)).limit(0, Some(FENCE));
    let plan = plan.and_then(LogicalPlanBuilder::build).map_err(ours)?;
    let (by, of) = columns[..groups + places.len()].split_at(groups);
    let by = by.iter().cloned().map(|column| Ok(Expr::Column(column)));
    let of = of.iter().cloned().zip(places).map(|(column, place)| {
        let Some(place) = place else {
            return Ok(Expr::Column(column));
        };
        let name = column.name.clone();
        let shown = when(apart::is_shown(ident(SHOWN), place), Expr::Column(column));
        Ok(shown.end()?.alias(name))
    });
    let shown = by.chain(of).collect::<Result<Vec<_>, _>>().map_err(ours)?;
    let plan = Projection::try_new(shown, Arc::new(plan)).map_err(ours)?;
    Ok((LogicalPlan::Projection(plan), Kind::Groups))
}

/// How many people there are.
fn students(person: &Column) -> Expr {
    let args = vec![Expr::Column(person.clone())];
    let count = AggregateFunction::new_udf(count_udaf(), args, true, None, Vec::new(), None);
    Expr::AggregateFunction(count)
}

/// Which rows contribute to a figure; `None`: all of the group.
fn contributes(
    expr: &Expr,
    people: &People,
    person: &Column,
    schema: &DFSchema,
) -> Result<Option<Rows>, Error> {
    let figure = match expr {
        Expr::Alias(Alias { expr, .. }) => return contributes(expr, people, person, schema),
        Expr::AggregateFunction(figure) => figure,
        _ => {
            return Err(refused(
                "Use count, sum, avg, stddev or approx_percentile_cont",
            ));
        }
    };
    let name = figure.func.name();
    if !FIGURES.contains(&name) {
        return Err(refused(&format!(
            "{name} shows the value of one; use count, sum, avg, stddev or \
             approx_percentile_cont"
        )));
    }
    let params = &figure.params;
    let counts = matches!(name, "count" | "approx_distinct");
    let is_distinct = params.distinct || name == "approx_distinct";
    let args = params
        .args
        .iter()
        .chain(params.order_by.iter().map(|sort| &sort.expr));
    let mut counts_people = false;
    let mut condition: Option<Expr> = None;
    let mut and = |other: Expr| {
        condition = Some(match condition.take() {
            Some(one) => one.and(other),
            None => other,
        });
    };
    for arg in args {
        let is_person = counts && people.is_person(arg, schema);
        counts_people |= is_person && is_distinct;
        sound(arg, schema)?;
        let is_integer = arg.get_type(schema).is_ok_and(|of| of.is_integer());
        let is_stored = matches!(arg, Expr::Column(_) | Expr::Literal(..));
        if !counts && is_integer && !is_stored {
            return Err(refused("Reckon with doubles: integers run over"));
        }
        if !is_person && !people.is_plain(arg, schema) {
            return Err(refused(&format!(
                "Use {name} of a column as it is stored, at most scaled by a constant"
            )));
        }
        if matches!(arg, Expr::Literal(..)) || matches!(arg.nullable(schema), Ok(false)) {
            continue;
        }
        let is_there = arg.clone().is_not_null();
        and(match is_person && is_distinct {
            // Rows about nobody known make no difference to how many people there are.
            true => is_there.or(Expr::Column(person.clone()).is_null()),
            false => is_there,
        });
    }
    if name.starts_with("approx_percentile") {
        middle(params.args.get(1))?;
    }
    if let Some(filter) = &params.filter {
        people.unnamed(filter, schema, "FILTER")?;
        sound(filter, schema)?;
        if !is_truth(filter, schema) {
            return Err(refused("FILTER takes a condition"));
        }
        and(filter.as_ref().clone());
    }
    Ok(condition.map(|condition| Rows {
        condition,
        counts_people,
    }))
}

fn middle(percentile: Option<&Expr>) -> Result<(), Error> {
    let value = match percentile {
        Some(Expr::Literal(value, _)) => value
            .cast_to(&datafusion::arrow::datatypes::DataType::Float64)
            .ok(),
        _ => None,
    };
    match value {
        Some(ScalarValue::Float64(Some(value))) if MIDDLE.contains(&value) => Ok(()),
        _ => Err(refused("Ask for a percentile from 0.05 to 0.95")),
    }
}
