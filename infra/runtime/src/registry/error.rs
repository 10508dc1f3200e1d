//! Why the registry has no answer.

use std::sync::Arc;

use schemas::TenantId;

/// Why the registry could not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// There is no such tenant.
    #[error("there is no tenant {tenant}")]
    UnknownTenant {
        /// Its id.
        tenant: TenantId,
    },
    /// There is such a tenant already.
    #[error("the tenant {tenant} exists already")]
    AlreadyExists {
        /// Its id.
        tenant: TenantId,
    },
    /// Others changed the tenant again and again in the same moment.
    #[error("the tenant {tenant} is being changed by many others; try again")]
    Contended {
        /// Its id.
        tenant: TenantId,
    },
    /// The store that holds the tenants did not answer.
    #[error("the store of the tenants does not answer")]
    Unavailable {
        /// What it said; `None` if nothing in time.
        #[source]
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },
    /// The document is not one that this version understands.
    #[error("version {version} of the tenant {tenant} cannot be read")]
    Document {
        /// The tenant.
        tenant: TenantId,
        /// The version of its document.
        version: u64,
        /// What is wrong with it.
        source: Arc<serde_json::Error>,
    },
    /// The secret is encrypted and no master key was given.
    #[error("the secret of the tenant {tenant} is encrypted: CHALKLINE_MASTER_KEY is missing")]
    Locked {
        /// The tenant.
        tenant: TenantId,
    },
    /// The secret is damaged, or encrypted with another master key.
    #[error("the secret of the tenant {tenant} is damaged or belongs to another master key")]
    Secret {
        /// The tenant.
        tenant: TenantId,
    },
}

impl RegistryError {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Contended { .. })
    }

    pub(super) fn store(source: object_store::Error) -> Self {
        Self::unavailable(source)
    }

    pub(super) fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable {
            source: Some(Arc::new(source)),
        }
    }
}

/// Why a tenant was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError<E> {
    /// The registry could not.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The change itself refused.
    #[error("the change was refused")]
    Refused(#[source] E),
}
