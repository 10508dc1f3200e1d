//! From rows to the bytes of an answer.

mod about;
mod arrow;
mod columns;
mod csv;
mod format;
mod json;
mod respond;
mod work;

pub(crate) use about::{About, Paging};
pub(crate) use columns::{plain, unique};
pub(crate) use format::Format;
pub(crate) use respond::respond;
pub(crate) use work::{Bounds, Message, produce, shown, size, unchanged, whole};

use chrono::{DateTime, SecondsFormat, Utc};

/// A time as answers show it.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
