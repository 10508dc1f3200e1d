//! The doors of reports: pages of a report's rows, filtered and in order.
//!
//! Nothing of an address becomes SQL: filters, orders and cursors are typed
//! values in expressions of a plan.

mod cursor;
mod door;
mod filter;
mod order;
mod page;
mod request;
mod shape;
mod tags;
mod value;

pub(crate) use door::{list, read};
pub(crate) use page::{Asked, Found, collect, plan};
pub(crate) use request::{MOST_ROWS, ROWS, Request};
pub(crate) use shape::Shape;
pub(crate) use value::is_ordered;
