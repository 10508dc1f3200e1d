//! Documents as columns: a row for each.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};

pub(super) fn texts<T>(of: &[T], text: impl Fn(&T) -> Option<String>) -> ArrayRef {
    Arc::new(StringArray::from_iter(of.iter().map(text)))
}

/// Whole numbers; NULL of one that is too large.
pub(super) fn whole<T, N: TryInto<i64>>(of: &[T], number: impl Fn(&T) -> Option<N>) -> ArrayRef {
    let numbers = of.iter().map(|one| number(one)?.try_into().ok());
    Arc::new(Int64Array::from_iter(numbers))
}

pub(super) fn numbers<T>(of: &[T], number: impl Fn(&T) -> Option<f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(of.iter().map(number)))
}

pub(super) fn booleans<T>(of: &[T], boolean: impl Fn(&T) -> Option<bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(of.iter().map(boolean)))
}

pub(super) fn times<T>(of: &[T], time: impl Fn(&T) -> Option<DateTime<Utc>>) -> ArrayRef {
    let times = of.iter().map(|one| Some(time(one)?.timestamp_micros()));
    Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
}
