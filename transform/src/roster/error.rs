use lake::{LakeError, PublishError};
use roster::{BundleError, Vanished};
use runtime::{LeaseError, RegistryError};
use schemas::Table;

use super::SourceError;

/// Why rosters were not imported, or what is known of imports cannot be told. Nothing of
/// the import is seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// The bundle cannot be opened, read or compared.
    #[error("the bundle cannot be imported")]
    Bundle(#[from] roster::Error),
    /// There is no such bundle, or it may not be read.
    #[error("the bundle {name} cannot be read")]
    Unreadable {
        /// As whoever imports it calls it.
        name: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The bundle cannot be read from the disk.
    #[error("the bundle cannot be read")]
    Input(#[source] std::io::Error),
    /// The database cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The lake did not answer, or refused.
    #[error("the rosters that are stored cannot be used now; import again later")]
    Lake(#[from] LakeError),
    /// A table could not be written.
    #[error("{table} could not be written; import again")]
    Publish {
        /// The table.
        table: Table,
        /// What the lake says.
        #[source]
        source: PublishError,
    },
    /// A table that the newest import names is not there.
    #[error("{0} is not there, but import {1} wrote it; give it back from the backup")]
    Missing(Table, u64),
    /// Another import was faster, or took over: this one held still for too long.
    #[error("another import has come first; import again")]
    Overtaken,
    /// The tenant's secret cannot be read.
    #[error("by which keys people are known cannot be told")]
    Registry(#[from] RegistryError),
    /// Whose turn it is cannot be told.
    #[error("whose turn it is to import is not known; import again later")]
    Lease(#[from] LeaseError),
    /// The bundles that were uploaded cannot be reached.
    #[error("the bundles that were uploaded cannot be reached now")]
    Inbox(#[from] runtime::inbox::InboxError),
    /// There is no such import to go back to.
    #[error("there is no import {0} to go back to; `chalkline roster imports` lists them")]
    NoImport(u64),
    /// Nothing was imported yet.
    #[error("nothing was imported yet, so there is nothing to go back to")]
    NothingImported,
    /// It stopped halfway.
    #[error("the import stopped on a fault of Chalkline: {0}")]
    Panicked(String),
}

impl RosterError {
    /// Whether it lies in the bundle, which will never be imported as it is. What the
    /// system says of a file does not; what a reader makes of its bytes does.
    pub(super) fn is_of_bundle(&self) -> bool {
        match self {
            Self::Bundle(roster::Error::Bundle(BundleError::Open(error)))
            | Self::Bundle(roster::Error::Io { source: error, .. }) => {
                error.raw_os_error().is_none()
            }
            Self::Bundle(error) => {
                matches!(error, roster::Error::Bundle(_) | roster::Error::Refused)
            }
            _ => false,
        }
    }
}

impl From<BundleError> for RosterError {
    fn from(error: BundleError) -> Self {
        Self::Bundle(error.into())
    }
}

/// Why a bundle is not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// Its diagnostics say why.
    Fatal(u64),
    /// It would end too much.
    Vanished(Vec<Vanished>),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fatal(1) => f.write_str("the bundle is refused: mend what is fatal in it"),
            Self::Fatal(count) => write!(
                f,
                "the bundle is refused: mend the {count} things that are fatal in it"
            ),
            Self::Vanished(tables) => {
                let tables: Vec<_> = tables.iter().map(ToString::to_string).collect();
                f.write_str(&tables.join("; "))
            }
        }
    }
}
