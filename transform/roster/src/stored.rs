//! What is stored already, as whoever stores it shows it.

use schemas::roster::Entity;

use crate::row::Row;

/// Why stored rows cannot be read.
pub type StoredError = Box<dyn std::error::Error + Send + Sync>;

/// The current rows of a table.
pub type StoredRows<'a> = Box<dyn Iterator<Item = Result<Row, StoredError>> + 'a>;

/// The tables as they are now: rows that have ended are not among them.
pub trait Stored {
    /// The current rows of a table, by [`Row::key`], byte by byte. It is asked for
    /// several times, also while an answer is still read, and has to answer alike until
    /// the changes are stored.
    ///
    /// # Errors
    /// When they cannot be read.
    fn rows(&self, entity: Entity) -> Result<StoredRows<'_>, StoredError>;
}

/// Tables without rows, as before the first bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Empty;

impl Stored for Empty {
    fn rows(&self, _: Entity) -> Result<StoredRows<'_>, StoredError> {
        Ok(Box::new(std::iter::empty()))
    }
}
