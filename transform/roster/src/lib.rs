#![doc = include_str!("../README.md")]

mod binding;
mod bundle;
mod cell;
mod check;
mod compare;
mod day;
mod diagnostic;
mod entity;
mod error;
mod gather;
mod header;
mod identity;
mod manifest;
mod merge;
mod orgs;
mod origin;
mod read;
mod records;
mod row;
mod school_days;
mod sort;
mod stored;
mod term;
mod terms;
mod text;

pub use binding::{Column, Extension, File, Hold, Kind, Reference};
pub use bundle::{Bundle, Limits};
pub use check::Checked;
pub use compare::{
    Change, ChangeKind, Comparison, Guard, Rule, Rules, TableSummary, UnknownField, Vanished,
};
pub use day::DayOrder;
pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity};
pub use error::{BundleError, Error};
pub use gather::Gathering;
pub use identity::{Identifier, Relation, identifiers, relation};
pub use manifest::{Manifest, Mode, Version};
pub use orgs::{Org, Orgs};
pub use origin::{Form, Origin, is_gathered, needed};
pub use read::{Reading, Settings, read, read_catalog, read_catalog_as};
pub use row::{Row, Value};
pub use schemas::roster::{Class, Entity, Field, FieldKind};
pub use school_days::SchoolDays;
pub use stored::{Empty, Stored, StoredError, StoredRows};
pub use term::term_slug;
pub use terms::{EndDay, Session, Sessions};
