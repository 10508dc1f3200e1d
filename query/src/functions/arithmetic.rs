//! Integer arithmetic that fails where it runs over: DataFusion's wraps around, and
//! then a sum of two large numbers is a negative one.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::compute::kernels::numeric::{add, mul, sub};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;

/// Puts checked arithmetic wherever a plan adds, subtracts or multiplies
/// integers. To be asked after types were coerced and before constants are
/// folded, which computes as well.
#[derive(Debug)]
pub(crate) struct CheckedArithmetic;

impl AnalyzerRule for CheckedArithmetic {
    fn name(&self) -> &str {
        "checked_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|plan| {
            let mut schema = merge_schema(&plan.inputs());
            if let LogicalPlan::TableScan(scan) = &plan {
                let source = scan.source.schema();
                let columns =
                    DFSchema::try_from_qualified_schema(scan.table_name.clone(), &source)?;
                schema.merge(&columns);
            }
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = expr.transform_up(|expr| checked(expr, &schema))?;
                Ok(expr.update_data(|expr| name.restore(expr)))
            })?
            .map_data(LogicalPlan::recompute_schema)
        });
        Ok(plan?.data)
    }
}

fn checked(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if let Some(function) = Checked::of(op)
                && is_integer(&right, schema)?
                && is_integer(&left, schema)? =>
        {
            let call = ScalarFunction::new_udf(function, vec![*left, *right]);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        // The least number has no opposite.
        Expr::Negative(inner)
            if let Some(function) = Checked::of(Operator::Minus)
                && is_integer(&inner, schema)? =>
        {
            let zero = ScalarValue::new_zero(&inner.get_type(schema)?)?;
            let args = vec![Expr::Literal(zero, None), *inner];
            let call = ScalarFunction::new_udf(function, args);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Of a long chain only the last link is looked at.
fn is_integer(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    if let Expr::ScalarFunction(call) = expr {
        let function: &dyn Any = call.func.inner().as_ref();
        if function.is::<Checked>() {
            return Ok(true);
        }
    }
    Ok(expr.get_type(schema)?.is_integer())
}

/// An operator on two integers of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    op: Operator,
    signature: Signature,
}

impl Checked {
    fn of(op: Operator) -> Option<Arc<ScalarUDF>> {
        static ALL: LazyLock<[Arc<ScalarUDF>; 3]> = LazyLock::new(|| {
            [Operator::Plus, Operator::Minus, Operator::Multiply].map(|op| {
                let signature = Signature::any(2, Volatility::Immutable);
                Arc::new(ScalarUDF::new_from_impl(Checked { op, signature }))
            })
        });
        let [plus, minus, multiply] = &*ALL;
        match op {
            Operator::Plus => Some(Arc::clone(plus)),
            Operator::Minus => Some(Arc::clone(minus)),
            Operator::Multiply => Some(Arc::clone(multiply)),
            _ => None,
        }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.op {
            Operator::Plus => "checked_add",
            Operator::Minus => "checked_subtract",
            _ => "checked_multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [left, right] if left == right => Ok(left.clone()),
            _ => internal_err!("{} of other types than one", self.name()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let data_type = self.return_type(&types)?;
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return internal_err!("{} takes two numbers", self.name());
        };
        match self.op {
            Operator::Plus => apply(left, right, add),
            Operator::Minus => apply(left, right, sub),
            _ => apply(left, right, mul),
        }
    }
}
