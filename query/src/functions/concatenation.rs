//! `a || b || c` as a function, so that it can be kept within bounds: as an
//! operator it makes an array of any size. Unlike `concat`, it makes nothing
//! where one part is missing.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};

pub(super) const NAME: &str = "||";

/// The operator between texts or binary values; any number of them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Concatenation(Signature);

impl Default for Concatenation {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

/// The type of `a || b || c`, as the operator has it.
fn common(types: &[DataType]) -> Result<DataType> {
    let Some((first, rest)) = types.split_first() else {
        return plan_err!("|| needs a value on each side");
    };
    let mut common = first.clone();
    for next in rest {
        common =
            BinaryTypeCoercer::new(&common, &Operator::StringConcat, next).get_result_type()?;
    }
    Ok(common)
}

impl ScalarUDFImpl for Concatenation {
    fn name(&self) -> &str {
        NAME
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let parts: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        Ok(parts.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![common(types)?; types.len()])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        common(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone());
        let data_type = common(&types.collect::<Vec<_>>())?;
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(NAME, data_type, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let binary = args.return_type().is_binary();
        let plain = if binary {
            DataType::Binary
        } else {
            DataType::Utf8
        };
        let parts = args.args.iter().map(|arg| Part::new(arg, &plain));
        let parts = parts.collect::<Result<Vec<Part>>>()?;
        let joined: ArrayRef = if binary {
            let mut builder = BinaryBuilder::new();
            let mut value = Vec::new();
            for row in 0..rows {
                value.clear();
                let whole = parts.iter().all(|part| part.add_binary(row, &mut value));
                builder.append_option(whole.then_some(&value));
            }
            Arc::new(builder.finish())
        } else {
            let mut builder = StringBuilder::new();
            let mut value = String::new();
            for row in 0..rows {
                value.clear();
                let whole = parts.iter().all(|part| part.add_text(row, &mut value));
                builder.append_option(whole.then_some(&value));
            }
            Arc::new(builder.finish())
        };
        let joined = cast(&joined, args.return_type())?;
        if scalar {
            let value = ScalarValue::try_from_array(&joined, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(joined))
    }
}

/// One side of `||`: a value for each row, or one for all.
struct Part {
    values: ArrayRef,
    one_for_all: bool,
}

impl Part {
    fn new(arg: &ColumnarValue, plain: &DataType) -> Result<Self> {
        let (values, one_for_all) = match arg {
            ColumnarValue::Array(array) => (cast(array, plain)?, false),
            ColumnarValue::Scalar(scalar) => (cast(&scalar.to_array()?, plain)?, true),
        };
        Ok(Self {
            values,
            one_for_all,
        })
    }

    fn at(&self, row: usize) -> Option<usize> {
        let row = if self.one_for_all { 0 } else { row };
        self.values.is_valid(row).then_some(row)
    }

    /// Whether there was something to add.
    fn add_text(&self, row: usize, to: &mut String) -> bool {
        let row = self.at(row);
        if let Some(row) = row {
            to.push_str(self.values.as_string::<i32>().value(row));
        }
        row.is_some()
    }

    fn add_binary(&self, row: usize, to: &mut Vec<u8>) -> bool {
        let row = self.at(row);
        if let Some(row) = row {
            to.extend_from_slice(self.values.as_binary::<i32>().value(row));
        }
        row.is_some()
    }
}
