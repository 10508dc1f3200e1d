//! What a function that wraps another one says of itself: what that one says.

/// The methods of a `ScalarUDFImpl` in which it is like the function in this field. How it
/// is called, and of what type its result is, the wrapper says.
macro_rules! like_inner {
    ($inner:tt) => {
        fn name(&self) -> &str {
            self.$inner.name()
        }

        fn aliases(&self) -> &[String] {
            self.$inner.aliases()
        }

        fn signature(&self) -> &::datafusion::logical_expr::Signature {
            self.$inner.signature()
        }

        fn schema_name(
            &self,
            args: &[::datafusion::logical_expr::Expr],
        ) -> ::datafusion::error::Result<String> {
            self.$inner.schema_name(args)
        }

        fn return_type(
            &self,
            arg_types: &[::datafusion::arrow::datatypes::DataType],
        ) -> ::datafusion::error::Result<::datafusion::arrow::datatypes::DataType> {
            self.$inner.return_type(arg_types)
        }

        fn coerce_types(
            &self,
            arg_types: &[::datafusion::arrow::datatypes::DataType],
        ) -> ::datafusion::error::Result<Vec<::datafusion::arrow::datatypes::DataType>> {
            self.$inner.coerce_types(arg_types)
        }

        fn documentation(&self) -> Option<&::datafusion::logical_expr::Documentation> {
            self.$inner.documentation()
        }
    };
}

pub(super) use like_inner;
