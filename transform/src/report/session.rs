//! The session in which a report's query runs: it has the report's sources and
//! nothing else, and no function whose answer depends on when it is asked.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use chrono_tz::Tz;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::Result;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SessionStateDefaults, config::SessionConfig};
use datafusion::logical_expr::{ScalarUDF, Volatility};
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Value, visit_expressions_mut};
use lake::TermSlices;
use schemas::{Report, Table, Term, Threshold};

use crate::report::dirty::Source;
use crate::report::slice::{DAY, day, filter};

/// What all sessions have in common: the memory that they may take together.
pub(crate) fn runtime_env(memory_bytes: usize) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .build_arc()
}

/// A session without tables.
pub(crate) fn session(runtime_env: &Arc<RuntimeEnv>) -> SessionContext {
    let mut config = SessionConfig::new();
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // Text is `Utf8` in the tables: the same in casts and literals.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    let functions = SessionStateDefaults::default_scalar_functions();
    let pure = |function: &Arc<ScalarUDF>| function.signature().volatility == Volatility::Immutable;
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime_env))
        .with_default_features()
        .with_scalar_functions(functions.into_iter().filter(pure).collect())
        .build();
    SessionContext::new_with_state(state)
}

/// Makes some slices of a term of a source, or more of them but each whole,
/// nameable in the session.
pub(crate) fn mount(
    session: &SessionContext,
    source: &Source,
    term: &Term,
    slices: &TermSlices,
    time_zone: Tz,
) -> Result<()> {
    let of_events = matches!(source.kind, Table::Events(_));
    let Some(table) = &source.table else {
        let mut fields: Vec<_> = schemas::columns(source.kind).fields().to_vec();
        if of_events {
            let day = Field::new(DAY, arrow::datatypes::DataType::Date32, true);
            fields.push(Arc::new(day));
        }
        let empty = EmptyTable::new(Arc::new(Schema::new(fields)));
        session.register_table(source.kind.as_str(), Arc::new(empty))?;
        return Ok(());
    };
    let provider = table
        .provider(&session.state())
        .map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;
    let mut rows = session
        .read_table(provider)?
        .filter(col("term").eq(lit(term.as_str())))?;
    if of_events {
        rows = rows.with_column(DAY, day(time_zone))?;
    }
    if let Some(filter) = filter(slices, of_events) {
        rows = rows.filter(filter)?;
    }
    session.register_table(source.kind.as_str(), rows.into_view())?;
    Ok(())
}

/// The report's query over the mounted sources.
pub(crate) async fn query(session: &SessionContext, report: &Report) -> Result<DataFrame> {
    let state = session.state();
    let dialect = state.config_options().sql_parser.dialect;
    let mut statement = state.sql_to_statement(report.sql, &dialect)?;
    if let Statement::Statement(statement) = &mut statement {
        let put_in = |expression: &mut Expr| {
            if let Some(number) = threshold(report, expression) {
                *expression = number;
            }
            ControlFlow::<()>::Continue(())
        };
        let _ = visit_expressions_mut(statement.as_mut(), put_in);
    }
    let plan = state.statement_to_plan(statement).await?;
    Ok(DataFrame::new(state, plan))
}

/// The number that a threshold's name stands for: planned like one that is
/// written out.
fn threshold(report: &Report, expression: &Expr) -> Option<Expr> {
    let Expr::Value(value) = expression else {
        return None;
    };
    let Value::Placeholder(name) = &value.value else {
        return None;
    };
    let name = name.strip_prefix('$')?;
    let (_, number) = report.thresholds.iter().find(|(known, _)| *known == name)?;
    let text = match number {
        Threshold::Integer(number) => number.to_string(),
        Threshold::Double(number) => format!("{number:?}"),
    };
    Some(Expr::Value(Value::Number(text, false).into()))
}
