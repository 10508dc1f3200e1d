//! Which columns of people an asker sees.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;
use schemas::Role;
use schemas::roster::Class;

use super::masked::{Mask, Masked};
use super::pseudonym::Pseudonym;

/// The key by which events name people, a hash already: what rosters have of it leads to
/// events, and to nothing else.
const STUDENT_KEY: &str = "student_key";

/// What one query shows of people.
#[derive(Debug, Clone)]
pub(crate) enum Sight {
    /// Everything.
    Whole,
    /// Nothing personal, and in the place of identifiers pseudonyms that hold for this
    /// query alone.
    Masked(Arc<ScalarUDF>),
}

impl Sight {
    /// What a role sees, made anew for each query. A role that comes to be is decided on
    /// here.
    pub(crate) fn of(role: Role) -> Self {
        match role {
            Role::Steward => Self::Whole,
            Role::Analyst => {
                let pseudonym = ScalarUDF::new_from_impl(Pseudonym::new(rand::random()));
                Self::Masked(Arc::new(pseudonym))
            }
        }
    }

    /// A table's rows as they are seen, by what each column tells.
    pub(crate) fn of_rows(
        &self,
        rows: Arc<dyn TableProvider>,
        class: impl Fn(&str) -> Class,
    ) -> Result<Arc<dyn TableProvider>> {
        let Self::Masked(pseudonym) = self else {
            return Ok(rows);
        };
        let columns: SchemaRef = rows.schema();
        let masks = columns.fields().iter().map(|column| {
            match class(column.name()) {
                Class::Plain => None,
                Class::Key if column.name() == STUDENT_KEY => None,
                // Of anything but a text, lists of identifiers too, nothing is shown.
                Class::Key if *column.data_type() == DataType::Utf8 => {
                    Some(Mask::Pseudonym(Arc::clone(pseudonym)))
                }
                Class::Key | Class::Personal => Some(Mask::Null),
            }
        });
        let masks: Vec<Option<Mask>> = masks.collect();
        match masks.iter().all(Option::is_none) {
            true => Ok(rows),
            false => Ok(Arc::new(Masked::new(rows, masks))),
        }
    }
}
