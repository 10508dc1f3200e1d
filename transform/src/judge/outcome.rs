//! The one thing that becomes of a record.

use schemas::TenantId;

use crate::quarantine::Unreadable;

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing more: it is already a row of a table.
    Published,
    /// Nothing yet: a later start reads it again.
    Waiting,
    /// A row of its family's table.
    Stored,
    /// A row of `duplicates`: its event was stored before.
    Duplicate {
        /// Whether with the same content, if that is known. No decision
        /// depends on it.
        same_content: Option<bool>,
    },
    /// A row of `quarantine` of this tenant.
    Quarantined(TenantId, Unreadable),
    /// A row of `duplicates` of this tenant: the very attempt failed already and
    /// is in its quarantine.
    Failed(TenantId),
    /// Nothing: it was entered for a row that is not missing.
    Needless,
    /// Rows of `tallies`.
    Tallied,
    /// A row of `audit`.
    Audited,
    /// Nothing: it is a notice, and whoever it is for has been told.
    Noted,
}

impl Outcome {
    /// Its name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Waiting => "waiting",
            Self::Stored => "stored",
            Self::Duplicate { .. } | Self::Failed(_) => "duplicate",
            Self::Quarantined(..) => "quarantined",
            Self::Needless => "needless",
            Self::Tallied => "tallied",
            Self::Audited => "audited",
            Self::Noted => "noted",
        }
    }
}
