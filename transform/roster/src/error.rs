//! Why a bundle cannot be worked on at all.

use schemas::roster::Entity;

/// Why reading or comparing a bundle stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bundle is not one that is opened.
    #[error("{0}")]
    Bundle(#[from] BundleError),
    /// A file could not be read or spilled.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// What is stored could not be read.
    #[error("the stored rows of {0} could not be read")]
    Stored(Entity, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The stored rows come in another order than that of their keys.
    #[error("the stored rows of {0} are not in the order of their keys")]
    StoredOrder(Entity),
    /// The bundle has diagnostics for which it is refused.
    #[error("the bundle is refused; mend what its diagnostics name as fatal")]
    Refused,
    /// What was set aside while reading cannot be read back.
    #[error("a temporary file was changed or cut short")]
    Spill,
}

impl Error {
    /// An I/O error with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        |source| Self::Io { doing, source }
    }
}

/// Why a zip file or folder is refused before anything in it is read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be opened.
    #[error("the bundle cannot be opened")]
    Open(#[source] std::io::Error),
    /// It is no zip file, or a broken one.
    #[error("this is not a zip file that can be read; zip the CSV files again")]
    NotZip(#[source] zip::result::ZipError),
    /// It has too many files.
    #[error("the bundle has over {0} files; send only those of OneRoster")]
    TooManyFiles(usize),
    /// A file inflates to more than is read.
    #[error("{name} inflates to over {limit} bytes; send less in one bundle")]
    TooLarge {
        /// The file.
        name: String,
        /// What is read at most.
        limit: u64,
    },
    /// A file inflates to more than its zip entry says, or much more than CSV does.
    #[error("{0} does not inflate as CSV does; zip the CSV files again")]
    Bomb(String),
    /// A file is encrypted.
    #[error("{0} is encrypted; send the bundle without a password")]
    Encrypted(String),
    /// A name leads out of the bundle.
    #[error("a file's name leads out of the bundle; zip the CSV files in one folder")]
    Path,
    /// A link in place of a file.
    #[error("{0} is a link; zip the file itself")]
    Link(String),
    /// A single file that is named by no table.
    #[error("{0} is none of the catalogue's tables; name the file by its table, as contents.csv")]
    NoTable(String),
    /// Two files of one name.
    #[error("{0} is in the bundle twice; keep one of them")]
    Twice(String),
}
