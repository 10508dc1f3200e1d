//! The session in which a report's query runs: it has the report's sources and
//! nothing else, and no function whose answer depends on when it is asked.

use std::iter;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use chrono_tz::Tz;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SessionStateDefaults, config::SessionConfig};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{ExprFunctionExt, ScalarUDF, Volatility};
use datafusion::prelude::{DataFrame, SessionContext, col, ident, lit};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Value, visit_expressions_mut};
use lake::TermSlices;
use schemas::{Report, Table, Term, Threshold};

use crate::report::dirty::Source;
use crate::report::executor::threads;
use crate::report::limits::ROW_BYTES;
use crate::report::repeated::has_repetitions;
use crate::report::slice::{DAY, day, filter};

/// A batch is this share of the memory: a plan has some ten sorts, in each lane.
const BATCH_SHARE: usize = 32;

/// What all sessions have in common: the memory that they may take together.
pub(crate) fn runtime_env(memory_bytes: usize) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .build_arc()
}

/// A session without tables.
pub(crate) fn session(runtime_env: &Arc<RuntimeEnv>, pool_bytes: usize) -> SessionContext {
    // A sort spills no less than a batch, and must hold it twice for that.
    let batch_rows = (pool_bytes / BATCH_SHARE / ROW_BYTES).clamp(64, 8_192);
    let mut config = SessionConfig::new()
        .with_target_partitions(threads())
        .with_batch_size(batch_rows);
    let options = config.options_mut();
    // What every sort sets aside for the end: many of them fit into the pool.
    options.execution.sort_spill_reservation_bytes = (pool_bytes / 256).min(10 << 20);
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

/// Some slices of a term of a source, or more of them but each whole; `None`
/// when the source has no table. Of events the day is a column.
pub(crate) fn rows(
    session: &SessionContext,
    source: &Source,
    term: &Term,
    slices: &TermSlices,
    time_zone: Tz,
) -> Result<Option<DataFrame>> {
    let of_events = matches!(source.kind, Table::Events(_));
    let Some(table) = &source.table else {
        return Ok(None);
    };
    let provider = table
        .provider(&session.state())
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let mut rows = session
        .read_table(provider)?
        .filter(col("term").eq(lit(term.as_str())))?;
    if of_events {
        rows = rows.with_column(DAY, day(time_zone))?;
    }
    if let Some(filter) = filter(slices, of_events) {
        rows = rows.filter(filter)?;
    }
    Ok(Some(rows))
}

/// Makes such rows nameable in the session, each event once.
pub(crate) async fn mount(
    session: &SessionContext,
    source: &Source,
    report: &Report,
    term: &Term,
    slices: &TermSlices,
    time_zone: Tz,
) -> Result<()> {
    let of_events = matches!(source.kind, Table::Events(_));
    let table: Arc<dyn TableProvider> = match rows(session, source, term, slices, time_zone)? {
        Some(rows) if of_events && has_repetitions(&rows).await? => once(rows, report)?.into_view(),
        Some(rows) => rows.into_view(),
        None => {
            let mut fields: Vec<_> = schemas::columns(source.kind).fields().to_vec();
            if of_events {
                fields.push(Arc::new(Field::new(DAY, DataType::Date32, true)));
            }
            Arc::new(EmptyTable::new(Arc::new(Schema::new(fields))))
        }
    };
    session.register_table(source.kind.as_str(), table)?;
    Ok(())
}

/// Of the rows of one event in one slice the one that was received first. What
/// lies in different slices stays apart: no slice depends on another.
fn once(rows: DataFrame, report: &Report) -> Result<DataFrame> {
    const COPY: &str = "copy";
    let same = report.slice[1..].iter().map(|column| ident(*column));
    let order = ["received_at", "log_id", "log_partition", "log_position"];
    let copy = row_number()
        .partition_by(iter::once(col("event_id")).chain(same).collect())
        .order_by(order.map(|column| col(column).sort(true, true)).to_vec())
        .build()?;
    rows.window(vec![copy.alias(COPY)])?
        .filter(col(COPY).eq(lit(1_u64)))?
        .drop_columns(&[COPY])
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
