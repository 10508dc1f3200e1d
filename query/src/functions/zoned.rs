//! Functions that make times of texts, whose rows have the time zone that their type says.
//!
//! DataFusion leaves it out of what it makes of a column of texts, though not of a
//! constant, and then refuses its own rows.

use std::sync::Arc;

use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
};

use super::like_inner::like_inner;

/// Those that do.
const NAMES: [&str; 5] = [
    "to_timestamp",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
];

/// A function of [`NAMES`] whose rows are of its type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Zoned(Arc<ScalarUDF>);

impl Zoned {
    /// The function, mended if it needs to be.
    pub(super) fn around(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        match NAMES.contains(&function.name()) {
            true => Arc::new(ScalarUDF::new_from_impl(Self(function))),
            false => function,
        }
    }
}

impl ScalarUDFImpl for Zoned {
    like_inner!(0);

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.0.return_field_from_args(args)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let updated = self.0.inner().with_updated_config(config)?;
        Some(ScalarUDF::new_from_impl(Self(Arc::new(updated))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let expected = args.return_field.data_type().clone();
        // Its own, not the wrapper's: that looks whether the type is the promised one.
        match self.0.inner().invoke_with_args(args)? {
            // Sessions are in UTC, in which a time without a zone is the same.
            ColumnarValue::Array(times) if *times.data_type() != expected => {
                Ok(ColumnarValue::Array(cast(&times, &expected)?))
            }
            made => Ok(made),
        }
    }
}
