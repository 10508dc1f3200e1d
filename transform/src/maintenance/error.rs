use lake::{LakeError, PublishError};
use runtime::{LeaseError, RegistryError};
use schemas::{Table, TenantId, layout};

use crate::roster::RosterError;

/// Why a table is not in shape.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpkeepError {
    /// It cannot be read, or what is superfluous cannot be deleted.
    #[error("table {table} cannot be maintained now")]
    Table {
        /// The table's path below the root.
        table: String,
        /// What the lake says.
        #[source]
        source: LakeError,
    },
    /// Its files are not merged.
    #[error("the files of table {table} were not merged")]
    Merge {
        /// The table's path below the root.
        table: String,
        /// What became of the commit.
        #[source]
        source: PublishError,
    },
    /// Rows that belong elsewhere are where they were.
    #[error("rows of table {table} were not put right")]
    Amend {
        /// The table's path below the root.
        table: String,
        /// What became of the commit.
        #[source]
        source: PublishError,
    },
    /// The upkeep of a tenant has panicked.
    #[error("the upkeep has panicked: {0}")]
    Panicked(String),
    /// The store does not say what time it is.
    #[error("the lake cannot be used")]
    Lake(#[from] LakeError),
    /// The tenants cannot be read.
    #[error("the tenants cannot be read")]
    Registry(#[from] RegistryError),
    /// The roster cannot be read.
    #[error("the roster cannot be used")]
    Roster(#[from] RosterError),
    /// It is not known who is at work.
    #[error("the lease cannot be asked for")]
    Lease(#[from] LeaseError),
}

impl UpkeepError {
    pub(super) fn amend(tenant: &TenantId, table: Table, source: PublishError) -> Self {
        let table = layout::table(tenant, table);
        Self::Amend { table, source }
    }
}
