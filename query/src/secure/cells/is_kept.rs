//! Whether a row is shown, as a function of its columns.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::groups::Groups;

/// Whether a row is shown: of the columns of its group, its size, and what else tells it
/// apart. It is in no session's functions.
#[derive(Debug)]
pub(super) struct IsKept {
    groups: Arc<Groups>,
    signature: Signature,
}

impl IsKept {
    pub(super) fn new(groups: Arc<Groups>) -> Self {
        Self {
            groups,
            // It has one answer for a row. Said to be volatile it is asked once for each,
            // and not again by whatever a condition on it would be pushed down to.
            signature: Signature::variadic_any(Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for IsKept {
    fn name(&self) -> &str {
        "is_kept"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter();
        let columns = columns.map(|column| column.to_array(args.number_rows));
        let kept = self.groups.keep(&columns.collect::<Result<Vec<_>>>()?)?;
        Ok(ColumnarValue::Array(Arc::new(kept)))
    }
}

impl PartialEq for IsKept {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.groups, &other.groups)
    }
}

impl Eq for IsKept {}

impl Hash for IsKept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.groups).hash(state);
    }
}
